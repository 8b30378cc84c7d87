//! [`tokio::sync::Mutex`](original::Mutex), profiled.

mod guards;

use std::fmt;
use std::sync::Arc;

use ::tokio::sync::{self as original, TryLockError};

use crate::skin::{self, Flag, HasFlag, Kind, LockRef, contended};
use crate::tokio::blocking::assert_may_block;
use crate::tokio::coop::first_try;
use guards::extended;
pub use guards::{MappedMutexGuard, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};

/// A lock for tasks: [`tokio::sync::Mutex`](original::Mutex) that tells the profiler who waits for
/// it, and whose release ends the wait (kind `async_mutex`).
///
/// # Overhead
///
/// A lock that is free is tried before the original's future is polled. For a task that waits and
/// is sampled, two readings of the clock and a stack.
///
/// # Differences from the original
///
/// The owned guards need `T: 'static`.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use contend::tokio::sync::Mutex;
///
/// # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let total = Arc::new(Mutex::new(0));
/// let task = contend::tokio::spawn({
///     let total = Arc::clone(&total);
///     async move { *total.lock().await += 1 }
/// });
/// *total.lock().await += 1;
/// task.await.unwrap();
/// assert_eq!(*total.lock().await, 2);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    flag: Flag,
    inner: original::Mutex<T>,
}

impl<T> Mutex<T> {
    /// Creates an unlocked mutex.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self {
            flag: Flag::new(),
            inner: original::Mutex::new(value),
        }
    }

    /// Creates an unlocked mutex, for a `static`.
    pub const fn const_new(value: T) -> Self {
        Self {
            flag: Flag::new(),
            inner: original::Mutex::const_new(value),
        }
    }

    /// Consumes the mutex and returns its value.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Acquires the lock. The task waits in a queue until it is its turn.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_MUTEX,
            LockRef::beside(&self.flag),
            Self::lock_contended,
            first_try(|| self.inner.try_lock().ok()),
            self.inner.lock(),
        );
        MutexGuard::new(self, inner.await)
    }

    /// Acquires the lock, blocking the thread.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        assert_may_block();
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(_) => self.blocking_lock_contended(),
        };
        MutexGuard::new(self, inner)
    }

    /// As [`blocking_lock`](Self::blocking_lock), with a guard that keeps the mutex alive.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T>
    where
        T: 'static,
    {
        assert_may_block();
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(_) => self.blocking_lock_owned_contended(),
        };
        // SAFETY: the mutex is the one that goes along.
        let inner = unsafe { extended(inner) };
        OwnedMutexGuard::new(self, inner)
    }

    /// As [`lock`](Self::lock), with a guard that keeps the mutex alive.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T>
    where
        T: 'static,
    {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_MUTEX,
            LockRef::beside(&self.flag),
            Self::lock_owned_contended,
            first_try(|| self.inner.try_lock().ok()),
            self.inner.lock(),
        );
        // SAFETY: the mutex is the one that goes along.
        let inner = unsafe { extended(inner.await) };
        OwnedMutexGuard::new(self, inner)
    }

    /// Acquires the lock if nobody holds it and nobody waits for it.
    ///
    /// # Errors
    ///
    /// If somebody does.
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        Ok(MutexGuard::new(self, self.inner.try_lock()?))
    }

    /// As [`try_lock`](Self::try_lock), with a guard that keeps the mutex alive.
    ///
    /// # Errors
    ///
    /// If somebody holds the lock, or waits for it.
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError>
    where
        T: 'static,
    {
        // SAFETY: the mutex is the one that goes along.
        let inner = unsafe { extended(self.inner.try_lock()?) };
        Ok(OwnedMutexGuard::new(self, inner))
    }

    /// The value, without locking: `&mut self` proves that nobody else can.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    contended!(lock_contended, lock_owned_contended);

    #[cold]
    #[inline(never)]
    fn blocking_lock_contended(&self) -> original::MutexGuard<'_, T> {
        self.block()
    }

    #[cold]
    #[inline(never)]
    fn blocking_lock_owned_contended(&self) -> original::MutexGuard<'_, T> {
        self.block()
    }

    #[inline(always)]
    fn block(&self) -> original::MutexGuard<'_, T> {
        skin::acquire(
            Kind::ASYNC_MUTEX,
            &self.flag,
            || self.inner.try_lock().ok(),
            || self.inner.blocking_lock(),
            |_| true,
        )
    }
}

impl<T: ?Sized> HasFlag for Mutex<T> {
    #[inline(always)]
    fn flag(&self) -> &Flag {
        &self.flag
    }
}

impl<T> From<T> for Mutex<T> {
    /// As [`Mutex::new`].
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    /// An unlocked mutex around the default value.
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
