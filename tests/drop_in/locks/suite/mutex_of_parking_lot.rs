//! The common behaviour of `Mutex` and `FairMutex`, by the names that the parent module gives them.

use std::cell::Cell;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::names::lock_api::{self, RawMutex as _};
use super::names::{
    ArcMutexGuard, MappedMutexGuard, Mutex, MutexGuard, RawMutex, const_mutex, raw,
};
use crate::set_up;
use crate::util::{
    CountsDrops, ROUNDS, THREADS, add_one_slowly, contend, eventually, let_park, ms,
    on_other_thread, panics, returns_at_once, takes_at_least,
};

const LONG: Duration = Duration::from_secs(600);

fn is_free<T: ?Sized + Send>(mutex: &Mutex<T>) -> bool {
    on_other_thread(|| mutex.try_lock().is_some())
}

#[test]
fn smoke() {
    set_up();
    let mutex = Mutex::new(1);
    drop(mutex.lock());
    *mutex.lock() += 1;
    assert_eq!(*mutex.lock(), 2);
}

#[test]
fn try_lock() {
    set_up();
    let mutex = Mutex::new(1);
    assert!(!mutex.is_locked());
    let guard = mutex.try_lock().unwrap();
    assert!(mutex.is_locked());
    assert!(mutex.try_lock().is_none());
    assert!(!is_free(&mutex));
    drop(guard);
    assert!(!mutex.is_locked());
    assert_eq!(*mutex.try_lock().unwrap(), 1);
}

#[test]
fn timeout_expires() {
    set_up();
    let mutex = Mutex::new(1);
    let guard = mutex.lock();
    on_other_thread(|| {
        assert!(takes_at_least(ms(15), || mutex.try_lock_for(ms(15))).is_none());
        let deadline = Instant::now() + ms(15);
        assert!(takes_at_least(ms(15), || mutex.try_lock_until(deadline)).is_none());
    });
    drop(guard);
    assert!(is_free(&mutex));
}

#[test]
fn zero_timeout() {
    set_up();
    let mutex = Mutex::new(1);
    let past = Instant::now();
    assert!(mutex.try_lock_for(Duration::ZERO).is_some());
    assert!(mutex.try_lock_until(past).is_some());
    let _guard = mutex.lock();
    returns_at_once(|| {
        assert!(mutex.try_lock_for(Duration::ZERO).is_none());
        assert!(mutex.try_lock_until(past).is_none());
    });
}

#[test]
fn drop_before_timeout() {
    set_up();
    for timeout in [LONG, Duration::MAX] {
        let mutex = Mutex::new(1);
        let guard = mutex.lock();
        thread::scope(|scope| {
            scope.spawn(|| *mutex.try_lock_for(timeout).unwrap() += 1);
            scope.spawn(|| *mutex.try_lock_until(Instant::now() + LONG).unwrap() += 1);
            let_park();
            drop(guard);
        });
        assert_eq!(*mutex.lock(), 3);
    }
}

#[test]
fn not_poisoned_by_panic() {
    set_up();
    let mutex = Mutex::new(1);
    assert!(panics(|| {
        let _guard = mutex.lock();
        panic!("with the lock held");
    }));
    assert_eq!(*mutex.try_lock().unwrap(), 1);
}

#[test]
fn drop_wakes_waiter() {
    set_up();
    let mutex = Mutex::new(0);
    let guard = mutex.lock();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| *mutex.lock() += 1);
        }
        let_park();
        assert_eq!(*guard, 0);
        drop(guard);
    });
    assert_eq!(mutex.into_inner(), THREADS);
}

#[test]
fn into_inner() {
    set_up();
    let drops = Cell::new(0);
    let value = Mutex::new(CountsDrops(&drops)).into_inner();
    assert_eq!(drops.get(), 0);
    drop(value);
    assert_eq!(drops.get(), 1);
}

#[test]
fn get_mut() {
    set_up();
    let mut mutex = Mutex::new(1);
    *mutex.get_mut() = 2;
    assert_eq!(*mutex.lock(), 2);
    // SAFETY: nobody else knows of the mutex.
    unsafe { *mutex.data_ptr() = 3 };
    assert_eq!(*mutex.lock(), 3);
}

#[test]
fn unsized_value() {
    set_up();
    let slice: &Mutex<[i32]> = &Mutex::new([1, 2, 3]);
    slice.lock()[0] = 4;
    assert_eq!(*slice.try_lock_for(ms(1)).unwrap(), [4, 2, 3]);

    let shared: Arc<Mutex<dyn FnMut() -> usize + Send>> = Arc::new(Mutex::new({
        let mut calls = 0;
        move || {
            calls += 1;
            calls
        }
    }));
    contend(&*shared, |mutex| {
        (mutex.lock())();
    });
    assert_eq!((shared.lock())(), THREADS * ROUNDS + 1);
}

