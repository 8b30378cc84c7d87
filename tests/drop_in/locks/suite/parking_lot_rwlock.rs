use std::cell::Cell;
use std::mem;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::parking_lot::lock_api::{self, RawRwLock as _};
use super::parking_lot::{
    ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard, ArcRwLockWriteGuard, MappedRwLockReadGuard,
    MappedRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, const_rwlock,
};
use super::raw;
use crate::set_up;
use crate::util::{
    CountsDrops, ROUNDS, THREADS, add_one_slowly, contend, eventually, let_park, ms,
    on_other_thread, panics, returns_at_once, takes_at_least,
};

const LONG: Duration = Duration::from_secs(600);

fn can_read<T: ?Sized + Send + Sync>(lock: &RwLock<T>) -> bool {
    on_other_thread(|| lock.try_read().is_some())
}

fn can_read_upgradably<T: ?Sized + Send + Sync>(lock: &RwLock<T>) -> bool {
    on_other_thread(|| lock.try_upgradable_read().is_some())
}

fn can_write<T: ?Sized + Send + Sync>(lock: &RwLock<T>) -> bool {
    on_other_thread(|| lock.try_write().is_some())
}

#[test]
fn smoke() {
    set_up();
    let lock = RwLock::new(1);
    drop(lock.read());
    drop((lock.read(), lock.upgradable_read(), lock.read()));
    *lock.write() += 1;
    assert_eq!(*lock.upgradable_read(), 2);
}

/// Which guards may be held next to each other.
#[test]
fn try_lock() {
    set_up();
    let lock = RwLock::new(1);
    assert!(!lock.is_locked() && !lock.is_locked_exclusive());

    let reader = lock.try_read().unwrap();
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    assert!(can_read(&lock) && can_read_upgradably(&lock) && !can_write(&lock));
    drop(reader);

    let upgradable = lock.try_upgradable_read().unwrap();
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    assert!(can_read(&lock) && !can_read_upgradably(&lock) && !can_write(&lock));
    drop(upgradable);

    let writer = lock.try_write().unwrap();
    assert!(lock.is_locked() && lock.is_locked_exclusive());
    assert!(!can_read(&lock) && !can_read_upgradably(&lock) && !can_write(&lock));
    drop(writer);
    assert!(can_write(&lock));
}

#[test]
fn timeout_expires() {
    set_up();
    let lock = RwLock::new(1);
    let soon = || Instant::now() + ms(10);
    let writer = lock.write();
    on_other_thread(|| {
        assert!(takes_at_least(ms(10), || lock.try_read_for(ms(10))).is_none());
        assert!(takes_at_least(ms(10), || lock.try_read_until(soon())).is_none());
        assert!(takes_at_least(ms(10), || lock.try_upgradable_read_for(ms(10))).is_none());
        assert!(takes_at_least(ms(10), || lock.try_upgradable_read_until(soon())).is_none());
        assert!(takes_at_least(ms(10), || lock.try_write_for(ms(10))).is_none());
        assert!(takes_at_least(ms(10), || lock.try_write_until(soon())).is_none());
    });
    drop(writer);

    let reader = lock.read();
    on_other_thread(|| {
        let upgradable = lock.upgradable_read();
        let upgrade = takes_at_least(ms(10), || {
            RwLockUpgradableReadGuard::try_upgrade_for(upgradable, ms(10))
        });
        let upgradable = upgrade.err().unwrap();
        let upgrade = takes_at_least(ms(10), || {
            RwLockUpgradableReadGuard::try_upgrade_until(upgradable, soon())
        });
        let mut upgradable = upgrade.err().unwrap();
        assert!(upgradable.try_with_upgraded_for(ms(10), |_| ()).is_none());
        assert!(upgradable.try_with_upgraded_until(soon(), |_| ()).is_none());
        assert!(!can_read_upgradably(&lock), "held as before");
        assert!(can_read(&lock), "no longer asks to write");
    });
    drop(reader);
    assert!(can_write(&lock));
}

