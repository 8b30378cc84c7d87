//! [`std::sync::Barrier`], profiled.

use crate::skin::{self, Kind, Wait, WakeFlag, WakeRef, Whom};
use std::fmt;
use std::sync::{self, BarrierWaitResult};

/// A point at which threads wait for one another: [`std::sync::Barrier`], profiled.
///
/// A thread that waits is an event of kind `barrier` in the block profile. The last one to come,
/// the leader, does not wait and is none; in the wake profile it is charged with the others' waits.
///
/// # Overhead
///
/// There is no way to try a barrier: while the block profile is on, each `wait` reads the clock,
/// the leader's too.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use contend::sync::Barrier;
///
/// let barrier = Barrier::new(3);
/// let leaders: usize = thread::scope(|scope| {
///     let threads = [(); 3].map(|()| scope.spawn(|| barrier.wait().is_leader()));
///     threads.map(|thread| usize::from(thread.join().unwrap())).iter().sum()
/// });
/// assert_eq!(leaders, 1);
/// ```
pub struct Barrier {
    inner: sync::Barrier,
    wakes: WakeFlag,
}

impl Barrier {
    /// Creates a barrier that lets `threads` threads go on when all of them wait. 0 is as 1.
    #[inline]
    #[must_use]
    pub const fn new(threads: usize) -> Self {
        Self {
            inner: sync::Barrier::new(threads),
            wakes: WakeFlag::new(),
        }
    }

    /// Waits until all threads have come. The barrier can be used again at once.
    ///
    /// One of the threads, which one is not specified, is told that it is the leader.
    #[inline(always)]
    pub fn wait(&self) -> BarrierWaitResult {
        let wakes = WakeRef::beside(&self.wakes);
        if !self.wakes.is_idle() {
            // This thread may be the last one to come.
            skin::notify_early(Whom::Perhaps, wakes);
        }
        let mut wait = Wait::begin_at(Kind::BARRIER, wakes);
        if let Some(wait) = &mut wait {
            wait.capture_if_certain();
            wait.fall_asleep();
        }
        let in_progress = skin::in_progress(Kind::BARRIER.into());
        let result = self.inner.wait();
        drop(in_progress);
        if let Some(mut wait) = wait.take() {
            match result.is_leader() {
                true => {
                    wait.cancel();
                    skin::confirm(wakes);
                }
                false => wait.is_notified(),
            }
        }
        result
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
