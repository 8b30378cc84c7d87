//! The guards that keep a [`RwLock`] alive.

use std::sync::Arc;

use ::tokio::sync as original;

use super::RwLock;
use crate::skin::{Kind, Permits, hold, keep_frame, let_go_of};

hold! {
    /// Holds a [`RwLock`](super::RwLock) that it keeps alive for reading, and gives access to its
    /// value or a part of it. Releases the lock when dropped.
    ///
    /// If a task that is sampled has waited meanwhile, the stack that drops the guard is charged
    /// with its share of the waiting.
    pub struct OwnedRwLockReadGuard[T: ?Sized + 'static, U: ?Sized + 'static = T]
        [T: ?Sized + 'static, U: ?Sized + 'static]
        [T, U] {
        hold: Permits<Arc<RwLock<T>>>,
        inner: original::RwLockReadGuard<'static, U>,
        like: original::OwnedRwLockReadGuard<T, U>,
        target: U,
        mutable: [],
        kind: Kind::ASYNC_RWLOCK_READ,
    }
}

impl<T: ?Sized + 'static> OwnedRwLockReadGuard<T> {
    /// The lock has just been acquired. `inner` is a guard of `lock`, which goes along with it.
    #[inline(always)]
    pub(super) fn new(lock: Arc<RwLock<T>>, inner: original::RwLockReadGuard<'static, T>) -> Self {
        Self::from_parts(Permits::acquired(lock, 1), inner)
    }
}

impl<T: ?Sized + 'static, U: ?Sized + 'static> OwnedRwLockReadGuard<T, U> {
    /// Makes a guard of a part of the value.
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        let (hold, inner) = this.into_parts();
        OwnedRwLockReadGuard::from_parts(hold, original::RwLockReadGuard::map(inner, f))
    }

    /// Makes a guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        let (hold, inner) = this.into_parts();
        match original::RwLockReadGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedRwLockReadGuard::from_parts(hold, inner)),
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }

    /// The lock that it holds.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.hold.lock
    }
}

hold! {
    /// Holds a [`RwLock`](super::RwLock) that it keeps alive for writing, and gives access to its
    /// value. Releases the lock when dropped.
    ///
    /// If a task that is sampled has waited meanwhile, the stack that drops the guard is charged
    /// with the waiting.
    pub struct OwnedRwLockWriteGuard[T: ?Sized + 'static]
        [T: ?Sized + 'static]
        [T] {
        hold: Permits<Arc<RwLock<T>>>,
        inner: original::RwLockWriteGuard<'static, T>,
        like: original::OwnedRwLockWriteGuard<T>,
        target: T,
        mutable: [DerefMut],
        kind: Kind::ASYNC_RWLOCK_WRITE,
    }
}

impl<T: ?Sized + 'static> OwnedRwLockWriteGuard<T> {
    /// The lock has just been acquired. `inner` is a guard of `lock`, which goes along with it.
    #[inline(always)]
    pub(super) fn new(lock: Arc<RwLock<T>>, inner: original::RwLockWriteGuard<'static, T>) -> Self {
        Self::from_parts(Permits::acquired(lock, 1), inner)
    }

    /// Makes a guard of a part of the value.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let (hold, inner) = this.into_parts();
        OwnedRwLockMappedWriteGuard::from_parts(hold, original::RwLockWriteGuard::map(inner, f))
    }

    /// Makes a guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let (hold, inner) = this.into_parts();
        match original::RwLockWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard::from_parts(hold, inner)),
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }

    /// Makes a mapped guard of all of the value.
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        Self::map(this, |value| value)
    }

    /// Turns the guard into one for reading, with no writer in between. Readers that wait go on, so
    /// this is charged like a release.
    #[inline(always)]
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        let (mut hold, inner) = self.into_parts();
        let inner = let_go_of(&mut hold, Kind::ASYNC_RWLOCK_WRITE, || inner.downgrade());
        keep_frame();
        OwnedRwLockReadGuard::from_parts(hold.again(1), inner)
    }

    /// As [`downgrade`](Self::downgrade), with a guard of a part of the value.
    #[inline(always)]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        OwnedRwLockReadGuard::map(this.downgrade(), f)
    }

    /// As [`downgrade_map`](Self::downgrade_map), if there is such a part.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    #[inline(always)]
    pub fn try_downgrade_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let (mut hold, inner) = this.into_parts();
        // Whether it is released, the original says afterwards.
        match original::RwLockWriteGuard::try_downgrade_map(inner, f) {
            Ok(inner) => {
                let_go_of(&mut hold, Kind::ASYNC_RWLOCK_WRITE, || {});
                keep_frame();
                Ok(OwnedRwLockReadGuard::from_parts(hold.again(1), inner))
            }
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }

    /// The lock that it holds.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.hold.lock
    }
}

hold! {
    /// Holds a [`RwLock`](super::RwLock) that it keeps alive for writing, and gives access to a
    /// part of its value. Releases the lock when dropped.
    pub struct OwnedRwLockMappedWriteGuard[T: ?Sized + 'static, U: ?Sized + 'static = T]
        [T: ?Sized + 'static, U: ?Sized + 'static]
        [T, U] {
        hold: Permits<Arc<RwLock<T>>>,
        inner: original::RwLockMappedWriteGuard<'static, U>,
        like: original::OwnedRwLockMappedWriteGuard<T, U>,
        target: U,
        mutable: [DerefMut],
        kind: Kind::ASYNC_RWLOCK_WRITE,
    }
}

impl<T: ?Sized + 'static, U: ?Sized + 'static> OwnedRwLockMappedWriteGuard<T, U> {
    /// Makes a guard of a part of the part.
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        let (hold, inner) = this.into_parts();
        OwnedRwLockMappedWriteGuard::from_parts(
            hold,
            original::RwLockMappedWriteGuard::map(inner, f),
        )
    }

    /// Makes a guard of a part of the part, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, V: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        let (hold, inner) = this.into_parts();
        match original::RwLockMappedWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard::from_parts(hold, inner)),
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }

    /// The lock that it holds.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.hold.lock
    }
}

/// A guard that does not know what it borrows from.
///
/// # Safety
///
/// - A share of the lock goes along with the result and with all that is made of it, and is dropped
///   after it: as in the guards here.
#[inline(always)]
pub(super) unsafe fn extended_read<T: ?Sized>(
    inner: original::RwLockReadGuard<'_, T>,
) -> original::RwLockReadGuard<'static, T> {
    // SAFETY: only the lifetime changes, and by this function's duty the lock lives that long.
    unsafe { std::mem::transmute(inner) }
}

/// As [`extended_read`].
///
/// # Safety
///
/// - As there.
#[inline(always)]
pub(super) unsafe fn extended_write<T: ?Sized>(
    inner: original::RwLockWriteGuard<'_, T>,
) -> original::RwLockWriteGuard<'static, T> {
    // SAFETY: only the lifetime changes, and by this function's duty the lock lives that long.
    unsafe { std::mem::transmute(inner) }
}
