//! [`parking_lot::Once`], profiled.

use std::fmt;

use crate::skin::{self, Flag, Turn};
use ::parking_lot::OnceState;

/// A one-time initialisation: [`parking_lot::Once`], profiled.
///
/// A thread that runs the closure does not wait. One that finds it running does (kind `once`); the
/// end of the closure is the release that is charged with it.
///
/// # Examples
///
/// ```
/// use contend::parking_lot::Once;
///
/// static START: Once = Once::new();
/// let mut runs = 0;
/// START.call_once(|| runs += 1);
/// START.call_once(|| runs += 1);
/// assert_eq!(runs, 1);
/// ```
pub struct Once {
    flag: Flag,
    inner: ::parking_lot::Once,
}

impl Once {
    /// Creates one that has not run.
    #[inline]
    pub const fn new() -> Self {
        Self {
            flag: Flag::new(),
            inner: ::parking_lot::Once::new(),
        }
    }

    /// Whether the closure has run, is running, or has panicked.
    #[inline]
    pub fn state(&self) -> OnceState {
        self.inner.state()
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
        if self.inner.state() != OnceState::Done {
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
        if self.inner.state() != OnceState::Done {
            self.call_once_force_contended(run);
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
