use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::parking_lot::lock_api::{GetThreadId as _, RawMutex as _};
use super::parking_lot::{
    ArcReentrantMutexGuard, MappedReentrantMutexGuard, RawMutex, RawThreadId, ReentrantMutex,
    ReentrantMutexGuard, const_reentrant_mutex,
};
use super::raw;
use crate::set_up;
use crate::util::{
    CountsDrops, ROUNDS, THREADS, add_one_slowly, contend, eventually, let_park, ms,
    on_other_thread, panics, returns_at_once, takes_at_least,
};

const LONG: Duration = Duration::from_secs(600);

fn is_free<T: ?Sized + Send>(mutex: &ReentrantMutex<T>) -> bool {
    on_other_thread(|| mutex.try_lock().is_some())
}

fn add_one(mutex: &ReentrantMutex<Cell<usize>>) {
    let guard = mutex.lock();
    guard.set(guard.get() + 1);
}

#[test]
fn smoke() {
    set_up();
    let mutex = ReentrantMutex::new(RefCell::new(String::new()));
    {
        let outer = mutex.lock();
        let inner = mutex.lock();
        outer.borrow_mut().push('a');
        inner.borrow_mut().push('b');
    }
    assert_eq!(*mutex.lock().borrow(), "ab");
}

/// Free only after as many unlocks as locks, in whatever order the guards go.
#[test]
fn counts_locks() {
    set_up();
    let mutex = ReentrantMutex::new(0);
    let one = mutex.lock();
    let two = mutex.try_lock().unwrap();
    let three = mutex.try_lock_for(LONG).unwrap();
    let four = mutex.try_lock_until(Instant::now()).unwrap();
    for guard in [one, three, two] {
        drop(guard);
        assert!(!is_free(&mutex));
    }
    drop(four);
    assert!(is_free(&mutex));
}

#[test]
fn try_lock() {
    set_up();
    let mutex = ReentrantMutex::new(1);
    assert!(!mutex.is_locked());
    let guard = mutex.try_lock().unwrap();
    assert!(mutex.is_locked() && mutex.is_owned_by_current_thread());
    on_other_thread(|| {
        assert!(mutex.is_locked() && !mutex.is_owned_by_current_thread());
        assert!(mutex.try_lock().is_none());
    });
    drop(guard);
    assert!(!mutex.is_locked() && !mutex.is_owned_by_current_thread());
}

#[test]
fn timeout_expires() {
    set_up();
    let mutex = ReentrantMutex::new(1);
    let guard = mutex.lock();
    on_other_thread(|| {
        assert!(takes_at_least(ms(15), || mutex.try_lock_for(ms(15))).is_none());
        let deadline = Instant::now() + ms(15);
        assert!(takes_at_least(ms(15), || mutex.try_lock_until(deadline)).is_none());
        assert!(returns_at_once(|| mutex.try_lock_for(Duration::ZERO)).is_none());
    });
    drop(guard);
    assert!(is_free(&mutex));
}

#[test]
fn drop_before_timeout() {
    set_up();
    let mutex = ReentrantMutex::new(Cell::new(0));
    let guard = mutex.lock();
    thread::scope(|scope| {
        scope.spawn(|| mutex.try_lock_for(LONG).unwrap().set(1));
        let_park();
        drop(guard);
    });
    assert_eq!(mutex.lock().get(), 1);
}

#[test]
fn not_poisoned_by_panic() {
    set_up();
    let mutex = ReentrantMutex::new(1);
    assert!(panics(|| {
        let _outer = mutex.lock();
        let _inner = mutex.lock();
        panic!("with the lock held twice");
    }));
    assert!(is_free(&mutex));
}

#[test]
fn drop_wakes_waiter() {
    set_up();
    let mutex = ReentrantMutex::new(Cell::new(0));
    let (outer, inner) = (mutex.lock(), mutex.lock());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| add_one(&mutex));
        }
        let_park();
        drop(inner);
        let_park();
        assert_eq!(outer.get(), 0, "still held once");
        drop(outer);
    });
    assert_eq!(mutex.into_inner().get(), THREADS);
}

#[test]
fn into_inner() {
    set_up();
    let drops = Cell::new(0);
    let value = ReentrantMutex::new(CountsDrops(&drops)).into_inner();
    assert_eq!(drops.get(), 0);
    drop(value);
    assert_eq!(drops.get(), 1);
}

#[test]
fn get_mut() {
    set_up();
    let mut mutex = ReentrantMutex::new(1);
    *mutex.get_mut() = 2;
    assert_eq!(*mutex.lock(), 2);
}

#[test]
fn unsized_value() {
    set_up();
    let slice: &ReentrantMutex<[i32]> = &ReentrantMutex::new([1, 2, 3]);
    let (outer, inner) = (slice.lock(), slice.lock());
    assert_eq!(*outer, *inner);

    let shared: Arc<ReentrantMutex<dyn Fn() -> i32 + Send>> = Arc::new(ReentrantMutex::new(|| 5));
    assert_eq!((shared.lock())(), 5);
}

#[test]
fn debug() {
    set_up();
    let mutex = ReentrantMutex::new(7);
    let guard = mutex.lock();
    assert!(format!("{mutex:?}").contains('7'), "its holder may look");
    assert!(on_other_thread(|| format!("{mutex:?}").contains("<locked>")));
    assert_eq!(format!("{guard:?}{guard:>3}"), "7  7");
}

