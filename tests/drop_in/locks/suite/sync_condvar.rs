use std::collections::VecDeque;
use std::panic::RefUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use crate::set_up;
use crate::util::{
    ROUNDS, THREADS, let_park, ms, on_other_thread, panics, returns_at_once, takes_at_least,
};

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
        *self.value.lock().unwrap() = value;
        self.changed.notify_all();
    }
}

fn is_free<T: Send>(mutex: &Mutex<T>) -> bool {
    on_other_thread(|| !matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)))
}

#[test]
fn smoke() {
    set_up();
    let condvar = Condvar::new();
    condvar.notify_one();
    condvar.notify_all();
}

#[test]
fn notify_one() {
    set_up();
    let shared = Shared::new(false);
    thread::scope(|scope| {
        let mut guard = shared.value.lock().unwrap();
        scope.spawn(|| {
            // Gets the mutex only when the wait has released it.
            *shared.value.lock().unwrap() = true;
            shared.changed.notify_one();
        });
        while !*guard {
            guard = shared.changed.wait(guard).unwrap();
        }
        assert!(!is_free(&shared.value), "held again after the wait");
    });
    assert!(is_free(&shared.value));
}

#[test]
fn notify_all() {
    set_up();
    let shared = Shared::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut guard = shared.value.lock().unwrap();
                *guard += 1;
                shared.changed.notify_all();
                while *guard < THREADS {
                    guard = shared.changed.wait(guard).unwrap();
                }
            });
        }
    });
    assert_eq!(*shared.value.lock().unwrap(), THREADS);
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
        let guard = shared.value.lock().unwrap();
        let mut seen = Vec::new();
        let mut guard = shared
            .changed
            .wait_while(guard, |value| {
                seen.push(*value);
                *value < 3
            })
            .unwrap();
        *guard += 1;
        assert_eq!(seen.first(), Some(&0), "asked before the first wait");
        assert_eq!(seen.last(), Some(&3));
    });
    assert_eq!(*shared.value.lock().unwrap(), 4);
}

/// A condition that is false already is asked once, and nothing is waited for.
#[test]
fn condition_false_at_once() {
    set_up();
    let shared = Shared::new(5);
    let mut asked = 0;
    let guard = shared.value.lock().unwrap();
    let guard = shared
        .changed
        .wait_while(guard, |value| {
            asked += 1;
            *value += 1;
            false
        })
        .unwrap();
    assert_eq!((*guard, asked), (6, 1));

    drop(guard);
    for timeout in [Duration::ZERO, Duration::from_secs(600), Duration::MAX] {
        let guard = shared.value.lock().unwrap();
        let (guard, result) = returns_at_once(|| {
            let wait = shared
                .changed
                .wait_timeout_while(guard, timeout, |value| *value == 0);
            wait.unwrap()
        });
        assert_eq!((*guard, result.timed_out()), (6, false));
    }
}

#[test]
fn timeout_expires() {
    set_up();
    let shared = Shared::new(());
    let mut guard = shared.value.lock().unwrap();
    let guard = takes_at_least(ms(15), || {
        // May wake without a notification; in the end it times out.
        loop {
            let (again, result) = shared.changed.wait_timeout(guard, ms(15)).unwrap();
            guard = again;
            if result.timed_out() {
                break guard;
            }
        }
    });
    assert!(!is_free(&shared.value), "held again after the wait");
    drop(guard);

    let guard = shared.value.lock().unwrap();
    let (guard, result) = takes_at_least(ms(15), || {
        let wait = shared.changed.wait_timeout_while(guard, ms(15), |()| true);
        wait.unwrap()
    });
    assert!(result.timed_out());
    drop(guard);
    assert!(is_free(&shared.value));
}

