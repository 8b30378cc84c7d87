//! The functions with which a thread makes itself wait.

use super::thread_handle::own_key;
use crate::skin::{self, Blocked, Kind};
use std::thread;
use std::time::Duration;

/// Sleeps for `duration` or a little longer: [`std::thread::sleep`], as kind `sleep` in the block
/// profile. With a duration of zero it is none.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use contend::thread;
///
/// let start = Instant::now();
/// thread::sleep(Duration::from_millis(5));
/// assert!(start.elapsed() >= Duration::from_millis(5));
/// ```
#[inline(always)]
pub fn sleep(duration: Duration) {
    if !duration.is_zero() {
        skin::blocking(Blocked::for_a_time(Kind::SLEEP), || thread::sleep(duration));
    }
}

/// As [`sleep`], in milliseconds.
#[deprecated(note = "replaced by `sleep`, as in the standard library")]
#[inline(always)]
pub fn sleep_ms(ms: u32) {
    sleep(Duration::from_millis(u64::from(ms)));
}

/// Waits until somebody calls [`unpark`](super::Thread::unpark) on this thread:
/// [`std::thread::park`], as kind `park` in the block profile. May return without that. The wake
/// profile charges it to the call of [`Thread::unpark`](super::Thread::unpark); one that goes
/// through the standard library's own type is not seen.
///
/// When somebody has called it already, which cannot be known before, this returns at once and is
/// no event; it is told by having taken less than a microsecond.
///
/// # Examples
///
/// ```
/// use contend::thread;
///
/// thread::current().unpark();
/// thread::park();
/// ```
#[inline(always)]
pub fn park() {
    skin::perhaps_sleeping(Kind::PARK, own_key(), thread::park, |_| true);
}

/// As [`park`], for `duration` at the most.
#[inline(always)]
pub fn park_timeout(duration: Duration) {
    skin::perhaps_sleeping(
        Blocked::for_a_time(Kind::PARK),
        own_key(),
        || thread::park_timeout(duration),
        |waited| waited < duration,
    );
}

/// As [`park_timeout`], in milliseconds.
#[deprecated(note = "replaced by `park_timeout`, as in the standard library")]
#[inline(always)]
pub fn park_timeout_ms(ms: u32) {
    park_timeout(Duration::from_millis(u64::from(ms)));
}
