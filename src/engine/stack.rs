//! The stack of the running thread, as return addresses.
//!
//! [`Stack::capture`] is called while something waits: it must cost little, allocate nothing and
//! wait for nobody. Two walkers stand behind it:
//!
//! - `imp_framehop`, on x86-64 Linux: reads the unwind tables of the loaded objects in place and
//!   keeps what it learned, 0.1 to 0.5 µs per stack.
//! - `imp_backtrace`, everywhere: the system's own unwinder, ten times slower. It also serves
//!   the other one's captures where that one gives up: in code that was loaded a moment ago or
//!   made at run time, on a coroutine's stack, in a signal handler.
//!
//! Frame pointers would be ten times cheaper still, and are not used on purpose. Whether *all*
//! code on a stack keeps them cannot be known: a callback through one function that does not
//! (`qsort` of the system's libc) loses its caller without a sign, and a test at startup sees
//! only the code that it calls itself. framehop meets the time that we have.

#[cfg(target_os = "linux")]
mod bounds;
#[cfg(not(target_os = "linux"))]
#[path = "stack/bounds/unknown.rs"]
mod bounds;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod copied;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
mod headless;
mod imp_backtrace;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
mod imp_framehop;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
mod loaded_objects;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod memory;
#[cfg(test)]
mod tests;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
mod unwind_rules;

#[cfg(not(all(feature = "framehop", target_os = "linux", target_arch = "x86_64")))]
use imp_backtrace as imp;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
use imp_framehop as imp;

use std::mem::MaybeUninit;

use crate::profile::address::MAX_DEPTH;
use bounds::Bounds;

/// Frames of the profiler itself that a walk passes before it gives up looking for the
/// marker: the wrappers are some ten calls deep, also in a build without inlining.
const MAX_OWN_DEPTH: usize = 64;

/// Below this much stack left, nothing is captured.
///
/// Measured with a painted stack: a walk on which every address is new takes 16.5 KB, 45 KB
/// without optimisation, nearly all of it where framehop evaluates a table's entry; the system's
/// unwinder 2.7 KB. The rest is room to spare.
const STACK_NEEDED_BYTES: usize = if cfg!(debug_assertions) {
    64 << 10
} else {
    32 << 10
};

/// The same for a stack that is not the thread's own, which the system's unwinder walks: what it
/// takes and the kilobyte of a [`Stack`], with some room.
const FOREIGN_STACK_NEEDED_BYTES: usize = if cfg!(debug_assertions) {
    8 << 10
} else {
    5 << 10
};

/// Whether there is stack enough to make a [`Stack`] and to capture it. The caller asks before,
/// from a function whose own frame is small: on a coroutine's stack a kilobyte may be too much.
#[inline(never)]
pub(crate) fn has_room() -> bool {
    let here = 0_u8;
    let here = std::ptr::from_ref(std::hint::black_box(&here)).addr();
    match Bounds::of_this_thread().filter(|bounds| bounds.contains(here)) {
        Some(bounds) => bounds.bytes_left(here) >= STACK_NEEDED_BYTES,
        // How large a coroutine's stack is, or a signal's, nobody knows. But below it there is
        // usually a page that must not be touched.
        None => bounds::is_mapped_below(FOREIGN_STACK_NEEDED_BYTES),
    }
}

/// Return addresses of one stack, leaf first, on the recorder's own stack.
pub(crate) struct Stack {
    /// The first `depth` are written. The rest stays as it was: clearing a kilobyte would cost
    /// a tenth of a capture.
    addresses: [MaybeUninit<usize>; MAX_DEPTH],
    depth: usize,
}

impl Stack {
    /// Whoever records makes it, on its own stack.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {
            addresses: [const { MaybeUninit::uninit() }; MAX_DEPTH],
            depth: 0,
        }
    }

    /// Takes the stack of this thread, from the frame on that holds `marker`, a local variable;
    /// what was called from there is left out. False if it cannot be walked; nothing is in it then.
    /// There must be room: see [`has_room`].
    ///
    /// It allocates nothing and waits for nobody, and looks at `MAX_OWN_DEPTH + MAX_DEPTH` frames
    /// at most. (The C libraries without `_dl_find_object`, musl and glibc before 2.35, take the
    /// loader's lock for a moment, in both walkers.)
    ///
    /// PERF: fills in place; a kilobyte returned by value was copied twice, 7 % of a record.
    #[inline(never)]
    pub(crate) fn capture<T: ?Sized>(&mut self, marker: &T) -> bool {
        let marker = std::ptr::from_ref(marker).cast::<()>().addr();
        let here = std::ptr::from_ref(self).addr();
        self.depth = 0;
        // Nothing is known of a stack that is not the thread's own (a coroutine's, a signal's). The
        // system's unwinder walks it, as it would for a panic there.
        let bounds = Bounds::of_this_thread().filter(|bounds| bounds.contains(here));
        let is_walked = imp::walk(marker, bounds, self);
        if !is_walked {
            self.depth = 0;
        }
        is_walked
    }

    pub(crate) fn addresses(&self) -> &[usize] {
        // SAFETY: `push` alone raises `depth`, by one, after it wrote the word there; so the
        // first `depth` words are written, and `depth` is at most `MAX_DEPTH`.
        unsafe { std::slice::from_raw_parts(self.addresses.as_ptr().cast(), self.depth) }
    }

    /// False: there is no room for another one after this.
    fn push(&mut self, address: usize) -> bool {
        if let Some(free) = self.addresses.get_mut(self.depth) {
            free.write(address);
            self.depth += 1;
        }
        self.depth < MAX_DEPTH
    }

    #[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
    fn clear(&mut self) {
        self.depth = 0;
    }
}

/// Leaves out the profiler's own frames: those called by the one that holds the marker.
///
/// Stacks grow downwards: what the marker's frame called lies below the marker entirely, and
/// the marker's frame ends above it.
struct FrameFilter {
    marker: usize,
    own_frames_left: usize,
    passed: bool,
}

impl FrameFilter {
    fn new(marker: usize) -> Self {
        Self {
            marker,
            own_frames_left: MAX_OWN_DEPTH,
            passed: false,
        }
    }

    /// Takes the next frame, which ends (its caller's stack pointer) at `end`. False: the walk
    /// need not go on.
    #[inline]
    fn take(&mut self, address: usize, end: usize, stack: &mut Stack) -> bool {
        if !self.passed && end <= self.marker {
            self.own_frames_left -= 1;
            return self.own_frames_left > 0;
        }
        self.passed = true;
        stack.push(address)
    }

    /// Takes the outermost frame, of which it is not known where it ends.
    fn take_last(&mut self, address: usize, stack: &mut Stack) {
        if self.passed {
            stack.push(address);
        }
    }
}

/// The stack that this thread was started on, from the lowest usable address to its end. `None`:
/// not known, or [`start`] was not called. For signal handlers: asks nobody, and uses no
/// thread-local.
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
#[allow(dead_code)] // Asked for by dumps of threads.
pub(crate) fn own_stack() -> Option<std::ops::Range<usize>> {
    bounds::known_to_the_c_library()
}

/// Prepares for captures: allocates, reads the list of loaded objects. Called when profiling is
/// first turned on, never while recording; more often is no harm.
pub(crate) fn start() {
    bounds::start();
    imp_backtrace::start();
    #[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
    imp_framehop::start();
}

/// Takes note of objects that were loaded or unloaded since. May allocate: called by snapshots,
/// never while recording.
pub(crate) fn refresh() {
    #[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
    imp_framehop::refresh();
}
