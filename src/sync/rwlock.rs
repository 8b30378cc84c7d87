//! [`std::sync::RwLock`], profiled.

mod guards;

use std::fmt;
use std::sync::{self, LockResult, TryLockError, TryLockResult};

use super::{acquired, lock_result, unpoisoned};
use crate::skin::{self, Blocked, Flag, Kind, Name};

pub use guards::{RwLockReadGuard, RwLockWriteGuard};

/// A readers-writer lock: [`std::sync::RwLock`] that tells the profiler who waits for it, and
/// whose release ends the wait.
///
/// Readers that hold the lock together while a writer waits share the blame: each is charged with
/// the waiting that went on while it held, divided by how many held then.
///
/// # Overhead
///
/// Without contention, nothing but two relaxed loads, one after the acquisition and one at the
/// release, and for writing a relaxed store at each, whether profiling is on or off.
///
/// # Examples
///
/// ```
/// use contend::sync::RwLock;
///
/// let config = RwLock::new(String::from("fast"));
/// {
///     let one = config.read().unwrap();
///     let two = config.read().unwrap();
///     assert_eq!(*one, *two);
/// }
/// config.write().unwrap().push_str(", and right");
/// assert_eq!(*config.read().unwrap(), "fast, and right");
/// ```
pub struct RwLock<T: ?Sized> {
    flag: Flag,
    name: Name,
    inner: sync::RwLock<T>,
}

impl<T> RwLock<T> {
    /// Creates an unlocked lock.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self {
            flag: Flag::new(),
            name: Name::NONE,
            inner: sync::RwLock::new(value),
        }
    }

    /// Consumes the lock and returns its value, as [`std::sync::RwLock::into_inner`] does.
    ///
    /// # Errors
    ///
    /// The value inside an error if a thread panicked while it held the lock for writing.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

/// Creates an unlocked lock whose name the profiler knows it by: waits and releases have it as
/// their label `lock`, dumps of threads show it, and [`locks`](crate::locks) counts by it.
///
/// The name is a reference to a constant, `&"cache"`; [`lock_name`](crate::lock_name) makes one of
/// a text that is not known when the program is compiled. Names are few, as the values of all
/// labels: give the locks of a kind one name. The empty name is none. Names longer than 200 bytes
/// are cut in profiles.
///
/// # Examples
///
/// ```
/// use contend::sync::{RwLock, named_rwlock};
///
/// static CACHE: RwLock<Vec<u32>> = named_rwlock(&"cache", Vec::new());
/// CACHE.write().unwrap().push(7);
/// ```
#[inline]
pub const fn named_rwlock<T>(name: &'static &'static str, value: T) -> RwLock<T> {
    RwLock {
        flag: Flag::new(),
        name: Name::new(name),
        inner: sync::RwLock::new(value),
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Acquires the lock for reading, blocking while a writer holds it.
    ///
    /// # Errors
    ///
    /// The guard inside an error if a thread panicked while it held the lock for writing.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::RwLock::read`] does: it may when this thread holds the lock already.
    #[inline]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let (inner, is_poisoned) = match acquired(self.inner.try_read()) {
            Some(acquired) => acquired,
            None => (self.read_contended(), self.inner.is_poisoned()),
        };
        lock_result(RwLockReadGuard::new(&self.flag, inner), is_poisoned)
    }

    /// Acquires the lock for reading if no writer holds it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](std::sync::TryLockError::WouldBlock) if one does, `Poisoned` with the guard
    /// inside if a thread panicked while it held the lock for writing.
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let (inner, is_poisoned) =
            acquired(self.inner.try_read()).ok_or(TryLockError::WouldBlock)?;
        Ok(lock_result(
            RwLockReadGuard::new(&self.flag, inner),
            is_poisoned,
        )?)
    }

    /// Acquires the lock for writing, blocking while anybody holds it.
    ///
    /// # Errors
    ///
    /// The guard inside an error if a thread panicked while it held the lock for writing.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::RwLock::write`] does: it may when this thread holds the lock already.
    #[inline]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let (inner, is_poisoned) = match acquired(self.inner.try_write()) {
            Some(acquired) => acquired,
            None => (self.write_contended(), self.inner.is_poisoned()),
        };
        lock_result(RwLockWriteGuard::new(&self.flag, inner), is_poisoned)
    }

    /// Acquires the lock for writing if nobody holds it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](std::sync::TryLockError::WouldBlock) if somebody does, `Poisoned` with the
    /// guard inside if a thread panicked while it held the lock for writing.
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let (inner, is_poisoned) =
            acquired(self.inner.try_write()).ok_or(TryLockError::WouldBlock)?;
        Ok(lock_result(
            RwLockWriteGuard::new(&self.flag, inner),
            is_poisoned,
        )?)
    }

    /// Whether a thread panicked while it held the lock for writing.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// Makes the lock usable again after a panic.
    #[inline]
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// The value, without locking: `&mut self` proves that nobody else can.
    ///
    /// # Errors
    ///
    /// The reference inside an error if a thread panicked while it held the lock for writing.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }

    #[cold]
    #[inline(never)]
    fn read_contended(&self) -> sync::RwLockReadGuard<'_, T> {
        skin::acquire(
            Blocked::from(Kind::RWLOCK_READ).named(self.name),
            &self.flag,
            || acquired(self.inner.try_read()).map(|(inner, _)| inner),
            || unpoisoned(self.inner.read()),
            |_| true,
        )
    }

    #[cold]
    #[inline(never)]
    fn write_contended(&self) -> sync::RwLockWriteGuard<'_, T> {
        skin::acquire(
            Blocked::from(Kind::RWLOCK_WRITE).named(self.name),
            &self.flag,
            || acquired(self.inner.try_write()).map(|(inner, _)| inner),
            || unpoisoned(self.inner.write()),
            |_| true,
        )
    }
}

impl<T: Default> Default for RwLock<T> {
    /// An unlocked lock around the default value.
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    /// As [`RwLock::new`].
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
