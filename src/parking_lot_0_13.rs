//! `parking_lot` 0.13, profiled: in a program that names the crate `parking_lot`, `parking_lot::`
//! becomes `contend::parking_lot_0_13::`.
//!
//! The module has every name of version 0.13 of the `parking_lot` crate. The locks are the same
//! generic types of [`lock_api`] 0.5 that the original's are, around raw locks that wrap the
//! original's raw locks. It is beside [`contend::parking_lot`](crate::parking_lot), which is for
//! version 0.12: to cargo these are two crates, and a program may use both.
//!
//! | item | wraps | in the block profile as | in the mutex profile |
//! |---|---|---|---|
//! | [`Mutex`], [`FairMutex`], [`ReentrantMutex`] | the original's | `mutex` | every unlock, `bump`, `unlocked` |
//! | [`RwLock`], [`RecursiveRwLock`] | the original's | `rwlock_read` (upgradable reads too), `rwlock_write` (upgrades too) | every unlock, downgrade, `bump` |
//! | [`Condvar`] | the original's | `condvar` | the release of the mutex that a wait performs |
//! | [`Once`] | the original's | `once` | the end of the closure that others wait for |
//!
//! Re-exported as they are, since they never wait for anybody: [`OnceState`], [`RawThreadId`],
//! [`WaitTimeoutResult`], [`lock_api`], and `deadlock` where that feature is on. Besides
//! there are functions that make a lock with a name, as [`named_mutex`].
//!
//! ```
//! use contend::parking_lot_0_13::{Mutex, RwLock};
//!
//! static HITS: Mutex<u64> = Mutex::new(0);
//! *HITS.lock() += 1;
//!
//! let config = RwLock::new("slow");
//! *config.write() = "fast";
//! assert_eq!((*HITS.lock(), *config.read()), (1, "fast"));
//! ```
//!
//! # Differences from `parking_lot`
//!
//! - A lock is 24 bytes larger (padded to its alignment), a `Condvar` eight; guards are the same
//!   size.
//! - An acquisition first tries; only when that fails it blocks. One that would succeed at once
//!   does so here too.
//! - While somebody who is sampled waits, `bump` is a fair unlock followed by a lock, and the wait
//!   for the lock is profiled. The original does the same in one step.
//!
//! # Differences from `contend::parking_lot`
//!
//! The methods of `Condvar` are `lock_api`'s here, which asks a raw one to wait again and again:
//! each turn of a `wait_while` is an event of its own, where version 0.12 has one per call. The
//! delay is the same, but for the time in the condition.

// A name that is shadowed below wins over the glob.
pub use ::parking_lot_0_13::*;

mod once;
mod raw_condvar;
mod raw_mutex;
mod raw_rwlock;

use crate::skin::Name;

pub use once::Once;
pub use raw_condvar::RawCondvar;
pub use raw_mutex::{RawFairMutex, RawMutex};
pub use raw_rwlock::RawRwLock;

/// Guards hold no more than whether they may go to another thread.
type Marker = <::parking_lot_0_13::RawMutex as lock_api::RawMutex>::Guard;

/// A mutual exclusion lock: parking_lot's `Mutex`, profiled.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;

/// Holds a [`Mutex`] until dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// Holds a [`Mutex`], for a part of its value.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// A mutex that always hands over to the longest waiter: parking_lot's `FairMutex`, profiled.
pub type FairMutex<T> = lock_api::Mutex<RawFairMutex, T>;

/// Holds a [`FairMutex`] until dropped.
pub type FairMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFairMutex, T>;

/// Holds a [`FairMutex`], for a part of its value.
pub type MappedFairMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawFairMutex, T>;

/// A mutex that its holder may lock again: parking_lot's `ReentrantMutex`, profiled.
pub type ReentrantMutex<T> = lock_api::ReentrantMutex<RawMutex, RawThreadId, T>;

/// Holds a [`ReentrantMutex`] until dropped.
pub type ReentrantMutexGuard<'a, T> = lock_api::ReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// Holds a [`ReentrantMutex`], for a part of its value.
pub type MappedReentrantMutexGuard<'a, T> =
    lock_api::MappedReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// A readers-writer lock: parking_lot's `RwLock`, profiled. Readers that hold it together while a
/// writer waits share the blame, upgradable ones too: each is charged with the waiting that went on
/// while it held, divided by how many held then.
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;

/// Holds a [`RwLock`] for reading until dropped.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;

/// Holds a [`RwLock`] for writing until dropped.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;

/// Holds a [`RwLock`] for reading, and may become the writer, until dropped.
pub type RwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;

/// Holds a [`RwLock`] for reading, for a part of its value.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;