#[test]
fn zero_timeout() {
    set_up();
    let lock = RwLock::new(1);
    let past = Instant::now();
    assert!(lock.try_read_for(Duration::ZERO).is_some());
    assert!(lock.try_upgradable_read_until(past).is_some());
    assert!(lock.try_write_until(past).is_some());
    let _writer = lock.write();
    returns_at_once(|| {
        assert!(lock.try_read_for(Duration::ZERO).is_none());
        assert!(lock.try_upgradable_read_for(Duration::ZERO).is_none());
        assert!(lock.try_write_until(past).is_none());
    });
}

#[test]
fn drop_before_timeout() {
    set_up();
    for timeout in [LONG, Duration::MAX] {
        let lock = RwLock::new(0);
        let writer = lock.write();
        thread::scope(|scope| {
            scope.spawn(|| assert!(*lock.try_read_for(timeout).unwrap() <= 1));
            scope.spawn(|| *lock.try_write_for(timeout).unwrap() += 1);
            scope.spawn(|| assert!(*lock.try_upgradable_read_for(timeout).unwrap() <= 1));
            let_park();
            drop(writer);
        });
        assert_eq!(lock.into_inner(), 1);
    }
}

#[test]
fn not_poisoned_by_panic() {
    set_up();
    let lock = RwLock::new(1);
    assert!(panics(|| {
        let _guard = lock.write();
        panic!("with the lock held");
    }));
    assert!(can_write(&lock));
}

#[test]
fn readers_share() {
    set_up();
    let lock = RwLock::new(1);
    let all_in = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let guard = lock.read();
                all_in.wait();
                assert_eq!(*guard, 1);
            });
        }
        let guard = lock.upgradable_read();
        all_in.wait();
        assert_eq!(*guard, 1);
    });
}

#[test]
fn drop_wakes_waiter() {
    set_up();
    let lock = RwLock::new(0);
    let writer = lock.write();
    thread::scope(|scope| {
        scope.spawn(|| assert!(*lock.read() <= 1));
        scope.spawn(|| assert!(*lock.upgradable_read() <= 1));
        scope.spawn(|| *lock.write() += 1);
        let_park();
        drop(writer);
    });

    let (one, two) = (lock.read(), lock.upgradable_read());
    thread::scope(|scope| {
        scope.spawn(|| *lock.write() += 1);
        let_park();
        drop(one);
        assert_eq!(*two, 1);
        drop(two);
    });
    assert_eq!(lock.into_inner(), 2);
}

#[test]
fn upgrade() {
    set_up();
    let lock = RwLock::new(0);
    let upgradable = lock.upgradable_read();
    let mut writer = RwLockUpgradableReadGuard::upgrade(upgradable);
    *writer += 1;
    assert!(!can_read(&lock));
    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
    assert!(can_read(&lock) && !can_read_upgradably(&lock));

    let reader = lock.read();
    let upgradable = RwLockUpgradableReadGuard::try_upgrade(upgradable)
        .err()
        .unwrap();
    drop(reader);
    let writer = RwLockUpgradableReadGuard::try_upgrade(upgradable)
        .ok()
        .unwrap();
    assert_eq!(*writer, 1);
    drop(writer);
    assert!(can_write(&lock));
}

#[test]
fn upgrade_waits_for_readers() {
    set_up();
    let lock = RwLock::new(0);
    let reader = lock.read();
    thread::scope(|scope| {
        scope.spawn(|| {
            *RwLockUpgradableReadGuard::upgrade(lock.upgradable_read()) += 1;
            let upgradable = lock.upgradable_read();
            *RwLockUpgradableReadGuard::try_upgrade_for(upgradable, LONG)
                .ok()
                .unwrap() += 1;
        });
        let_park();
        assert_eq!(*reader, 0);
        drop(reader);
    });
    assert_eq!(lock.into_inner(), 2);
}

