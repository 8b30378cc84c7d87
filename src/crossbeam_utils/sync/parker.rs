//! [`crossbeam_utils::sync::Parker`](::crossbeam_utils::sync::Parker), profiled.

use std::fmt;
use std::time::{Duration, Instant};

use ::crossbeam_utils::sync as original;

use super::Unparker;
use crate::skin::{self, Blocked, Kind};

/// Puts its thread to sleep until somebody has a token for it:
/// [`crossbeam_utils::sync::Parker`](::crossbeam_utils::sync::Parker) that tells the profiler how
/// long that takes (kind `park`).
///
/// # Overhead
///
/// Two readings of the clock per `park` while the block profile is on, since there is no way to
/// ask for the token without waiting. One that took less than 1 µs did not block, and is no event.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_utils::sync::Parker;
/// use std::thread;
///
/// let parker = Parker::new();
/// let unparker = parker.unparker().clone();
/// thread::spawn(move || unparker.unpark());
/// parker.park();
/// ```
#[derive(Default)]
pub struct Parker {
    inner: original::Parker,
}

impl Parker {
    /// Creates a parker for which there is no token.
    pub fn new() -> Self {
        Self::default()
    }

    /// Blocks until there is a token, and takes it.
    #[inline(always)]
    pub fn park(&self) {
        skin::perhaps_blocking(Kind::PARK, || self.inner.park());
    }

    /// Blocks until there is a token, which it takes, but at most that long.
    #[inline(always)]
    pub fn park_timeout(&self, timeout: Duration) {
        skin::perhaps_blocking(Blocked::for_a_time(Kind::PARK), || {
            self.inner.park_timeout(timeout)
        });
    }

    /// Blocks until there is a token, which it takes, until `deadline` at the latest.
    #[inline(always)]
    pub fn park_deadline(&self, deadline: Instant) {
        skin::perhaps_blocking(Blocked::for_a_time(Kind::PARK), || {
            self.inner.park_deadline(deadline)
        });
    }

    /// The other half, which makes a token for this parker.
    pub fn unparker(&self) -> &Unparker {
        self.inner.unparker()
    }

    /// Turns the parker into a pointer, which [`from_raw`](Self::from_raw) takes back.
    pub fn into_raw(this: Parker) -> *const () {
        original::Parker::into_raw(this.inner)
    }

    /// The inverse of [`into_raw`](Self::into_raw).
    ///
    /// # Safety
    ///
    /// - The pointer comes from `into_raw`, and is used for this once.
    pub unsafe fn from_raw(ptr: *const ()) -> Parker {
        Self {
            // SAFETY: this function has the same duty, and `into_raw` is the original's.
            inner: unsafe { original::Parker::from_raw(ptr) },
        }
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
