//! Dumps of threads beside memory that comes and goes.
#![cfg(all(
    feature = "profiling",
    feature = "framehop",
    target_os = "linux",
    target_env = "gnu",
    target_arch = "x86_64"
))]

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const LEN: usize = 1 << 20;

extern "C" fn spins(told: *mut c_void) -> *mut c_void {
    // SAFETY: the caller's local, which lives until this thread is joined.
    let told = unsafe { &*told.cast::<Told>() };
    told.tid.store(tid(), Ordering::Release);
    while !told.is_over.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
    ptr::null_mut()
}

#[derive(Default)]
struct Told {
    tid: AtomicUsize,
    is_over: AtomicBool,
}

fn tid() -> usize {
    // SAFETY: asks for a number, and always succeeds.
    unsafe { libc::gettid() as usize }
}

/// Memory behind the stack, as it may lie there by chance, is unmapped and mapped again.
fn comes_and_goes(behind: *mut c_void, is_over: &AtomicBool) {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    while !is_over.load(Ordering::Relaxed) {
        // SAFETY: the second half of the mapping that this test has made, which nobody uses. If
        // another thread's memory has taken the place meanwhile, it is left alone from then on.
        unsafe {
            libc::munmap(behind, LEN);
            for _ in 0..1000 {
                std::hint::spin_loop();
            }
            if libc::mmap(behind, LEN, access, flags, -1, 0) != behind {
                return;
            }
        }
    }
}

/// The kernel shows a stack and writable memory behind it as one mapping. A handler that copied to
/// its end crashed where another thread unmapped a part of it: 64 KiB above a stack pointer are
/// further than the end of the stack of a thread that has hardly begun.
#[test]
fn memory_behind_a_stack_may_go_while_the_stack_is_copied() {
    // SAFETY: a new mapping, which replaces nothing. The first half becomes a stack, which the
    // thread has while it runs; it is joined before the mapping goes.
    unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let stack = libc::mmap(ptr::null_mut(), 2 * LEN, access, flags, -1, 0);
        assert_ne!(stack, libc::MAP_FAILED);
        let behind = stack.byte_add(LEN);
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        assert_eq!(libc::pthread_attr_init(&mut attributes), 0);
        let is_set = libc::pthread_attr_setstack(&mut attributes, stack, LEN);
        assert_eq!(is_set, 0);
        let told = Told::default();
        let mut thread: libc::pthread_t = 0;
        let argument = ptr::from_ref(&told).cast_mut().cast::<c_void>();
        let started = libc::pthread_create(&mut thread, &attributes, spins, argument);
        assert_eq!(started, 0);
        while told.tid.load(Ordering::Acquire) == 0 {
            thread::yield_now();
        }
        let of_spinning = told.tid.load(Ordering::Relaxed) as u32;
        let behind = behind.expose_provenance();
        thread::scope(|scope| {
            let is_over = &told.is_over;
            scope.spawn(move || {
                comes_and_goes(ptr::with_exposed_provenance_mut(behind), is_over);
            });
            let mut seen = 0;
            for _ in 0..300 {
                let threads = contend::threads();
                let found = threads
                    .threads()
                    .iter()
                    .find(|thread| thread.tid() == of_spinning);
                seen += usize::from(found.is_some_and(|thread| !thread.frames().is_empty()));
            }
            is_over.store(true, Ordering::Relaxed);
            assert!(seen > 0, "its stack was never copied");
        });
        assert_eq!(libc::pthread_join(thread, ptr::null_mut()), 0);
        libc::pthread_attr_destroy(&mut attributes);
        libc::munmap(stack, LEN);
    }
}
