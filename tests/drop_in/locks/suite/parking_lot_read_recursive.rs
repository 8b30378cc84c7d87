//! The recursive reads of `RwLock`, which version 0.13 has in a type of its own.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::parking_lot::RwLock;
use crate::set_up;
use crate::util::{eventually, let_park, ms, on_other_thread, takes_at_least};

const LONG: Duration = Duration::from_secs(600);

/// A waiting writer keeps new readers out, but not those that say they may hold the lock already.
#[test]
fn recursive() {
    set_up();
    let lock = RwLock::new(0);
    let reader = lock.read();
    thread::scope(|scope| {
        scope.spawn(|| *lock.write() += 1);
        eventually("the writer waits", || lock.try_read().is_none());
        let again = lock.read_recursive();
        let third = lock.try_read_recursive().unwrap();
        assert!(lock.try_read_recursive_for(LONG).is_some());
        assert!(lock.try_read_recursive_until(Instant::now()).is_some());
        assert_eq!(*reader + *again + *third, 0);
        drop((reader, again, third));
    });
    assert_eq!(*lock.read(), 1);
}

#[test]
fn beside_a_writer() {
    set_up();
    let lock = RwLock::new(1);
    let soon = || Instant::now() + ms(10);
    let writer = lock.write();
    on_other_thread(|| {
        assert!(lock.try_read_recursive().is_none());
        assert!(takes_at_least(ms(10), || lock.try_read_recursive_for(ms(10))).is_none());
        assert!(takes_at_least(ms(10), || lock.try_read_recursive_until(soon())).is_none());
    });
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(*lock.read_recursive(), 1));
        for timeout in [LONG, Duration::MAX] {
            let lock = &lock;
            scope.spawn(move || assert_eq!(*lock.try_read_recursive_for(timeout).unwrap(), 1));
        }
        let_park();
        drop(writer);
    });
}

#[test]
fn lock_arc() {
    set_up();
    let lock = Arc::new(RwLock::new(0));
    let reader = lock.read_arc();
    drop((
        lock.read_arc_recursive(),
        lock.try_read_recursive_arc().unwrap(),
    ));
    assert_eq!(*reader, 0);
}
