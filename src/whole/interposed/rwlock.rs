//! `pthread_rwlock_…`: C's and C++'s locks for readers and writers.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, Ordering};

use libc::{clockid_t, pthread_rwlock_t, timespec};

use crate::engine::wait::{Access, acquired};
use crate::profile::kind::Kind;
use crate::whole::flags::flag_of;
use crate::whole::real;
use crate::whole::waiting::{is_on, of_lock, releasing, waiting};

#[inline(always)]
unsafe fn read(lock: *mut pthread_rwlock_t, block: impl FnOnce() -> c_int) -> c_int {
    if !is_on() {
        return block();
    }
    // SAFETY: the caller's lock is one that may be locked, so also tried.
    match unsafe { real::pthread_rwlock_tryrdlock(lock) } {
        libc::EBUSY => waiting(Kind::RWLOCK_READ, Some(flag_of(lock)), block, of_lock),
        result => {
            if result == 0 {
                acquired(Access::Shared, flag_of(lock));
            }
            result
        }
    }
}

#[inline(always)]
unsafe fn write(lock: *mut pthread_rwlock_t, block: impl FnOnce() -> c_int) -> c_int {
    if !is_on() {
        return block();
    }
    // SAFETY: as above.
    match unsafe { real::pthread_rwlock_trywrlock(lock) } {
        libc::EBUSY => waiting(Kind::RWLOCK_WRITE, Some(flag_of(lock)), block, of_lock),
        result => {
            if result == 0 {
                acquired(Access::Untold, flag_of(lock));
            }
            result
        }
    }
}

macro_rules! forms {
    ($($name:ident: $through:ident($real:ident $(, $argument:ident: $type:ty)*);)+) => {$(
        /// # Safety
        ///
        /// - The duties of the C library's function.
        #[inline(never)]
        pub unsafe fn $name(lock: *mut pthread_rwlock_t $(, $argument: $type)*) -> c_int {
            // SAFETY: by this function's duty.
            unsafe { $through(lock, || real::$real(lock $(, $argument)*)) }
        }
    )+};
}

forms! {
    rdlock: read(pthread_rwlock_rdlock);
    timedrdlock: read(pthread_rwlock_timedrdlock, until: *const timespec);
    clockrdlock: read(pthread_rwlock_clockrdlock, clock: clockid_t, until: *const timespec);
    wrlock: write(pthread_rwlock_wrlock);
    timedwrlock: write(pthread_rwlock_timedwrlock, until: *const timespec);
    clockwrlock: write(pthread_rwlock_clockwrlock, clock: clockid_t, until: *const timespec);
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn unlock(lock: *mut pthread_rwlock_t) -> c_int {
    let flag = flag_of(lock);
    let kind = match flag.is_idle() {
        true => Kind::RWLOCK_WRITE,
        // SAFETY: the caller holds the lock, so it is there.
        false => unsafe { kind_of_holder(lock) },
    };
    releasing(kind, flag, || {
        // SAFETY: by this function's duty.
        unsafe { real::pthread_rwlock_unlock(lock) }
    })
}

/// Whether the caller, who holds the lock, reads or writes. The function that releases is the same.
///
/// # Safety
///
/// - `lock` is a lock that the caller holds.
unsafe fn kind_of_holder(lock: *mut pthread_rwlock_t) -> Kind {
    /// `__cur_writer` of glibc's `struct __pthread_rwlock_arch_t`, the same since 2.25: the thread
    /// that writes, or 0.
    const WRITER_AT: usize = 24;
    const _: () = assert!(WRITER_AT + size_of::<AtomicI32>() <= size_of::<pthread_rwlock_t>());
    // SAFETY: within the lock, which is there by this function's duty, and aligned for its words.
    let writer = unsafe { &*lock.cast::<u8>().add(WRITER_AT).cast::<AtomicI32>() };
    // Relaxed: only the thread itself stores its own number, and it holds the lock.
    match writer.load(Ordering::Relaxed) {
        0 => Kind::RWLOCK_READ,
        _ => Kind::RWLOCK_WRITE,
    }
}
