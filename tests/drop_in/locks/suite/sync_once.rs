use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::sync::{Arc, Barrier, Once, OnceState};
use crate::set_up;
use crate::util::{ROUNDS, THREADS, let_park, panics};

fn poison(once: &Once) {
    assert!(panics(|| once.call_once(|| panic!("in the closure"))));
}

fn poisoned_once() -> Once {
    let once = Once::new();
    poison(&once);
    once
}

#[test]
fn smoke() {
    set_up();
    let once = Once::new();
    let mut runs = 0;
    assert!(!once.is_completed());
    once.call_once(|| runs += 1);
    assert!(once.is_completed());
    once.call_once(|| runs += 1);
    once.call_once_force(|_| runs += 1);
    assert_eq!(runs, 1);
}

/// Ownership of what the closure captures goes with the call, run or not.
#[test]
fn drops_what_it_does_not_run() {
    set_up();
    let once = Once::new();
    let token = Arc::new(());
    let held = Arc::clone(&token);
    once.call_once(move || drop(held));
    assert_eq!(Arc::strong_count(&token), 1);
    let held = Arc::clone(&token);
    once.call_once(move || drop(held));
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn poisoned_by_panic() {
    set_up();
    let once = poisoned_once();
    assert!(!once.is_completed());
    let mut runs = 0;
    assert!(panics(|| once.call_once(|| runs += 1)));
    assert_eq!(runs, 0);
}

#[test]
fn call_once_force() {
    set_up();
    let once = Once::new();
    let mut was_poisoned = None;
    once.call_once_force(|state: &OnceState| was_poisoned = Some(state.is_poisoned()));
    assert_eq!(was_poisoned, Some(false));

    let once = poisoned_once();
    once.call_once_force(|state| was_poisoned = Some(state.is_poisoned()));
    assert_eq!(was_poisoned, Some(true));
    assert!(once.is_completed());
    once.call_once(|| unreachable!("it has run"));
    once.wait();
}

#[test]
fn poisoned_by_forced_panic() {
    set_up();
    let once = poisoned_once();
    assert!(panics(|| once.call_once_force(|_| panic!("again"))));
    assert!(panics(|| once.call_once(|| ())));
    once.call_once_force(|state| assert!(state.is_poisoned()));
    once.call_once(|| unreachable!("it has run"));
}

#[test]
fn panic_in_nested() {
    set_up();
    let (outer, inner) = (Once::new(), Once::new());
    assert!(panics(|| outer.call_once(|| {
        inner.call_once(|| panic!("in the inner closure"));
    })));
    assert!(panics(|| inner.call_once(|| ())));
    assert!(panics(|| outer.call_once(|| ())));
    outer.call_once_force(|_| inner.call_once_force(|_| ()));
    assert!(outer.is_completed() && inner.is_completed());
}

#[test]
fn panic_in_nested_is_caught() {
    set_up();
    let (outer, inner) = (Once::new(), Once::new());
    outer.call_once(|| poison(&inner));
    assert!(outer.is_completed() && !inner.is_completed());
}

#[test]
fn completes_while_panicking() {
    struct RunsWhenDropped<'a>(&'a Once);

    impl Drop for RunsWhenDropped<'_> {
        fn drop(&mut self) {
            self.0.call_once(|| ());
        }
    }

    set_up();
    let once = Once::new();
    assert!(panics(|| {
        let _runs = RunsWhenDropped(&once);
        panic!("outside of the closure");
    }));
    assert!(once.is_completed());
}

#[test]
fn wait() {
    set_up();
    let once = Once::new();
    let value = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                once.wait();
                assert_eq!(value.load(Ordering::Relaxed), 1);
            });
            scope.spawn(|| {
                once.wait_force();
                assert_eq!(value.load(Ordering::Relaxed), 1);
            });
        }
        let_park();
        once.call_once(|| value.store(1, Ordering::Relaxed));
    });
    once.wait();
    once.wait_force();
}

#[test]
fn wait_poisoned() {
    set_up();
    let once = poisoned_once();
    assert!(panics(|| once.wait()));

    // Poisoned while it is waited for.
    let once = Once::new();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| panics(|| once.wait()));
        let forced = scope.spawn(|| once.wait_force());
        let_park();
        poison(&once);
        assert!(waiter.join().unwrap());
        assert!(!once.is_completed());
        once.call_once_force(|_| ());
        forced.join().unwrap();
    });
}

#[test]
fn end_wakes_waiter() {
    set_up();
    let once = Once::new();
    let runs = AtomicUsize::new(0);
    let is_running = Barrier::new(1 + THREADS);
    thread::scope(|scope| {
        scope.spawn(|| {
            once.call_once(|| {
                is_running.wait();
                let_park();
                runs.fetch_add(1, Ordering::Relaxed);
            });
        });
        for _ in 0..THREADS {
            scope.spawn(|| {
                is_running.wait();
                once.call_once(|| unreachable!("another thread runs"));
                assert_eq!(runs.load(Ordering::Relaxed), 1);
            });
        }
    });
}

#[test]
fn panic_wakes_waiter() {
    set_up();
    let once = Once::new();
    let forced_runs = AtomicUsize::new(0);
    let is_running = Barrier::new(4);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(panics(|| once.call_once(|| {
                is_running.wait();
                let_park();
                panic!("in the closure");
            })));
        });
        for _ in 0..2 {
            scope.spawn(|| {
                is_running.wait();
                once.call_once_force(|state| {
                    assert!(state.is_poisoned());
                    forced_runs.fetch_add(1, Ordering::Relaxed);
                });
            });
        }
        scope.spawn(|| {
            is_running.wait();
            // Panics, unless a forced run came first: then it has nothing to do.
            if !panics(|| once.call_once(|| unreachable!("it is poisoned"))) {
                assert!(once.is_completed());
            }
        });
    });
    assert_eq!(forced_runs.into_inner(), 1);
    assert!(once.is_completed());
}

#[test]
fn debug() {
    set_up();
    assert!(format!("{:?}", Once::new()).starts_with("Once"));
}

#[test]
fn usable_after_unwind() {
    fn holds<T: UnwindSafe + RefUnwindSafe + Send + Sync>(_: &T) {}

    set_up();
    let once = Once::new();
    holds(&once);
    assert!(std::panic::catch_unwind(|| once.call_once(|| ())).is_ok());
}

#[test]
fn in_static() {
    static START: Once = Once::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);

    fn start() {
        RUNS.fetch_add(1, Ordering::Relaxed);
    }

    set_up();
    let threads: Vec<_> = (0..THREADS)
        .map(|_| thread::spawn(|| START.call_once(start)))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}

/// Threads race to be the one; the others see what it wrote.
#[test]
fn stress() {
    set_up();
    let rounds = ROUNDS / 4;
    let onces: Vec<_> = (0..rounds).map(|_| Once::new()).collect();
    let values: Vec<_> = (0..rounds).map(|_| AtomicUsize::new(0)).collect();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for (once, value) in onces.iter().zip(&values) {
                    once.call_once(|| {
                        let before = value.load(Ordering::Relaxed);
                        thread::yield_now();
                        value.store(before + 1, Ordering::Relaxed);
                    });
                    assert_eq!(value.load(Ordering::Relaxed), 1);
                }
            });
        }
    });
}
