//! One blocked operation, and what the block profile says of it.

use contend::{Profile, Sample};

use crate::ground_truth::*;

/// An event may be off the test's own clock by this part.
const TOLERANCE: f64 = 0.05;

/// The event that is expected of an operation.
pub(crate) struct Event {
    pub(crate) kind: &'static str,
    /// The wrapper's function, without type parameters.
    pub(crate) leaf: &'static str,
    /// The test's function that calls it.
    pub(crate) caller: &'static str,
}

impl Event {
    /// Does `wait`, which returns how long it took, on a thread of its own, and `wake` when that
    /// thread has been asleep for [`HELD`]. Then this event must be all there is.
    #[track_caller]
    pub(crate) fn expect(&self, wait: impl FnOnce() -> Between + Send, wake: impl FnOnce()) {
        let _recording = recording(1, 1);
        let waited = while_asleep(wait, wake);
        self.check(waited, 1);
    }

    /// As [`expect`](Self::expect), of a wait that ends by itself.
    #[track_caller]
    pub(crate) fn expect_alone(&self, wait: impl FnOnce() -> Between) {
        let _recording = recording(1, 1);
        self.check(wait(), 1);
    }

    /// Compares the block profile, which must have nothing else.
    #[track_caller]
    pub(crate) fn check(&self, waited: Between, contentions: u64) {
        let profile = contend::block_profile();
        self.check_in(&profile, waited, contentions);
        assert_eq!(profile.total_contentions(), contentions, "{profile}");
        crate::wake::assert_conserved();
    }

    #[track_caller]
    pub(crate) fn check_in(&self, profile: &Profile, waited: Between, contentions: u64) {
        let samples = samples_of(profile, self.caller);
        assert_eq!(samples.len(), 1, "{profile}");
        let sample = samples[0];
        assert_eq!(sample.label("kind"), Some(self.kind));
        assert_eq!(without_parameters(leaf(sample)), self.leaf);
        let caller = without_parameters(sample.frames()[1].function());
        assert!(caller.ends_with(self.caller), "{caller}");
        assert_eq!(sample.contentions(), contentions);
        assert_between(self.leaf, sample.delay(), waited, TOLERANCE);
        assert_eq!(profile.lost().total(), 0);
    }
}

pub(crate) fn leaf(sample: &Sample) -> &str {
    sample.frames()[0].function()
}

/// `a::B<T>::c::<u8>` → `a::B::c`.
pub(crate) fn without_parameters(name: &str) -> String {
    let mut depth = 0;
    let mut plain = String::new();
    for character in name.chars() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    let plain = plain.replace("::::", "::");
    plain.strip_suffix("::").unwrap_or(&plain).to_owned()
}