#[test]
fn with_upgraded() {
    set_up();
    let lock = RwLock::new(0);
    let mut upgradable = lock.upgradable_read();
    let result = upgradable.with_upgraded(|value| {
        *value += 1;
        assert!(!can_read(&lock));
        "result"
    });
    assert_eq!((*upgradable, result), (1, "result"));
    assert!(can_read(&lock) && !can_read_upgradably(&lock));

    let reader = lock.read();
    assert!(upgradable.try_with_upgraded(|_| ()).is_none());
    drop(reader);
    assert!(upgradable.try_with_upgraded(|value| *value += 1).is_some());
    assert!(upgradable.try_with_upgraded_for(LONG, |_| ()).is_some());
    assert_eq!(*upgradable, 2);
}

#[test]
fn downgrade() {
    set_up();
    let lock = RwLock::new(0);
    let mut writer = lock.write();
    thread::scope(|scope| {
        let reader = scope.spawn(|| *lock.read());
        let_park();
        *writer = 1;
        let guard: RwLockReadGuard<'_, i32> = RwLockWriteGuard::downgrade(writer);
        // The waiting reader goes on although this thread still reads.
        assert_eq!(reader.join().unwrap(), 1);
        assert!(can_read(&lock) && !can_write(&lock));
        drop(guard);
    });

    let reader = RwLockUpgradableReadGuard::downgrade(lock.upgradable_read());
    assert!(can_read_upgradably(&lock) && !can_write(&lock));
    drop(reader);
    assert!(can_write(&lock));
}

/// A thread that waits to read upgradably goes on when the one before it has become a plain reader.
#[test]
fn downgrade_upgradable_wakes_waiter() {
    set_up();
    let lock = RwLock::new(0);
    let upgradable = lock.upgradable_read();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| *lock.upgradable_read());
        let_park();
        let reader = RwLockUpgradableReadGuard::downgrade(upgradable);
        assert_eq!(waiter.join().unwrap(), 0);
        drop(reader);
    });
    assert!(can_write(&lock));
}

#[test]
fn into_inner() {
    set_up();
    let drops = Cell::new(0);
    let value = RwLock::new(CountsDrops(&drops)).into_inner();
    assert_eq!(drops.get(), 0);
    drop(value);
    assert_eq!(drops.get(), 1);
}

#[test]
fn get_mut() {
    set_up();
    let mut lock = RwLock::new(1);
    *lock.get_mut() = 2;
    assert_eq!(*lock.read(), 2);
    // SAFETY: nobody else knows of the lock.
    unsafe { *lock.data_ptr() = 3 };
    assert_eq!(*lock.read(), 3);
}

#[test]
fn unsized_value() {
    set_up();
    let slice: &RwLock<[i32]> = &RwLock::new([1, 2, 3]);
    slice.write()[0] = 4;
    assert_eq!(*slice.read(), [4, 2, 3]);
    let upgradable = slice.upgradable_read();
    RwLockUpgradableReadGuard::upgrade(upgradable)[1] = 5;
    assert_eq!(*slice.upgradable_read(), [4, 5, 3]);

    let shared: Arc<RwLock<dyn Fn() -> i32 + Send + Sync>> = Arc::new(RwLock::new(|| 5));
    assert_eq!((shared.read())(), 5);
    assert_eq!((shared.write())(), 5);
}

#[test]
fn debug() {
    set_up();
    let lock = RwLock::new(7);
    {
        let (reader, upgradable) = (lock.read(), lock.upgradable_read());
        assert!(format!("{lock:?}").contains('7'));
        assert_eq!(format!("{reader:?}{reader:>3}"), "7  7");
        assert_eq!(format!("{upgradable:?}{upgradable:>3}"), "7  7");
    }
    let writer = lock.write();
    assert!(format!("{lock:?}").contains("<locked>"));
    assert_eq!(format!("{writer:?}{writer:>3}"), "7  7");
}

#[test]
fn default_and_from() {
    set_up();
    assert_eq!(*RwLock::<i32>::default().read(), 0);
    assert_eq!(*RwLock::from(3).read(), 3);
    assert_eq!(*RwLock::from_raw(RawRwLock::INIT, 4).read(), 4);
}

