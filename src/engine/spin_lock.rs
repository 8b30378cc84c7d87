//! The lock of the profiler's own tables: one flag, held for some tens of nanoseconds.
//!
//! It never stands in for a lock of the user's. It is not `std::sync::Mutex` or `parking_lot`'s
//! because it must allocate nothing (parking_lot allocates when it parks) and must be openable
//! in a forked child, where its holder may not exist any more.

use std::ops::{Deref, DerefMut};

use crate::engine::primitives::atomic::{AtomicBool, Ordering};
use crate::engine::primitives::{Backoff, UnsafeCell};

#[derive(Debug)]
pub(crate) struct SpinLock<T> {
    /// Stored with `Release` when a guard drops; the `Acquire` of the next successful
    /// exchange is its partner, so the next holder sees the value as the last one left it.
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through a guard, and `held` admits one guard at a time, so
// sharing the lock between two threads moves the value between them: `T: Send` suffices.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    #[cfg(not(loom))]
    pub(crate) const fn new(value: T) -> Self {
        Self {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new(value: T) -> Self {
        Self {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    #[inline]
    pub(crate) fn lock(&self) -> SpinGuard<'_, T> {
        let mut backoff = Backoff::default();
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            backoff.snooze();
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        self.held
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            // NOTE: not `then_some`, which makes the guard first and then drops it when the lock
            // is not ours: that would open it under its holder.
            .then(|| SpinGuard { lock: self })
    }

    /// Opens the lock whoever holds it.
    ///
    /// # Safety
    ///
    /// - No guard of this lock may be alive in the process: call it only in a child of `fork`,
    ///   before any other thread is started there.
    /// - The caller must make the value valid again: its holder may have been stopped midway.
    #[cfg(not(loom))]
    pub(crate) unsafe fn force_unlock(&self) {
        self.held.store(false, Ordering::Release);
    }
}

pub(crate) struct SpinGuard<'a, T> {
    lock: &'a SpinLock<T>,
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `held` is ours while the guard lives, so nobody else has a reference, and the
        // returned one borrows the guard.
        self.lock.value.with_mut(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `held` is ours while the guard lives, and `&mut self` makes this the only
        // reference that came from the guard.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.held.store(false, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn failed_try_leaves_the_lock_held() {
        let lock = SpinLock::new(());
        let held = lock.try_lock();
        assert!(held.is_some());
        assert!(lock.try_lock().is_none());
        assert!(lock.try_lock().is_none(), "the try before opened it");
        drop(held);
        assert!(lock.try_lock().is_some());
    }
}
