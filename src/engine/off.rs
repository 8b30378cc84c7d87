//! The engine where the `profiling` feature is off: the same calls, and nothing is recorded.
#![forbid(unsafe_code)]

use crate::profile::Profile;
use crate::profile::kind::Which;

#[derive(Debug)]
pub(crate) struct Hold;

pub(crate) fn hold(_: Which, _: u64) -> Hold {
    Hold
}

pub(crate) fn set_rate(_: Which, _: u64) -> u64 {
    0
}

pub(crate) fn rate(_: Which) -> u64 {
    0
}

#[cfg(feature = "http")]
pub(crate) fn rate_set(_: Which) -> u64 {
    0
}

pub(crate) fn profile(which: Which) -> Profile {
    Profile::empty(which)
}

pub(crate) fn profiles<const N: usize>(wanted: [Which; N]) -> [Profile; N] {
    wanted.map(Profile::empty)
}

pub(crate) fn blocking<T>(_: &'static str, operation: impl FnOnce() -> T) -> T {
    operation()
}

pub(crate) fn reset() {}

pub(crate) fn set_memory_limit(_: usize) -> bool {
    true
}
