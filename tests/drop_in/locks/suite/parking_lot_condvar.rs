use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::parking_lot::{Condvar, Mutex, MutexGuard, WaitTimeoutResult};
use crate::set_up;
use crate::util::{
    ROUNDS, THREADS, eventually, let_park, ms, on_other_thread, panics, returns_at_once,
    takes_at_least,
};

const LONG: Duration = Duration::from_secs(600);

/// A value, and the news that it changed.
struct Shared<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Shared<T> {
    fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            changed: Condvar::new(),
        }
    }

    fn set(&self, value: T) {
        *self.value.lock() = value;
        self.changed.notify_all();
    }
}

fn is_free<T: ?Sized + Send>(mutex: &Mutex<T>) -> bool {
    on_other_thread(|| mutex.try_lock().is_some())
}

fn in_the_future() -> Instant {
    Instant::now() + LONG
}

#[test]
fn smoke() {
    set_up();
    let condvar = Condvar::new();
    assert!(!condvar.notify_one());
    assert_eq!(condvar.notify_all(), 0);
}

#[test]
fn notify_one() {
    set_up();
    let shared = Shared::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut guard = shared.value.lock();
                *guard += 1;
                shared.changed.wait(&mut guard);
                *guard += 10;
                assert!(!is_free(&shared.value), "held again after the wait");
            });
        }
        // Both have released the mutex, so both are in the queue.
        eventually("both wait", || *shared.value.lock() == 2);
        assert!(shared.changed.notify_one());
        eventually("one goes on", || *shared.value.lock() == 12);
        assert!(shared.changed.notify_one());
        assert!(!shared.changed.notify_one());
    });
    assert_eq!(*shared.value.lock(), 22);
}

#[test]
fn notify_all() {
    set_up();
    let shared = Shared::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut guard = shared.value.lock();
                *guard += 1;
                shared.changed.wait(&mut guard);
                *guard += 10;
            });
        }
        eventually("all wait", || *shared.value.lock() == THREADS);
        // With the mutex held they move from one queue to the other; they count as woken.
        let guard = shared.value.lock();
        assert_eq!(shared.changed.notify_all(), THREADS);
        assert_eq!(shared.changed.notify_all(), 0);
        let_park();
        assert_eq!(*guard, THREADS);
        drop(guard);
    });
    assert_eq!(*shared.value.lock(), 11 * THREADS);
}

#[test]
fn wait_while() {
    set_up();
    let shared = Shared::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=3 {
                let_park();
                shared.set(value);
            }
        });
        let mut guard = shared.value.lock();
        let mut seen = Vec::new();
        shared.changed.wait_while(&mut guard, |value| {
            seen.push(*value);
            *value < 3
        });
        *guard += 1;
        assert_eq!(seen.first(), Some(&0), "asked before the first wait");
        assert_eq!(seen.last(), Some(&3));
    });
    assert_eq!(*shared.value.lock(), 4);
}

/// A condition that is false already is asked once, and nothing is waited for.
#[test]
fn condition_false_at_once() {
    set_up();
    let shared = Shared::new(5);
    let mut asked = 0;
    let mut guard = shared.value.lock();
    shared.changed.wait_while(&mut guard, |value| {
        asked += 1;
        *value += 1;
        false
    });
    assert_eq!((*guard, asked), (6, 1));

    returns_at_once(|| {
        for timeout in [Duration::ZERO, LONG, Duration::MAX] {
            let result = shared
                .changed
                .wait_while_for(&mut guard, |value| *value == 0, timeout);
            assert!(!result.timed_out());
        }
        for deadline in [Instant::now(), in_the_future()] {
            let result = shared
                .changed
                .wait_while_until(&mut guard, |value| *value == 0, deadline);
            assert!(!result.timed_out());
        }
    });
}

