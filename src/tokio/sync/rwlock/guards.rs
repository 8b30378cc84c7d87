//! The guards that borrow a [`RwLock`](super::RwLock).

use ::tokio::sync as original;

use crate::skin::{Kind, Permits, SharedFlag, hold, keep_frame, let_go_of};

hold! {
    /// Holds a [`RwLock`](super::RwLock) for reading, and gives access to its value or a part of
    /// it. Releases the lock when dropped.
    ///
    /// If a task that is sampled has waited meanwhile, the stack that drops the guard is charged
    /// with its share of the waiting.
    #[must_use = "if unused the RwLock will immediately unlock"]
    pub struct RwLockReadGuard['a, T: ?Sized]
        ['a, T: ?Sized]
        ['a, T] {
        hold: Permits<&'a SharedFlag>,
        inner: original::RwLockReadGuard<'a, T>,
        like: original::RwLockReadGuard<'a, T>,
        target: T,
        mutable: [],
        kind: Kind::ASYNC_RWLOCK_READ,
    }
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// The lock has just been acquired.
    #[inline(always)]
    pub(super) fn new(lock: &'a SharedFlag, inner: original::RwLockReadGuard<'a, T>) -> Self {
        Self::from_parts(Permits::acquired(lock, 1), inner)
    }

    /// Makes a guard of a part of the value.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        let (hold, inner) = this.into_parts();
        RwLockReadGuard::from_parts(hold, original::RwLockReadGuard::map(inner, f))
    }

    /// Makes a guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let (hold, inner) = this.into_parts();
        match original::RwLockReadGuard::try_map(inner, f) {
            Ok(inner) => Ok(RwLockReadGuard::from_parts(hold, inner)),
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }
}

hold! {
    /// Holds a [`RwLock`](super::RwLock) for writing, and gives access to its value. Releases the
    /// lock when dropped.
    ///
    /// If a task that is sampled has waited meanwhile, the stack that drops the guard is charged
    /// with the waiting.
    #[must_use = "if unused the RwLock will immediately unlock"]
    pub struct RwLockWriteGuard['a, T: ?Sized]
        ['a, T: ?Sized]
        ['a, T] {
        hold: Permits<&'a SharedFlag>,
        inner: original::RwLockWriteGuard<'a, T>,
        like: original::RwLockWriteGuard<'a, T>,
        target: T,
        mutable: [DerefMut],
        kind: Kind::ASYNC_RWLOCK_WRITE,
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// The lock has just been acquired.
    #[inline(always)]
    pub(super) fn new(lock: &'a SharedFlag, inner: original::RwLockWriteGuard<'a, T>) -> Self {
        Self::from_parts(Permits::acquired(lock, 1), inner)
    }

    /// Makes a guard of a part of the value.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let (hold, inner) = this.into_parts();
        RwLockMappedWriteGuard::from_parts(hold, original::RwLockWriteGuard::map(inner, f))
    }

    /// Makes a guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let (hold, inner) = this.into_parts();
        match original::RwLockWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard::from_parts(hold, inner)),
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }

    /// Makes a mapped guard of all of the value.
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        Self::map(this, |value| value)
    }

    /// Turns the guard into one for reading, with no writer in between. Readers that wait go on, so
    /// this is charged like a release.
    #[inline(always)]
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        let (mut hold, inner) = self.into_parts();
        let inner = let_go_of(&mut hold, Kind::ASYNC_RWLOCK_WRITE, || inner.downgrade());
        keep_frame();
        RwLockReadGuard::new(hold.lock, inner)
    }

    /// As [`downgrade`](Self::downgrade), with a guard of a part of the value.
    #[inline(always)]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        RwLockReadGuard::map(this.downgrade(), f)
    }

    /// As [`downgrade_map`](Self::downgrade_map), if there is such a part.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    #[inline(always)]
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let (mut hold, inner) = this.into_parts();
        // Whether it is released, the original says afterwards.
        match original::RwLockWriteGuard::try_downgrade_map(inner, f) {
            Ok(inner) => {
                let_go_of(&mut hold, Kind::ASYNC_RWLOCK_WRITE, || {});
                keep_frame();
                Ok(RwLockReadGuard::new(hold.lock, inner))
            }
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }
}

hold! {
    /// Holds a [`RwLock`](super::RwLock) for writing, and gives access to a part of its value.
    /// Releases the lock when dropped.
    #[must_use = "if unused the RwLock will immediately unlock"]
    pub struct RwLockMappedWriteGuard['a, T: ?Sized]
        ['a, T: ?Sized]
        ['a, T] {
        hold: Permits<&'a SharedFlag>,
        inner: original::RwLockMappedWriteGuard<'a, T>,
        like: original::RwLockMappedWriteGuard<'a, T>,
        target: T,
        mutable: [DerefMut],
        kind: Kind::ASYNC_RWLOCK_WRITE,
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// Makes a guard of a part of the part.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let (hold, inner) = this.into_parts();
        RwLockMappedWriteGuard::from_parts(hold, original::RwLockMappedWriteGuard::map(inner, f))
    }

    /// Makes a guard of a part of the part, if there is one.
    ///
    /// # Errors
    ///
    /// The guard as it was, if `f` returns `None`.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let (hold, inner) = this.into_parts();
        match original::RwLockMappedWriteGuard::try_map(inner, f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard::from_parts(hold, inner)),
            Err(inner) => Err(Self::from_parts(hold, inner)),
        }
    }
}
