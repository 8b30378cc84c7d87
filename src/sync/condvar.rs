//! [`std::sync::Condvar`], profiled.

use std::fmt;
use std::sync::{self, LockResult, WaitTimeoutResult};
use std::time::Duration;

use super::{MutexGuard, map_result};
use crate::skin::{self, Access, Blocked, Kind, WaitWhile, WakeFlag, WakeRef, Whom};

/// A condition variable for [`Mutex`](super::Mutex): [`std::sync::Condvar`], profiled.
///
/// A wait, up to and including having the mutex again, is one event of kind `condvar` in the block
/// profile, however often it wakes in between. The release of the mutex that a wait performs is a
/// release like any other: who waits for the mutex then was kept waiting by this thread. In the
/// wake profile the wait is charged to the code that notified.
///
/// # Overhead
///
/// A notification reads one word more than the original's, which is four bytes in this. While a
/// thread waits whom none has notified yet, and the wake profile is on, it captures its stack,
/// afterwards.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use contend::sync::{Condvar, Mutex};
///
/// let ready = Mutex::new(false);
/// let changed = Condvar::new();
/// thread::scope(|scope| {
///     scope.spawn(|| {
///         *ready.lock().unwrap() = true;
///         changed.notify_one();
///     });
///     let guard = changed.wait_while(ready.lock().unwrap(), |ready| !*ready).unwrap();
///     assert!(*guard);
/// });
/// ```
#[derive(Default)]
pub struct Condvar {
    inner: sync::Condvar,
    wakes: WakeFlag,
}

impl Condvar {
    /// Creates a condition variable.
    #[inline]
    pub const fn new() -> Self {
        Self {
            inner: sync::Condvar::new(),
            wakes: WakeFlag::new(),
        }
    }

    #[inline(always)]
    fn wakes(&self) -> WakeRef<'_> {
        WakeRef::beside(&self.wakes)
    }

    /// Releases the mutex, waits for a notification, and acquires the mutex again. May wake
    /// without one.
    ///
    /// # Errors
    ///
    /// The guard inside an error if the mutex is poisoned when it is acquired again.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::Condvar::wait`] does: it may when used with two mutexes.
    #[inline(always)]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let (flag, guard) = guard.into_parts();
        skin::release_early(Access::Exclusive, Kind::MUTEX, flag);
        let wait = || self.inner.wait(guard);
        let result = skin::sleeping(Kind::CONDVAR, self.wakes(), wait, |_| true);
        map_result(result, |guard| MutexGuard::new(flag, guard))
    }

    /// Waits until `condition` is false. Does not wait at all if it is so at once.
    ///
    /// # Errors
    ///
    /// The guard inside an error if the mutex is poisoned when it is acquired again.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait), and where `condition` does.
    #[inline(always)]
    pub fn wait_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        let (flag, guard) = guard.into_parts();
        let mut wait = WaitWhile::new(Kind::CONDVAR, flag, self.wakes());
        let condition = wait.watch(condition);
        let result = skin::apart(|| self.inner.wait_while(guard, condition));
        wait.ends(true);
        map_result(result, |guard| MutexGuard::new(flag, guard))
    }

    /// As [`wait`](Self::wait), for `duration` at the most.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned when it is acquired again, the result comes inside an error.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[inline(always)]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        duration: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (flag, guard) = guard.into_parts();
        skin::release_early(Access::Exclusive, Kind::MUTEX, flag);
        let result = skin::sleeping(
            Blocked::for_a_time(Kind::CONDVAR),
            self.wakes(),
            || self.inner.wait_timeout(guard, duration),
            is_notified,
        );
        map_result(result, |(guard, timeout)| {
            (MutexGuard::new(flag, guard), timeout)
        })
    }

    /// As [`wait_timeout`](Self::wait_timeout), in milliseconds; true: it did not time out.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned when it is acquired again, the result comes inside an error.
    #[deprecated(note = "replaced by `wait_timeout`, as in the standard library")]
    #[inline(always)]
    pub fn wait_timeout_ms<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let result = self.wait_timeout(guard, Duration::from_millis(u64::from(ms)));
        map_result(result, |(guard, timeout)| (guard, !timeout.timed_out()))
    }

    /// As [`wait_while`](Self::wait_while), for `duration` at the most.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned when it is acquired again, the result comes inside an error.
    ///
    /// # Panics
    ///
    /// As [`wait_while`](Self::wait_while).
    #[inline(always)]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        duration: Duration,
        condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let (flag, guard) = guard.into_parts();
        let blocked = Blocked::for_a_time(Kind::CONDVAR);
        let mut wait = WaitWhile::new(blocked, flag, self.wakes());
        let condition = wait.watch(condition);
        let wait_timeout_while = || self.inner.wait_timeout_while(guard, duration, condition);
        let result = skin::apart(wait_timeout_while);
        wait.ends(is_notified(&result));
        map_result(result, |(guard, timeout)| {
            (MutexGuard::new(flag, guard), timeout)
        })
    }

    /// Wakes one thread that waits.
    #[inline]
    pub fn notify_one(&self) {
        match self.wakes.is_idle() {
            true => self.inner.notify_one(),
            false => {
                self.notify_one_contended();
                skin::not_last(());
            }
        }
    }

    /// Wakes all threads that wait.
    #[inline]
    pub fn notify_all(&self) {
        match self.wakes.is_idle() {
            true => self.inner.notify_all(),
            false => {
                self.notify_all_contended();
                skin::not_last(());
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn notify_one_contended(&self) {
        skin::notify(Whom::One, self.wakes(), || self.inner.notify_one());
    }

    #[cold]
    #[inline(never)]
    fn notify_all_contended(&self) {
        skin::notify(Whom::All, self.wakes(), || self.inner.notify_all());
    }
}

/// Whether it was not the time that has ended a wait.
fn is_notified<G>(result: &LockResult<(G, WaitTimeoutResult)>) -> bool {
    let (_, timeout) = match result {
        Ok(result) => result,
        Err(poisoned) => poisoned.get_ref(),
    };
    !timeout.timed_out()
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
