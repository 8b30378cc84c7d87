//! [`tokio::sync::RwLock`](original::RwLock), profiled.

mod guards;
mod owned_guards;

use std::fmt;
use std::sync::Arc;

use ::tokio::sync::{self as original, TryLockError};

use crate::skin::{self, HasSharedFlag, Kind, LockRef, SharedFlag, contended};
use crate::tokio::blocking::assert_may_block;
use crate::tokio::coop::first_try;
pub use guards::{RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard};
pub use owned_guards::{OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
use owned_guards::{extended_read, extended_write};

/// A lock for tasks, for several that read or one that writes:
/// [`tokio::sync::RwLock`](original::RwLock) that tells the profiler who waits for it, and who held
/// it meanwhile (kinds `async_rwlock_read`, `async_rwlock_write`).
///
/// Readers that hold it together share what others wait for them, each for the time in which it
/// held.
///
/// # Overhead
///
/// As a [`Semaphore`](super::Semaphore).
///
/// # Differences from the original
///
/// The owned guards need `T: 'static`.
///
/// # Examples
///
/// ```
/// use contend::tokio::sync::RwLock;
///
/// # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let config = RwLock::new(String::from("fast"));
/// {
///     let one = config.read().await;
///     let two = config.read().await;
///     assert_eq!(*one, *two);
/// }
/// config.write().await.push_str(", and right");
/// assert_eq!(*config.read().await, "fast, and right");
/// # });
/// ```
pub struct RwLock<T: ?Sized> {
    flag: SharedFlag,
    inner: original::RwLock<T>,
}

impl<T> RwLock<T> {
    /// Creates an unlocked lock.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self {
            flag: SharedFlag::new(),
            inner: original::RwLock::new(value),
        }
    }

    /// As [`new`](Self::new), for at most so many readers at a time.
    ///
    /// # Panics
    ///
    /// If `max_reads` is more than `u32::MAX >> 3`.
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> Self {
        Self {
            flag: SharedFlag::new(),
            inner: original::RwLock::with_max_readers(value, max_reads),
        }
    }

    /// As [`new`](Self::new), for a `static`.
    pub const fn const_new(value: T) -> Self {
        Self {
            flag: SharedFlag::new(),
            inner: original::RwLock::const_new(value),
        }
    }

    /// As [`with_max_readers`](Self::with_max_readers), for a `static`.
    pub const fn const_with_max_readers(value: T, max_reads: u32) -> Self {
        Self {
            flag: SharedFlag::new(),
            inner: original::RwLock::const_with_max_readers(value, max_reads),
        }
    }

    /// Consumes the lock and returns its value.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Acquires the lock for reading. The task waits in a queue until it is its turn.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn read(&self) -> RwLockReadGuard<'_, T> {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_RWLOCK_READ,
            LockRef::shared(&self.flag),
            Self::read_contended,
            first_try(|| self.inner.try_read().ok()),
            self.inner.read(),
        );
        RwLockReadGuard::new(&self.flag, inner.await)
    }

    /// Acquires the lock for writing. The task waits in a queue until it is its turn.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn write(&self) -> RwLockWriteGuard<'_, T> {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_RWLOCK_WRITE,
            LockRef::shared(&self.flag),
            Self::write_contended,
            first_try(|| self.inner.try_write().ok()),
            self.inner.write(),
        );
        RwLockWriteGuard::new(&self.flag, inner.await)
    }

    /// As [`read`](Self::read), with a guard that keeps the lock alive.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn read_owned(self: Arc<Self>) -> OwnedRwLockReadGuard<T>
    where
        T: 'static,
    {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_RWLOCK_READ,
            LockRef::shared(&self.flag),
            Self::read_owned_contended,
            first_try(|| self.inner.try_read().ok()),
            self.inner.read(),
        );
        // SAFETY: the lock is the one that goes along.
        let inner = unsafe { extended_read(inner.await) };
        OwnedRwLockReadGuard::new(self, inner)
    }

    /// As [`write`](Self::write), with a guard that keeps the lock alive.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn write_owned(self: Arc<Self>) -> OwnedRwLockWriteGuard<T>
    where
        T: 'static,
    {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_RWLOCK_WRITE,
            LockRef::shared(&self.flag),
            Self::write_owned_contended,
            first_try(|| self.inner.try_write().ok()),
            self.inner.write(),
        );
        // SAFETY: the lock is the one that goes along.
        let inner = unsafe { extended_write(inner.await) };
        OwnedRwLockWriteGuard::new(self, inner)
    }

    /// As [`read`](Self::read), blocking the thread.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        assert_may_block();
        let inner = match self.inner.try_read() {
            Ok(inner) => inner,
            Err(_) => self.blocking_read_contended(),
        };
        RwLockReadGuard::new(&self.flag, inner)
    }

    /// As [`write`](Self::write), blocking the thread.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        assert_may_block();
        let inner = match self.inner.try_write() {
            Ok(inner) => inner,
            Err(_) => self.blocking_write_contended(),
        };
        RwLockWriteGuard::new(&self.flag, inner)
    }

    /// Acquires the lock for reading if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// If a writer holds the lock, or waits for it.
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        Ok(RwLockReadGuard::new(&self.flag, self.inner.try_read()?))
    }

    /// Acquires the lock for writing if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// If somebody holds the lock, or waits for it.
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        Ok(RwLockWriteGuard::new(&self.flag, self.inner.try_write()?))
    }

    /// As [`try_read`](Self::try_read), with a guard that keeps the lock alive.
    ///
    /// # Errors
    ///
    /// If a writer holds the lock, or waits for it.
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError>
    where
        T: 'static,
    {
        // SAFETY: the lock is the one that goes along.
        let inner = unsafe { extended_read(self.inner.try_read()?) };
        Ok(OwnedRwLockReadGuard::new(self, inner))
    }

    /// As [`try_write`](Self::try_write), with a guard that keeps the lock alive.
    ///
    /// # Errors
    ///
    /// If somebody holds the lock, or waits for it.
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError>
    where
        T: 'static,
    {
        // SAFETY: the lock is the one that goes along.
        let inner = unsafe { extended_write(self.inner.try_write()?) };
        Ok(OwnedRwLockWriteGuard::new(self, inner))
    }

    /// The value, without locking: `&mut self` proves that nobody else can.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    contended!(
        read_contended,
        write_contended,
        read_owned_contended,
        write_owned_contended,
    );

    #[cold]
    #[inline(never)]
    fn blocking_read_contended(&self) -> original::RwLockReadGuard<'_, T> {
        skin::acquire(
            Kind::ASYNC_RWLOCK_READ,
            &self.flag,
            || self.inner.try_read().ok(),
            || self.inner.blocking_read(),
            |_| true,
        )
    }

    #[cold]
    #[inline(never)]
    fn blocking_write_contended(&self) -> original::RwLockWriteGuard<'_, T> {
        skin::acquire(
            Kind::ASYNC_RWLOCK_WRITE,
            &self.flag,
            || self.inner.try_write().ok(),
            || self.inner.blocking_write(),
            |_| true,
        )
    }
}

impl<T: ?Sized> HasSharedFlag for RwLock<T> {
    #[inline(always)]
    fn shared_flag(&self) -> &SharedFlag {
        &self.flag
    }
}

impl<T> From<T> for RwLock<T> {
    /// As [`RwLock::new`].
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    /// An unlocked lock around the default value.
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
