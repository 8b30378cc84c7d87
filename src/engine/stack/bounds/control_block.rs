//! The thread's stack as glibc notes it in the thread's own control block: read without a call.
//!
//! To ask (`pthread_getattr_np`) allocates with C's `malloc`, opens a file, takes locks and makes
//! system calls: none of which is allowed where a wait is recorded, as the lock that is waited for
//! may be the allocator's, and the thread may be in a sandbox. All that the answer says stands in
//! three words of `struct pthread`, which lies where `pthread_self` points:
//!
//! ```text
//!                    of other threads               of the main thread
//!   stackblock       lowest address, of the guard   0
//!   stackblock_size  bytes, the guard's too         where its stack ends (`__libc_stack_end`)
//!   guardsize        bytes                          0
//! ```
//!
//! The names are the same since glibc 2.1 and stand in this order, but not at the same place. So
//! [`start`] looks for them once, in a thread of which it knows the answer. Where they are not
//! found the bounds of all threads are unknown: stacks are then walked by the system's unwinder.

use std::ffi::c_void;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::attributes;

const WORD_BYTES: usize = size_of::<usize>();

/// Where `stackblock` is, in bytes from the start of the block, which is never 0; 0: not known.
///
/// Stored with `Release`, after `MAIN_ROOM`; the `Acquire` in `of_this_thread` makes that visible.
static STACK_FIELDS: AtomicUsize = AtomicUsize::new(0);

/// How far the main thread's stack may reach below its end.
static MAIN_ROOM: AtomicUsize = AtomicUsize::new(0);

/// The kernel keeps at least 128 MB below the end of the main thread's stack free of other mappings
/// (`MIN_GAP` in `arch/x86/mm/mmap.c`); a limit of the stack that was raised later does not move
/// them.
const MAX_MAIN_ROOM: usize = 120 << 20;

/// Finds out where the words are. Asks the system and allocates, so it is called when profiling
/// is turned on; more often is no harm.
pub(super) fn start() {
    if STACK_FIELDS.load(Ordering::Relaxed) != 0 {
        return;
    }
    MAIN_ROOM.store(main_room(), Ordering::Relaxed);
    STACK_FIELDS.store(find_fields().unwrap_or(0), Ordering::Release);
}

/// From above the guard to the end. `None`: not known.
pub(super) fn of_this_thread() -> Option<Range<usize>> {
    let fields = STACK_FIELDS.load(Ordering::Acquire);
    if fields == 0 {
        return None;
    }
    let block = this_block();
    // SAFETY: the three words are in the control block of every thread, as `find_fields` found them
    // in one: the layout is the C library's, and there is one in a process.
    let [start, size, guard] = [0, 1, 2].map(|word| unsafe { word_at(block, fields, word) });
    let bounds = if start == 0 {
        size.checked_sub(MAIN_ROOM.load(Ordering::Relaxed))?..size
    } else {
        let bounds = start.checked_add(guard)?..start.checked_add(size)?;
        // glibc puts the control block at the end of the stack itself.
        bounds.contains(&block).then_some(bounds)?
    };
    (!bounds.is_empty()).then_some(bounds)
}

fn this_block() -> usize {
    // SAFETY: has no preconditions. It returns a constant of the thread, without a lock.
    unsafe { libc::pthread_self() as usize }
}

/// # Safety
///
/// - `block + offset` up to the end of this word must be in the control block of this thread.
unsafe fn word_at(block: usize, offset: usize, word: usize) -> usize {
    let address = block + offset + word * WORD_BYTES;
    let address = std::ptr::with_exposed_provenance_mut::<usize>(address);
    // SAFETY: by this function's duty the word is mapped, and stays as long as the thread. Aligned,
    // as the block and all fields that are words are. Atomic, as other threads write to some of the
    // words among which `find_fields` looks.
    unsafe { AtomicUsize::from_ptr(address) }.load(Ordering::Relaxed)
}

