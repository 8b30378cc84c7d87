//! [`once_cell::sync::OnceCell`](::once_cell::sync::OnceCell), profiled.

use std::convert::Infallible;
use std::fmt;

use crate::skin::{self, Flag, Kind, Turn};
use ::once_cell::sync as original;

/// A cell that is written once: [`once_cell::sync::OnceCell`](::once_cell::sync::OnceCell),
/// profiled.
///
/// A thread that finds an initialiser running waits for it (kind `once`); its end is
/// the release that is charged with it.
///
/// # Overhead
///
/// Reading a cell that is initialised costs what it costs with the original.
///
/// # Examples
///
/// ```
/// use contend::once_cell::sync::OnceCell;
///
/// static NAME: OnceCell<String> = OnceCell::new();
/// assert_eq!(NAME.get(), None);
/// assert_eq!(NAME.get_or_init(|| "first".into()), "first");
/// assert_eq!(NAME.set("second".into()), Err("second".into()));
/// ```
pub struct OnceCell<T> {
    flag: Flag,
    inner: original::OnceCell<T>,
}

impl<T> OnceCell<T> {
    /// Creates an empty cell.
    #[inline]
    pub const fn new() -> Self {
        Self {
            flag: Flag::new(),
            inner: original::OnceCell::new(),
        }
    }

    /// Creates a cell that has its value.
    #[inline]
    pub const fn with_value(value: T) -> Self {
        Self {
            flag: Flag::new(),
            inner: original::OnceCell::with_value(value),
        }
    }

    /// The value; `None` if there is none yet.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// The value, blocking until there is one.
    #[inline]
    pub fn wait(&self) -> &T {
        match self.inner.get() {
            Some(value) => value,
            None => skin::not_last(self.wait_contended()),
        }
    }

    /// The value, to be changed; `None` if there is none yet.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    /// The value, without asking whether there is one.
    ///
    /// # Safety
    ///
    /// - The cell has been initialised, and that has been made known to this thread.
    #[inline]
    pub unsafe fn get_unchecked(&self) -> &T {
        // SAFETY: this function has the same duty.
        unsafe { self.inner.get_unchecked() }
    }

    /// Gives the cell its value. Blocks while an initialiser runs.
    ///
    /// # Errors
    ///
    /// The value back if the cell has one.
    pub fn set(&self, value: T) -> Result<(), T> {
        match self.try_insert(value) {
            Ok(_) => Ok(()),
            Err((_, value)) => Err(value),
        }
    }

    /// As [`set`](Self::set), and returns the value that the cell has now.
    ///
    /// # Errors
    ///
    /// The value of the cell, and the one that was to be inserted.
    pub fn try_insert(&self, value: T) -> Result<&T, (&T, T)> {
        let mut value = Some(value);
        let inserted = self.get_or_init(|| value.take().expect("an initialiser runs once"));
        match value {
            None => Ok(inserted),
            Some(value) => Err((inserted, value)),
        }
    }

    /// The value; if there is none yet, that of `f`. Blocks while another initialiser runs.
    ///
    /// # Panics
    ///
    /// Where `f` does; the cell stays empty then.
    #[inline]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        match self.get_or_try_init(|| Ok::<T, Infallible>(f())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// As [`get_or_init`](Self::get_or_init), with an initialiser that may fail.
    ///
    /// # Errors
    ///
    /// Those of `f`; the cell stays empty then.
    ///
    /// # Panics
    ///
    /// Where `f` does; the cell stays empty then.
    #[inline]
    pub fn get_or_try_init<F, E>(&self, f: F) -> Result<&T, E>
    where
        F: FnOnce() -> Result<T, E>,
    {
        match self.inner.get() {
            Some(value) => Ok(value),
            None => skin::not_last(self.get_or_try_init_contended(f)),
        }
    }

    /// Takes the value out, and leaves the cell empty.
    pub fn take(&mut self) -> Option<T> {
        self.inner.take()
    }

    /// Consumes the cell and returns its value; `None` if there is none.
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
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

    #[cold]
    #[inline(never)]
    fn get_or_try_init_contended<E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        skin::once(&self.flag, |turn: &mut Turn<'_>| {
            self.inner.get_or_try_init(|| turn.run(f))
        })
    }
}

impl<T> Default for OnceCell<T> {
    /// An empty cell.
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    /// As [`OnceCell::with_value`].
    fn from(value: T) -> Self {
        Self::with_value(value)
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> Self {
        Self {
            flag: Flag::new(),
            inner: self.inner.clone(),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        self.inner.clone_from(&source.inner);
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
