//! The samples of a profile summed by call site, which is what people want to read first.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use crate::profile::kind::Kind;
use crate::profile::owner::is_of_library;
use crate::profile::{Frame, Profile, Sample, mean_delay, std_error};
use crate::text::units::shortened;

/// A kind and the line that called the wrapper.
#[derive(Debug)]
pub(crate) struct Site<'p> {
    pub(crate) kind: Kind,
    pub(crate) caller: Option<&'p Frame>,
    pub(crate) contentions: f64,
    pub(crate) delay_nanos: u64,
    pub(crate) variance: f64,
}

/// Largest delay first.
pub(crate) fn sites(profile: &Profile) -> Vec<Site<'_>> {
    let mut sites: Vec<Site<'_>> = Vec::new();
    let mut index_of = HashMap::new();
    for sample in profile.samples() {
        let caller = caller(sample);
        let place = caller.map(|frame| (frame.function(), frame.file(), frame.line()));
        let index = *index_of.entry((sample.kind, place)).or_insert(sites.len());
        if index == sites.len() {
            sites.push(Site::new(sample.kind, caller));
        }
        sites[index].add(sample);
    }
    // Stable, and samples come in a fixed order: so do sites that are equal.
    sites.sort_by_key(|site| Reverse(site.delay_nanos));
    sites
}

impl<'p> Site<'p> {
    fn new(kind: Kind, caller: Option<&'p Frame>) -> Self {
        Self {
            kind,
            caller,
            contentions: 0.0,
            delay_nanos: 0,
            variance: 0.0,
        }
    }

    fn add(&mut self, sample: &Sample) {
        self.contentions += sample.contentions;
        self.delay_nanos = self.delay_nanos.saturating_add(sample.delay_nanos);
        self.variance += sample.variance;
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_nanos)
    }

    /// One standard error of the delay. Zero where everything was recorded.
    pub(crate) fn error(&self) -> Duration {
        std_error(self.variance)
    }

    /// The delay of one contention on average.
    pub(crate) fn mean_delay(&self) -> Duration {
        mean_delay(self.delay_nanos, self.contentions)
    }

    /// The caller's name; `-` where there is no frame at all.
    pub(crate) fn function(&self) -> &'p str {
        self.caller.map_or("-", Frame::function)
    }

    pub(crate) fn file(&self) -> Option<&'p str> {
        self.caller.and_then(Frame::file)
    }

    pub(crate) fn line(&self) -> Option<u32> {
        self.caller.and_then(Frame::line)
    }

    /// `…/shop/src/cart.rs:12`, as far as it is known.
    pub(crate) fn place(&self) -> String {
        match (self.file().map(shortened), self.line()) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file,
            (None, _) => "-".to_owned(),
        }
    }
}

/// The user's frame that called the wrapper. Frames of the standard library between the two,
/// such as `core::mem::drop` or the glue that drops a struct with a guard in it, are passed
/// over, unless nothing else is there.
pub(crate) fn caller(sample: &Sample) -> Option<&Frame> {
    // Not `Sample::frames`, which would lay out and keep the frames of every sample.
    let frames = sample.stack.frames_in_place();
    let after_wrapper = frames.clone().skip(sample.stack.starts_in_wrapper.into());
    after_wrapper
        .clone()
        .find(|frame| !is_of_library(frame.function(), frame.file()))
        .or(after_wrapper.clone().next())
        .or(frames.clone().next())
}
