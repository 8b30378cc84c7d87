//! Waits that nobody's release ends, or whose release cannot be seen: for the block profile.

use std::ffi::{c_int, c_uint, c_void};

use libc::{clockid_t, pthread_barrier_t, pthread_t, timespec};

use crate::engine::blame::Outcome;
use crate::profile::kind::Kind;
use crate::whole::real;
use crate::whole::waiting::{is_on, perhaps_waiting, waiting};

/// Waits by `block`, which is sure to block.
#[inline(always)]
fn blocking(kind: Kind, block: impl FnOnce() -> c_int) -> c_int {
    if !is_on() {
        return block();
    }
    waiting(kind, None, block, |_| Outcome::Acquired)
}

macro_rules! forms {
    ($($name:ident: $through:ident($kind:ident, $real:ident($($argument:ident: $type:ty),*));)+) => {$(
        /// # Safety
        ///
        /// - The duties of the C library's function.
        #[inline(never)]
        pub unsafe fn $name($($argument: $type),*) -> c_int {
            $through(Kind::$kind, || {
                // SAFETY: by this function's duty.
                unsafe { real::$real($($argument),*) }
            })
        }
    )+};
}

// A thread that has ended already is joined at once.
forms! {
    join: perhaps_waiting(JOIN, pthread_join(thread: pthread_t, result: *mut *mut c_void));
    timedjoin: perhaps_waiting(JOIN, pthread_timedjoin_np(thread: pthread_t, result: *mut *mut c_void, until: *const timespec));
    clockjoin: perhaps_waiting(JOIN, pthread_clockjoin_np(thread: pthread_t, result: *mut *mut c_void, clock: clockid_t, until: *const timespec));
    barrier_wait: perhaps_waiting(BARRIER, pthread_barrier_wait(barrier: *mut pthread_barrier_t));
    nanosleep: blocking(SLEEP, nanosleep(time: *const timespec, left: *mut timespec));
    clock_nanosleep: blocking(SLEEP, clock_nanosleep(clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec));
    usleep: blocking(SLEEP, usleep(micros: c_uint));
    sched_yield: blocking(YIELD, sched_yield());
}