#[test]
fn debug() {
    set_up();
    let mutex = Mutex::new(7);
    assert!(format!("{mutex:?}").contains('7'));
    let guard = mutex.lock();
    assert!(format!("{mutex:?}").contains("<locked>"));
    assert_eq!(format!("{guard:?}{guard:>3}"), "7  7");
}

#[test]
fn default_and_from() {
    set_up();
    assert_eq!(*Mutex::<i32>::default().lock(), 0);
    assert_eq!(*Mutex::from(3).lock(), 3);
    assert_eq!(*Mutex::from_raw(RawMutex::INIT, 4).lock(), 4);
}

#[test]
fn in_static() {
    static TOTAL: Mutex<usize> = Mutex::new(0);
    static OTHER: Mutex<usize> = const_mutex(0);

    set_up();
    contend(&TOTAL, |total| *total.lock() += 1);
    contend(&OTHER, |other| *other.lock() += 1);
    assert_eq!(*TOTAL.lock() + *OTHER.lock(), 2 * THREADS * ROUNDS);
}

#[test]
fn forgotten_guard_keeps_locked() {
    set_up();
    let mut mutex = Mutex::new(1);
    mem::forget(mutex.lock());
    assert!(!is_free(&mutex));
    assert_eq!(*mutex.get_mut(), 1);
    // SAFETY: the lock is held by this thread, in no guard.
    unsafe { raw::unlock(&mutex) };
    assert!(is_free(&mutex));
    mem::forget(mutex.lock());
    // SAFETY: as above.
    unsafe { raw::unlock_fair(&mutex) };
    assert!(is_free(&mutex));

    mem::forget(mutex.lock());
    // SAFETY: as above; the guard stands for that lock.
    drop(unsafe { raw::guard(&mutex) });
    assert!(is_free(&mutex));

    let leaked = Box::leak(Box::new(Mutex::new(1)));
    *MutexGuard::leak(leaked.lock()) = 2;
    assert!(!is_free(leaked));
}

#[test]
fn guard_in_struct() {
    struct Session<'a> {
        account: MutexGuard<'a, i32>,
        log: Option<MappedMutexGuard<'a, Vec<i32>>>,
    }

    set_up();
    let (account, log) = (Mutex::new(10), Mutex::new((0, vec![1])));
    let mut session = Session {
        account: account.lock(),
        log: Some(MutexGuard::map(log.lock(), |log| &mut log.1)),
    };
    *session.account -= 3;
    session.log.take().unwrap().push(3);
    assert!(is_free(&log) && !is_free(&account));
    drop(session);
    assert_eq!((*account.lock(), &log.lock().1), (7, &vec![1, 3]));
}

#[test]
fn two_guards_in_one_expression() {
    set_up();
    let (left, right) = (Mutex::new(2), Mutex::new(3));
    assert_eq!(*left.lock() * *right.lock(), 6);
    mem::swap(&mut *left.lock(), &mut *right.lock());
    assert_eq!((*left.lock(), *right.lock()), (3, 2));
}

#[test]
fn swapped_guards() {
    set_up();
    let (left, right) = (Mutex::new(1), Mutex::new(2));
    let mut one = left.lock();
    let mut two = right.lock();
    mem::swap(&mut one, &mut two);
    assert_eq!((*one, *two), (2, 1));
    drop(one);
    assert!(is_free(&right) && !is_free(&left));
    drop(two);
    assert!(is_free(&left));
}

#[test]
fn mapped() {
    set_up();
    let mutex = Mutex::new((1, [2, 3]));
    let second = MutexGuard::map(mutex.lock(), |both| &mut both.1);
    let mut element = MappedMutexGuard::map(second, |array| &mut array[1]);
    *element += 1;
    assert!(!is_free(&mutex));
    drop(element);
    assert!(is_free(&mutex));

    let guard = MutexGuard::try_map(mutex.lock(), |_| None::<&mut i32>).unwrap_err();
    assert!(!is_free(&mutex), "a failed map hands the guard back");
    let element = MutexGuard::try_map(guard, |both| both.1.get_mut(1))
        .ok()
        .unwrap();
    assert_eq!(*element, 4);
    MappedMutexGuard::unlock_fair(element);
    assert!(is_free(&mutex));
}

