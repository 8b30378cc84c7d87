use std::cell::Cell;
use std::error::Error;
use std::mem;
use std::panic;
use std::thread;

use super::sync::{
    Arc, Barrier, LockResult, Mutex, MutexGuard, PoisonError, TryLockError, TryLockResult,
};
use crate::set_up;
use crate::util::{
    CountsDrops, ROUNDS, THREADS, add_one_slowly, contend, let_park, on_other_thread, panics,
};

/// A mutex that a thread panicked with.
fn poisoned_mutex<T>(value: T) -> Mutex<T> {
    let mutex = Mutex::new(value);
    poison(&mutex);
    mutex
}

fn poison<T: ?Sized>(mutex: &Mutex<T>) {
    assert!(panics(|| {
        let _guard = mutex.lock().unwrap();
        panic!("with the lock held");
    }));
}

fn is_free<T: ?Sized + Send>(mutex: &Mutex<T>) -> bool {
    on_other_thread(|| !matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)))
}

#[test]
fn smoke() {
    set_up();
    let mutex = Mutex::new(1);
    drop(mutex.lock().unwrap());
    *mutex.lock().unwrap() += 1;
    assert_eq!(*mutex.lock().unwrap(), 2);
}

#[test]
fn try_lock() {
    set_up();
    let mutex = Mutex::new(1);
    let guard = mutex.try_lock().unwrap();
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    assert!(!is_free(&mutex));
    drop(guard);
    assert_eq!(*mutex.try_lock().unwrap(), 1);
}

#[test]
fn try_lock_poisoned() {
    set_up();
    let mutex = poisoned_mutex(1);
    match mutex.try_lock() {
        Err(TryLockError::Poisoned(poisoned)) => {
            let guard: MutexGuard<'_, i32> = poisoned.into_inner();
            assert_eq!(*guard, 1);
            // Held, so not to be had: which the poison does not hide.
            assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
        }
        other => panic!("{other:?}"),
    }
    assert!(is_free(&mutex));
}

#[test]
fn poisoned_by_panic() {
    set_up();
    let mutex = Mutex::new(1);
    assert!(!mutex.is_poisoned());
    poison(&mutex);
    assert!(mutex.is_poisoned());

    let poisoned = mutex.lock().unwrap_err();
    assert_eq!(**poisoned.get_ref(), 1);
    let mut guard: MutexGuard<'_, i32> = poisoned.into_inner();
    *guard = 2;
    drop(guard);
    let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*guard, 2);
}

#[test]
fn poisoned_by_other_thread() {
    set_up();
    let mutex = Arc::new(Mutex::new(1));
    let other = Arc::clone(&mutex);
    let result = thread::spawn(move || {
        let _guard = other.lock().unwrap();
        panic!("with the lock held");
    });
    assert!(result.join().is_err());
    assert!(mutex.is_poisoned());
    assert!(mutex.lock().is_err());
}

#[test]
fn poisoned_while_waiting() {
    set_up();
    let mutex = Mutex::new(1);
    let held = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(panics(|| {
                let _guard = mutex.lock().unwrap();
                held.wait();
                let_park();
                panic!("with the lock held");
            }));
        });
        held.wait();
        let poisoned = mutex.lock().unwrap_err();
        assert_eq!(**poisoned.get_ref(), 1);
    });
}

#[test]
fn not_poisoned_by_use_while_panicking() {
    struct LocksWhenDropped<'a>(&'a Mutex<i32>);

    impl Drop for LocksWhenDropped<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }

    set_up();
    let mutex = Mutex::new(1);
    assert!(panics(|| {
        let _locks = LocksWhenDropped(&mutex);
        panic!("without the lock held");
    }));
    assert_eq!(*mutex.lock().unwrap(), 2);
}

#[test]
fn clear_poison() {
    set_up();
    let mutex = poisoned_mutex(1);
    mutex.clear_poison();
    assert!(!mutex.is_poisoned());
    assert_eq!(*mutex.lock().unwrap(), 1);
    assert!(mutex.try_lock().is_ok());
    poison(&mutex);
    assert!(mutex.is_poisoned());
}

/// Recovers with the guard of the error still in hand, as the documentation of std shows.
#[test]
fn clear_poison_while_held() {
    set_up();
    let mutex = poisoned_mutex(1);
    let guard = mutex.lock().unwrap_or_else(|mut poisoned| {
        **poisoned.get_mut() = 5;
        mutex.clear_poison();
        poisoned.into_inner()
    });
    assert_eq!(*guard, 5);
    drop(guard);
    assert_eq!(*mutex.lock().unwrap(), 5);
}

