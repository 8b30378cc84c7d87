//! Forks beside threads that are at work on the profiler, or in the loader: no child hangs,
//! whatever the fork came in between.
#![cfg(all(feature = "profiling", target_os = "linux"))]

mod common;

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{in_child, release_when_asleep};
use contend::sync::Mutex;

static LOCK: Mutex<()> = Mutex::new(());

/// A child that does not end by then hangs: it has the work of some milliseconds.
const ALARM_SECS: u32 = 60;

/// A child that comes while names are looked up has to look up its own, which takes most of the
/// time.
const FORKS: usize = 16;

/// Forks a child that does `live` and ends. Waits for its end.
fn fork_once(live: impl FnOnce()) {
    // SAFETY: the child uses the allocator and starts threads, which glibc supports; of locks it
    // uses those of the profiler, which is what is tested. It ends with `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: sets a timer, whose signal kills the child.
        unsafe { libc::alarm(ALARM_SECS) };
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(live));
        // SAFETY: ends the process at once, which is what is wanted.
        unsafe { libc::_exit(i32::from(lived.is_err())) }
    }
    let mut status = 0;
    // SAFETY: our own child, waited for once; the status goes to a live local.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "0xe is the alarm: the child hung");
}

fn switch_on() {
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
}

/// Switches profiling on, waits for a lock, and takes both profiles.
fn live_as_child() {
    switch_on();
    contend::reset();
    let held = LOCK.lock().unwrap();
    release_when_asleep(|| drop(LOCK.lock().unwrap()), || drop(held));
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(mutex.total_contentions(), 1, "{mutex}");
    assert_eq!(block.total_contentions(), 1, "{block}");
}

/// One process for each try, as profiling is switched on for the first time once in its life.
#[test]
fn beside_the_first_switching_on() {
    for _ in 0..5 {
        in_child("beside_the_first_switching_on", || {
            let is_on = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    switch_on();
                    is_on.store(true, Ordering::Release);
                });
                // The clock is measured for some milliseconds meanwhile.
                for fork in 0.. {
                    let was_on = is_on.load(Ordering::Acquire);
                    fork_once(|| {
                        switch_on();
                        assert_eq!(contend::mutex_profile().total_contentions(), 0);
                    });
                    if was_on || fork == 20 {
                        break;
                    }
                }
            });
        });
    }
}

/// Forks children while other threads do `work` again and again.
fn fork_beside(forks: usize, works: &[&(dyn Fn() + Sync)]) {
    fork_beside_and(forks, works, live_as_child);
}

fn fork_beside_and(forks: usize, works: &[&(dyn Fn() + Sync)], live: fn()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for work in works {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
        for _ in 0..forks {
            fork_once(live);
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

fn takes_profiles() {
    drop((contend::mutex_profile(), contend::block_profile()));
}

#[test]
fn beside_profiles() {
    in_child("beside_profiles", || {
        switch_on();
        live_as_child();
        fork_beside(FORKS, &[&takes_profiles, &takes_profiles]);
    });
}

/// Stands for all code that walks the loader's list by itself: unwinders, other profilers.
fn walks_the_loaders_list() {
    unsafe extern "C" fn visit(_: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
        0
    }
    // SAFETY: the callback touches nothing.
    unsafe { libc::dl_iterate_phdr(Some(visit), std::ptr::null_mut()) };
}

fn loads_and_unloads() {
    // SAFETY: a library of the system's, of which nothing is used; opened and closed once.
    unsafe {
        let handle = libc::dlopen(c"libm.so.6".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        let other = libc::dlopen(c"libutil.so.1".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        for handle in [handle, other] {
            if !handle.is_null() {
                libc::dlclose(handle);
            }
        }
    }
}

#[test]
fn beside_the_loader() {
    in_child("beside_the_loader", || {
        switch_on();
        live_as_child();
        fork_beside(
            FORKS,
            &[&walks_the_loaders_list, &loads_and_unloads, &takes_profiles],
        );
    });
}

/// Dumps hold a lock of their own, slots for answers, the loader's lock and that of names. In a
/// child the loader cannot be asked where other threads' stacks lead, and the dump says so.
#[test]
#[cfg(all(feature = "framehop", target_arch = "x86_64"))]
fn beside_dumps() {
    let live = || {
        live_as_child();
        let threads = contend::threads();
        assert_eq!(threads.threads().len(), 1, "{threads}");
        assert_eq!(threads.notes(), [""; 0]);
        assert!(threads.threads()[0].is_dumper());
        let has_name = |frame: &contend::Frame| frame.function().contains("beside_dumps");
        let mut frames = threads.threads()[0].frames().iter();
        assert!(frames.any(has_name), "{threads}");
        assert!(contend::deadlocks().is_empty());
        // A thread of the child's own is there, without its stack.
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
            });
            let threads = contend::threads();
            assert_eq!(threads.threads().len(), 2, "{threads}");
            let [note] = threads.notes() else {
                panic!("{threads}");
            };
            assert!(note.contains("forked"), "{note}");
            is_over.store(true, Ordering::Relaxed);
        });
    };
    in_child("beside_dumps", || {
        switch_on();
        live_as_child();
        let dumps = || drop(contend::threads());
        let runs = || (0..1000).for_each(|_| std::hint::spin_loop());
        fork_beside_and(FORKS, &[&dumps, &dumps, &runs], live);
    });
}
