//! [`std::sync::LazyLock`], profiled.
//!
//! The standard library's own cannot be looked into: whether `force` runs the initialiser or waits
//! for it shows only in the initialiser, which it keeps, in a type that cannot be replaced (no
//! stable code may implement `FnOnce`). So this is made of the cell that it has beside it.

use crate::skin::{self, Flag};
use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync;

/// A value that is made when it is first used: [`std::sync::LazyLock`], profiled.
///
/// A thread that runs the initialiser does not wait. One that finds it running does (kind `once`);
/// the end of the initialiser is the release that is charged with it.
///
/// # Overhead
///
/// None once there is a value.
///
/// # Differences from the standard library
///
/// It is made of a [`std::sync::OnceLock`] and the initialiser, which makes it larger by the
/// initialiser and 16 bytes.
///
/// # Examples
///
/// ```
/// use contend::sync::LazyLock;
///
/// static SQUARES: LazyLock<Vec<u32>> = LazyLock::new(|| (0..10).map(|n| n * n).collect());
/// assert_eq!(SQUARES[3], 9);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    flag: Flag,
    value: sync::OnceLock<T>,
    /// `None` once a thread has taken it to run it. Touched only inside `value`'s initialisation,
    /// which one thread at a time runs, each seeing what the one before did.
    initialiser: Cell<Option<F>>,
}

// SAFETY: shared threads reach an `F` only inside `value`'s initialisation, by turns: the one that
// takes it may not be the one that made it, hence `F: Send`, but there is never a `&F`, so not
// `F: Sync`. A `T` may be made by one thread, read by several and dropped by another.
unsafe impl<T: Sync + Send, F: Send> Sync for LazyLock<T, F> {}

// A panic in the initialiser leaves no half-made value: the lock is poisoned.
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// Creates one that `initialiser` will make the value of.
    #[inline]
    pub const fn new(initialiser: F) -> Self {
        Self {
            flag: Flag::new(),
            value: sync::OnceLock::new(),
            initialiser: Cell::new(Some(initialiser)),
        }
    }

    /// The value, which this makes if it is the first to ask; waits for one that is making it.
    ///
    /// # Panics
    ///
    /// Where the initialiser does, and ever after.
    #[inline]
    pub fn force(this: &Self) -> &T {
        match this.value.get() {
            Some(value) => value,
            None => skin::not_last(this.force_contended()),
        }
    }

    /// As [`force`](Self::force), to be changed.
    ///
    /// # Panics
    ///
    /// As [`force`](Self::force).
    #[inline]
    pub fn force_mut(this: &mut Self) -> &mut T {
        Self::force(this);
        this.value.get_mut().expect("there is a value now")
    }

    #[cold]
    #[inline(never)]
    fn force_contended(&self) -> &T {
        skin::once(&self.flag, |turn| {
            self.value.get_or_init(|| match self.initialiser.take() {
                Some(initialiser) => turn.run(initialiser),
                // The words of the standard library.
                None => panic!("LazyLock instance has previously been poisoned"),
            })
        })
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value if it has been made. Never blocks.
    #[inline]
    pub fn get(this: &Self) -> Option<&T> {
        this.value.get()
    }

    /// The value if it has been made, to be changed. Never blocks.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        this.value.get_mut()
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    /// As [`force`](Self::force).
    #[inline]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    /// As [`force_mut`](Self::force_mut).
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        Self::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    /// The type's default, made when it is first used.
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("LazyLock");
        match Self::get(self) {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}
