//! The engine where the `profiling` feature is off: the same calls, and nothing is recorded.
#![forbid(unsafe_code)]

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

pub(crate) fn reset() {}

pub(crate) fn set_memory_limit(_: usize) -> bool {
    true
}
