//! `RecursiveRwLock`, which version 0.12 has as methods of `RwLock`.

use std::thread;
use std::time::Duration;

use super::parking_lot::{
    RecursiveRwLock, RecursiveRwLockReadGuard, RecursiveRwLockUpgradableReadGuard,
    RecursiveRwLockWriteGuard,
};
use crate::set_up;
use crate::util::let_park;

const LONG: Duration = Duration::from_secs(600);

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
