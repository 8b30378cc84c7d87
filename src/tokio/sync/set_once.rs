//! [`tokio::sync::SetOnce`](original::SetOnce), profiled.

use std::fmt;

use ::tokio::sync::{self as original, SetOnceError};

use crate::skin::{self, Kind, contended};

/// A value that is set once: [`tokio::sync::SetOnce`](original::SetOnce) that tells the profiler
/// how long tasks wait for it (kind `async_once`). Nobody is blamed.
#[derive(Clone, PartialEq, Eq)]
pub struct SetOnce<T> {
    inner: original::SetOnce<T>,
}

impl<T> SetOnce<T> {
    /// Creates one without a value.
    pub fn new() -> Self {
        Self {
            inner: original::SetOnce::new(),
        }
    }

    /// As [`new`](Self::new), for a `static`.
    pub const fn const_new() -> Self {
        Self {
            inner: original::SetOnce::const_new(),
        }
    }

    /// Creates one that is set if there is a value.
    pub fn new_with(value: Option<T>) -> Self {
        Self {
            inner: original::SetOnce::new_with(value),
        }
    }

    /// Creates one that is set, for a `static`.
    pub const fn const_new_with(value: T) -> Self {
        Self {
            inner: original::SetOnce::const_new_with(value),
        }
    }

    /// Whether it is set.
    pub fn initialized(&self) -> bool {
        self.inner.initialized()
    }

    /// The value, if it is set.
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// The value, if there is one already.
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        self.inner.set(value)
    }

    /// The value, if it is set.
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// Waits until it is set.
    pub async fn wait(&self) -> &T {
        skin::wait_in_task(Kind::ASYNC_ONCE, Self::wait_contended, self.inner.wait()).await
    }

    contended!(wait_contended);
}

impl<T> Default for SetOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for SetOnce<T> {
    fn from(value: T) -> Self {
        Self {
            inner: value.into(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