/// Holds a [`RwLock`] for writing, for a part of its value.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// The raw lock of [`RecursiveRwLock`].
pub type RawRwLockRecursive = RawRwLock<true>;

/// A readers-writer lock whose readers may read again while a writer waits: parking_lot's
/// `RecursiveRwLock`, profiled as [`RwLock`] is.
pub type RecursiveRwLock<T> = lock_api::RwLock<RawRwLockRecursive, T>;

/// Holds a [`RecursiveRwLock`] for reading until dropped.
pub type RecursiveRwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLockRecursive, T>;

/// Holds a [`RecursiveRwLock`] for writing until dropped.
pub type RecursiveRwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLockRecursive, T>;

/// Holds a [`RecursiveRwLock`] for reading, and may become the writer, until dropped.
pub type RecursiveRwLockUpgradableReadGuard<'a, T> =
    lock_api::RwLockUpgradableReadGuard<'a, RawRwLockRecursive, T>;

/// Holds a [`RecursiveRwLock`] for reading, for a part of its value.
pub type MappedRecursiveRwLockReadGuard<'a, T> =
    lock_api::MappedRwLockReadGuard<'a, RawRwLockRecursive, T>;

/// Holds a [`RecursiveRwLock`] for writing, for a part of its value.
pub type MappedRecursiveRwLockWriteGuard<'a, T> =
    lock_api::MappedRwLockWriteGuard<'a, RawRwLockRecursive, T>;

/// A condition variable for [`Mutex`]: parking_lot's `Condvar`, profiled.
///
/// A wait, up to and including having the mutex again, is one event of kind `condvar` in the block
/// profile. The release of the mutex that a wait performs is a release like any other: who waits
/// for the mutex then was kept waiting by this thread. In the wake profile the wait is charged to
/// the code that notified.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use contend::parking_lot_0_13::{Condvar, Mutex};
///
/// let ready = Mutex::new(false);
/// let changed = Condvar::new();
/// thread::scope(|scope| {
///     scope.spawn(|| {
///         *ready.lock() = true;
///         changed.notify_one();
///     });
///     changed.wait_while(&mut ready.lock(), |ready| !*ready);
/// });
/// ```
pub type Condvar = lock_api::Condvar<RawCondvar>;

/// The note of a lock's holder: none where a guard may go to another thread, by parking_lot's
/// feature `send_guard`.
#[inline(always)]
fn told(access: crate::skin::Access) -> crate::skin::Access {
    crate::skin::told::<Marker, lock_api::GuardSend>(access)
}

/// Creates an unlocked mutex whose name the profiler knows it by: waits and releases have it as
/// their label `lock`, dumps of threads show it, and [`locks`](crate::locks) counts by it.
///
/// As [`sync::named_mutex`](crate::sync::named_mutex).
///
/// # Examples
///
/// ```
/// use contend::parking_lot_0_13::{Mutex, named_mutex};
///
/// static CACHE: Mutex<Vec<u32>> = named_mutex(&"cache", Vec::new());
/// CACHE.lock().push(7);
/// ```
pub const fn named_mutex<T>(name: &'static &'static str, value: T) -> Mutex<T> {
    Mutex::from_raw(RawMutex::new(Name::new(name)), value)
}

/// Creates an unlocked [`FairMutex`] with a name, as [`named_mutex`] does a [`Mutex`].
pub const fn named_fair_mutex<T>(name: &'static &'static str, value: T) -> FairMutex<T> {
    FairMutex::from_raw(RawFairMutex::new(Name::new(name)), value)
}

/// Creates an unlocked [`ReentrantMutex`] with a name, as [`named_mutex`] does a [`Mutex`].
pub const fn named_reentrant_mutex<T>(name: &'static &'static str, value: T) -> ReentrantMutex<T> {
    ReentrantMutex::from_raw(
        RawMutex::new(Name::new(name)),
        <RawThreadId as lock_api::GetThreadId>::INIT,
        value,
    )
}

/// Creates an unlocked [`RwLock`] with a name, as [`named_mutex`] does a [`Mutex`].
pub const fn named_rwlock<T>(name: &'static &'static str, value: T) -> RwLock<T> {
    RwLock::from_raw(RawRwLock::new(Name::new(name)), value)
}

/// Creates an unlocked [`RecursiveRwLock`] with a name, as [`named_mutex`] does a [`Mutex`].
pub const fn named_recursive_rwlock<T>(
    name: &'static &'static str,
    value: T,
) -> RecursiveRwLock<T> {
    RecursiveRwLock::from_raw(RawRwLockRecursive::new(Name::new(name)), value)
}