#[test]
fn in_static() {
    static TOTAL: RwLock<usize> = RwLock::new(0);
    static OTHER: RwLock<usize> = const_rwlock(0);

    set_up();
    contend(&TOTAL, |total| *total.write() += 1);
    contend(&OTHER, |other| *other.write() += 1);
    assert_eq!(*TOTAL.read() + *OTHER.read(), 2 * THREADS * ROUNDS);
}

#[test]
fn forgotten_guard_keeps_locked() {
    set_up();
    let lock = RwLock::new(1);
    mem::forget(lock.read());
    assert!(can_read(&lock) && !can_write(&lock));
    // SAFETY: the lock is held for reading by this thread, in no guard.
    unsafe { raw::unlock_read(&lock) };
    mem::forget(lock.read());
    // SAFETY: as above.
    unsafe { raw::unlock_read_fair(&lock) };
    assert!(can_write(&lock));

    mem::forget(lock.write());
    assert!(!can_read(&lock));
    // SAFETY: the lock is held for writing by this thread, in no guard.
    unsafe { raw::unlock_write(&lock) };
    mem::forget(lock.write());
    // SAFETY: as above.
    unsafe { raw::unlock_write_fair(&lock) };
    assert!(can_write(&lock));

    mem::forget(lock.upgradable_read());
    // SAFETY: the lock is held upgradably by this thread, in no guard; this one stands for it.
    drop(unsafe { raw::upgradable_guard(&lock) });
    assert!(can_write(&lock));
}

#[test]
fn guard_in_struct() {
    struct View<'a> {
        name: MappedRwLockReadGuard<'a, str>,
        count: MappedRwLockWriteGuard<'a, i32>,
    }

    set_up();
    let (names, counts) = (RwLock::new(vec![String::from("name")]), RwLock::new([1, 2]));
    let mut view = View {
        name: RwLockReadGuard::map(names.read(), |names| names[0].as_str()),
        count: RwLockWriteGuard::map(counts.write(), |counts| &mut counts[1]),
    };
    *view.count += 1;
    assert_eq!((&*view.name, *view.count), ("name", 3));
    assert!(!can_write(&names) && !can_read(&counts));
    drop(view);
    assert!(can_write(&names) && can_write(&counts));
}

#[test]
fn two_guards_in_one_expression() {
    set_up();
    let (left, right) = (RwLock::new(2), RwLock::new(3));
    assert_eq!(*left.read() * *left.read() * *left.upgradable_read(), 8);
    mem::swap(&mut *left.write(), &mut *right.write());
    assert_eq!((*left.read(), *right.read()), (3, 2));
}

#[test]
fn swapped_guards() {
    set_up();
    let (left, right) = (RwLock::new(1), RwLock::new(2));
    let mut one = left.write();
    let mut two = right.write();
    mem::swap(&mut one, &mut two);
    drop(one);
    assert!(can_write(&right) && !can_read(&left));
    drop(two);
    assert!(can_write(&left));
}

#[test]
fn mapped() {
    set_up();
    let lock = RwLock::new((1, [2, 3]));
    let second = RwLockReadGuard::map(lock.read(), |both| &both.1);
    let element = MappedRwLockReadGuard::map(second, |array| &array[1]);
    assert_eq!(*element, 3);
    assert!(can_read(&lock) && !can_write(&lock));
    MappedRwLockReadGuard::unlock_fair(element);

    let second = RwLockWriteGuard::map(lock.write(), |both| &mut both.1);
    let mut element = MappedRwLockWriteGuard::map(second, |array| &mut array[1]);
    *element += 1;
    assert!(!can_read(&lock));
    MappedRwLockWriteGuard::unlock_fair(element);

    let reader = RwLockReadGuard::try_map(lock.read(), |_| None::<&i32>).unwrap_err();
    assert_eq!(reader.1[1], 4);
    drop(reader);
    let writer = RwLockWriteGuard::try_map(lock.write(), |_| None::<&mut i32>).unwrap_err();
    assert!(!can_read(&lock), "a failed map hands the guard back");
    drop(writer);
    assert!(can_write(&lock));
}

