//! [`once_cell::sync::Lazy`](::once_cell::sync::Lazy), profiled.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::RefUnwindSafe;

use super::OnceCell;

/// A value that is made when it is first used: as
/// [`once_cell::sync::Lazy`](::once_cell::sync::Lazy), profiled.
///
/// A thread that finds the initialiser running waits for it (kind `once`); its end is the release
/// that is charged with it.
///
/// # Examples
///
/// ```
/// use contend::once_cell::sync::Lazy;
///
/// static PRIMES: Lazy<Vec<u32>> = Lazy::new(|| vec![2, 3, 5, 7]);
/// assert_eq!(PRIMES.len(), 4);
/// ```
// The original does not tell whether it runs its initialiser or waits, so it cannot be wrapped.
// It is a cell and a function; so is this, around the wrapped cell.
pub struct Lazy<T, F = fn() -> T> {
    cell: OnceCell<T>,
    /// Taken by the initialisation. Touched there, and through `&mut`, only.
    init: Cell<Option<F>>,
}

// SAFETY: threads that share the value share the cell, which is `Sync`. They never see a reference
// to `init`: when several call `force` at once, the cell lets one run the closure that takes the
// function out, and orders it before the next one that may. So the function is at most moved to
// another thread, which asks for `Send`.
unsafe impl<T, F: Send> Sync for Lazy<T, F> where OnceCell<T>: Sync {}

impl<T, F: RefUnwindSafe> RefUnwindSafe for Lazy<T, F> where OnceCell<T>: RefUnwindSafe {}

const POISONED: &str = "Lazy instance has previously been poisoned";

impl<T, F> Lazy<T, F> {
    /// Creates a value that `f` will make.
    #[inline]
    pub const fn new(f: F) -> Self {
        Self {
            cell: OnceCell::new(),
            init: Cell::new(Some(f)),
        }
    }

    /// Consumes this and returns the value.
    ///
    /// # Errors
    ///
    /// The initialiser if it has not run.
    ///
    /// # Panics
    ///
    /// If it has panicked.
    pub fn into_value(this: Lazy<T, F>) -> Result<T, F> {
        let Lazy { cell, init } = this;
        cell.into_inner()
            .ok_or_else(|| init.into_inner().unwrap_or_else(|| panic!("{POISONED}")))
    }
}

impl<T, F: FnOnce() -> T> Lazy<T, F> {
    /// The value, made now if it has not been. Blocks while another thread makes it.
    ///
    /// # Panics
    ///
    /// Where the initialiser does, and when it has panicked before.
    #[inline]
    pub fn force(this: &Lazy<T, F>) -> &T {
        this.cell.get_or_init(|| match this.init.take() {
            Some(f) => f(),
            None => panic!("{POISONED}"),
        })
    }

    /// The value, to be changed, made now if it has not been.
    ///
    /// # Panics
    ///
    /// As [`force`](Self::force).
    pub fn force_mut(this: &mut Lazy<T, F>) -> &mut T {
        if this.cell.get_mut().is_none() {
            let value = match this.init.get_mut().take() {
                Some(f) => f(),
                None => panic!("{POISONED}"),
            };
            this.cell = OnceCell::with_value(value);
        }
        this.cell.get_mut().expect("it was there or was put there")
    }

    /// The value, if it has been made.
    pub fn get(this: &Lazy<T, F>) -> Option<&T> {
        this.cell.get()
    }

    /// The value, to be changed, if it has been made.
    pub fn get_mut(this: &mut Lazy<T, F>) -> Option<&mut T> {
        this.cell.get_mut()
    }
}

impl<T, F: FnOnce() -> T> Deref for Lazy<T, F> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        Lazy::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for Lazy<T, F> {
    fn deref_mut(&mut self) -> &mut T {
        Lazy::force_mut(self)
    }
}

impl<T: Default> Default for Lazy<T> {
    /// The default value, made when it is first used.
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for Lazy<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy")
            .field("cell", &self.cell)
            .field("init", &"..")
            .finish()
    }
}
