//! [`tokio::sync::Semaphore`](original::Semaphore), profiled.

mod permits;

use std::fmt;
use std::sync::Arc;

use ::tokio::sync::{self as original, AcquireError, TryAcquireError};

use crate::skin::{self, HasSharedFlag, Kind, LockRef, SharedFlag, contended};
use crate::tokio::blocking::assert_may_block;
use crate::tokio::coop::first_try;
pub use permits::{OwnedSemaphorePermit, SemaphorePermit};

/// A number of permits: [`tokio::sync::Semaphore`](original::Semaphore) that tells the profiler who
/// waits for one, and who held them meanwhile (kind `async_semaphore`).
///
/// Each holder is charged with the waiting that went on while it held, divided by the number of
/// permits that were held then, on the stack that gives its permit back. Who adds permits or closes
/// the semaphore is charged with the waiting in which nobody held any.
///
/// # Overhead
///
/// A permit that is free is tried before the original's future is polled, which saves a part of the
/// instructions; two counts of who holds how many take some of that back.
///
/// # Examples
///
/// ```
/// use contend::tokio::sync::Semaphore;
///
/// # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let connections = Semaphore::new(2);
/// let one = connections.acquire().await.unwrap();
/// let another = connections.acquire().await.unwrap();
/// assert!(connections.try_acquire().is_err());
/// drop(one);
/// assert_eq!(connections.available_permits(), 1);
/// # drop(another);
/// # });
/// ```
pub struct Semaphore {
    flag: SharedFlag,
    inner: original::Semaphore,
}

impl Semaphore {
    /// The largest number of permits.
    pub const MAX_PERMITS: usize = original::Semaphore::MAX_PERMITS;

