//! One blocked operation, and what the block profile says of it.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use contend::{Profile, Sample};

use crate::ground_truth::*;

/// How long an operation is kept waiting after its thread was seen parked.
pub(crate) const HELD: Duration = Duration::from_millis(100);

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
    /// thread has been parked for [`HELD`]. Then this event must be all there is.
    #[track_caller]
    pub(crate) fn expect(&self, wait: impl FnOnce() -> Duration + Send, wake: impl FnOnce()) {
        let _recording = recording(1, 1);
        let waited = parked_until(wait, wake);
        self.check(waited, 1);
    }

    /// Compares the block profile, which must have nothing else.
    #[track_caller]
    pub(crate) fn check(&self, waited: Duration, contentions: u64) {
        let profile = contend::block_profile();
        self.check_in(&profile, waited, contentions);
        assert_eq!(profile.total_contentions(), contentions, "{profile}");
    }

    #[track_caller]
    pub(crate) fn check_in(&self, profile: &Profile, waited: Duration, contentions: u64) {
        let samples = samples_of(profile, self.caller);
        assert_eq!(samples.len(), 1, "{profile}");
        let sample = samples[0];
        assert_eq!(sample.label("kind"), Some(self.kind));
        assert_eq!(without_parameters(leaf(sample)), self.leaf);
        let caller = without_parameters(sample.frames()[1].function());
        assert!(caller.ends_with(self.caller), "{caller}");
        assert_eq!(sample.contentions(), contentions);
        assert_close(self.leaf, sample.delay(), waited, TOLERANCE);
        assert_eq!(profile.lost().total(), 0);
    }
}

/// Runs `wait` on a thread of its own and `wake` here when that thread has been parked for
/// [`HELD`]; what `wait` returns.
#[track_caller]
pub(crate) fn parked_until<R: Send>(wait: impl FnOnce() -> R + Send, wake: impl FnOnce()) -> R {
    thread::scope(|scope| {
        let (started, start) = mpsc::channel();
        let waiter = scope.spawn(move || {
            started.send(ThreadState::of_this_thread()).unwrap();
            wait()
        });
        start.recv().unwrap().until_parked();
        nap(HELD);
        wake();
        waiter.join().unwrap()
    })
}

/// How long an operation takes. No function, so that it stays the test's that calls it.
macro_rules! timed {
    ($operation:expr) => {{
        let start = std::time::Instant::now();
        let _ = $operation;
        start.elapsed()
    }};
}
pub(crate) use timed;

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

/// Asks the system whether a thread is asleep.
pub(crate) struct ThreadState(Option<String>);

impl ThreadState {
    pub(crate) fn of_this_thread() -> Self {
        let own = std::fs::read_link("/proc/thread-self").ok();
        Self(own.map(|own| format!("/proc/{}/stat", own.display())))
    }

    fn is_asleep(&self) -> Option<bool> {
        let stat = std::fs::read_to_string(self.0.as_ref()?).ok()?;
        Some(stat.rsplit_once(") ")?.1.starts_with('S'))
    }

    /// Returns when the thread sleeps, or after some time where the system does not tell.
    pub(crate) fn until_parked(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.is_asleep() {
                Some(true) => return,
                Some(false) => assert!(Instant::now() < deadline, "it never parks"),
                None => return nap(ms(50)),
            }
            thread::yield_now();
        }
    }
}