#[test]
fn zero_timeout() {
    set_up();
    let shared = Shared::new(());
    returns_at_once(|| {
        let guard = shared.value.lock().unwrap();
        let (guard, result) = shared.changed.wait_timeout(guard, Duration::ZERO).unwrap();
        assert!(result.timed_out());
        let wait = shared
            .changed
            .wait_timeout_while(guard, Duration::ZERO, |()| true);
        assert!(wait.unwrap().1.timed_out());
    });
}

#[test]
fn notified_before_timeout() {
    set_up();
    for timeout in [Duration::from_secs(600), Duration::MAX] {
        let shared = Shared::new(false);
        let guard = shared.value.lock().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| shared.set(true));
            let mut guard = guard;
            while !*guard {
                let (again, result) = shared.changed.wait_timeout(guard, timeout).unwrap();
                assert!(!result.timed_out());
                guard = again;
            }
            *guard = false;
            scope.spawn(|| shared.set(true));
            let wait = shared
                .changed
                .wait_timeout_while(guard, timeout, |is_set| !*is_set);
            let (guard, result) = wait.unwrap();
            assert!(*guard && !result.timed_out());
        });
    }
}

#[test]
#[allow(deprecated)] // It is deprecated in the original too.
fn wait_timeout_ms() {
    set_up();
    let shared = Shared::new(false);
    let mut guard = shared.value.lock().unwrap();
    takes_at_least(ms(15), || {
        loop {
            let (again, is_notified) = shared.changed.wait_timeout_ms(guard, 15).unwrap();
            guard = again;
            if !is_notified {
                break;
            }
        }
        drop(guard);
    });

    let mut guard = shared.value.lock().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| shared.set(true));
        while !*guard {
            let (again, is_notified) = shared.changed.wait_timeout_ms(guard, u32::MAX).unwrap();
            assert!(is_notified);
            guard = again;
        }
    });
}

/// Every wait hands its guard back inside the error.
#[test]
fn poisoned_while_waiting() {
    fn poison(shared: &Shared<i32>) {
        assert!(panics(|| {
            let mut guard = shared.value.lock().unwrap_or_else(PoisonError::into_inner);
            *guard += 1;
            shared.changed.notify_all();
            panic!("with the lock held");
        }));
    }

    /// Waits with `wait`, which returns whether it was an error, until the value has changed.
    fn poisons(wait: impl Fn(&Shared<i32>) -> bool + Sync) {
        let shared = Shared::new(0);
        let waits = Mutex::new(false);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                *waits.lock().unwrap() = true;
                wait(&shared)
            });
            while !*waits.lock().unwrap() {
                thread::yield_now();
            }
            let_park();
            poison(&shared);
            // A wait without condition may have begun only now.
            while !waiter.is_finished() {
                shared.changed.notify_all();
                thread::yield_now();
            }
            assert!(waiter.join().unwrap());
        });
        assert!(is_free(&shared.value));
    }

    set_up();
    let long = Duration::from_secs(600);
    poisons(|shared| match shared.value.lock() {
        Ok(guard) => match shared.changed.wait(guard) {
            Err(poisoned) => *poisoned.into_inner() == 1,
            Ok(_) => false,
        },
        Err(_) => true,
    });
    poisons(|shared| match shared.value.lock() {
        Ok(guard) => match shared.changed.wait_while(guard, |value| *value == 0) {
            Err(poisoned) => *poisoned.into_inner() == 1,
            Ok(_) => false,
        },
        Err(_) => true,
    });
    poisons(|shared| match shared.value.lock() {
        Ok(guard) => match shared.changed.wait_timeout(guard, long) {
            Err(poisoned) => {
                let (guard, result) = poisoned.into_inner();
                *guard == 1 && !result.timed_out()
            }
            Ok(_) => false,
        },
        Err(_) => true,
    });
    poisons(|shared| match shared.value.lock() {
        Ok(guard) => {
            let wait = shared
                .changed
                .wait_timeout_while(guard, long, |value| *value == 0);
            match wait {
                Err(poisoned) => {
                    let (guard, result) = poisoned.into_inner();
                    *guard == 1 && !result.timed_out()
                }
                Ok(_) => false,
            }
        }
        Err(_) => true,
    });
}

