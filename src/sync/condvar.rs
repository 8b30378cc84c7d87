//! [`std::sync::Condvar`], profiled.

use std::fmt;
use std::sync::{self, LockResult, WaitTimeoutResult};
use std::time::Duration;

use super::{MutexGuard, map_result};
use crate::blame::Flag;
use crate::kind::Kind;
use crate::wait::{self, Wait};

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
    #[inline(never)]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let (flag, guard) = guard.into_parts();
        wait::release_early(Kind::Mutex, flag);
        let result = wait::blocking(Kind::Condvar, || self.inner.wait(guard));
        map_result(result, |guard| MutexGuard::from_parts(flag, guard))
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
    #[inline(never)]
    pub fn wait_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        let (flag, guard) = guard.into_parts();
        let mut wait = None;
        let result = self
            .inner
            .wait_while(guard, observed(condition, flag, &mut wait));
        map_result(result, |guard| MutexGuard::from_parts(flag, guard))
    }

    /// As [`wait`](Self::wait), for `duration` at the most.
    ///
    /// # Errors
    ///
    /// What it returns inside an error if the mutex is poisoned when it is acquired again.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[inline(never)]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        duration: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (flag, guard) = guard.into_parts();
        wait::release_early(Kind::Mutex, flag);
        let result = wait::blocking(Kind::Condvar, || self.inner.wait_timeout(guard, duration));
        map_result(result, |(guard, timeout)| {
            (MutexGuard::from_parts(flag, guard), timeout)
        })
    }

    /// As [`wait_timeout`](Self::wait_timeout), in milliseconds; true: it did not time out.
    ///
    /// # Errors
    ///
    /// What it returns inside an error if the mutex is poisoned when it is acquired again.
    #[deprecated(note = "replaced by `wait_timeout`, as in the standard library")]
    #[inline(never)]
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
    /// What it returns inside an error if the mutex is poisoned when it is acquired again.
    ///
    /// # Panics
    ///
    /// As [`wait_while`](Self::wait_while).
    #[inline(never)]
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
        let mut wait = None;
        let condition = observed(condition, flag, &mut wait);
        let result = self.inner.wait_timeout_while(guard, duration, condition);
        map_result(result, |(guard, timeout)| {
            (MutexGuard::from_parts(flag, guard), timeout)
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

/// The condition of a `…_while`, watched: that it holds means that the thread is about to
/// release the mutex, and, the first time, that its wait begins. The wait ends with `wait`,
/// which is in the frame of the public method.
fn observed<'a, T, F>(
    mut condition: F,
    flag: &'a Flag,
    wait: &'a mut Option<Wait<'static>>,
) -> impl FnMut(&mut T) -> bool + 'a
where
    F: FnMut(&mut T) -> bool + 'a,
{
    let mut is_waiting = false;
    move |value| {
        let holds = condition(value);
        if holds {
            wait::release_early(Kind::Mutex, flag);
            if !is_waiting {
                is_waiting = true;
                *wait = Wait::begin(Kind::Condvar, None);
                if let Some(wait) = wait {
                    wait.capture_if_certain();
                }
            }
        }
        holds
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
