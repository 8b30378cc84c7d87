//! The two guards of a [`ShardedLock`](super::ShardedLock), of one shape.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use ::crossbeam_utils::sync as original;

use crate::engine::blame::Flag;
use crate::engine::wait;
use crate::profile::kind::Kind;

/// Holds a [`ShardedLock`](super::ShardedLock) for reading. Releases it when dropped.
///
/// If somebody who is sampled waits for the lock, the stack that drops the guard is charged with
/// the waiting since the release before.
#[clippy::has_significant_drop]
pub struct ShardedLockReadGuard<'a, T: ?Sized> {
    flag: &'a Flag,
    inner: ManuallyDrop<original::ShardedLockReadGuard<'a, T>>,
}

/// Holds a [`ShardedLock`](super::ShardedLock) for writing. Releases it when dropped.
///
/// If somebody who is sampled waits for the lock, the stack that drops the guard is charged with
/// the waiting.
#[clippy::has_significant_drop]
pub struct ShardedLockWriteGuard<'a, T: ?Sized> {
    flag: &'a Flag,
    inner: ManuallyDrop<original::ShardedLockWriteGuard<'a, T>>,
}

impl<T: ?Sized> DerefMut for ShardedLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// What both guards do alike.
macro_rules! guard {
    ($guard:ident, $kind:expr) => {
        impl<'a, T: ?Sized> $guard<'a, T> {
            #[inline]
            pub(super) fn new(flag: &'a Flag, inner: original::$guard<'a, T>) -> Self {
                Self {
                    flag,
                    inner: ManuallyDrop::new(inner),
                }
            }

            /// Unlocks. To be called once, from `drop`.
            ///
            /// # Safety
            ///
            /// - The guard must not be used afterwards.
            #[inline(always)]
            unsafe fn unlock(&mut self) {
                // SAFETY: by this function's duty nobody sees the inner guard again.
                unsafe { ManuallyDrop::drop(&mut self.inner) };
            }

            /// # Safety
            ///
            /// - As for `unlock`.
            #[cold]
            #[inline(never)]
            unsafe fn release_contended(&mut self) {
                // SAFETY: this function has the same duty.
                wait::release($kind, self.flag, || unsafe { self.unlock() });
            }
        }

        impl<T: ?Sized> Drop for $guard<'_, T> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: the guard is being dropped; nothing uses it after either branch.
                unsafe {
                    if self.flag.is_idle() {
                        self.unlock();
                    } else {
                        self.release_contended();
                        wait::keep_frame();
                    }
                }
            }
        }

        impl<T: ?Sized> Deref for $guard<'_, T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                &self.inner
            }
        }

        impl<T: fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (*self.inner).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

guard!(ShardedLockReadGuard, Kind::RWLOCK_READ);
guard!(ShardedLockWriteGuard, Kind::RWLOCK_WRITE);
