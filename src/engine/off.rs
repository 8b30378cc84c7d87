//! The engine where the `profiling` feature is off: the same calls, and nothing is recorded.
#![forbid(unsafe_code)]

#[cfg(feature = "http")]
use std::time::{Duration, Instant};

use crate::profile::Profile;
use crate::profile::kind::ProfileKind;

#[derive(Debug)]
pub(crate) struct Hold;

pub(crate) fn hold(_: ProfileKind, _: u64) -> Hold {
    Hold
}

pub(crate) fn set_rate(_: ProfileKind, _: u64) -> u64 {
    0
}

pub(crate) fn rate(_: ProfileKind) -> u64 {
    0
}

#[cfg(feature = "http")]
pub(crate) fn rate_set(_: ProfileKind) -> u64 {
    0
}

pub(crate) fn profile(which: ProfileKind) -> Profile {
    Profile::empty(which)
}

pub(crate) fn profiles<const N: usize>(wanted: [ProfileKind; N]) -> [Profile; N] {
    wanted.map(Profile::empty)
}

pub(crate) fn blocking<T>(_: &'static str, operation: impl FnOnce() -> T) -> T {
    operation()
}

/// The labels of a thread: none.
pub(crate) mod labels {
    use crate::profile::labels::LabelSet;

    /// The future itself.
    pub type Labelled<F> = F;

    #[derive(Debug)]
    pub(crate) struct Scope(std::marker::PhantomData<*const ()>);

    pub(crate) fn current() -> LabelSet {
        LabelSet::NONE
    }

    pub(crate) fn set_of<'l>(_: impl IntoIterator<Item = (&'l str, &'l str)>) -> LabelSet {
        LabelSet::NONE
    }

    pub(crate) fn current_and<'l>(_: impl IntoIterator<Item = (&'l str, &'l str)>) -> LabelSet {
        LabelSet::NONE
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn set_with<'l>(
        _: LabelSet,
        _: impl IntoIterator<Item = (&'l str, &'l str)>,
    ) -> LabelSet {
        LabelSet::NONE
    }

    pub(crate) fn current_with(_: LabelSet) -> LabelSet {
        LabelSet::NONE
    }

    pub(crate) fn enter(_: LabelSet) -> Scope {
        Scope(std::marker::PhantomData)
    }

    pub(crate) fn instrument<F>(_: LabelSet, future: F) -> Labelled<F> {
        future
    }
}

pub(crate) fn reset() {}

pub(crate) fn set_memory_limit(_: usize) -> bool {
    true
}

#[cfg(feature = "http")]
pub(crate) fn recorded_for() -> Option<Duration> {
    None
}

/// A moment, or the time between two.
#[cfg(feature = "http")]
#[derive(Debug)]
pub(crate) struct Moment {
    which: ProfileKind,
    at: Instant,
    duration: Option<Duration>,
}

#[cfg(feature = "http")]
#[derive(Debug)]
pub(crate) struct Mark {
    which: ProfileKind,
    at: Instant,
}

#[cfg(feature = "http")]
pub(crate) fn moments<const N: usize>(wanted: [ProfileKind; N]) -> [Moment; N] {
    wanted.map(|which| Moment {
        which,
        at: Instant::now(),
        duration: None,
    })
}

#[cfg(feature = "http")]
impl Moment {
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            which: self.which,
            at: self.at,
        }
    }

    pub(crate) fn since(&self, earlier: &Mark) -> Moment {
        Moment {
            duration: self.at.checked_duration_since(earlier.at),
            ..*self
        }
    }

    pub(crate) fn delays(&self) -> impl Iterator<Item = (&'static str, u64)> {
        std::iter::empty()
    }

    pub(crate) fn nameless(self) -> Profile {
        self.named()
    }

    pub(crate) fn named(self) -> Profile {
        let profile = Profile::empty(self.which);
        match self.duration {
            Some(duration) => profile.lasting(duration),
            None => profile,
        }
    }
}

#[cfg(feature = "http")]
impl Mark {
    pub(crate) fn which(&self) -> ProfileKind {
        self.which
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
