//! [`parking_lot::Once`], profiled.

use crate::skin::{self, Flag};
use ::parking_lot::{Once as Inner, OnceState};

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
    inner: Inner,
}

impl Once {
    /// Creates one that has not run.
    #[inline]
    pub const fn new() -> Self {
        Self {
            flag: Flag::new(),
            inner: Inner::new(),
        }
    }

    /// Whether the closure has run, is running, or has panicked.
    #[inline]
    pub fn state(&self) -> OnceState {
        self.inner.state()
    }
}

skin::once_methods!(Inner, OnceState, is_done);

fn is_done(once: &Inner) -> bool {
    once.state() == OnceState::Done
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}