#[test]
fn unlocked() {
    set_up();
    let lock = RwLock::new(0);
    let add_one = || on_other_thread(|| *lock.write() += 1);

    let mut reader = lock.read();
    RwLockReadGuard::unlocked(&mut reader, add_one);
    RwLockReadGuard::unlocked_fair(&mut reader, add_one);
    assert_eq!(*reader, 2);
    assert!(!can_write(&lock), "held again afterwards");
    RwLockReadGuard::unlock_fair(reader);

    let mut upgradable = lock.upgradable_read();
    RwLockUpgradableReadGuard::unlocked(&mut upgradable, add_one);
    RwLockUpgradableReadGuard::unlocked_fair(&mut upgradable, add_one);
    assert_eq!(*upgradable, 4);
    assert!(!can_read_upgradably(&lock), "held again afterwards");
    RwLockUpgradableReadGuard::unlock_fair(upgradable);

    let mut writer = lock.write();
    RwLockWriteGuard::unlocked(&mut writer, add_one);
    RwLockWriteGuard::unlocked_fair(&mut writer, add_one);
    assert_eq!(*writer, 6);
    assert!(!can_read(&lock), "held again afterwards");
    RwLockWriteGuard::unlock_fair(writer);
    assert!(can_write(&lock));
}

#[test]
fn unlock_fair() {
    set_up();
    let lock = RwLock::new(0);
    eventually("a fair unlock hands over to the waiter", || {
        let mut writer = lock.write();
        *writer = 0;
        thread::scope(|scope| {
            scope.spawn(|| *lock.write() = 1);
            let_park();
            RwLockWriteGuard::unlock_fair(writer);
            *lock.write() == 1
        })
    });
    eventually("a fair unlock of a reader hands over to the waiter", || {
        *lock.write() = 0;
        let reader = lock.read();
        thread::scope(|scope| {
            scope.spawn(|| *lock.write() = 1);
            let_park();
            RwLockReadGuard::unlock_fair(reader);
            *lock.write() == 1
        })
    });
}

#[test]
fn bump() {
    set_up();
    let lock = RwLock::new(0);
    let mut writer = lock.write();
    RwLockWriteGuard::bump(&mut writer);
    assert!(!can_read(&lock), "with nobody waiting it stays held");
    thread::scope(|scope| {
        scope.spawn(|| *lock.write() += 1);
        eventually("a bump lets the waiter in", || {
            let_park();
            RwLockWriteGuard::bump(&mut writer);
            *writer == 1
        });
        assert!(!can_read(&lock), "held again afterwards");
        drop(writer);
    });

    let mut reader = lock.read();
    RwLockReadGuard::bump(&mut reader);
    thread::scope(|scope| {
        scope.spawn(|| *lock.write() += 1);
        eventually("a bump lets the waiter in", || {
            let_park();
            RwLockReadGuard::bump(&mut reader);
            *reader == 2
        });
        assert!(!can_write(&lock), "held again afterwards");
        drop(reader);
    });

    let mut upgradable = lock.upgradable_read();
    RwLockUpgradableReadGuard::bump(&mut upgradable);
    thread::scope(|scope| {
        scope.spawn(|| *lock.write() += 1);
        eventually("a bump lets the waiter in", || {
            let_park();
            RwLockUpgradableReadGuard::bump(&mut upgradable);
            *upgradable == 3
        });
        assert!(!can_read_upgradably(&lock), "held again afterwards");
        drop(upgradable);
    });
    assert!(can_write(&lock));
}

