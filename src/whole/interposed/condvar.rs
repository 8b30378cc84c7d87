//! `pthread_cond_…`.
//!
//! A waiter gives its mutex up inside the C library, by a symbol that nobody can stand before. So
//! that release is charged on the way in, and the mutex that it takes again is part of the wait.

use std::ffi::c_int;

use libc::{clockid_t, pthread_cond_t, pthread_mutex_t, timespec};

use crate::engine::wait::{Access, acquired, release_early};
use crate::profile::kind::Kind;
use crate::whole::flags::flag_of;
use crate::whole::real;
use crate::whole::waiting::{errno, is_on, of_lock, releasing, set_errno, waiting};

#[inline(always)]
fn wait_for(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    block: impl FnOnce() -> c_int,
) -> c_int {
    if !is_on() {
        return block();
    }
    let errno_before = errno();
    release_early(Access::Untold, Kind::MUTEX, flag_of(mutex));
    set_errno(errno_before);
    let result = waiting(Kind::CONDVAR, Some(flag_of(condition)), block, of_lock);
    acquired(Access::Untold, flag_of(mutex));
    result
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int {
    wait_for(condition, mutex, || {
        // SAFETY: by this function's duty.
        unsafe { real::pthread_cond_wait(condition, mutex) }
    })
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn timedwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    until: *const timespec,
) -> c_int {
    wait_for(condition, mutex, || {
        // SAFETY: by this function's duty.
        unsafe { real::pthread_cond_timedwait(condition, mutex, until) }
    })
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn clockwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    clock: clockid_t,
    until: *const timespec,
) -> c_int {
    wait_for(condition, mutex, || {
        // SAFETY: by this function's duty.
        unsafe { real::pthread_cond_clockwait(condition, mutex, clock, until) }
    })
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn signal(condition: *mut pthread_cond_t) -> c_int {
    releasing(Kind::CONDVAR, flag_of(condition), || {
        // SAFETY: by this function's duty.
        unsafe { real::pthread_cond_signal(condition) }
    })
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn broadcast(condition: *mut pthread_cond_t) -> c_int {
    releasing(Kind::CONDVAR, flag_of(condition), || {
        // SAFETY: by this function's duty.
        unsafe { real::pthread_cond_broadcast(condition) }
    })
}
