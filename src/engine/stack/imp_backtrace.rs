//! Walks with the unwinder that the system brings, through the `backtrace` crate.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::sync::atomic::{AtomicBool, Ordering};

use super::bounds::Bounds;
use super::{FrameFilter, Stack};
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use crate::loader::list;

/// Whether the unwinder takes the loader's lock for each frame: with glibc before 2.35, which has
/// no `_dl_find_object`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
static LOCKS_LOADER: AtomicBool = AtomicBool::new(false);

/// Walks once: what the unwinder prepares at its first use (it may allocate then) is in place
/// before anything is recorded.
pub(super) fn start() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the name ends with a zero; the lookup has no other duties.
        let find = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
        LOCKS_LOADER.store(find.is_null(), Ordering::Relaxed);
    }
    if !may_walk() {
        return;
    }
    for_each_frame(|_| true);
}

/// Not in a forked child where it takes a lock that the fork may have left closed: the loader's; or
/// that of libgcc (`object_mutex`), once a compiler at run time has registered tables. The latter
/// cannot be known from outside. So the unwinder is used there only if there is no other one.
fn may_walk() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    return list::may_be_asked() || (IS_THE_ONLY_ONE && !LOCKS_LOADER.load(Ordering::Relaxed));
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    true
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
const IS_THE_ONLY_ONE: bool = !cfg!(all(feature = "framehop", target_arch = "x86_64"));

/// Fills `stack` from the frame on that holds `marker`. False: that frame was not found, or the
/// unwinder must not be used.
pub(super) fn walk(marker: usize, _bounds: Option<Bounds>, stack: &mut Stack) -> bool {
    if !may_walk() {
        return false;
    }
    let mut filter = FrameFilter::new(marker);
    // The frame before the one at hand. Where it ends is known from the next: the stack pointer
    // of a frame is the end of the one that it called.
    let mut last = None;
    let mut is_full = false;
    for_each_frame(|frame| {
        let end = match frame.sp().addr() {
            // The system does not tell: then nothing is left out.
            0 => usize::MAX,
            end => end,
        };
        is_full = last
            .replace(frame.ip().addr())
            .is_some_and(|callee| !filter.take(callee, end, stack));
        !is_full
    });
    // glibc's outermost frame is followed by one without an address.
    if let Some(last) = last.filter(|last| *last != 0 && !is_full) {
        filter.take_last(last, stack);
    }
    filter.passed
}

#[cfg(unix)]
fn for_each_frame(visit: impl FnMut(&backtrace::Frame) -> bool) {
    // SAFETY: the synchronisation that is left out is for the debug library of Windows. The
    // unwinder of Unix systems keeps its state on the stack of the walking thread and guards
    // what it shares itself: it serves panics of several threads at once.
    unsafe { backtrace::trace_unsynchronized(visit) }
}

#[cfg(not(unix))]
fn for_each_frame(visit: impl FnMut(&backtrace::Frame) -> bool) {
    backtrace::trace(visit);
}
