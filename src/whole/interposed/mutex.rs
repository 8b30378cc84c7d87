//! `pthread_mutex_…`: C's and C++'s mutexes.

use std::ffi::c_int;

use libc::{clockid_t, pthread_mutex_t, timespec};

use crate::engine::wait::{Access, acquired};
use crate::profile::kind::Kind;
use crate::whole::flags::flag_of;
use crate::whole::real;
use crate::whole::waiting::{is_on, of_lock, releasing, waiting};

/// Tries, and waits by `lock` where somebody else has it.
#[inline(always)]
unsafe fn acquire(mutex: *mut pthread_mutex_t, lock: impl FnOnce() -> c_int) -> c_int {
    if !is_on() {
        return lock();
    }
    // SAFETY: the caller's mutex is one that may be locked, so also tried.
    match unsafe { real::pthread_mutex_trylock(mutex) } {
        // Also what the caller holds itself: then `lock` says so.
        libc::EBUSY => waiting(Kind::MUTEX, Some(flag_of(mutex)), lock, of_lock),
        result => {
            if result == 0 {
                acquired(Access::Untold, flag_of(mutex));
            }
            result
        }
    }
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn lock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: by this function's duty.
    unsafe { acquire(mutex, || real::pthread_mutex_lock(mutex)) }
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn timedlock(mutex: *mut pthread_mutex_t, until: *const timespec) -> c_int {
    // SAFETY: by this function's duty.
    unsafe { acquire(mutex, || real::pthread_mutex_timedlock(mutex, until)) }
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn clocklock(
    mutex: *mut pthread_mutex_t,
    clock: clockid_t,
    until: *const timespec,
) -> c_int {
    // SAFETY: by this function's duty.
    unsafe { acquire(mutex, || real::pthread_mutex_clocklock(mutex, clock, until)) }
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn trylock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: by this function's duty.
    let result = unsafe { real::pthread_mutex_trylock(mutex) };
    if result == 0 {
        acquired(Access::Untold, flag_of(mutex));
    }
    result
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn unlock(mutex: *mut pthread_mutex_t) -> c_int {
    releasing(Kind::MUTEX, flag_of(mutex), || {
        // SAFETY: by this function's duty.
        unsafe { real::pthread_mutex_unlock(mutex) }
    })
}
