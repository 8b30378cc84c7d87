//! The profiler's state per thread: whether it is recording, random bits, a shard.
//!
//! Everything is a plain cell without a destructor, initialised at compile time, so that it
//! needs no registration, no allocation, and works while the thread is being torn down.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence};

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(false) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Held while this thread works on the profiler's tables.
///
/// A second one on the same thread is refused: a signal handler, or an allocator called while
/// a table is being worked on, must not enter it again.
#[derive(Debug)]
pub(crate) struct Recording(());

impl Recording {
    #[inline]
    pub(crate) fn enter() -> Option<Self> {
        // NOTE: not `then_some`, which would drop the `Self` that it does not return, and with it
        // end the recording that is going on.
        let entered = RECORDING.with(|recording| (!recording.replace(true)).then(|| Self(())));
        // For signal handlers on this thread: the flag is up before the first table is locked, and
        // (in `drop`) until the last one is open. The locks' own orderings would let the compiler
        // move a plain store past either; a handler in between would wait for its own thread.
        compiler_fence(Ordering::SeqCst);
        entered
    }
}

impl Drop for Recording {
    #[inline]
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        RECORDING.with(|recording| recording.set(false));
    }
}

/// 64 random bits of this thread's own generator (SplitMix64: Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", 2014). Good enough to sample with, not for secrets.
#[inline]
pub(crate) fn random() -> u64 {
    const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    RANDOM.with(|state| {
        let mut seed = state.get();
        if seed == 0 {
            seed = first_seed(std::ptr::from_ref(state) as u64);
        }
        let next = seed.wrapping_add(GOLDEN_GAMMA);
        state.set(next);
        let mut z = next;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// The answer of `draw` at this moment, which draws nothing by that; and a number that stays the
/// same until something is drawn.
pub(crate) fn without_drawing<R>(draw: impl FnOnce() -> R) -> (R, u64) {
    // Once, so that there is a seed.
    if RANDOM.get() == 0 {
        random();
    }
    let state = RANDOM.get();
    let result = draw();
    RANDOM.set(state);
    (result, state)
}

/// A start that differs between threads (the cell's address and a counter; addresses are
/// reused) and between runs (the clock, and where the system randomises addresses).
#[cold]
fn first_seed(address: u64) -> u64 {
    static THREADS: AtomicUsize = AtomicUsize::new(1);
    let thread = THREADS.fetch_add(1, Ordering::Relaxed) as u64;
    let seed = address ^ thread.rotate_left(40) ^ crate::engine::clock::now().rotate_left(20);
    seed | 1
}

/// A number that this thread keeps and that spreads threads evenly over `count` shards.
#[inline]
pub(crate) fn shard(count: usize) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.with(|shard| {
        let mut mine = shard.get();
        if mine == usize::MAX {
            mine = NEXT.fetch_add(1, Ordering::Relaxed) & (usize::MAX >> 1);
            shard.set(mine);
        }
        mine % count
    })
}

/// A number that no other living thread has, as cheaply as can be: the thread pointer, one
/// instruction and no initialisation. It works in allocators and in thread-local destructors.
#[inline(always)]
pub(crate) fn thread_pointer() -> usize {
    imp::thread_pointer()
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod imp {
    #[inline(always)]
    pub(super) fn thread_pointer() -> usize {
        let pointer;
        // SAFETY: reads one word of this thread's control block. The System V ABI for x86-64 has
        // the thread pointer itself there ("ELF Handling For Thread-Local Storage", 3.4.6).
        unsafe {
            std::arch::asm!(
                "mov {}, fs:0",
                out(reg) pointer,
                options(nostack, preserves_flags, readonly, pure),
            );
        }
        pointer
    }
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
mod imp {
    #[inline(always)]
    pub(super) fn thread_pointer() -> usize {
        let pointer;
        // SAFETY: reads a register that user code may read and that the C library never changes
        // while the thread lives.
        unsafe {
            std::arch::asm!(
                "mrs {}, tpidr_el0",
                out(reg) pointer,
                options(nomem, nostack, preserves_flags, pure),
            );
        }
        pointer
    }
}

/// Elsewhere the address of a thread-local that needs no initialisation.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod imp {
    #[inline(always)]
    pub(super) fn thread_pointer() -> usize {
        super::RECORDING.with(|own| std::ptr::from_ref(own).addr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_is_not_entered_twice() {
        let first = Recording::enter();
        assert!(first.is_some());
        assert!(Recording::enter().is_none());
        assert!(Recording::enter().is_none(), "the refused one ended it");
        drop(first);
        assert!(Recording::enter().is_some());
    }

    #[test]
    fn threads_draw_different_numbers() {
        let here: Vec<u64> = (0..4).map(|_| random()).collect();
        let there = std::thread::spawn(|| (0..4).map(|_| random()).collect::<Vec<_>>())
            .join()
            .unwrap();
        assert_ne!(here, there);
    }
}
