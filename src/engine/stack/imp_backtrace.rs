//! Walks with the unwinder that the system brings, through the `backtrace` crate.

use super::bounds::Bounds;
use super::{FrameFilter, Stack};

/// Walks once: what the unwinder prepares at its first use (it may allocate then) is in place
/// before anything is recorded.
pub(super) fn start() {
    for_each_frame(|_| true);
}

/// Fills `stack` from the frame on that holds `marker`. False: that frame was not found.
pub(super) fn walk(marker: usize, _bounds: Option<Bounds>, stack: &mut Stack) -> bool {
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
