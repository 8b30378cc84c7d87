//! [`std::sync::Condvar`], profiled.

use std::fmt;
use std::sync::{self, LockResult, WaitTimeoutResult};
use std::time::Duration;

use super::{MutexGuard, map_result};
use crate::skin::{self, Access, Blocked, Kind, WaitWhile};

/// A condition variable for [`Mutex`](super::Mutex): [`std::sync::Condvar`], profiled.
///
/// A wait, up to and including having the mutex again, is one event of kind `condvar` in the
/// block profile, however often it wakes in between. The release of the mutex that a wait performs
/// is a release like any other: who waits for the mutex then was kept waiting by this thread.
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
}

impl Condvar {
    /// Creates a condition variable.
    #[inline]
    pub const fn new() -> Self {
        Self {
            inner: sync::Condvar::new(),
        }
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
        let result = skin::blocking(Kind::CONDVAR, || self.inner.wait(guard));
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
        let mut wait = WaitWhile::new(Kind::CONDVAR, flag);
        let condition = wait.watch(condition);
        let result = skin::apart(|| self.inner.wait_while(guard, condition));
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
        let result = skin::blocking(Blocked::for_a_time(Kind::CONDVAR), || {
            self.inner.wait_timeout(guard, duration)
        });
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
        let mut wait = WaitWhile::new(Blocked::for_a_time(Kind::CONDVAR), flag);
        let condition = wait.watch(condition);
        let wait_timeout_while = || self.inner.wait_timeout_while(guard, duration, condition);
        let result = skin::apart(wait_timeout_while);
        map_result(result, |(guard, timeout)| {
            (MutexGuard::new(flag, guard), timeout)
        })
    }

    /// Wakes one thread that waits.
    #[inline]
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// Wakes all threads that wait.
    #[inline]
    pub fn notify_all(&self) {
        self.inner.notify_all();
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
