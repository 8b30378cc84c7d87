//! `RwLock` and `RecursiveRwLock`.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::parking_lot::lock_api::{self, RawRwLock as _, RawRwLockDowngrade as _};
use super::parking_lot::{
    ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard, ArcRwLockWriteGuard, RawRwLock,
    RecursiveRwLock, RecursiveRwLockReadGuard, RecursiveRwLockUpgradableReadGuard,
    RecursiveRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard,
};
use crate::set_up;
use crate::util::{
    ROUNDS, THREADS, add_one_slowly, contend, let_park, ms, on_other_thread, returns_at_once,
    takes_at_least,
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
    drop((lock.read(), lock.upgradable_read()));
    *lock.write() += 1;
    assert_eq!(*lock.upgradable_read(), 2);
    assert!(!lock.is_locked());
    assert_eq!(lock.into_inner(), 2);
}

#[test]
fn who_may_hold_it_together() {
    set_up();
    let lock = RwLock::new(0);
    {
        let _reader = lock.read();
        assert!(can_read(&lock) && can_read_upgradably(&lock) && !can_write(&lock));
        assert!(lock.is_locked() && !lock.is_locked_exclusive());
    }
    {
        let _upgradable = lock.upgradable_read();
        assert!(can_read(&lock) && !can_read_upgradably(&lock) && !can_write(&lock));
    }
    {
        let _writer = lock.write();
        assert!(!can_read(&lock) && !can_read_upgradably(&lock) && !can_write(&lock));
        assert!(lock.is_locked_exclusive());
    }
    assert!(can_write(&lock));
}

#[test]
fn timeout_expires() {
    set_up();
    let lock = RwLock::new(0);
    let soon = || Instant::now() + ms(10);
    {
        let _writer = lock.write();
        assert!(takes_at_least(ms(10), || lock.try_read_for(ms(10))).is_none());
        assert!(takes_at_least(ms(10), || lock.try_read_until(soon())).is_none());
        assert!(takes_at_least(ms(10), || lock.try_write_for(ms(10))).is_none());
        assert!(takes_at_least(ms(10), || lock.try_write_until(soon())).is_none());
        assert!(takes_at_least(ms(10), || lock.try_upgradable_read_for(ms(10))).is_none());
        assert!(takes_at_least(ms(10), || lock.try_upgradable_read_until(soon())).is_none());
    }
    assert!(returns_at_once(|| lock.try_read_for(LONG)).is_some());
    assert!(returns_at_once(|| lock.try_write_for(LONG)).is_some());
    let _reader = lock.read();
    let upgradable = lock.upgradable_read();
    let upgradable = takes_at_least(ms(10), || {
        RwLockUpgradableReadGuard::try_upgrade_for(upgradable, ms(10))
    });
    let upgradable = takes_at_least(ms(10), || {
        RwLockUpgradableReadGuard::try_upgrade_until(upgradable.err().unwrap(), soon())
    });
    assert!(!can_read_upgradably(&lock));
    drop(upgradable.err().unwrap());
    assert!(can_read_upgradably(&lock));
}

#[test]
fn timeout_is_met() {
    set_up();
    let lock = RwLock::new(0);
    thread::scope(|scope| {
        let guard = lock.write();
        scope.spawn(|| assert_eq!(*lock.try_read_for(LONG).unwrap(), 1));
        scope.spawn(|| assert_eq!(*lock.try_upgradable_read_for(LONG).unwrap(), 1));
        let_park();
        let mut guard = guard;
        *guard = 1;
    });
    thread::scope(|scope| {
        let reader = lock.read();
        scope.spawn(|| *lock.try_write_for(LONG).unwrap() += 1);
        let_park();
        drop(reader);
    });
    assert_eq!(*lock.read(), 2);
}

#[test]
fn upgrade_and_downgrade() {
    set_up();
    let lock = RwLock::new(0);
    let upgradable = lock.upgradable_read();
    thread::scope(|scope| {
        let reader = lock.read();
        let waiter = scope.spawn(|| lock.try_read().is_some());
        assert!(waiter.join().unwrap());
        drop(reader);
    });
    let mut writer = RwLockUpgradableReadGuard::upgrade(upgradable);
    *writer += 1;
    assert!(!can_read(&lock));
    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writer);
    assert!(can_read(&lock) && !can_read_upgradably(&lock));
    let writer = RwLockUpgradableReadGuard::try_upgrade(upgradable);
    let reader = RwLockWriteGuard::downgrade(writer.ok().unwrap());
    assert!(can_read_upgradably(&lock) && !can_write(&lock));
    drop(reader);
    let reader = RwLockUpgradableReadGuard::downgrade(lock.upgradable_read());
    assert!(can_read_upgradably(&lock));
    drop(reader);
    assert!(can_write(&lock));
}

