//! The one list of all that a fork would leave closed in the child, and of who opens it.
//!
//! In a child of `fork` only the forking thread exists: threads that waited, or that were at work
//! on a table, must not be waited for there. And the thread that forks must not wait for us: longer
//! than for a system call or two the program does not stand still.
//!
//! | what | before | in the child |
//! |---|---|---|
//! | the loader's lock (the C library does not open it) | waits until none of our threads is in the loader, at most 10 ms | the loader is not asked any more, as code that is not ours may have been in it |
//! | what is known of addresses | taken if it is free | given back; else forgotten |
//! | shards of the blame table | | opened; who waited is forgotten |
//! | rates | | opened; who held one is forgotten |
//! | gates of the store | | opened |
//! | the readers of unwind tables | | nothing: they are tried, never waited for |
//! | the ring of events | | opened; its events and who records them are forgotten |
//! | the registry of waits in progress | | forgotten: its threads are not there |
//! | the labels of the thread | | shown at its new record |
//! | each [`Lock`]: dumps of threads, the trace, … | | opened; what a thread was changing begins anew |
//! | what is made once: the store, the clock, the unwinder, names of kinds | | nothing: nobody waits while it is made (see `engine::published`) |
//!
//! Other things that the process has of its parent and not of its threads (a monitor, a flight
//! recorder, the files that the variables ask for) knows whose it is, and does nothing in a child.
//!
//! A child of `vfork` or `posix_spawn` runs none of this and none of ours.

mod lock;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use lock::Lock;

/// Registers the hooks; later calls do nothing. Called before profiling is switched on.
///
/// Not a `Once`, in which a fork may come too. If several first calls come at once, each registers
/// for itself, and none waits for another: the hooks count how often they are called.
pub(crate) fn install_hooks() {
    static ARE_INSTALLED: AtomicBool = AtomicBool::new(false);
    // Relaxed: whoever sees it was told by a thread that had registered them, and a fork that comes
    // after this call in any thread runs them: the C library orders that by its own lock.
    if !ARE_INSTALLED.load(Ordering::Relaxed) {
        imp::install();
        ARE_INSTALLED.store(true, Ordering::Relaxed);
    }
}

#[cfg(unix)]
mod imp {
    use std::cell::Cell;

    use crate::engine::{events, labels, recorder, registry};
    #[cfg(target_os = "linux")]
    use crate::loader::list as loader;
    use crate::symbols;

    thread_local! {
        /// How often the hooks of this fork were called, where they are registered more than once.
        static DEPTH: Cell<u32> = const { Cell::new(0) };
    }

    extern "C" fn before() {
        if DEPTH.replace(DEPTH.get() + 1) > 0 {
            return;
        }
        symbols::before_fork();
        // Innermost: names are looked up with the loader's help.
        #[cfg(target_os = "linux")]
        loader::before_fork();
    }

    /// Whether this is the last of the calls after a fork.
    fn is_last() -> bool {
        // A hook that another thread registered during this fork was not called before it.
        let depth = DEPTH.get().saturating_sub(1);
        DEPTH.set(depth);
        depth == 0
    }

    extern "C" fn in_parent() {
        if !is_last() {
            return;
        }
        #[cfg(target_os = "linux")]
        loader::after_fork_in_parent();
        symbols::after_fork_in_parent();
    }

    extern "C" fn in_child() {
        if !is_last() {
            return;
        }
        #[cfg(target_os = "linux")]
        loader::after_fork_in_child();
        symbols::after_fork_in_child();
        // SAFETY: this runs in the child, inside `fork`, where this thread is the only one.
        unsafe { recorder::open_after_fork() };
        // SAFETY: as above.
        unsafe { events::forget_after_fork() };
        registry::after_fork();
        labels::after_fork();
        super::lock::open_all();
    }

    pub(super) fn install() {
        // SAFETY: the handlers are functions of the right type that live for ever. The child's
        // touches atomics and static memory, and opens a lock that this thread has taken in
        // `before`: no more than a handler in the child of a threaded process may.
        let registered =
            unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        debug_assert_eq!(registered, 0, "only fails when memory is out");
    }
}

#[cfg(not(unix))]
mod imp {
    pub(super) fn install() {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::symbols;

    #[inline(never)]
    fn landmark() -> u32 {
        std::process::id()
    }

    fn name_of_landmark() -> String {
        assert!(landmark() > 0);
        let address = landmark as fn() -> u32 as usize as u64;
        let name = symbols::symbolizer().name(address);
        name.unwrap_or_default()
    }

    /// Whether a child in which `live` is true comes to its end.
    fn child_lives(live: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child uses the allocator, which the C library opens, and what is tested. It
        // ends with `_exit`, and the alarm ends it if it hangs.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: sets a timer, whose signal kills the child.
            unsafe { libc::alarm(60) };
            let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(live));
            // SAFETY: ends the process at once, which is what is wanted.
            unsafe { libc::_exit(i32::from(!lived.unwrap_or(false))) }
        }
        let mut status = -1;
        // SAFETY: our own child, waited for once; the status goes to a live local.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
    }

    #[test]
    fn a_fork_does_not_wait_for_names() {
        install_hooks();
        // Registered twice, as when two threads are first at once.
        imp::install();
        let (looks, is_looking) = mpsc::channel();
        let (enough, may_end) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                let symbolizer = symbols::symbolizer();
                looks.send(()).unwrap();
                // Looks names up until the forks are over.
                let _ = may_end.recv();
                drop(symbolizer);
            });
            is_looking.recv().unwrap();
            // If a fork waited for the thread above, this would never end.
            for _ in 0..3 {
                // Without the cache.
                assert!(child_lives(|| name_of_landmark().contains("landmark")));
            }
            drop(enough);
        });
        // With the cache.
        assert!(name_of_landmark().contains("landmark"));
        assert!(child_lives(|| name_of_landmark().contains("landmark")));
    }

    #[test]
    fn a_child_of_a_child_looks_names_up() {
        install_hooks();
        assert!(child_lives(|| child_lives(|| {
            name_of_landmark().contains("landmark")
        })));
    }

    #[test]
    fn a_lock_that_another_thread_holds_is_open_in_the_child() {
        static HELD: Lock<Vec<u32>> = Lock::new();
        static FREE: Lock<Vec<u32>> = Lock::new();
        static OWN: Lock<Vec<u32>> = Lock::new();
        for lock in [&HELD, &FREE, &OWN] {
            lock.lock().push(7);
        }
        let (holds, is_held) = mpsc::channel();
        let (enough, may_end) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                let held = HELD.lock();
                holds.send(()).unwrap();
                let _ = may_end.recv();
                drop(held);
            });
            is_held.recv().unwrap();
            let own = OWN.lock();
            assert!(child_lives(|| {
                HELD.lock().is_empty() && *FREE.lock() == [7] && OWN.lock().is_empty()
            }));
            drop(own);
            drop(enough);
        });
        for lock in [&HELD, &FREE, &OWN] {
            assert_eq!(*lock.lock(), [7]);
        }
    }
}
