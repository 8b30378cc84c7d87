//! parking_lot's `Once`, profiled.

use crate::skin::{self, Flag};
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
}

skin::once_methods!(Inner, OnceState, Inner::is_completed, waits);

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}