#[test]
fn lock_arc() {
    set_up();
    let lock = Arc::new(RwLock::new(0));

    let mut reader: ArcRwLockReadGuard<RawRwLock, i32> = lock.read_arc();
    assert!(lock.try_read_arc().is_some() && lock.try_read_arc_for(ms(1)).is_some());
    assert!(lock.try_write_arc().is_none() && lock.try_write_arc_for(ms(1)).is_none());
    ArcRwLockReadGuard::unlocked(&mut reader, || assert!(can_write(&lock)));
    ArcRwLockReadGuard::bump(&mut reader);
    assert!(!can_write(&lock));
    ArcRwLockReadGuard::unlock_fair(reader);

    let mut writer: ArcRwLockWriteGuard<RawRwLock, i32> = lock.write_arc();
    *writer += 1;
    assert!(lock.try_read_arc_until(Instant::now()).is_none());
    ArcRwLockWriteGuard::unlocked(&mut writer, || assert!(can_write(&lock)));
    ArcRwLockWriteGuard::bump(&mut writer);
    assert!(!can_read(&lock));

    let upgradable: ArcRwLockUpgradableReadGuard<RawRwLock, i32> =
        ArcRwLockWriteGuard::downgrade_to_upgradable(writer);
    assert!(can_read(&lock) && !can_read_upgradably(&lock));
    let mut writer = ArcRwLockUpgradableReadGuard::upgrade(upgradable);
    *writer += 1;
    let reader = ArcRwLockWriteGuard::downgrade(writer);
    assert!(can_read(&lock) && !can_write(&lock));
    drop(reader);

    let mut upgradable = lock.try_upgradable_read_arc_for(LONG).unwrap();
    upgradable.with_upgraded(|value| *value += 1);
    let reader = ArcRwLockUpgradableReadGuard::downgrade(upgradable);
    assert!(can_read_upgradably(&lock));

    // The guard keeps the lock alive.
    drop(lock);
    assert_eq!(*reader, 3);
}

/// The raw lock serves as one in the types of `lock_api`, and by itself.
#[test]
fn raw() {
    set_up();
    let lock: lock_api::RwLock<RawRwLock, i32> = lock_api::RwLock::new(1);
    *lock.write() += 1;
    raw::is_a_rwlock::<RawRwLock>();
}

#[test]
fn stress() {
    set_up();
    let lock = RwLock::new((0, 0));
    contend(&lock, |lock| {
        {
            let mut both = lock.write();
            add_one_slowly(&mut both.0);
            add_one_slowly(&mut both.1);
            let both = RwLockWriteGuard::downgrade(both);
            assert_eq!(both.0, both.1);
        }
        let both = lock.read();
        assert_eq!(both.0, both.1, "a reader saw half of a write");
    });
    assert_eq!(lock.into_inner().0, THREADS * ROUNDS);
}

#[test]
fn stress_upgrade() {
    set_up();
    let lock = RwLock::new((0, 0));
    contend(&lock, |lock| {
        let upgradable = lock.upgradable_read();
        let before = upgradable.0;
        let mut both = RwLockUpgradableReadGuard::upgrade(upgradable);
        assert_eq!(both.0, before, "a writer came in between");
        add_one_slowly(&mut both.0);
        RwLockWriteGuard::bump(&mut both);
        add_one_slowly(&mut both.1);
        RwLockWriteGuard::unlock_fair(both);
        drop(lock.read());
    });
    let (one, two) = lock.into_inner();
    assert_eq!((one, two), (THREADS * ROUNDS, THREADS * ROUNDS));
}

#[test]
fn stress_try_lock() {
    set_up();
    let lock = RwLock::new(0);
    contend(&lock, |lock| {
        loop {
            if let Some(mut total) = lock.try_write_for(Duration::from_micros(10)) {
                break add_one_slowly(&mut total);
            }
            if let Some(total) = lock.try_read_for(Duration::from_micros(10)) {
                assert!(*total <= THREADS * ROUNDS);
            }
            let upgradable = lock.try_upgradable_read();
            let writer = upgradable.map(|upgradable| {
                let soon = Duration::from_micros(10);
                RwLockUpgradableReadGuard::try_upgrade_for(upgradable, soon)
            });
            if let Some(Ok(mut total)) = writer {
                break add_one_slowly(&mut total);
            }
            thread::yield_now();
        }
    });
    assert_eq!(lock.into_inner(), THREADS * ROUNDS);
}
