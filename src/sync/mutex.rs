//! [`std::sync::Mutex`], profiled.

use std::fmt;
use std::sync::{self, LockResult, TryLockError, TryLockResult};

use super::{acquired, lock_result, unpoisoned};
use crate::skin::{self, Blocked, Flag, Kind, Name, guard};

/// A mutual exclusion lock: [`std::sync::Mutex`] that tells the profiler who waits for it, and
/// whose release ends the wait.
///
/// # Overhead
///
/// Without contention, nothing but a relaxed store and a relaxed load after the acquisition and at
/// the release, whether profiling is on or off.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use contend::sync::Mutex;
///
/// let total = Mutex::new(0);
/// thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| *total.lock().unwrap() += 1);
///     }
/// });
/// assert_eq!(total.into_inner().unwrap(), 4);
/// ```
pub struct Mutex<T: ?Sized> {
    flag: Flag,
    name: Name,
    inner: sync::Mutex<T>,
}

impl<T> Mutex<T> {
    /// Creates an unlocked mutex.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self {
            flag: Flag::new(),
            name: Name::NONE,
            inner: sync::Mutex::new(value),
        }
    }

    /// Consumes the mutex and returns its value, as [`std::sync::Mutex::into_inner`] does.
    ///
    /// # Errors
    ///
    /// The value inside an error if a thread panicked while it held the lock.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

/// Creates an unlocked mutex whose name the profiler knows it by: waits and releases have it as
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
/// use contend::sync::{Mutex, named_mutex};
///
/// static CACHE: Mutex<Vec<u32>> = named_mutex(&"cache", Vec::new());
/// CACHE.lock().unwrap().push(7);
/// ```
#[inline]
pub const fn named_mutex<T>(name: &'static &'static str, value: T) -> Mutex<T> {
    Mutex {
        flag: Flag::new(),
        name: Name::new(name),
        inner: sync::Mutex::new(value),
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Acquires the lock, blocking until it is available.
    ///
    /// # Errors
    ///
    /// The guard inside an error if a thread panicked while it held the lock.
    ///
    /// # Panics
    ///
    /// Where [`std::sync::Mutex::lock`] does: it may when this thread holds the lock already.
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let (inner, is_poisoned) = match acquired(self.inner.try_lock()) {
            Some(acquired) => acquired,
            None => (self.lock_contended(), self.inner.is_poisoned()),
        };
        lock_result(MutexGuard::new(&self.flag, inner), is_poisoned)
    }

    /// Acquires the lock if nobody holds it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](std::sync::TryLockError::WouldBlock) if somebody does, `Poisoned` with the
    /// guard inside if a thread panicked while it held the lock.
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let (inner, is_poisoned) =
            acquired(self.inner.try_lock()).ok_or(TryLockError::WouldBlock)?;
        Ok(lock_result(
            MutexGuard::new(&self.flag, inner),
            is_poisoned,
        )?)
    }

    /// Whether a thread panicked while it held the lock.
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
    /// The reference inside an error if a thread panicked while it held the lock.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self) -> sync::MutexGuard<'_, T> {
        skin::acquire(
            Blocked::from(Kind::MUTEX).named(self.name),
            &self.flag,
            || acquired(self.inner.try_lock()).map(|(inner, _)| inner),
            || unpoisoned(self.inner.lock()),
            |_| true,
        )
    }
}

impl<T: Default> Default for Mutex<T> {
    /// An unlocked mutex around the default value.
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    /// As [`Mutex::new`].
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

guard! {
    /// Holds a [`Mutex`] and gives access to its value. Releases the lock when dropped.
    ///
    /// If somebody who is sampled waits for the lock, the stack that drops the guard is charged
    /// with the waiting.
    ///
    /// As with the standard library's, the compiler warns of a guard that nobody keeps:
    ///
    /// ```compile_fail
    /// #![deny(unused_must_use)]
    /// # use contend::sync::Mutex;
    /// let mutex = Mutex::new(1);
    /// mutex.lock().unwrap();
    /// ```
    ///
    /// and refuses one that outlives its mutex:
    ///
    /// ```compile_fail,E0597
    /// # use contend::sync::Mutex;
    /// let guard = {
    ///     let mutex = Mutex::new(1);
    ///     mutex.lock().unwrap()
    /// };
    /// ```
    #[must_use = "if unused the Mutex will immediately unlock"]
    pub struct MutexGuard<'a, T>(sync::MutexGuard, Kind::MUTEX, DerefMut);
}
