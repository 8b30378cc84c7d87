//! [`parking_lot::Condvar`], profiled.

use std::fmt;
use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use ::parking_lot::WaitTimeoutResult;

use super::{MutexGuard, told};
use crate::skin::{self, Access, Blocked, Flag, Kind, WaitWhile, WakeFlag, WakeRef, Whom};

/// A condition variable for [`Mutex`](super::Mutex): [`parking_lot::Condvar`],
/// profiled.
///
/// A wait, up to and including having the mutex again, is one event of kind `condvar` in the block
/// profile, however often it wakes in between. The release of the mutex that a wait performs is a
/// release like any other: who waits for the mutex then was kept waiting by this thread. In the
/// wake profile the wait is charged to the code that notified.
///
/// # Overhead
///
/// A notification reads one word more than the original's, which makes this four bytes larger.
/// While a thread waits whom none has notified yet, and the wake profile is on, it captures its
/// stack, afterwards.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use contend::parking_lot::{Condvar, Mutex};
///
/// let ready = Mutex::new(false);
/// let changed = Condvar::new();
/// thread::scope(|scope| {
///     scope.spawn(|| {
///         *ready.lock() = true;
///         changed.notify_one();
///     });
///     changed.wait_while(&mut ready.lock(), |ready| !*ready);
/// });
/// ```
#[derive(Default)]
pub struct Condvar {
    inner: ::parking_lot::Condvar,
    wakes: WakeFlag,
}

impl Condvar {
    /// Creates a condition variable.
    #[inline]
    pub const fn new() -> Self {
        Self {
            inner: ::parking_lot::Condvar::new(),
            wakes: WakeFlag::new(),
        }
    }

    #[inline(always)]
    fn wakes(&self) -> WakeRef<'_> {
        WakeRef::beside(&self.wakes)
    }

    /// Wakes one thread that waits. False: nobody did.
    #[inline]
    pub fn notify_one(&self) -> bool {
        match self.wakes.is_idle() {
            true => self.inner.notify_one(),
            false => skin::not_last(self.notify_one_contended()),
        }
    }

    /// Wakes all threads that wait. Returns how many.
    #[inline]
    pub fn notify_all(&self) -> usize {
        match self.wakes.is_idle() {
            true => self.inner.notify_all(),
            false => skin::not_last(self.notify_all_contended()),
        }
    }

    /// Releases the mutex, waits for a notification, and acquires the mutex again.
    ///
    /// # Panics
    ///
    /// When another thread waits on this condition variable with another mutex.
    #[inline(always)]
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        let (flag, mut guard) = inner_guard(guard);
        skin::release_early(Access::Exclusive, Kind::MUTEX, flag);
        let wait = || self.inner.wait(&mut guard);
        skin::sleeping(Kind::CONDVAR, self.wakes(), wait, |()| true);
        skin::acquired(told(Access::Exclusive), flag);
    }

    /// As [`wait`](Self::wait), until `timeout` at the latest.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[inline(always)]
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Instant,
    ) -> WaitTimeoutResult {
        let (flag, mut guard) = inner_guard(guard);
        skin::release_early(Access::Exclusive, Kind::MUTEX, flag);
        let result = skin::sleeping(
            Blocked::for_a_time(Kind::CONDVAR),
            self.wakes(),
            || self.inner.wait_until(&mut guard, timeout),
            is_notified,
        );
        skin::acquired(told(Access::Exclusive), flag);
        result
    }

    /// As [`wait`](Self::wait), for `timeout` at the most.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[inline(always)]
    pub fn wait_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        let (flag, mut guard) = inner_guard(guard);
        skin::release_early(Access::Exclusive, Kind::MUTEX, flag);
        let result = skin::sleeping(
            Blocked::for_a_time(Kind::CONDVAR),
            self.wakes(),
            || self.inner.wait_for(&mut guard, timeout),
            is_notified,
        );
        skin::acquired(told(Access::Exclusive), flag);
        result
    }

    /// Waits until `condition` is false. Does not wait at all if it is so at once.
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait), and where `condition` does.
    #[inline(always)]
    pub fn wait_while<T, F>(&self, guard: &mut MutexGuard<'_, T>, condition: F)
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let (flag, mut inner) = inner_guard(guard);
        let mut wait = WaitWhile::new(Kind::CONDVAR, flag, self.wakes());
        let mut condition = wait.watch(condition);
        let condition = move |_: &mut ()| condition(&mut **guard);
        skin::apart(|| self.inner.wait_while(&mut inner, condition));
        wait.ends(true);
    }

    /// As [`wait_while`](Self::wait_while), until `timeout` at the latest.
    ///
    /// # Panics
    ///
    /// As [`wait_while`](Self::wait_while).
    #[inline(always)]
    pub fn wait_while_until<T, F>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: F,
        timeout: Instant,
    ) -> WaitTimeoutResult
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let (flag, mut inner) = inner_guard(guard);
        let blocked = Blocked::for_a_time(Kind::CONDVAR);
        let mut wait = WaitWhile::new(blocked, flag, self.wakes());
        let mut condition = wait.watch(condition);
        let condition = move |(): &mut ()| condition(&mut **guard);
        let result = skin::apart(|| self.inner.wait_while_until(&mut inner, condition, timeout));
        wait.ends(is_notified(&result));
        // A wait that has timed out does not ask again.
        skin::acquired(told(Access::Exclusive), flag);
        result
    }

    /// As [`wait_while`](Self::wait_while), for `timeout` at the most.
    ///
    /// # Panics
    ///
    /// As [`wait_while`](Self::wait_while).
    #[inline(always)]
    pub fn wait_while_for<T, F>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: F,
        timeout: Duration,
    ) -> WaitTimeoutResult
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let (flag, mut inner) = inner_guard(guard);
        let blocked = Blocked::for_a_time(Kind::CONDVAR);
        let mut wait = WaitWhile::new(blocked, flag, self.wakes());
        let mut condition = wait.watch(condition);
        let condition = move |(): &mut ()| condition(&mut **guard);
        let result = skin::apart(|| self.inner.wait_while_for(&mut inner, condition, timeout));
        wait.ends(is_notified(&result));
        // A wait that has timed out does not ask again.
        skin::acquired(told(Access::Exclusive), flag);
        result
    }

    #[cold]
    #[inline(never)]
    fn notify_one_contended(&self) -> bool {
        skin::notify(Whom::One, self.wakes(), || self.inner.notify_one())
    }

    #[cold]
    #[inline(never)]
    fn notify_all_contended(&self) -> usize {
        skin::notify(Whom::All, self.wakes(), || self.inner.notify_all())
    }
}

/// Whether it was not the time that has ended a wait.
fn is_notified(result: &WaitTimeoutResult) -> bool {
    !result.timed_out()
}

/// The flag of a guard's mutex, and a guard of the mutex inside, as the inner Condvar wants it.
///
/// It is never dropped: the lock stays with the caller's guard.
fn inner_guard<'a, T: ?Sized>(
    guard: &MutexGuard<'a, T>,
) -> (&'a Flag, ManuallyDrop<::parking_lot::MutexGuard<'a, ()>>) {
    // SAFETY: `raw` is not used to lock or unlock. The mutex inside is held, which `guard` proves,
    // and the guard made of it is not dropped, so it is unlocked once, by `guard`. The Condvar
    // may unlock it while it waits, in which time `guard` is borrowed by the caller.
    unsafe {
        let raw = MutexGuard::mutex(guard).raw();
        let inner = raw.inner().make_guard_unchecked();
        (raw.flag(), ManuallyDrop::new(inner))
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
