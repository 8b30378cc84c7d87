//! `pthread_once`, on which C++'s `call_once` stands.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::engine::wait::{self, Turn};
use crate::whole::flags::flag_of;
use crate::whole::real;
use crate::whole::waiting::{errno, is_on, set_errno};

/// The initialiser, and the call in which it may turn out to run.
struct Call<'a, 'b> {
    turn: &'a mut Turn<'b>,
    routine: unsafe extern "C-unwind" fn(),
}

thread_local! {
    /// A [`Call`] of this thread, from its call of the C library's function until its routine runs
    /// there.
    static CALL: Cell<*mut ()> = const { Cell::new(ptr::null_mut()) };
}

/// # Safety
///
/// - The duties of the C library's function.
#[inline(never)]
pub unsafe fn once(control: *mut c_int, routine: unsafe extern "C-unwind" fn()) -> c_int {
    // SAFETY: the caller's word, which the C library changes atomically too.
    let state = unsafe { AtomicI32::from_ptr(control) };
    /// As glibc has it, whatever the system.
    const DONE: c_int = 2;
    // Acquire: as the C library, so that the caller sees what was initialised.
    if !is_on() || state.load(Ordering::Acquire) == DONE {
        // SAFETY: by this function's duty.
        return unsafe { real::pthread_once(control, routine) };
    }
    let errno_before = errno();
    let mut errno_after = errno_before;
    let result = wait::once(flag_of(control), |turn| {
        let mut call = Call { turn, routine };
        CALL.set(ptr::from_mut(&mut call).cast());
        set_errno(errno_before);
        // SAFETY: by this function's duty; `run` is called at most once, in this call, and by this
        // thread.
        let result = unsafe { real::pthread_once(control, run) };
        errno_after = errno();
        result
    });
    set_errno(errno_after);
    result
}

/// Called by the C library in the place of the routine, where this thread is the one that runs it.
unsafe extern "C-unwind" fn run() {
    // SAFETY: only `once` hands this function out, just after it has stored the call, which lives
    // as long as the C library's function runs.
    let call = unsafe { &mut *CALL.get().cast::<Call<'_, '_>>() };
    // SAFETY: the routine that the program has given for this.
    call.turn.run(|| unsafe { (call.routine)() });
}