#[test]
fn an_upgrade_waits_for_the_readers() {
    set_up();
    let lock = RwLock::new(0);
    thread::scope(|scope| {
        let reader = lock.read();
        scope.spawn(|| *RwLockUpgradableReadGuard::upgrade(lock.upgradable_read()) += 1);
        let_park();
        assert_eq!(*reader, 0);
        drop(reader);
    });
    assert_eq!(*lock.read(), 1);
}

#[test]
fn fair_and_bump() {
    set_up();
    let lock = RwLock::new(0);
    let mut reader = lock.read();
    RwLockReadGuard::bump(&mut reader);
    assert!(!can_write(&lock));
    RwLockReadGuard::unlocked(&mut reader, || assert!(can_write(&lock)));
    RwLockReadGuard::unlocked_fair(&mut reader, || assert!(can_write(&lock)));
    RwLockReadGuard::unlock_fair(reader);
    let mut writer = lock.write();
    RwLockWriteGuard::bump(&mut writer);
    assert!(!can_read(&lock));
    RwLockWriteGuard::unlocked(&mut writer, || assert!(can_write(&lock)));
    RwLockWriteGuard::unlock_fair(writer);
    let mut upgradable = lock.upgradable_read();
    RwLockUpgradableReadGuard::bump(&mut upgradable);
    assert!(can_read(&lock) && !can_read_upgradably(&lock));
    RwLockUpgradableReadGuard::unlock_fair(upgradable);
    assert!(can_write(&lock));
}

/// A reader of a `RecursiveRwLock` may read again while a writer waits.
#[test]
fn recursive() {
    set_up();
    let lock = RecursiveRwLock::new(0);
    thread::scope(|scope| {
        let mut first = lock.read();
        scope.spawn(|| *lock.write() += 1);
        let_park();
        let second = lock.read();
        assert!(lock.try_read_for(LONG).is_some());
        assert_eq!((*first, *second), (0, 0));
        drop(second);
        RecursiveRwLockReadGuard::bump(&mut first);
    });
    assert_eq!(*lock.read(), 1);
    let writer = RecursiveRwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
    let reader = RecursiveRwLockWriteGuard::downgrade(writer);
    assert!(lock.try_write().is_none());
    drop(reader);
    assert!(lock.try_write().is_some());
}

#[test]
fn lock_arc() {
    set_up();
    let lock = Arc::new(RwLock::new(1));
    let reader: ArcRwLockReadGuard<RawRwLock, i32> = lock.read_arc();
    let upgradable: ArcRwLockUpgradableReadGuard<RawRwLock, i32> = lock.upgradable_read_arc();
    assert!(lock.try_write_arc().is_none());
    drop(reader);
    let mut writer: ArcRwLockWriteGuard<RawRwLock, i32> =
        ArcRwLockUpgradableReadGuard::upgrade(upgradable);
    *writer += 1;
    assert!(!can_read(&lock));
    let reader = ArcRwLockWriteGuard::downgrade(writer);
    assert!(can_read(&lock));
    drop(lock);
    assert_eq!(*reader, 2);
}

/// The raw lock serves as one in the types of `lock_api`, and by itself.
#[test]
fn raw() {
    set_up();
    let lock: lock_api::RwLock<RawRwLock, i32> = lock_api::RwLock::new(1);
    *lock.write() += 1;
    let raw: RawRwLock = RawRwLock::INIT;
    let writer = raw.lock_exclusive();
    assert!(raw.is_locked_exclusive() && raw.try_lock_shared().is_none());
    // SAFETY: held for writing since the lock, whose guard it is.
    let reader = unsafe { raw.downgrade(writer) };
    assert!(raw.is_locked() && raw.try_lock_exclusive().is_none());
    // SAFETY: held for reading since the line above.
    unsafe { raw.unlock_shared(reader) };
    assert!(!raw.is_locked());
}

#[test]
fn stress() {
    set_up();
    let lock = RwLock::new(0);
    contend(&lock, |lock| {
        assert!(*lock.read() <= THREADS * ROUNDS * 2);
        add_one_slowly(&mut lock.write());
        let upgradable = lock.upgradable_read();
        add_one_slowly(&mut RwLockUpgradableReadGuard::upgrade(upgradable));
    });
    assert_eq!(lock.into_inner(), 2 * THREADS * ROUNDS);
}
