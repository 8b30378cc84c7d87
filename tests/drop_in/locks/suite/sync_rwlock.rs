use std::cell::Cell;
use std::error::Error;
use std::mem;
use std::panic;
use std::thread;

use super::sync::{
    Arc, Barrier, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use crate::set_up;
use crate::util::{
    CountsDrops, ROUNDS, THREADS, add_one_slowly, contend, let_park, on_other_thread, panics,
};

fn poison<T: ?Sized>(lock: &RwLock<T>) {
    assert!(panics(|| {
        let _guard = lock.write().unwrap();
        panic!("with the lock held");
    }));
}

fn poisoned_rwlock<T>(value: T) -> RwLock<T> {
    let lock = RwLock::new(value);
    poison(&lock);
    lock
}

fn can_read<T: ?Sized + Send + Sync>(lock: &RwLock<T>) -> bool {
    on_other_thread(|| !matches!(lock.try_read(), Err(TryLockError::WouldBlock)))
}

fn can_write<T: ?Sized + Send + Sync>(lock: &RwLock<T>) -> bool {
    on_other_thread(|| !matches!(lock.try_write(), Err(TryLockError::WouldBlock)))
}

#[test]
fn smoke() {
    set_up();
    let lock = RwLock::new(1);
    drop(lock.read().unwrap());
    drop((lock.read().unwrap(), lock.read().unwrap()));
    *lock.write().unwrap() += 1;
    assert_eq!(*lock.read().unwrap(), 2);
}

#[test]
fn try_lock() {
    set_up();
    let lock = RwLock::new(1);
    let reader = lock.try_read().unwrap();
    assert!(can_read(&lock) && !can_write(&lock));
    drop(reader);
    let writer = lock.try_write().unwrap();
    assert!(!can_read(&lock) && !can_write(&lock));
    drop(writer);
    assert!(can_write(&lock));
}

#[test]
fn try_lock_poisoned() {
    set_up();
    let lock = poisoned_rwlock(1);
    match lock.try_read() {
        Err(TryLockError::Poisoned(poisoned)) => {
            let guard: RwLockReadGuard<'_, i32> = poisoned.into_inner();
            assert_eq!(*guard, 1);
            assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        }
        other => panic!("{other:?}"),
    }
    match lock.try_write() {
        Err(TryLockError::Poisoned(poisoned)) => {
            let mut guard: RwLockWriteGuard<'_, i32> = poisoned.into_inner();
            *guard = 2;
            assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        }
        other => panic!("{other:?}"),
    }
    assert!(can_write(&lock));
}

#[test]
fn poisoned_by_panic() {
    set_up();
    let lock = poisoned_rwlock(1);
    assert!(lock.is_poisoned());
    assert_eq!(**lock.read().unwrap_err().get_ref(), 1);
    let mut guard = lock.write().unwrap_or_else(PoisonError::into_inner);
    *guard = 2;
    drop(guard);
    let guard = lock.read().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*guard, 2);
}

#[test]
fn not_poisoned_by_reader() {
    set_up();
    let lock = RwLock::new(1);
    assert!(panics(|| {
        let _guard = lock.read().unwrap();
        panic!("with the lock held for reading");
    }));
    assert!(!lock.is_poisoned());
    assert_eq!(*lock.write().unwrap(), 1);
}

#[test]
fn poisoned_while_waiting() {
    set_up();
    let lock = RwLock::new(1);
    let held = Barrier::new(3);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(panics(|| {
                let _guard = lock.write().unwrap();
                held.wait();
                let_park();
                panic!("with the lock held");
            }));
        });
        scope.spawn(|| {
            held.wait();
            assert!(lock.read().is_err());
        });
        scope.spawn(|| {
            held.wait();
            assert!(lock.write().is_err());
        });
    });
}

#[test]
fn clear_poison() {
    set_up();
    let lock = poisoned_rwlock(1);
    lock.clear_poison();
    assert!(!lock.is_poisoned());
    assert!(lock.read().is_ok());
    assert!(lock.write().is_ok());
}