    /// Creates a semaphore with so many permits.
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        Self {
            flag: SharedFlag::new(),
            inner: original::Semaphore::new(permits),
        }
    }

    /// As [`new`](Self::new), for a `static`.
    pub const fn const_new(permits: usize) -> Self {
        Self {
            flag: SharedFlag::new(),
            inner: original::Semaphore::const_new(permits),
        }
    }

    /// The number of permits that nobody holds.
    pub fn available_permits(&self) -> usize {
        self.inner.available_permits()
    }

    /// Adds permits, which those that wait get first.
    ///
    /// # Panics
    ///
    /// If there are then more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub fn add_permits(&self, permits: usize) {
        match self.flag.is_idle() {
            true => self.inner.add_permits(permits),
            false => {
                self.add_permits_contended(permits);
                skin::not_last(())
            }
        }
    }

    /// Takes so many permits away for good, or as many as nobody holds. Returns how many.
    pub fn forget_permits(&self, permits: usize) -> usize {
        self.inner.forget_permits(permits)
    }

    /// Acquires a permit. The task waits in a queue until it is its turn.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_SEMAPHORE,
            LockRef::shared(&self.flag),
            Self::acquire_contended,
            first_try(|| self.inner.try_acquire().ok().map(Ok)),
            self.inner.acquire(),
        );
        Ok(SemaphorePermit::new(self, 1, inner.await?))
    }

    /// As [`acquire`](Self::acquire), for several permits at once.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub async fn acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_SEMAPHORE,
            LockRef::shared(&self.flag),
            Self::acquire_many_contended,
            first_try(|| self.inner.try_acquire_many(permits).ok().map(Ok)),
            self.inner.acquire_many(permits),
        );
        Ok(SemaphorePermit::new(self, permits, inner.await?))
    }

    /// Acquires a permit if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// `NoPermits` if others hold all of them, `Closed` if the semaphore is closed.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        Ok(SemaphorePermit::new(self, 1, self.inner.try_acquire()?))
    }

    /// As [`try_acquire`](Self::try_acquire), for several permits at once.
    ///
    /// # Errors
    ///
    /// `NoPermits` if others hold too many, `Closed` if the semaphore is closed.
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub fn try_acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let inner = self.inner.try_acquire_many(permits)?;
        Ok(SemaphorePermit::new(self, permits, inner))
    }

    /// As [`acquire`](Self::acquire), blocking the thread.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        assert_may_block();
        let inner = match self.inner.try_acquire() {
            Ok(inner) => inner,
            Err(_) => self.blocking_acquire_contended(1)?,
        };
        Ok(SemaphorePermit::new(self, 1, inner))
    }

    /// As [`acquire_many`](Self::acquire_many), blocking the thread.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks, or if they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub fn blocking_acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        assert_may_block();
        let inner = match self.inner.try_acquire_many(permits) {
            Ok(inner) => inner,
            Err(_) => self.blocking_acquire_many_contended(permits)?,
        };
        Ok(SemaphorePermit::new(self, permits, inner))
    }

    /// As [`acquire`](Self::acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_SEMAPHORE,
            LockRef::shared(&self.flag),
            Self::acquire_owned_contended,
            first_try(|| self.inner.try_acquire().ok().map(Ok)),
            self.inner.acquire(),
        );
        // SAFETY: the semaphore is the one that goes along.
        let inner = unsafe { permits::extended(inner.await?) };
        Ok(OwnedSemaphorePermit::new(self, 1, inner))
    }

    /// As [`acquire_owned`](Self::acquire_owned), for several permits at once.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub async fn acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        let inner = skin::acquire_in_task(
            Kind::ASYNC_SEMAPHORE,
            LockRef::shared(&self.flag),
            Self::acquire_many_owned_contended,
            first_try(|| self.inner.try_acquire_many(permits).ok().map(Ok)),
            self.inner.acquire_many(permits),
        );
        // SAFETY: the semaphore is the one that goes along.
        let inner = unsafe { permits::extended(inner.await?) };
        Ok(OwnedSemaphorePermit::new(self, permits, inner))
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    ///
    /// `NoPermits` if others hold all of them, `Closed` if the semaphore is closed.
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        // SAFETY: the semaphore is the one that goes along.
        let inner = unsafe { permits::extended(self.inner.try_acquire()?) };
        Ok(OwnedSemaphorePermit::new(self, 1, inner))
    }

    /// As [`try_acquire_many`](Self::try_acquire_many), with a permit that keeps the semaphore
    /// alive.
    ///
    /// # Errors
    ///
    /// `NoPermits` if others hold too many, `Closed` if the semaphore is closed.
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        // SAFETY: the semaphore is the one that goes along.
        let inner = unsafe { permits::extended(self.inner.try_acquire_many(permits)?) };
        Ok(OwnedSemaphorePermit::new(self, permits, inner))
    }

    /// As [`blocking_acquire`](Self::blocking_acquire), with a permit that keeps the semaphore
    /// alive.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        assert_may_block();
        let inner = match self.inner.try_acquire() {
            Ok(inner) => inner,
            Err(_) => self.blocking_acquire_owned_contended(1)?,
        };
        // SAFETY: the semaphore is the one that goes along.
        let inner = unsafe { permits::extended(inner) };
        Ok(OwnedSemaphorePermit::new(self, 1, inner))
    }

    /// As [`blocking_acquire_many`](Self::blocking_acquire_many), with a permit that keeps the
    /// semaphore alive.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks, or if they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub fn blocking_acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        assert_may_block();
        let inner = match self.inner.try_acquire_many(permits) {
            Ok(inner) => inner,
            Err(_) => self.blocking_acquire_many_owned_contended(permits)?,
        };
        // SAFETY: the semaphore is the one that goes along.
        let inner = unsafe { permits::extended(inner) };
        Ok(OwnedSemaphorePermit::new(self, permits, inner))
    }

    /// Closes the semaphore: all that wait get an error.
    pub fn close(&self) {
        match self.flag.is_idle() {
            true => self.inner.close(),
            false => {
                self.close_contended();
                skin::not_last(())
            }
        }
    }

    /// Whether the semaphore is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    contended!(
        acquire_contended,
        acquire_many_contended,
        acquire_owned_contended,
        acquire_many_owned_contended,
    );

    #[cold]
    #[inline(never)]
    fn add_permits_contended(&self, permits: usize) {
        skin::let_in(Kind::ASYNC_SEMAPHORE, &self.flag, || {
            self.inner.add_permits(permits);
        });
    }

    #[cold]
    #[inline(never)]
    fn close_contended(&self) {
        skin::let_in(Kind::ASYNC_SEMAPHORE, &self.flag, || self.inner.close());
    }

    #[cold]
    #[inline(never)]
    fn blocking_acquire_contended(
        &self,
        permits: u32,
    ) -> Result<original::SemaphorePermit<'_>, AcquireError> {
        self.block(permits)
    }

    #[cold]
    #[inline(never)]
    fn blocking_acquire_many_contended(
        &self,
        permits: u32,
    ) -> Result<original::SemaphorePermit<'_>, AcquireError> {
        self.block(permits)
    }

    #[cold]
    #[inline(never)]
    fn blocking_acquire_owned_contended(
        &self,
        permits: u32,
    ) -> Result<original::SemaphorePermit<'_>, AcquireError> {
        self.block(permits)
    }

    #[cold]
    #[inline(never)]
    fn blocking_acquire_many_owned_contended(
        &self,
        permits: u32,
    ) -> Result<original::SemaphorePermit<'_>, AcquireError> {
        self.block(permits)
    }

    #[inline(always)]
    fn block(&self, permits: u32) -> Result<original::SemaphorePermit<'_>, AcquireError> {
        skin::acquire(
            Kind::ASYNC_SEMAPHORE,
            &self.flag,
            || self.inner.try_acquire_many(permits).ok().map(Ok),
            || self.inner.blocking_acquire_many(permits),
            |_| true,
        )
    }
}

impl HasSharedFlag for Semaphore {
    #[inline(always)]
    fn shared_flag(&self) -> &SharedFlag {
        &self.flag
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
