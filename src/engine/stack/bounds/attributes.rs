//! The thread's stack as the C library tells it when it is asked.
//!
//! glibc allocates, and for the main thread opens `/proc/self/maps` and takes locks. musl makes
//! system calls for the main thread, and for others reads what it has.

use std::mem::MaybeUninit;
use std::ops::Range;

/// From above the guard to the end. `None`: it does not tell.
pub(super) fn ask() -> Option<Range<usize>> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: a thread may ask for its own attributes at any time. They are written where the
    // pointer points, which is large enough by its type.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call above returned 0, so it has initialised them.
    let mut attributes = unsafe { attributes.assume_init() };
    let mut low = std::ptr::null_mut();
    let mut size = 0;
    let mut guard = 0;
    // SAFETY: `attributes` is initialised; the results go to live locals of the right types. It
    // is destroyed once, afterwards, and not used again.
    let failed = unsafe {
        let failed = libc::pthread_attr_getstack(&attributes, &mut low, &mut size)
            | libc::pthread_attr_getguardsize(&attributes, &mut guard);
        libc::pthread_attr_destroy(&mut attributes);
        failed
    };
    if failed != 0 {
        return None;
    }
    let high = low.addr().checked_add(size)?;
    // glibc before 2.27 counts the guard as a part of the stack. Where it is not, this gives
    // away a page.
    let low = low.addr().checked_add(guard)?;
    (low < high).then_some(low..high)
}
