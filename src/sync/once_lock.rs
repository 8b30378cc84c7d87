//! [`std::sync::OnceLock`], profiled.

use crate::skin::{self, Flag, Kind};
use std::fmt;
use std::sync;

/// A cell that is written once: [`std::sync::OnceLock`], profiled.
///
/// A thread that runs the initialiser does not wait. One that finds it running does (kind `once`);
/// the end of the initialiser is the release that is charged with it.
///
/// # Overhead
///
/// None once there is a value.
///
/// # Examples
///
/// ```
/// use contend::sync::OnceLock;
///
/// static NAME: OnceLock<String> = OnceLock::new();
/// assert_eq!(NAME.get(), None);
/// assert_eq!(NAME.get_or_init(|| "first".to_owned()), "first");
/// assert_eq!(NAME.get_or_init(|| "second".to_owned()), "first");
/// assert_eq!(NAME.set("third".to_owned()), Err("third".to_owned()));
/// ```
pub struct OnceLock<T> {
    flag: Flag,
    inner: sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    /// Creates an empty cell.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            flag: Flag::new(),
            inner: sync::OnceLock::new(),
        }
    }

    /// The value, or `None` while there is none, also while an initialiser runs. Never blocks.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// The value, or `None` while there is none. Never blocks.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    /// The value; waits until there is one.
    #[inline]
    pub fn wait(&self) -> &T {
        match self.inner.get() {
            Some(value) => value,
            None => skin::not_last(self.wait_contended()),
        }
    }

    /// Makes `value` the value unless there is one already; waits for an initialiser that is
    /// running.
    ///
    /// # Errors
    ///
    /// `value` back, if there is another.
    #[inline]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("the initialiser runs once"));
        value.map_or(Ok(()), Err)
    }

    /// The value. When there is none, `initialiser` makes it; waits for one that is running.
    ///
    /// # Panics
    ///
    /// Where `initialiser` does; the cell stays empty then, and who waited tries its own.
    #[inline]
    pub fn get_or_init<F>(&self, initialiser: F) -> &T
    where
        F: FnOnce() -> T,
    {
        match self.inner.get() {
            Some(value) => value,
            None => skin::not_last(self.get_or_init_contended(initialiser)),
        }
    }

    /// Consumes the cell and returns its value, or `None` if there is none.
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// Takes the value, if there is one, and leaves the cell empty.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        self.inner.take()
    }

    #[cold]
    #[inline(never)]
    fn get_or_init_contended(&self, initialiser: impl FnOnce() -> T) -> &T {
        skin::once(&self.flag, |turn| {
            self.inner.get_or_init(|| turn.run(initialiser))
        })
    }

    #[cold]
    #[inline(never)]
    fn wait_contended(&self) -> &T {
        skin::acquire(
            Kind::ONCE,
            &self.flag,
            || self.inner.get(),
            || self.inner.wait(),
            |_| true,
        )
    }
}

impl<T> Default for OnceLock<T> {
    /// An empty cell.
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    /// A cell with this value.
    fn from(value: T) -> Self {
        Self {
            flag: Flag::new(),
            inner: sync::OnceLock::from(value),
        }
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    /// A cell with a clone of the value, or an empty one.
    fn clone(&self) -> Self {
        Self {
            flag: Flag::new(),
            inner: self.inner.clone(),
        }
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