#[test]
fn timeout_expires() {
    set_up();
    let shared = Shared::new(());
    let mut guard = shared.value.lock();
    let soon = || Instant::now() + ms(15);
    let mut times_out = |wait: &dyn Fn(&mut MutexGuard<'_, ()>) -> WaitTimeoutResult| {
        let result = takes_at_least(ms(15), || wait(&mut guard));
        assert!(result.timed_out());
        assert!(!is_free(&shared.value), "held again after the wait");
    };
    times_out(&|guard| shared.changed.wait_for(guard, ms(15)));
    times_out(&|guard| shared.changed.wait_until(guard, soon()));
    times_out(&|guard| shared.changed.wait_while_for(guard, |()| true, ms(15)));
    times_out(&|guard| shared.changed.wait_while_until(guard, |()| true, soon()));
    drop(guard);
    assert!(is_free(&shared.value));
}

#[test]
fn zero_timeout() {
    set_up();
    let shared = Shared::new(());
    let mut guard = shared.value.lock();
    let past = Instant::now();
    returns_at_once(|| {
        let zero = Duration::ZERO;
        let changed = &shared.changed;
        assert!(changed.wait_for(&mut guard, zero).timed_out());
        assert!(changed.wait_until(&mut guard, past).timed_out());
        let wait = changed.wait_while_for(&mut guard, |()| true, zero);
        assert!(wait.timed_out());
        let wait = changed.wait_while_until(&mut guard, |()| true, past);
        assert!(wait.timed_out());
    });
    assert!(!is_free(&shared.value));
}

#[test]
fn notified_before_timeout() {
    fn is_notified(wait: impl Fn(&Condvar, &mut MutexGuard<'_, bool>) -> WaitTimeoutResult) {
        let shared = Shared::new(false);
        thread::scope(|scope| {
            let mut guard = shared.value.lock();
            scope.spawn(|| shared.set(true));
            assert!(!wait(&shared.changed, &mut guard).timed_out());
            assert!(*guard);
        });
    }

    set_up();
    for timeout in [LONG, Duration::MAX] {
        is_notified(|changed, guard| changed.wait_for(guard, timeout));
        is_notified(|changed, guard| changed.wait_while_for(guard, |is_set| !*is_set, timeout));
    }
    is_notified(|changed, guard| changed.wait_until(guard, in_the_future()));
    is_notified(|changed, guard| {
        changed.wait_while_until(guard, |is_set| !*is_set, in_the_future())
    });
}

/// The caller's guard still holds the mutex when a condition panics, and releases it.
#[test]
fn not_poisoned_by_condition() {
    set_up();
    let shared = Shared::new(0);
    let mut guard = shared.value.lock();
    assert!(panics(|| {
        shared.changed.wait_while(&mut guard, |_| panic!("asked"));
    }));
    assert!(!is_free(&shared.value));
    // Also when it was waited for in between: the second time the condition is asked.
    thread::scope(|scope| {
        scope.spawn(|| eventually("it waits", || shared.changed.notify_one()));
        assert!(panics(|| {
            let condition = |asked: &mut i32| {
                *asked += 1;
                assert!(*asked < 2, "asked twice");
                true
            };
            shared.changed.wait_while_for(&mut guard, condition, LONG);
        }));
    });
    assert_eq!(*guard, 2);
    assert!(!is_free(&shared.value));
    drop(guard);
    assert!(is_free(&shared.value));
}

#[test]
fn two_mutexes_panic() {
    set_up();
    let shared = Shared::new(false);
    let other = Mutex::new(());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut guard = shared.value.lock();
            *guard = true;
            shared.changed.wait_while(&mut guard, |is_set| *is_set);
        });
        eventually("it waits", || *shared.value.lock());
        let mut guard = other.lock();
        assert!(panics(|| shared.changed.wait(&mut guard)));
        assert!(!is_free(&other), "not released by a wait that panics");
        drop(guard);
        assert!(is_free(&other));
        shared.set(false);
        waiter.join().unwrap();
    });
    // With nobody waiting another mutex will do.
    assert!(
        shared
            .changed
            .wait_for(&mut other.lock(), ms(1))
            .timed_out()
    );
}