#[test]
fn question_mark() {
    fn boxed(lock: &RwLock<i32>) -> Result<i32, Box<dyn Error + '_>> {
        *lock.write()? += 1;
        Ok(*lock.read()?)
    }

    set_up();
    let lock = RwLock::new(1);
    assert_eq!(boxed(&lock).unwrap(), 2);
    poison(&lock);
    assert!(boxed(&lock).is_err());
}

#[test]
fn readers_share() {
    set_up();
    let lock = RwLock::new(1);
    let all_in = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let guard = lock.read().unwrap();
                all_in.wait();
                assert_eq!(*guard, 1);
            });
        }
    });
}

#[test]
fn drop_wakes_waiter() {
    set_up();
    let lock = RwLock::new(0);
    let writer = lock.write().unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert!(*lock.read().unwrap() <= 1));
        }
        scope.spawn(|| *lock.write().unwrap() += 1);
        let_park();
        drop(writer);
    });

    let (one, two) = (lock.read().unwrap(), lock.read().unwrap());
    thread::scope(|scope| {
        scope.spawn(|| *lock.write().unwrap() += 1);
        let_park();
        assert_eq!(*one, 1);
        drop(one);
        assert_eq!(*two, 1);
        drop(two);
    });
    assert_eq!(lock.into_inner().unwrap(), 2);
}

#[cfg(contend_rwlock_downgrade)]
#[test]
#[allow(clippy::incompatible_msrv)] // The build script found a library that has it.
fn downgrade() {
    set_up();
    let lock = RwLock::new(0);
    let mut writer = lock.write().unwrap();
    thread::scope(|scope| {
        let reader = scope.spawn(|| *lock.read().unwrap());
        let_park();
        *writer = 1;
        let guard: RwLockReadGuard<'_, i32> = RwLockWriteGuard::downgrade(writer);
        // The waiting reader goes on although this thread still reads.
        assert_eq!(reader.join().unwrap(), 1);
        assert!(can_read(&lock) && !can_write(&lock));
        drop(guard);
    });
    assert!(can_write(&lock));
}

#[cfg(contend_rwlock_downgrade)]
#[test]
#[allow(clippy::incompatible_msrv)] // The build script found a library that has it.
fn downgrade_while_panicking_does_not_poison() {
    set_up();
    let lock = RwLock::new(0);
    assert!(panics(|| {
        let _reader = RwLockWriteGuard::downgrade(lock.write().unwrap());
        panic!("with the lock held for reading");
    }));
    assert!(!lock.is_poisoned());
}

#[test]
fn into_inner() {
    set_up();
    let drops = Cell::new(0);
    let value = RwLock::new(CountsDrops(&drops)).into_inner().unwrap();
    assert_eq!(drops.get(), 0);
    drop(value);
    assert_eq!(drops.get(), 1);
    let poisoned = poisoned_rwlock("kept").into_inner();
    assert_eq!(poisoned.unwrap_err().into_inner(), "kept");
}

#[test]
fn get_mut() {
    set_up();
    let mut lock = RwLock::new(1);
    *lock.get_mut().unwrap() = 2;
    assert_eq!(*lock.read().unwrap(), 2);
    poison(&lock);
    assert_eq!(**lock.get_mut().unwrap_err().get_ref(), 2);
}

#[test]
fn unsized_value() {
    set_up();
    let slice: &RwLock<[i32]> = &RwLock::new([1, 2, 3]);
    slice.write().unwrap()[0] = 4;
    assert_eq!(*slice.read().unwrap(), [4, 2, 3]);

    let shared: Arc<RwLock<dyn Fn() -> i32 + Send + Sync>> = Arc::new(RwLock::new(|| 5));
    assert_eq!((shared.read().unwrap())(), 5);
    assert_eq!((shared.write().unwrap())(), 5);
}

