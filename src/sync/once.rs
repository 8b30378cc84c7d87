//! [`std::sync::Once`], profiled.

use crate::skin::{self, Flag};
use std::sync::{Once as Inner, OnceState};

/// A one-time initialisation: [`std::sync::Once`], profiled.
///
/// A thread that runs the closure does not wait. One that finds it running does (kind `once`); the
/// end of the closure is the release that is charged with it.
///
/// # Examples
///
/// ```
/// use contend::sync::Once;
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

#[allow(clippy::new_without_default)] // The standard library's has no `Default` either.
impl Once {
    /// Creates one that has not run.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            flag: Flag::new(),
            inner: Inner::new(),
        }
    }

    /// Whether a closure has run to its end.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.inner.is_completed()
    }
}

skin::once_methods!(Inner, &OnceState, Inner::is_completed, waits);
