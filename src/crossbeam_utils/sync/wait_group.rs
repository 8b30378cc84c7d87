//! [`crossbeam_utils::sync::WaitGroup`](::crossbeam_utils::sync::WaitGroup), profiled.

use std::fmt;

use crate::skin::{self, Kind, WakeKey, WakeRef, Whom};
use ::crossbeam_utils::sync as original;

/// Lets threads wait until all of a group are done:
/// [`crossbeam_utils::sync::WaitGroup`](::crossbeam_utils::sync::WaitGroup) that tells the profiler
/// how long that takes (kind `barrier`), and in the wake profile which member left last.
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
#[derive(Clone)]
pub struct WaitGroup {
    // NOTE: before `inner`, see there.
    membership: Membership,
    inner: original::WaitGroup,
}

/// Leaves the group when it is dropped: if it is the last one, those who wait go on.
#[derive(Clone)]
struct Membership(WakeKey);

impl Membership {
    #[inline(always)]
    fn waiters(&self) -> WakeRef<'static> {
        self.0.wakes()
    }

    #[cold]
    #[inline(never)]
    fn leave_contended(&self) {
        skin::notify_early(Whom::Perhaps, self.waiters());
        skin::keep_frame();
    }
}

impl Drop for Membership {
    #[inline]
    fn drop(&mut self) {
        if !self.waiters().is_idle() {
            self.leave_contended();
        }
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self {
            membership: Membership(WakeKey::random()),
            inner: original::WaitGroup::default(),
        }
    }
}

impl WaitGroup {
    /// Creates a group of one member.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves the group, and blocks until all others have left it or wait.
    #[inline(always)]
    pub fn wait(self) {
        let Self { membership, inner } = self;
        let group = membership.0;
        drop(membership);
        skin::perhaps_sleeping(Kind::BARRIER, group, || inner.wait(), |_| true);
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