#[test]
fn question_mark() {
    fn boxed(mutex: &Mutex<i32>) -> Result<i32, Box<dyn Error + '_>> {
        Ok(*mutex.lock()?)
    }
    fn same_error(mutex: &Mutex<i32>) -> Result<i32, PoisonError<MutexGuard<'_, i32>>> {
        Ok(*mutex.lock()?)
    }
    fn guard(mutex: &Mutex<i32>) -> LockResult<MutexGuard<'_, i32>> {
        let mut guard = mutex.lock()?;
        *guard += 1;
        Ok(guard)
    }
    fn converted(mutex: &Mutex<i32>) -> TryLockResult<MutexGuard<'_, i32>> {
        let guard = mutex.lock()?;
        Ok(guard)
    }

    set_up();
    let mutex = Mutex::new(1);
    assert_eq!(boxed(&mutex).unwrap(), 1);
    assert_eq!(same_error(&mutex).unwrap(), 1);
    assert_eq!(*guard(&mutex).unwrap(), 2);
    assert_eq!(*converted(&mutex).unwrap(), 2);

    poison(&mutex);
    assert!(boxed(&mutex).is_err());
    assert!(same_error(&mutex).is_err());
    assert!(guard(&mutex).is_err());
    assert!(matches!(converted(&mutex), Err(TryLockError::Poisoned(_))));
    assert!(is_free(&mutex));
}

#[test]
fn drop_wakes_waiter() {
    set_up();
    let mutex = Mutex::new(0);
    let guard = mutex.lock().unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| *mutex.lock().unwrap() += 1);
        }
        let_park();
        assert_eq!(*guard, 0);
        drop(guard);
    });
    assert_eq!(mutex.into_inner().unwrap(), THREADS);
}

#[test]
fn into_inner() {
    set_up();
    let drops = Cell::new(0);
    let mutex = Mutex::new(CountsDrops(&drops));
    let value = mutex.into_inner().unwrap();
    assert_eq!(drops.get(), 0);
    drop(value);
    assert_eq!(drops.get(), 1);
    drop(Mutex::new(CountsDrops(&drops)));
    assert_eq!(drops.get(), 2);

    let poisoned = poisoned_mutex(String::from("kept")).into_inner();
    assert_eq!(poisoned.unwrap_err().into_inner(), "kept");
}

#[test]
fn get_mut() {
    set_up();
    let mut mutex = Mutex::new(1);
    *mutex.get_mut().unwrap() = 2;
    assert_eq!(*mutex.lock().unwrap(), 2);

    poison(&mutex);
    **mutex.get_mut().unwrap_err().get_mut() = 3;
    mutex.clear_poison();
    assert_eq!(mutex.into_inner().unwrap(), 3);
}

#[test]
fn unsized_value() {
    set_up();
    let slice: &Mutex<[i32]> = &Mutex::new([1, 2, 3]);
    slice.lock().unwrap()[0] = 4;
    assert_eq!(*slice.lock().unwrap(), [4, 2, 3]);

    let shared: Arc<Mutex<dyn FnMut() -> usize + Send>> = Arc::new(Mutex::new({
        let mut calls = 0;
        move || {
            calls += 1;
            calls
        }
    }));
    contend(&*shared, |mutex| {
        (mutex.lock().unwrap())();
    });
    assert_eq!((shared.lock().unwrap())(), THREADS * ROUNDS + 1);
}

#[test]
fn debug() {
    set_up();
    let mutex = Mutex::new(7);
    assert!(format!("{mutex:?}").contains('7'));
    let guard = mutex.lock().unwrap();
    assert!(format!("{mutex:?}").contains("<locked>"));
    assert_eq!(
        (format!("{guard:?}"), format!("{guard:>3}")),
        ("7".into(), "  7".into())
    );
}

#[test]
fn default_and_from() {
    set_up();
    assert_eq!(*Mutex::<i32>::default().lock().unwrap(), 0);
    assert_eq!(*Mutex::from(3).lock().unwrap(), 3);
    let converted: Mutex<&str> = "into".into();
    assert_eq!(*converted.lock().unwrap(), "into");
}