fn main_room() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: stores a limit at the address given, which is `limit`'s.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) } != 0;
    if failed {
        return 0;
    }
    usize::try_from(limit.rlim_cur).map_or(MAX_MAIN_ROOM, |limit| limit.min(MAX_MAIN_ROOM))
}

fn find_fields() -> Option<usize> {
    let block = this_block();
    let words = block_bytes()? / WORD_BYTES;
    // SAFETY: `block_bytes` says how long the control block is.
    let word = |index: usize| unsafe { word_at(block, index * WORD_BYTES, 0) };
    let mut candidates = 1..words.checked_sub(2)?;
    let is_main = candidates.clone().find(|index| {
        let end = word(index + 1);
        word(*index) == 0 && end != 0 && Some(end) == main_stack_end() && word(index + 2) == 0
    });
    let found = is_main.or_else(|| {
        let asked = attributes::ask()?;
        candidates.find(|index| {
            let [start, size, guard] = [0, 1, 2].map(|field| word(index + field));
            let end = start.checked_add(size);
            // With the guard counted or not: the C libraries differ.
            let counted = [guard, guard.wrapping_mul(2)].map(|guard| start.checked_add(guard));
            end == Some(asked.end) && counted.contains(&Some(asked.start))
        })
    })?;
    Some(found * WORD_BYTES)
}

/// How long a control block is, as glibc tells debuggers (`libthread_db`).
fn block_bytes() -> Option<usize> {
    let size = symbol(c"_thread_db_sizeof_pthread")?;
    // SAFETY: the symbol of this name is a `uint32_t` in every glibc that has it.
    let size = unsafe { size.cast::<u32>().read() } as usize;
    // 2304 with glibc 2.36 on x86-64. Anything else than a small multiple is something else.
    (size_of::<[usize; 16]>()..1 << 14)
        .contains(&size)
        .then_some(size)
}

/// The stack pointer that the kernel started the program with.
fn main_stack_end() -> Option<usize> {
    let end = symbol(c"__libc_stack_end")?;
    // SAFETY: the symbol of this name is a pointer in every glibc that has it, and is written
    // before `main` alone.
    Some(unsafe { end.cast::<usize>().read() })
}

fn symbol(name: &std::ffi::CStr) -> Option<*const c_void> {
    // SAFETY: the name ends with a zero; the lookup has no other duties.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol.cast_const())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_all_sizes_know_their_stacks() {
        start();
        for size in [64 << 10, 100_000, 1 << 20, 64 << 20] {
            let thread = std::thread::Builder::new().stack_size(size);
            let thread = thread.spawn(|| (of_this_thread(), attributes::ask()));
            let (known, asked) = thread.unwrap().join().unwrap();
            let (known, asked) = (known.unwrap(), asked.unwrap());
            assert_eq!(known.end, asked.end);
            // Up to the guard, which may be counted twice in what was asked.
            assert!((known.start..=known.start + (64 << 10)).contains(&asked.start));
        }
    }

    #[test]
    fn the_main_thread_knows_its_stack() {
        // The child of a fork has one thread, on the stack of the thread that forked; so this asks
        // a program of its own, whose main thread waits for the harness.
        start();
        let end = main_stack_end().unwrap();
        let room = MAIN_ROOM.load(Ordering::Relaxed);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let stack = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let (start, rest) = stack.split_once('-').unwrap();
        let (limit, _) = rest.split_once(' ').unwrap();
        let [start, limit] = [start, limit].map(|at| usize::from_str_radix(at, 16).unwrap());
        assert!((start..limit).contains(&end));
        // No other mapping within the room.
        let others = maps.lines().filter(|line| !line.ends_with("[stack]"));
        for other in others {
            let (_, rest) = other.split_once('-').unwrap();
            let (other_end, _) = rest.split_once(' ').unwrap();
            let other_end = usize::from_str_radix(other_end, 16).unwrap();
            assert!(other_end <= end - room || other_end > end, "{other}");
        }
    }
}
