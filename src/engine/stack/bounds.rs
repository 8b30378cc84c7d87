//! Where this thread's stack lies: a walk reads nothing outside it, and needs some of it.

mod attributes;
#[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
mod control_block;

use std::cell::Cell;
use std::ops::Range;

#[cfg(not(all(target_env = "gnu", target_pointer_width = "64")))]
use attributes::ask as look_up;
#[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
use control_block::of_this_thread as look_up;

thread_local! {
    /// Looked up once per thread. Without a destructor, so that it is there till the end. A fork
    /// keeps it, as it keeps the stack.
    static BOUNDS: Cell<Option<Bounds>> = const { Cell::new(None) };
}

/// From the lowest usable address to the end of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    low: usize,
    high: usize,
}

/// Prepares for threads that want to know theirs. May allocate and ask the system.
pub(super) fn start() {
    #[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
    control_block::start();
}

/// As [`super::own_stack`].
#[cfg(all(feature = "framehop", target_arch = "x86_64"))]
pub(super) fn known_to_the_c_library() -> Option<Range<usize>> {
    #[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
    return look_up();
    // Elsewhere the question allocates.
    #[cfg(not(all(target_env = "gnu", target_pointer_width = "64")))]
    None
}

impl Bounds {
    /// Contains nothing: of a thread whose bounds are not known.
    const UNKNOWN: Self = Self { low: 0, high: 0 };

    /// The bounds of the stack that the thread was started on. `None`: not known, or [`start`] was
    /// not called.
    ///
    /// The low end of the main thread's is where its limit stood when profiling was switched on.
    #[inline]
    pub(super) fn of_this_thread() -> Option<Self> {
        let bounds = BOUNDS.with(|cached| cached.get().unwrap_or_else(|| look_up_once(cached)));
        (bounds != Self::UNKNOWN).then_some(bounds)
    }

    #[inline]
    pub(super) fn contains(self, address: usize) -> bool {
        (self.low..self.high).contains(&address)
    }

    /// How much stack is left below `address`.
    #[inline]
    pub(super) fn bytes_left(self, address: usize) -> usize {
        address.saturating_sub(self.low)
    }

    /// One past the last byte.
    #[cfg(all(feature = "framehop", target_arch = "x86_64"))]
    pub(super) fn end(self) -> usize {
        self.high
    }
}

#[cold]
fn look_up_once(cached: &Cell<Option<Bounds>>) -> Bounds {
    // Bounds that are not known now may be known later: this thread may have come before `start`
    // was through.
    let Some(Range { start, end }) = look_up() else {
        return Bounds::UNKNOWN;
    };
    let bounds = Bounds {
        low: start,
        high: end,
    };
    cached.set(Some(bounds));
    bounds
}

/// Whether `bytes` below this frame can be read, on a stack of which nothing else is known.
///
/// Asked with the one call that a thread which waits for a lock makes anyway, so that a sandbox
/// allows it: a wait on a word of the page that does not have the value waited for. It reads the
/// word and comes back; it fails in its own way where there is none.
#[inline(never)]
pub(super) fn is_mapped_below(bytes: usize) -> bool {
    /// No larger than a page of any system, so that none is missed.
    const STEP: usize = 4096;
    let here = 0_u32;
    let here = std::ptr::from_ref(&here).addr();
    let mut below = 0;
    while below < bytes {
        below = (below + STEP).min(bytes);
        if !here.checked_sub(below).is_some_and(is_readable) {
            return false;
        }
    }
    true
}

fn is_readable(address: usize) -> bool {
    /// A value that memory hardly ever has; if it has, the wait is over at once all the same.
    const UNLIKELY: u32 = 0x9e37_79b9;
    let word = std::ptr::without_provenance::<u32>(address & !3);
    let at_once = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel checks the address itself, and reads one word there. It writes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word,
            operation,
            UNLIKELY,
            &raw const at_once,
        )
    };
    result == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_where_memory_is() {
        let word = 7_u32;
        assert!(is_readable(std::ptr::from_ref(&word).addr()));
        assert!(!is_readable(8), "the null page");
        let page = 4096;
        // SAFETY: new mappings, which nobody else knows of and which go again.
        unsafe {
            let memory = libc::mmap(
                std::ptr::null_mut(),
                2 * page,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(memory, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(memory, page, libc::PROT_NONE), 0);
            assert!(!is_readable(memory.addr() + page - 4), "a guard");
            assert!(is_readable(memory.addr() + page), "never touched");
            libc::munmap(memory, 2 * page);
        }
    }

    #[test]
    fn this_threads_stack_goes_on_below() {
        assert!(is_mapped_below(16 << 10));
        let far = 1 << 46;
        assert!(!is_mapped_below(far), "there is a guard on the way");
    }
}