#[test]
fn unlocked() {
    set_up();
    let mutex = Mutex::new(1);
    let mut guard = mutex.lock();
    let result = MutexGuard::unlocked(&mut guard, || {
        on_other_thread(|| *mutex.lock() += 1);
        "result"
    });
    assert_eq!((*guard, result), (2, "result"));
    MutexGuard::unlocked_fair(&mut guard, || on_other_thread(|| *mutex.lock() += 1));
    assert_eq!(*guard, 3);
    assert!(!is_free(&mutex), "held again afterwards");

    // Also when the closure panics.
    assert!(panics(|| MutexGuard::unlocked(&mut guard, || panic!(
        "without the lock"
    ))));
    assert!(!is_free(&mutex));
    drop(guard);
    assert!(is_free(&mutex));
}

#[test]
fn unlock_fair() {
    set_up();
    let mutex = Mutex::new(0);
    eventually("a fair unlock hands over to the waiter", || {
        let mut guard = mutex.lock();
        *guard = 0;
        thread::scope(|scope| {
            scope.spawn(|| *mutex.lock() = 1);
            let_park();
            MutexGuard::unlock_fair(guard);
            *mutex.lock() == 1
        })
    });
    assert!(is_free(&mutex));
}

#[test]
fn bump() {
    set_up();
    let mutex = Mutex::new(0);
    let mut guard = mutex.lock();
    MutexGuard::bump(&mut guard);
    assert!(!is_free(&mutex), "with nobody waiting it stays held");
    thread::scope(|scope| {
        scope.spawn(|| *mutex.lock() += 1);
        eventually("a bump lets the waiter in", || {
            let_park();
            MutexGuard::bump(&mut guard);
            *guard == 1
        });
        assert!(!is_free(&mutex), "held again afterwards");
        drop(guard);
    });
    assert!(is_free(&mutex));
}

#[test]
fn lock_arc() {
    set_up();
    let mutex = Arc::new(Mutex::new(1));
    let mut guard: ArcMutexGuard<RawMutex, i32> = mutex.lock_arc();
    *guard += 1;
    assert!(mutex.try_lock_arc().is_none());
    assert!(mutex.try_lock_arc_for(ms(1)).is_none());
    assert!(mutex.try_lock_arc_until(Instant::now()).is_none());
    ArcMutexGuard::unlocked(&mut guard, || assert!(is_free(&mutex)));
    ArcMutexGuard::unlocked_fair(&mut guard, || assert!(is_free(&mutex)));
    ArcMutexGuard::bump(&mut guard);
    assert!(!is_free(&mutex));
    assert!(Arc::ptr_eq(ArcMutexGuard::mutex(&guard), &mutex));
    let again = ArcMutexGuard::into_arc(guard);
    assert!(is_free(&mutex));
    ArcMutexGuard::unlock_fair(again.try_lock_arc().unwrap());

    // The guard keeps the mutex alive, and frees it after the unlock.
    let guard = mutex.lock_arc();
    drop((mutex, again));
    assert_eq!(*guard, 2);
    thread::scope(|scope| {
        let waiting = Arc::clone(ArcMutexGuard::mutex(&guard));
        scope.spawn(move || *waiting.lock_arc() += 1);
        let_park();
        drop(guard);
    });
}

/// The raw lock serves as one in the types of `lock_api`, and by itself.
#[test]
fn raw() {
    set_up();
    let mutex: lock_api::Mutex<RawMutex, i32> = lock_api::Mutex::new(1);
    *mutex.lock() += 1;
    // SAFETY: it is only looked at.
    assert!(!unsafe { mutex.raw() }.is_locked());

    raw::is_a_lock::<RawMutex>();
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
                thread::spawn(move || *mutex.lock() += 1)
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
    contend(&mutex, |mutex| add_one_slowly(&mut mutex.lock()));
    assert_eq!(mutex.into_inner(), THREADS * ROUNDS);
}

#[test]
fn stress_try_lock() {
    set_up();
    let mutex = Mutex::new(0);
    contend(&mutex, |mutex| {
        let mut guard = loop {
            match mutex.try_lock_for(Duration::from_micros(10)) {
                Some(guard) => break guard,
                None => thread::yield_now(),
            }
        };
        add_one_slowly(&mut guard);
        MutexGuard::bump(&mut guard);
        add_one_slowly(&mut guard);
        MutexGuard::unlock_fair(guard);
    });
    assert_eq!(mutex.into_inner(), 2 * THREADS * ROUNDS);
}
