//! `FairMutex` of parking_lot: all that `Mutex` does, and every unlock is fair.

use std::thread;

use names::Mutex;

use crate::set_up;
use crate::util::{eventually, let_park};

mod names {
    pub(super) use super::super::parking_lot::{
        ArcMutexGuard, FairMutex as Mutex, FairMutexGuard as MutexGuard,
        MappedFairMutexGuard as MappedMutexGuard, RawFairMutex as RawMutex,
        const_fair_mutex as const_mutex, lock_api,
    };
    pub(super) use super::super::raw;
}

#[allow(clippy::duplicate_mod)] // The point: one suite, two mutexes.
#[path = "mutex_of_parking_lot.rs"]
mod alike;

#[test]
fn unlock_is_fair() {
    set_up();
    let mutex = Mutex::new(0);
    eventually("an unlock hands over to the waiter", || {
        let mut guard = mutex.lock();
        *guard = 0;
        thread::scope(|scope| {
            scope.spawn(|| *mutex.lock() = 1);
            let_park();
            drop(guard);
            *mutex.lock() == 1
        })
    });
    assert!(!mutex.is_locked());
}
