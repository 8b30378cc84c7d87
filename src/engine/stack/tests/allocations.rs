//! A capture does not allocate: this counts what its thread does.
//!
//! It is the allocator of all unit tests, and only counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::*;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct CountsPerThread;

#[global_allocator]
static ALLOCATOR: CountsPerThread = CountsPerThread;

// SAFETY: every call goes to `System` with the same arguments. The counter is a cell without a
// destructor, which allocates nothing and is there as long as the thread.
unsafe impl GlobalAlloc for CountsPerThread {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's duties are the same as `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: `memory` came from `alloc` above, so from `System`, with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Calls into the allocator, of this thread, while `work` ran.
pub(super) fn allocations_in(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn counter_counts() {
    assert_eq!(allocations_in(|| drop(black_box(Box::new(1)))), 2);
}

#[test]
fn capture_does_not_allocate() {
    start();
    // On a thread of its own, so that the first of a thread is among them.
    std::thread::spawn(|| {
        let allocations = allocations_in(|| {
            for depth in 0..50 {
                descend(depth, &mut || assert!(capture_here().is_some()));
            }
        });
        assert_eq!(allocations, 0);
    })
    .join()
    .unwrap();
}

#[test]
fn system_unwinder_does_not_allocate() {
    start();
    let allocations = allocations_in(|| {
        let mut stack = Stack::new();
        let marker = std::ptr::from_ref(&stack).addr();
        assert!(imp_backtrace::walk(marker, None, &mut stack));
    });
    assert_eq!(allocations, 0);
}