/// A mutex that is poisoned before the wait is so after it.
#[test]
fn poisoned_before_waiting() {
    set_up();
    let shared = Shared::new(());
    assert!(panics(|| {
        let _guard = shared.value.lock().unwrap();
        panic!("with the lock held");
    }));
    let guard = shared.value.lock().unwrap_err().into_inner();
    let wait = shared.changed.wait_timeout(guard, Duration::ZERO);
    let (guard, result) = wait.unwrap_err().into_inner();
    assert!(result.timed_out());
    // Only a wait looks: without one the original answers `Ok`, poisoned or not.
    assert!(shared.changed.wait_while(guard, |()| false).is_ok());
}

#[test]
fn poisoned_by_condition() {
    set_up();
    let shared = Shared::new(0);
    assert!(panics(|| {
        let guard = shared.value.lock().unwrap();
        drop(shared.changed.wait_while(guard, |_| panic!("asked")));
    }));
    assert!(shared.value.is_poisoned());
    assert!(is_free(&shared.value));
    shared.value.clear_poison();

    // Also when it was waited for in between: the second time the condition is asked.
    assert!(panics(|| {
        let guard = shared.value.lock().unwrap();
        let wait = shared
            .changed
            .wait_timeout_while(guard, ms(15), |asked: &mut i32| {
                *asked += 1;
                assert!(*asked < 2, "asked twice");
                true
            });
        drop(wait);
    }));
    assert!(shared.value.is_poisoned());
    assert!(is_free(&shared.value));
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
                let guard = queue.lock().unwrap();
                let mut guard = drained
                    .wait_while(guard, |queue: &mut VecDeque<usize>| queue.len() == CAPACITY)
                    .unwrap();
                guard.push_back(item);
                filled.notify_one();
            }
        });
        for _ in 0..ROUNDS {
            let mut guard = queue.lock().unwrap();
            while guard.is_empty() {
                guard = filled.wait(guard).unwrap();
            }
            sum.fetch_add(guard.pop_front().unwrap(), Ordering::Relaxed);
            drained.notify_one();
        }
    });
    assert_eq!(sum.into_inner(), ROUNDS * (ROUNDS + 1) / 2);
}

#[test]
fn debug() {
    set_up();
    assert!(format!("{:?}", Condvar::new()).starts_with("Condvar"));
}

#[test]
fn default() {
    fn holds<T: Default + Send + Sync + RefUnwindSafe>(_: &T) {}

    set_up();
    let condvar = Condvar::default();
    holds(&condvar);
    condvar.notify_all();
}

#[test]
fn in_static() {
    static READY: Mutex<bool> = Mutex::new(false);
    static CHANGED: Condvar = Condvar::new();

    set_up();
    let thread = thread::spawn(|| {
        *READY.lock().unwrap() = true;
        CHANGED.notify_one();
    });
    let guard = CHANGED
        .wait_while(READY.lock().unwrap(), |ready| !*ready)
        .unwrap();
    assert!(*guard);
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
            *ready.lock().unwrap() = true;
            changed.notify_one();
        });
        let (ready, changed) = &*pair;
        drop(
            changed
                .wait_while(ready.lock().unwrap(), |ready| !*ready)
                .unwrap(),
        );
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
                    let guard = shared.value.lock().unwrap();
                    let mut turn = if me % 2 == 0 {
                        let is_others = |turn: &mut usize| *turn % THREADS != me;
                        shared.changed.wait_while(guard, is_others).unwrap()
                    } else {
                        let mut guard = guard;
                        while *guard % THREADS != me {
                            guard = shared.changed.wait_timeout(guard, ms(500)).unwrap().0;
                        }
                        guard
                    };
                    *turn += 1;
                    shared.changed.notify_all();
                }
            });
        }
    });
    assert_eq!(*shared.value.lock().unwrap(), turns * THREADS);
}
