//! The guards of a [`Mutex`].

use std::sync::Arc;

use ::tokio::sync as original;

use super::Mutex;
use crate::skin::{self, Flag, HasFlag, Kind, hold};

hold! {
    /// Holds a [`Mutex`] and gives access to its value. Releases the lock when dropped.
    ///
    /// If a task that is sampled waits for the lock, the stack that drops the guard is charged with
    /// the waiting.
    #[must_use = "if unused the Mutex will immediately unlock"]
    pub struct MutexGuard['a, T: ?Sized]['a, T: ?Sized]['a, T] {
        hold: &'a Mutex<T>,
        inner: original::MutexGuard<'a, T>,
        like: original::MutexGuard<'a, T>,
        target: T,
        mutable: [DerefMut],
        kind: Kind::ASYNC_MUTEX,
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The lock has just been acquired.
    #[inline(always)]
    pub(super) fn new(mutex: &'a Mutex<T>, inner: original::MutexGuard<'a, T>) -> Self {
        skin::acquired(skin::Access::Untold, mutex.flag());
        Self::from_parts(mutex, inner)
    }

    /// Makes a guard of a part of the value.
    pub fn map<U, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let (mutex, inner) = this.into_parts();
        MappedMutexGuard::from_parts(mutex.flag(), original::MutexGuard::map(inner, f))
    }

    /// Makes a guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<U, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let (mutex, inner) = this.into_parts();
        match original::MutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(MappedMutexGuard::from_parts(mutex.flag(), inner)),
            Err(inner) => Err(Self::from_parts(mutex, inner)),
        }
    }

    /// The mutex that it holds.
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        &this.hold
    }
}

hold! {
    /// Holds a [`Mutex`] and gives access to a part of its value. Releases the lock when dropped.
    #[must_use = "if unused the Mutex will immediately unlock"]
    pub struct MappedMutexGuard['a, T: ?Sized]['a, T: ?Sized]['a, T] {
        hold: &'a Flag,
        inner: original::MappedMutexGuard<'a, T>,
        like: original::MappedMutexGuard<'a, T>,
        target: T,
        mutable: [DerefMut],
        kind: Kind::ASYNC_MUTEX,
    }
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// Makes a guard of a part of the part.
    pub fn map<U, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let (flag, inner) = this.into_parts();
        MappedMutexGuard::from_parts(flag, original::MappedMutexGuard::map(inner, f))
    }

    /// Makes a guard of a part of the part, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<U, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let (flag, inner) = this.into_parts();
        match original::MappedMutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(MappedMutexGuard::from_parts(flag, inner)),
            Err(inner) => Err(Self::from_parts(flag, inner)),
        }
    }
}

/// A guard that does not know what it borrows from.
///
/// # Safety
///
/// - A share of the mutex goes along with the result and with all that is made of it, and is
///   dropped after it: as in the guards here.
#[inline(always)]
pub(super) unsafe fn extended<T: ?Sized>(
    inner: original::MutexGuard<'_, T>,
) -> original::MutexGuard<'static, T> {
    // SAFETY: only the lifetime changes, and by this function's duty the mutex lives that long.
    unsafe { std::mem::transmute(inner) }
}

hold! {
    /// Holds a [`Mutex`] that it keeps alive, and gives access to its value. Releases the lock when
    /// dropped.
    pub struct OwnedMutexGuard[T: ?Sized + 'static][T: ?Sized + 'static][T] {
        hold: Arc<Mutex<T>>,
        inner: original::MutexGuard<'static, T>,
        like: original::OwnedMutexGuard<T>,
        target: T,
        mutable: [DerefMut],
        kind: Kind::ASYNC_MUTEX,
    }
}

impl<T: ?Sized + 'static> OwnedMutexGuard<T> {
    /// The lock has just been acquired. `inner` is a guard of `mutex`, which goes along with it.
    #[inline(always)]
    pub(super) fn new(mutex: Arc<Mutex<T>>, inner: original::MutexGuard<'static, T>) -> Self {
        skin::acquired(skin::Access::Untold, mutex.flag());
        Self::from_parts(mutex, inner)
    }

    /// Makes a guard of a part of the value.
    pub fn map<U, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        let (mutex, inner) = this.into_parts();
        OwnedMappedMutexGuard::from_parts(mutex, original::MutexGuard::map(inner, f))
    }

    /// Makes a guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<U, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let (mutex, inner) = this.into_parts();
        match original::MutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedMappedMutexGuard::from_parts(mutex, inner)),
            Err(inner) => Err(Self::from_parts(mutex, inner)),
        }
    }

    /// The mutex that it holds.
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.hold
    }
}

hold! {
    /// Holds a [`Mutex`] that it keeps alive, and gives access to a part of its value. Releases the
    /// lock when dropped.
    #[must_use = "if unused the Mutex will immediately unlock"]
    pub struct OwnedMappedMutexGuard[T: ?Sized + 'static, U: ?Sized + 'static = T]
        [T: ?Sized + 'static, U: ?Sized + 'static]
        [T, U] {
        hold: Arc<Mutex<T>>,
        inner: original::MappedMutexGuard<'static, U>,
        like: original::OwnedMappedMutexGuard<T, U>,
        target: U,
        mutable: [DerefMut],
        kind: Kind::ASYNC_MUTEX,
    }
}

impl<T: ?Sized + 'static, U: ?Sized + 'static> OwnedMappedMutexGuard<T, U> {
    /// Makes a guard of a part of the part.
    pub fn map<S, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        F: FnOnce(&mut U) -> &mut S,
    {
        let (mutex, inner) = this.into_parts();
        OwnedMappedMutexGuard::from_parts(mutex, original::MappedMutexGuard::map(inner, f))
    }

    /// Makes a guard of a part of the part, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<S, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        let (mutex, inner) = this.into_parts();
        match original::MappedMutexGuard::try_map(inner, f) {
            Ok(inner) => Ok(OwnedMappedMutexGuard::from_parts(mutex, inner)),
            Err(inner) => Err(Self::from_parts(mutex, inner)),
        }
    }
}
