//! The two guards of a [`RwLock`](super::RwLock), of one shape.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync;

use crate::engine::blame::Flag;
use crate::engine::wait;
use crate::profile::kind::Kind;

/// Holds a [`RwLock`](super::RwLock) for reading. Releases it when dropped.
///
/// If somebody who is sampled waits for the lock, the stack that drops the guard is charged with
/// the waiting since the release before.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized + 'a> {
    flag: &'a Flag,
    inner: ManuallyDrop<sync::RwLockReadGuard<'a, T>>,
}

/// Holds a [`RwLock`](super::RwLock) for writing. Releases it when dropped.
///
/// If somebody who is sampled waits for the lock, the stack that drops the guard is charged with
/// the waiting.
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized + 'a> {
    flag: &'a Flag,
    inner: ManuallyDrop<sync::RwLockWriteGuard<'a, T>>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Turns the guard into one for reading, with no writer in between. Readers that wait go
    /// on, so this is charged like a release.
    #[cfg(contend_rwlock_downgrade)]
    #[allow(clippy::incompatible_msrv)] // The build script found a library that has it.
    pub fn downgrade(s: Self) -> RwLockReadGuard<'a, T> {
        let mut this = ManuallyDrop::new(s);
        // SAFETY: `this` is never used or dropped after this, so the inner guard is taken once.
        let inner = unsafe { ManuallyDrop::take(&mut this.inner) };
        let downgrade = || sync::RwLockWriteGuard::downgrade(inner);
        let inner = if this.flag.is_idle() {
            downgrade()
        } else {
            wait::release(Kind::RWLOCK_WRITE, this.flag, downgrade)
        };
        RwLockReadGuard::new(this.flag, inner)
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
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
            pub(super) fn new(flag: &'a Flag, inner: sync::$guard<'a, T>) -> Self {
                Self {
                    flag,
                    inner: ManuallyDrop::new(inner),
                }
            }

            // PERF: takes the parts rather than `&mut self`, so that the guard can stay in registers.
            #[cold]
            #[inline(never)]
            fn release_contended(flag: &Flag, inner: sync::$guard<'_, T>) {
                wait::release($kind, flag, || drop(inner));
            }
        }

        impl<T: ?Sized> Drop for $guard<'_, T> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: the guard is being dropped, so the inner one is taken once and not used
                // again.
                let inner = unsafe { ManuallyDrop::take(&mut self.inner) };
                if self.flag.is_idle() {
                    drop(inner);
                } else {
                    Self::release_contended(self.flag, inner);
                    wait::keep_frame();
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

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

guard!(RwLockReadGuard, Kind::RWLOCK_READ);
guard!(RwLockWriteGuard, Kind::RWLOCK_WRITE);