#[test]
fn default_and_from() {
    set_up();
    assert_eq!(*ReentrantMutex::<i32>::default().lock(), 0);
    assert_eq!(*ReentrantMutex::from(3).lock(), 3);
    let raw = ReentrantMutex::from_raw(RawMutex::INIT, RawThreadId::INIT, 4);
    assert_eq!(*raw.lock(), 4);
}

#[test]
fn in_static() {
    static TOTAL: ReentrantMutex<Cell<usize>> = ReentrantMutex::new(Cell::new(0));
    static OTHER: ReentrantMutex<Cell<usize>> = const_reentrant_mutex(Cell::new(0));

    set_up();
    contend(&TOTAL, add_one);
    contend(&OTHER, add_one);
    assert_eq!(
        TOTAL.lock().get() + OTHER.lock().get(),
        2 * THREADS * ROUNDS
    );
}

#[test]
fn forgotten_guard_keeps_locked() {
    set_up();
    let mutex = ReentrantMutex::new(1);
    mem::forget(mutex.lock());
    drop(mutex.lock());
    assert!(!is_free(&mutex));
    // SAFETY: the lock is held by this thread, in no guard.
    unsafe { raw::unlock_reentrant(&mutex) };
    assert!(is_free(&mutex));
}

#[test]
fn swapped_guards() {
    set_up();
    let (left, right) = (ReentrantMutex::new(1), ReentrantMutex::new(2));
    let mut one = left.lock();
    let mut two = right.lock();
    mem::swap(&mut one, &mut two);
    drop(one);
    assert!(is_free(&right) && !is_free(&left));
    drop(two);
    assert!(is_free(&left));
}

#[test]
fn mapped() {
    set_up();
    let mutex = ReentrantMutex::new((1, [2, 3]));
    let outer = mutex.lock();
    let second = ReentrantMutexGuard::map(mutex.lock(), |both| &both.1);
    let element = MappedReentrantMutexGuard::map(second, |array| &array[1]);
    assert_eq!((*element, outer.0), (3, 1));
    drop(outer);
    assert!(!is_free(&mutex));
    drop(element);
    assert!(is_free(&mutex));
    assert!(ReentrantMutexGuard::try_map(mutex.lock(), |_| None::<&i32>).is_err());
    assert!(is_free(&mutex));
}

#[test]
fn unlocked() {
    set_up();
    let mutex = ReentrantMutex::new(Cell::new(0));
    let mut guard = mutex.lock();
    ReentrantMutexGuard::unlocked(&mut guard, || on_other_thread(|| add_one(&mutex)));
    ReentrantMutexGuard::unlocked_fair(&mut guard, || on_other_thread(|| add_one(&mutex)));
    assert_eq!(guard.get(), 2);
    assert!(!is_free(&mutex), "held again afterwards");

    // One lock is given up; the other stays.
    let mut again = mutex.lock();
    ReentrantMutexGuard::unlocked(&mut again, || assert!(!is_free(&mutex)));
    ReentrantMutexGuard::unlock_fair(again);
    ReentrantMutexGuard::unlock_fair(guard);
    assert!(is_free(&mutex));
}

#[test]
fn bump() {
    set_up();
    let mutex = ReentrantMutex::new(Cell::new(0));
    let mut guard = mutex.lock();
    ReentrantMutexGuard::bump(&mut guard);
    assert!(!is_free(&mutex), "with nobody waiting it stays held");
    thread::scope(|scope| {
        scope.spawn(|| add_one(&mutex));
        eventually("a bump lets the waiter in", || {
            let_park();
            ReentrantMutexGuard::bump(&mut guard);
            guard.get() == 1
        });
        assert!(mutex.is_owned_by_current_thread());
        assert!(!is_free(&mutex), "held again afterwards");
        drop(guard);
    });
    assert!(is_free(&mutex));
}

#[test]
fn lock_arc() {
    set_up();
    let mutex = Arc::new(ReentrantMutex::new(1));
    let guard: ArcReentrantMutexGuard<RawMutex, RawThreadId, i32> = mutex.lock_arc();
    let mut again = mutex.try_lock_arc().unwrap();
    assert!(mutex.try_lock_arc_for(ms(1)).is_some());
    assert!(on_other_thread(|| mutex
        .try_lock_arc_until(Instant::now())
        .is_none()));
    ArcReentrantMutexGuard::bump(&mut again);
    drop(guard);
    assert!(!is_free(&mutex));
    ArcReentrantMutexGuard::unlocked(&mut again, || assert!(is_free(&mutex)));
    ArcReentrantMutexGuard::unlock_fair(again);
    assert!(is_free(&mutex));

    let guard = mutex.lock_arc();
    drop(mutex);
    assert_eq!(*guard, 1);
}

#[test]
fn stress() {
    set_up();
    let mutex = ReentrantMutex::new(RefCell::new(0));
    contend(&mutex, |mutex| {
        let outer = mutex.lock();
        let inner = mutex.lock();
        add_one_slowly(&mut inner.borrow_mut());
        drop(outer);
        add_one_slowly(&mut inner.borrow_mut());
    });
    assert_eq!(mutex.into_inner().into_inner(), 2 * THREADS * ROUNDS);
}
