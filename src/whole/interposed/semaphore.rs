//! `sem_…`.

use std::ffi::c_int;

use libc::{clockid_t, sem_t, timespec};

use crate::engine::blame::Outcome;
use crate::profile::kind::Kind;
use crate::whole::flags::flag_of;
use crate::whole::real;
use crate::whole::waiting::{errno, is_on, releasing, set_errno, waiting};

unsafe extern "C-unwind" {
    fn pthread_testcancel();
}

#[inline(always)]
unsafe fn take(semaphore: *mut sem_t, block: impl FnOnce() -> c_int) -> c_int {
    if !is_on() {
        return block();
    }
    // The C library's functions are points of cancellation even where they do not wait.
    // SAFETY: has no duties; unwinds through this function, which owns nothing.
    unsafe { pthread_testcancel() };
    let errno_before = errno();
    // SAFETY: the caller's semaphore is one that may be waited for, so also tried.
    let result = unsafe { real::sem_trywait(semaphore) };
    if result == 0 || errno() != libc::EAGAIN {
        return result;
    }
    set_errno(errno_before);
    waiting(Kind::SEMAPHORE, Some(flag_of(semaphore)), block, |result| {
        match (result, errno()) {
            (0, _) => Outcome::Acquired,
            // By a signal, too: nobody has let it go on.
            (_, libc::ETIMEDOUT | libc::EINTR) => Outcome::TimedOut,
            _ => Outcome::Cancelled,
        }
    })
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn wait(semaphore: *mut sem_t) -> c_int {
    // SAFETY: by this function's duty.
    unsafe { take(semaphore, || real::sem_wait(semaphore)) }
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn timedwait(semaphore: *mut sem_t, until: *const timespec) -> c_int {
    // SAFETY: by this function's duty.
    unsafe { take(semaphore, || real::sem_timedwait(semaphore, until)) }
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec) -> c_int {
    // SAFETY: by this function's duty.
    unsafe { take(semaphore, || real::sem_clockwait(semaphore, clock, until)) }
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn post(semaphore: *mut sem_t) -> c_int {
    releasing(Kind::SEMAPHORE, flag_of(semaphore), || {
        // SAFETY: by this function's duty.
        unsafe { real::sem_post(semaphore) }
    })
}
