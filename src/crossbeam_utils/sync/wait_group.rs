//! [`crossbeam_utils::sync::WaitGroup`](::crossbeam_utils::sync::WaitGroup), profiled.

use std::fmt;

use crate::skin::{self, Kind};
use ::crossbeam_utils::sync as original;

/// Lets threads wait until all of a group are done:
/// [`crossbeam_utils::sync::WaitGroup`](::crossbeam_utils::sync::WaitGroup) that tells the profiler
/// how long that takes (kind `barrier`).
///
/// # Overhead
///
/// Two readings of the clock per `wait` while the block profile is on. One that took less than 1 µs
/// did not block, and is no event.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_utils::sync::WaitGroup;
/// use std::thread;
///
/// let group = WaitGroup::new();
/// let member = group.clone();
/// thread::spawn(move || drop(member));
/// group.wait();
/// ```
#[derive(Clone, Default)]
pub struct WaitGroup {
    inner: original::WaitGroup,
}

impl WaitGroup {
    /// Creates a group of one member.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves the group, and blocks until all others have left it or wait.
    #[inline(always)]
    pub fn wait(self) {
        skin::perhaps_blocking(Kind::BARRIER, || self.inner.wait());
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