#[test]
fn unsized_value() {
    set_up();
    let values: &Mutex<[i32]> = &Mutex::new([0, 0]);
    let changed = Condvar::new();
    thread::scope(|scope| {
        let mut guard = values.lock();
        scope.spawn(|| {
            values.lock()[1] = 1;
            changed.notify_one();
        });
        changed.wait(&mut guard);
        changed.wait_while(&mut guard, |values| values[1] == 0);
        let wait = changed.wait_while_for(&mut guard, |values| values[1] == 0, LONG);
        assert!(!wait.timed_out());
        assert!(changed.wait_until(&mut guard, Instant::now()).timed_out());
        assert_eq!(*guard, [0, 1]);
    });
}

#[test]
fn one_mutex_with_two_condvars() {
    const CAPACITY: usize = 2;

    set_up();
    let (queue, filled, drained) = (Mutex::new(VecDeque::new()), Condvar::new(), Condvar::new());
    let sum = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for item in 1..=ROUNDS {
                let mut queue = queue.lock();
                drained.wait_while(&mut queue, |queue: &mut VecDeque<usize>| {
                    queue.len() == CAPACITY
                });
                queue.push_back(item);
                filled.notify_one();
            }
        });
        for _ in 0..ROUNDS {
            let mut queue = queue.lock();
            while queue.is_empty() {
                filled.wait(&mut queue);
            }
            sum.fetch_add(queue.pop_front().unwrap(), Ordering::Relaxed);
            drained.notify_one();
        }
    });
    assert_eq!(sum.into_inner(), ROUNDS * (ROUNDS + 1) / 2);
}

/// The raw guard inside `unlocked` and `bump` is the one that a wait takes.
#[test]
fn guard_serves_on() {
    set_up();
    let shared = Shared::new(0);
    let mut guard = shared.value.lock();
    shared.changed.wait_for(&mut guard, ms(1));
    MutexGuard::bump(&mut guard);
    MutexGuard::unlocked(&mut guard, || on_other_thread(|| *shared.value.lock() += 1));
    shared.changed.wait_for(&mut guard, ms(1));
    let mapped = MutexGuard::map(guard, |value| value);
    assert_eq!(*mapped, 1);
    drop(mapped);
    assert!(is_free(&shared.value));
}

#[test]
fn debug() {
    set_up();
    assert!(format!("{:?}", Condvar::new()).starts_with("Condvar"));
}

#[test]
fn default() {
    set_up();
    assert!(!Condvar::default().notify_one());
}

#[test]
fn in_static() {
    static READY: Mutex<bool> = Mutex::new(false);
    static CHANGED: Condvar = Condvar::new();

    set_up();
    let thread = thread::spawn(|| {
        *READY.lock() = true;
        CHANGED.notify_one();
    });
    CHANGED.wait_while(&mut READY.lock(), |ready| !*ready);
    thread.join().unwrap();
}

/// The usual pair in an `Arc`, with the condition variable dropped right after the last use.
#[test]
fn dropped_after_use() {
    set_up();
    for _ in 0..ROUNDS / 20 {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let other = Arc::clone(&pair);
        let thread = thread::spawn(move || {
            let (ready, changed) = &*other;
            *ready.lock() = true;
            changed.notify_one();
        });
        let (ready, changed) = &*pair;
        changed.wait_while(&mut ready.lock(), |ready| !*ready);
        drop(pair);
        thread.join().unwrap();
    }
}

/// Turns are passed around a ring of threads; each waits for its own.
#[test]
fn stress() {
    set_up();
    let turns = ROUNDS / 4;
    let shared = Shared::new(0);
    thread::scope(|scope| {
        for me in 0..THREADS {
            let shared = &shared;
            scope.spawn(move || {
                for _ in 0..turns {
                    let mut turn = shared.value.lock();
                    let is_others = |turn: &mut usize| *turn % THREADS != me;
                    if me % 2 == 0 {
                        shared.changed.wait_while(&mut turn, is_others);
                    } else {
                        while is_others(&mut turn) {
                            shared.changed.wait_for(&mut turn, ms(500));
                        }
                    }
                    *turn += 1;
                    shared.changed.notify_all();
                }
            });
        }
    });
    assert_eq!(*shared.value.lock(), turns * THREADS);
}