#[test]
fn in_static() {
    static TOTAL: Mutex<usize> = Mutex::new(0);
    static BY_NAME: [Mutex<Vec<u32>>; 2] = [const { Mutex::new(Vec::new()) }; 2];

    set_up();
    contend(&TOTAL, |total| *total.lock().unwrap() += 1);
    assert_eq!(*TOTAL.lock().unwrap(), THREADS * ROUNDS);
    BY_NAME[1].lock().unwrap().push(1);
    assert_eq!(BY_NAME[0].lock().unwrap().len(), 0);
}

#[test]
fn forgotten_guard_keeps_locked() {
    set_up();
    let mut mutex = Mutex::new(String::from("kept"));
    mem::forget(mutex.lock().unwrap());
    assert!(!is_free(&mutex));
    assert_eq!(mutex.get_mut().unwrap(), "kept");
    assert_eq!(mutex.into_inner().unwrap(), "kept");
}

#[test]
fn guard_in_struct() {
    struct Session<'a> {
        account: MutexGuard<'a, i32>,
        log: Option<MutexGuard<'a, Vec<i32>>>,
    }

    impl<'a> Session<'a> {
        fn begin(account: &'a Mutex<i32>, log: &'a Mutex<Vec<i32>>) -> Self {
            Self {
                account: account.lock().unwrap(),
                log: log.lock().ok(),
            }
        }

        fn pay(&mut self, amount: i32) {
            *self.account -= amount;
            if let Some(log) = &mut self.log {
                log.push(amount);
            }
        }
    }

    set_up();
    let (account, log) = (Mutex::new(10), Mutex::new(Vec::new()));
    let mut session = Session::begin(&account, &log);
    session.pay(3);
    session.log = None;
    assert!(is_free(&log) && !is_free(&account));
    session.pay(1);
    drop(session);
    assert!(is_free(&account));
    assert_eq!(
        (*account.lock().unwrap(), &*log.lock().unwrap()),
        (6, &vec![3])
    );
}

#[test]
fn two_guards_in_one_expression() {
    set_up();
    let (left, right) = (Mutex::new(2), Mutex::new(3));
    assert_eq!(*left.lock().unwrap() * *right.lock().unwrap(), 6);
    mem::swap(&mut *left.lock().unwrap(), &mut *right.lock().unwrap());
    assert_eq!((*left.lock().unwrap(), *right.lock().unwrap()), (3, 2));
}

/// A guard stays with its lock when it moves to where another one was.
#[test]
fn swapped_guards() {
    set_up();
    let (left, right) = (Mutex::new(1), Mutex::new(2));
    let mut one = left.lock().unwrap();
    let mut two = right.lock().unwrap();
    mem::swap(&mut one, &mut two);
    assert_eq!((*one, *two), (2, 1));
    drop(one);
    assert!(is_free(&right) && !is_free(&left));
    drop(two);
    assert!(is_free(&left));
}

#[test]
fn usable_after_unwind() {
    set_up();
    let mutex = Mutex::new(1);
    // No `AssertUnwindSafe`: the mutex is unwind-safe by itself.
    let result = panic::catch_unwind(|| *mutex.lock().unwrap() += 1);
    assert!(result.is_ok());
    assert_eq!(mutex.into_inner().unwrap(), 2);
}

/// The next holder frees the mutex as soon as it has it.
#[test]
fn freed_by_next_holder() {
    set_up();
    for _ in 0..ROUNDS / 10 {
        let mutex = Arc::new(Mutex::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let mutex = Arc::clone(&mutex);
                thread::spawn(move || *mutex.lock().unwrap() += 1)
            })
            .collect();
        drop(mutex);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn stress() {
    set_up();
    let mutex = Mutex::new(0);
    contend(&mutex, |mutex| add_one_slowly(&mut mutex.lock().unwrap()));
    assert_eq!(mutex.into_inner().unwrap(), THREADS * ROUNDS);
}

#[test]
fn stress_try_lock() {
    set_up();
    let mutex = Mutex::new(0);
    contend(&mutex, |mutex| {
        let mut guard = loop {
            match mutex.try_lock() {
                Ok(guard) => break guard,
                Err(TryLockError::WouldBlock) => thread::yield_now(),
                Err(TryLockError::Poisoned(_)) => panic!("poisoned"),
            }
        };
        add_one_slowly(&mut guard);
    });
    assert_eq!(mutex.into_inner().unwrap(), THREADS * ROUNDS);
}
