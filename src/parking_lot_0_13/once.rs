//! parking_lot's `Once`, profiled.

use std::fmt;

use crate::skin::{self, Flag, Kind, Turn};
use ::parking_lot_0_13::{Once as Inner, OnceState};

/// A one-time initialisation: parking_lot's `Once`, profiled.
///
/// A thread that runs the closure does not wait. One that finds it running does (kind `once`); the
/// end of the closure is the release that is charged with it.
///
/// # Examples
///
/// ```
/// use contend::parking_lot_0_13::Once;
///
/// static START: Once = Once::new();
/// let mut runs = 0;
/// START.call_once(|| runs += 1);
/// START.call_once(|| runs += 1);
/// assert_eq!(runs, 1);
/// ```
pub struct Once {
    flag: Flag,
    inner: Inner,
}

impl Once {
    /// Creates one that has not run.
    #[inline]
    pub const fn new() -> Self {
        Self::of(Inner::new())
    }

    /// Creates one that has run.
    #[inline]
    pub const fn new_completed() -> Self {
        Self::of(Inner::new_completed())
    }

    const fn of(inner: Inner) -> Self {
        Self {
            flag: Flag::new(),
            inner,
        }
    }

    /// Whether the closure has run, is running, or has panicked.
    #[inline]
    pub fn state(&self) -> OnceState {
        self.inner.state()
    }

    /// Whether the closure has run.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.inner.is_completed()
    }

    /// Runs `run` unless one has run already; waits for one that is running.
    ///
    /// # Panics
    ///
    /// When an earlier run has panicked, and where `run` does.
    #[inline]
    pub fn call_once<F>(&self, run: F)
    where
        F: FnOnce(),
    {
        if !self.inner.is_completed() {
            self.call_once_contended(run);
            skin::keep_frame();
        }
    }

    /// As [`call_once`](Self::call_once), but runs again after a run that has panicked, and tells
    /// the closure so.
    ///
    /// # Panics
    ///
    /// Where `run` does.
    #[inline]
    pub fn call_once_force<F>(&self, run: F)
    where
        F: FnOnce(OnceState),
    {
        if !self.inner.is_completed() {
            self.call_once_force_contended(run);
            skin::keep_frame();
        }
    }

    /// Waits until a run has ended, also one that has not begun.
    ///
    /// # Panics
    ///
    /// When a run has panicked.
    #[inline]
    pub fn wait(&self) {
        if !self.inner.is_completed() {
            self.wait_contended(Inner::wait);
            skin::keep_frame();
        }
    }

    /// As [`wait`](Self::wait), but goes on waiting after a run that has panicked.
    #[inline]
    pub fn wait_force(&self) {
        if !self.inner.is_completed() {
            self.wait_contended(Inner::wait_force);
            skin::keep_frame();
        }
    }

    #[cold]
    #[inline(never)]
    fn call_once_contended(&self, run: impl FnOnce()) {
        skin::once(&self.flag, |turn: &mut Turn<'_>| {
            self.inner.call_once(|| turn.run(run));
        });
    }

    #[cold]
    #[inline(never)]
    fn call_once_force_contended(&self, run: impl FnOnce(OnceState)) {
        skin::once(&self.flag, |turn: &mut Turn<'_>| {
            self.inner.call_once_force(|state| turn.run(|| run(state)));
        });
    }

    #[cold]
    #[inline(never)]
    fn wait_contended(&self, block: impl FnOnce(&Inner)) {
        skin::acquire(
            Kind::ONCE,
            &self.flag,
            || self.inner.is_completed().then_some(()),
            || block(&self.inner),
            |()| true,
        );
    }
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