#[test]
#[allow(clippy::readonly_write_lock)] // The point is that others cannot read meanwhile.
fn debug() {
    set_up();
    let lock = RwLock::new(7);
    let reader = lock.read().unwrap();
    assert!(format!("{lock:?}").contains('7'));
    assert_eq!(
        (format!("{reader:?}"), format!("{reader:>3}")),
        ("7".into(), "  7".into())
    );
    drop(reader);
    let writer = lock.write().unwrap();
    assert!(format!("{lock:?}").contains("<locked>"));
    assert_eq!(
        (format!("{writer:?}"), format!("{writer:>3}")),
        ("7".into(), "  7".into())
    );
}

#[test]
fn default_and_from() {
    set_up();
    assert_eq!(*RwLock::<i32>::default().read().unwrap(), 0);
    assert_eq!(*RwLock::from(3).read().unwrap(), 3);
}

#[test]
fn in_static() {
    static NAMES: RwLock<Vec<usize>> = RwLock::new(Vec::new());

    set_up();
    thread::scope(|scope| {
        for name in 0..THREADS {
            scope.spawn(move || NAMES.write().unwrap().push(name));
        }
    });
    assert_eq!(NAMES.read().unwrap().len(), THREADS);
}

#[test]
fn forgotten_guard_keeps_locked() {
    set_up();
    let lock = RwLock::new(1);
    mem::forget(lock.read().unwrap());
    assert!(can_read(&lock) && !can_write(&lock));

    let lock = RwLock::new(1);
    mem::forget(lock.write().unwrap());
    assert!(!can_read(&lock));
    assert_eq!(lock.into_inner().unwrap(), 1);
}

#[test]
fn guard_in_struct() {
    /// Covariant, as the original's read guard: one for `'static` will do where `'a` is wanted.
    struct View<'a> {
        name: RwLockReadGuard<'a, &'a str>,
    }

    fn view<'a>(guard: RwLockReadGuard<'a, &'static str>) -> View<'a> {
        View { name: guard }
    }

    set_up();
    let lock = RwLock::new("name");
    let view = view(lock.read().unwrap());
    assert_eq!(*view.name, "name");
    assert!(!can_write(&lock));
    drop(view);
    assert!(can_write(&lock));
}

#[test]
fn two_guards_in_one_expression() {
    set_up();
    let (left, right) = (RwLock::new(2), RwLock::new(3));
    assert_eq!(*left.read().unwrap() * *left.read().unwrap(), 4);
    mem::swap(&mut *left.write().unwrap(), &mut *right.write().unwrap());
    assert_eq!((*left.read().unwrap(), *right.read().unwrap()), (3, 2));
}

#[test]
fn swapped_guards() {
    set_up();
    let (left, right) = (RwLock::new(1), RwLock::new(2));
    let mut one = left.write().unwrap();
    let mut two = right.write().unwrap();
    mem::swap(&mut one, &mut two);
    drop(one);
    assert!(can_write(&right) && !can_read(&left));
    drop(two);
    assert!(can_write(&left));
}

#[test]
fn usable_after_unwind() {
    set_up();
    let lock = RwLock::new(1);
    // No `AssertUnwindSafe`: the lock is unwind-safe by itself.
    let result = panic::catch_unwind(|| *lock.write().unwrap() += 1);
    assert!(result.is_ok());
    assert_eq!(lock.into_inner().unwrap(), 2);
}

#[test]
fn stress() {
    set_up();
    let lock = RwLock::new((0, 0));
    contend(&lock, |lock| {
        {
            let mut both = lock.write().unwrap();
            add_one_slowly(&mut both.0);
            add_one_slowly(&mut both.1);
        }
        let both = lock.read().unwrap();
        assert_eq!(both.0, both.1, "a reader saw half of a write");
    });
    assert_eq!(lock.into_inner().unwrap().0, THREADS * ROUNDS);
}

#[test]
fn stress_try_lock() {
    set_up();
    let lock = RwLock::new(0);
    contend(&lock, |lock| {
        loop {
            if let Ok(mut total) = lock.try_write() {
                break add_one_slowly(&mut total);
            }
            if let Ok(total) = lock.try_read() {
                assert!(*total <= THREADS * ROUNDS);
            }
            thread::yield_now();
        }
    });
    assert_eq!(lock.into_inner().unwrap(), THREADS * ROUNDS);
}
