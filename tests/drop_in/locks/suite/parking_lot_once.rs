use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::parking_lot::{Once, OnceState};
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
    assert_eq!(once.state(), OnceState::New);
    once.call_once(|| {
        runs += 1;
        assert_eq!(once.state(), OnceState::InProgress);
    });
    assert_eq!(once.state(), OnceState::Done);
    assert!(once.state().done() && !once.state().poisoned());
    once.call_once(|| runs += 1);
    once.call_once_force(|_| runs += 1);
    assert_eq!(runs, 1);
}

#[test]
fn poisoned_by_panic() {
    set_up();
    let once = poisoned_once();
    assert_eq!(once.state(), OnceState::Poisoned);
    assert!(once.state().poisoned());
    let mut runs = 0;
    assert!(panics(|| once.call_once(|| runs += 1)));
    assert_eq!(runs, 0);
}

#[test]
fn call_once_force() {
    set_up();
    let once = Once::new();
    let mut was_poisoned = None;
    once.call_once_force(|state: OnceState| was_poisoned = Some(state.poisoned()));
    assert_eq!(was_poisoned, Some(false));

    let once = poisoned_once();
    once.call_once_force(|state| was_poisoned = Some(state.poisoned()));
    assert_eq!(was_poisoned, Some(true));
    assert_eq!(once.state(), OnceState::Done);
    once.call_once(|| unreachable!("it has run"));
}

#[test]
fn poisoned_by_forced_panic() {
    set_up();
    let once = poisoned_once();
    assert!(panics(|| once.call_once_force(|_| panic!("again"))));
    assert!(panics(|| once.call_once(|| ())));
    once.call_once_force(|state| assert!(state.poisoned()));
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
    assert!(outer.state().done() && inner.state().done());
}

#[test]
fn panic_in_nested_is_caught() {
    set_up();
    let (outer, inner) = (Once::new(), Once::new());
    outer.call_once(|| poison(&inner));
    assert!(outer.state().done() && inner.state().poisoned());
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
    let is_running = Barrier::new(3);
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
                    assert!(state.poisoned());
                    forced_runs.fetch_add(1, Ordering::Relaxed);
                });
            });
        }
    });
    assert_eq!(forced_runs.into_inner(), 1);
    assert!(once.state().done());
}

#[test]
fn debug() {
    set_up();
    assert!(format!("{:?}", Once::new()).contains("New"));
    assert!(format!("{:?}", poisoned_once()).contains("Poisoned"));
}

#[test]
fn default() {
    set_up();
    assert_eq!(Once::default().state(), OnceState::New);
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
