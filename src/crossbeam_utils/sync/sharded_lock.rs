//! [`crossbeam_utils::sync::ShardedLock`](::crossbeam_utils::sync::ShardedLock), profiled.

mod guards;

use std::fmt;
use std::sync::{LockResult, TryLockError, TryLockResult};

use ::crossbeam_utils::sync as original;

use crate::skin::{self, Flag, Kind};
use crate::sync::map_result;

pub use guards::{ShardedLockReadGuard, ShardedLockWriteGuard};

/// A readers-writer lock with fast reads and slow writes:
/// [`crossbeam_utils::sync::ShardedLock`](::crossbeam_utils::sync::ShardedLock) that tells the
/// profiler who waits for it, and whose release ends the wait.
///
/// # Overhead
///
/// Without contention, nothing but two relaxed loads, one after the acquisition and one at the
/// release, and for writing a relaxed store at each, whether profiling is on or off.
/// The flag that is read there is one for all shards; it is written only while somebody who is
/// sampled waits.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_utils::sync::ShardedLock;
///
/// let config = ShardedLock::new(String::from("fast"));
/// {
///     let one = config.read().unwrap();
///     let two = config.read().unwrap();
///     assert_eq!(*one, *two);
/// }
/// config.write().unwrap().push_str(" reads");
/// assert_eq!(*config.read().unwrap(), "fast reads");
/// ```
pub struct ShardedLock<T: ?Sized> {
    flag: Flag,
    inner: original::ShardedLock<T>,
}

impl<T> ShardedLock<T> {
    /// Creates an unlocked lock.
    pub fn new(value: T) -> Self {
        Self {
            flag: Flag::new(),
            inner: original::ShardedLock::new(value),
        }
    }

    /// Consumes the lock and returns its value.
    ///
    /// # Errors
    ///
    /// The value inside an error if a thread panicked while it held the lock for writing.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

// Whether an acquisition is poisoned is what the inner one says, not what `is_poisoned` says
// then: a writer that panics poisons and releases one shard after the other, and that asks one.
impl<T: ?Sized> ShardedLock<T> {
    /// Whether a thread panicked while it held the lock for writing.
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// The value, without locking: `&mut self` proves that nobody else can.
    ///
    /// # Errors
    ///
    /// The reference inside an error if a thread panicked while it held the lock for writing.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }

    /// Acquires the lock for reading if no writer holds it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if one does, `Poisoned` with the guard inside if a
    /// thread panicked while it held the lock for writing.
    #[inline]
    pub fn try_read(&self) -> TryLockResult<ShardedLockReadGuard<'_, T>> {
        match acquired(self.inner.try_read()) {
            Some(result) => Ok(self.read_guard(result)?),
            None => Err(TryLockError::WouldBlock),
        }
    }

    /// Acquires the lock for reading, blocking while a writer holds it.
    ///
    /// # Errors
    ///
    /// The guard inside an error if a thread panicked while it held the lock for writing.
    ///
    /// # Panics
    ///
    /// Where the original does: it may when this thread holds the lock already.
    #[inline]
    pub fn read(&self) -> LockResult<ShardedLockReadGuard<'_, T>> {
        let result = match acquired(self.inner.try_read()) {
            Some(result) => result,
            None => self.read_contended(),
        };
        self.read_guard(result)
    }

    /// Acquires the lock for writing if nobody holds it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if somebody does, `Poisoned` with the guard inside
    /// if a thread panicked while it held the lock for writing.
    #[inline]
    pub fn try_write(&self) -> TryLockResult<ShardedLockWriteGuard<'_, T>> {
        match acquired(self.inner.try_write()) {
            Some(result) => Ok(self.write_guard(result)?),
            None => Err(TryLockError::WouldBlock),
        }
    }

    /// Acquires the lock for writing, blocking while anybody holds it.
    ///
    /// # Errors
    ///
    /// The guard inside an error if a thread panicked while it held the lock for writing.
    ///
    /// # Panics
    ///
    /// Where the original does: it may when this thread holds the lock already.
    #[inline]
    pub fn write(&self) -> LockResult<ShardedLockWriteGuard<'_, T>> {
        let result = match acquired(self.inner.try_write()) {
            Some(result) => result,
            None => self.write_contended(),
        };
        self.write_guard(result)
    }

    #[cold]
    #[inline(never)]
    fn read_contended(&self) -> LockResult<original::ShardedLockReadGuard<'_, T>> {
        skin::acquire(
            Kind::RWLOCK_READ,
            &self.flag,
            || acquired(self.inner.try_read()),
            || self.inner.read(),
            |_| true,
        )
    }

    #[cold]
    #[inline(never)]
    fn write_contended(&self) -> LockResult<original::ShardedLockWriteGuard<'_, T>> {
        skin::acquire(
            Kind::RWLOCK_WRITE,
            &self.flag,
            || acquired(self.inner.try_write()),
            || self.inner.write(),
            |_| true,
        )
    }

    #[inline(always)]
    fn read_guard<'a>(
        &'a self,
        result: LockResult<original::ShardedLockReadGuard<'a, T>>,
    ) -> LockResult<ShardedLockReadGuard<'a, T>> {
        map_result(result, |inner| ShardedLockReadGuard::new(&self.flag, inner))
    }

    #[inline(always)]
    fn write_guard<'a>(
        &'a self,
        result: LockResult<original::ShardedLockWriteGuard<'a, T>>,
    ) -> LockResult<ShardedLockWriteGuard<'a, T>> {
        map_result(result, |inner| {
            ShardedLockWriteGuard::new(&self.flag, inner)
        })
    }
}

/// The result of a `try_` operation that holds the lock. `None`: it would block.
#[inline(always)]
fn acquired<G>(result: TryLockResult<G>) -> Option<LockResult<G>> {
    match result {
        Ok(guard) => Some(Ok(guard)),
        Err(TryLockError::Poisoned(poisoned)) => Some(Err(poisoned)),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl<T: Default> Default for ShardedLock<T> {
    /// An unlocked lock around the default value.
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for ShardedLock<T> {
    /// As [`ShardedLock::new`].
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ShardedLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
