//! [`tokio::sync::OnceCell`](original::OnceCell), profiled.

mod initialize;

use std::fmt;

use ::tokio::sync::{self as original, SetError};

use crate::skin::{Flag, LockRef, contended};
use initialize::Turn;

/// A cell that is initialized once: [`tokio::sync::OnceCell`](original::OnceCell) that tells the
/// profiler who waits for the initialiser (kind `async_once`). Its end is charged with the waiting.
///
/// # Examples
///
/// ```
/// use contend::tokio::sync::OnceCell;
///
/// # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let config = OnceCell::new();
/// assert_eq!(config.get_or_init(|| async { 1 }).await, &1);
/// assert_eq!(config.get(), Some(&1));
/// # });
/// ```
pub struct OnceCell<T> {
    flag: Flag,
    inner: original::OnceCell<T>,
}

impl<T> OnceCell<T> {
    /// Creates a cell without a value.
    pub fn new() -> Self {
        Self::const_new()
    }

    /// As [`new`](Self::new), for a `static`.
    pub const fn const_new() -> Self {
        Self {
            flag: Flag::new(),
            inner: original::OnceCell::const_new(),
        }
    }

    /// Creates a cell that is initialized if there is a value.
    pub fn new_with(value: Option<T>) -> Self {
        Self {
            flag: Flag::new(),
            inner: original::OnceCell::new_with(value),
        }
    }

    /// Creates a cell that is initialized, for a `static`.
    pub const fn const_new_with(value: T) -> Self {
        Self {
            flag: Flag::new(),
            inner: original::OnceCell::const_new_with(value),
        }
    }

    /// Whether there is a value.
    pub fn initialized(&self) -> bool {
        self.inner.initialized()
    }

    /// The value, if there is one.
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// The value, if there is one.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// The value, if there is one already, or if an initialiser is at work.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        self.inner.set(value)
    }

    /// The value, which `f` makes if there is none. One task runs its initialiser, the others wait.
    ///
    /// # Cancel safety
    ///
    /// If the future of the initialiser is dropped, or panics, one of those that wait runs its own.
    pub async fn get_or_init<F, Fut>(&self, f: F) -> &T
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        if let Some(value) = self.inner.get() {
            return value;
        }
        let turn = Turn::new(&self.flag);
        let inner = self
            .inner
            .get_or_init(|| turn.run(f(), Self::end_contended));
        let lock = LockRef::beside(&self.flag);
        turn.wait(lock, Self::get_or_init_contended, inner).await
    }

    /// As [`get_or_init`](Self::get_or_init), with an initialiser that may fail.
    ///
    /// # Errors
    ///
    /// The initialiser's.
    pub async fn get_or_try_init<E, F, Fut>(&self, f: F) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(value) = self.inner.get() {
            return Ok(value);
        }
        let turn = Turn::new(&self.flag);
        let inner = self
            .inner
            .get_or_try_init(|| turn.run(f(), Self::end_contended));
        let lock = LockRef::beside(&self.flag);
        turn.wait(lock, Self::get_or_try_init_contended, inner)
            .await
    }

    /// The value, if there is one.
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// Takes the value out, if there is one.
    pub fn take(&mut self) -> Option<T> {
        self.inner.take()
    }

    contended!(get_or_init_contended, get_or_try_init_contended);

    /// The end of an initialiser.
    #[cold]
    #[inline(never)]
    fn end_contended(flag: &Flag) {
        crate::skin::release_early(
            crate::skin::Access::Untold,
            crate::skin::Kind::ASYNC_ONCE,
            flag,
        );
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        Self::const_new_with(value)
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> Self {
        Self {
            flag: Flag::new(),
            inner: self.inner.clone(),
        }
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
