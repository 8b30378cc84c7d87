//! A signal as a trigger: its handler counts, and the recorder's thread looks.

use std::ffi::c_int;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts the signals, of whatever recorder. Relaxed: a hint.
static COUNT: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: c_int) {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

/// How many signals have come.
pub(super) fn received() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// A signal that is handled while this lives.
#[derive(Debug)]
pub(super) struct Handled {
    number: c_int,
}

/// Handles a signal that nobody handles. `None`: somebody does, or nobody can.
pub(super) fn handle(number: c_int) -> Option<Handled> {
    // SAFETY: zeros are a value of each of its fields, and the default.
    let mut before: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: asks what is in force, and stores it in a live local.
    let asked = unsafe { libc::sigaction(number, ptr::null(), &mut before) };
    if asked != 0 || before.sa_sigaction != libc::SIG_DFL {
        return None;
    }
    // SAFETY: as above.
    let mut ours: libc::sigaction = unsafe { mem::zeroed() };
    ours.sa_sigaction = (count as extern "C" fn(c_int) as *const ()).expose_provenance();
    // Calls that it interrupts go on.
    ours.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler is a function of the right type that lives for ever and changes an
    // atomic.
    let is_set = unsafe { libc::sigaction(number, &ours, ptr::null_mut()) } == 0;
    is_set.then_some(Handled { number })
}

impl Drop for Handled {
    fn drop(&mut self) {
        // SAFETY: zeros are a value of each of its fields, and the default.
        let default: libc::sigaction = unsafe { mem::zeroed() };
        // SAFETY: gives back what was there.
        unsafe { libc::sigaction(self.number, &default, ptr::null_mut()) };
    }
}
