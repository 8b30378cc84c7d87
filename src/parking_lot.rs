//! `parking_lot` 0.12, profiled: put `contend::` in front of the path.
//!
//! The module has every name of the [`parking_lot`] crate. The locks are the same generic types of
//! [`lock_api`] that the original's are, around raw locks that wrap the original's raw locks; so
//! their whole API is there: timed and fair operations, upgradable and recursive reads, mapped
//! and `Arc` guards, and what the features of `parking_lot` add.
//!
//! | item | wraps | in the block profile as | in the mutex profile |
//! |---|---|---|---|
//! | [`Mutex`], [`FairMutex`], [`ReentrantMutex`] | the original's | `mutex` | every unlock, `bump`, `unlocked` |
//! | [`RwLock`] | the original's | `rwlock_read` (upgradable reads too), `rwlock_write` (upgrades too) | every unlock, downgrade, `bump` |
//! | [`Condvar`] | the original's | `condvar` | the release of the mutex that a wait performs |
//! | [`Once`] | the original's | `once` | the end of the closure that others wait for |
//!
//! Re-exported as they are, since they never wait for anybody: [`OnceState`], [`RawThreadId`],
//! [`WaitTimeoutResult`], [`lock_api`], and `deadlock` where that feature is on. Besides
//! there are functions that make a lock with a name, as [`named_mutex`].
//!
//! ```
//! use contend::parking_lot::{Mutex, RwLock};
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
//! - A lock is 24 bytes larger (padded to its alignment); guards are the same size.
//! - An acquisition first tries; only when that fails it blocks. One that would succeed at once
//!   does so here too.
//! - While somebody who is sampled waits, `bump` is a fair unlock followed by a lock, and the wait
//!   for the lock is profiled. The original does the same in one step.

// Why raw locks rather than newtypes around the guards: the API of `lock_api` is three dozen
// methods and twelve guard types, all of which come for free here and stay right when it grows.
// The price is that `lock_api` 0.4 is part of this module's API, as it is of parking_lot 0.12's.

// A name that is shadowed below wins over the glob.
pub use ::parking_lot::*;

mod condvar;
mod once;
mod raw_mutex;
mod raw_rwlock;

use crate::skin::Name;

pub use condvar::Condvar;
pub use once::Once;
pub use raw_mutex::{RawFairMutex, RawMutex};
pub use raw_rwlock::RawRwLock;

/// A mutual exclusion lock: [`parking_lot::Mutex`], profiled.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;

/// Holds a [`Mutex`] until dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// Holds a [`Mutex`], for a part of its value.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// A mutex that always hands over to the longest waiter:
/// [`parking_lot::FairMutex`], profiled.
pub type FairMutex<T> = lock_api::Mutex<RawFairMutex, T>;

/// Holds a [`FairMutex`] until dropped.
pub type FairMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFairMutex, T>;

/// Holds a [`FairMutex`], for a part of its value.
pub type MappedFairMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawFairMutex, T>;

/// A mutex that its holder may lock again:
/// [`parking_lot::ReentrantMutex`], profiled.
pub type ReentrantMutex<T> = lock_api::ReentrantMutex<RawMutex, RawThreadId, T>;

/// Holds a [`ReentrantMutex`] until dropped.
pub type ReentrantMutexGuard<'a, T> = lock_api::ReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// Holds a [`ReentrantMutex`], for a part of its value.
pub type MappedReentrantMutexGuard<'a, T> =
    lock_api::MappedReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// A readers-writer lock: [`parking_lot::RwLock`], profiled. Readers that hold it together while a
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

/// The note of a lock's holder: none where a guard may go to another thread, by parking_lot's
/// feature `send_guard`.
#[inline(always)]
fn told(access: crate::skin::Access) -> crate::skin::Access {
    type Marker = <::parking_lot::RawMutex as lock_api::RawMutex>::GuardMarker;
    crate::skin::told::<Marker, lock_api::GuardSend>(access)
}

/// Creates a [`Mutex`] in a constant, as [`Mutex::new`] does too.
pub const fn const_mutex<T>(value: T) -> Mutex<T> {
    Mutex::const_new(<RawMutex as lock_api::RawMutex>::INIT, value)
}

/// Creates a [`FairMutex`] in a constant, as [`FairMutex::new`] does too.
pub const fn const_fair_mutex<T>(value: T) -> FairMutex<T> {
    FairMutex::const_new(<RawFairMutex as lock_api::RawMutex>::INIT, value)
}

/// Creates a [`ReentrantMutex`] in a constant, as [`ReentrantMutex::new`] does too.
pub const fn const_reentrant_mutex<T>(value: T) -> ReentrantMutex<T> {
    ReentrantMutex::const_new(
        <RawMutex as lock_api::RawMutex>::INIT,
        <RawThreadId as lock_api::GetThreadId>::INIT,
        value,
    )
}

/// Creates a [`RwLock`] in a constant, as [`RwLock::new`] does too.
pub const fn const_rwlock<T>(value: T) -> RwLock<T> {
    RwLock::const_new(<RawRwLock as lock_api::RawRwLock>::INIT, value)
}

/// Creates an unlocked mutex whose name the profiler knows it by: waits and releases have it as
/// their label `lock`, dumps of threads show it, and [`locks`](crate::locks) counts by it.
///
/// As [`sync::named_mutex`](crate::sync::named_mutex).
///
/// # Examples
///
/// ```
/// use contend::parking_lot::{Mutex, named_mutex};
///
/// static CACHE: Mutex<Vec<u32>> = named_mutex(&"cache", Vec::new());
/// CACHE.lock().push(7);
/// ```
pub const fn named_mutex<T>(name: &'static &'static str, value: T) -> Mutex<T> {
    Mutex::const_new(RawMutex::new(Name::new(name)), value)
}

/// Creates an unlocked [`FairMutex`] with a name, as [`named_mutex`] does a [`Mutex`].
pub const fn named_fair_mutex<T>(name: &'static &'static str, value: T) -> FairMutex<T> {
    FairMutex::const_new(RawFairMutex::new(Name::new(name)), value)
}

/// Creates an unlocked [`ReentrantMutex`] with a name, as [`named_mutex`] does a [`Mutex`].
pub const fn named_reentrant_mutex<T>(name: &'static &'static str, value: T) -> ReentrantMutex<T> {
    ReentrantMutex::const_new(
        RawMutex::new(Name::new(name)),
        <RawThreadId as lock_api::GetThreadId>::INIT,
        value,
    )
}

/// Creates an unlocked [`RwLock`] with a name, as [`named_mutex`] does a [`Mutex`].
pub const fn named_rwlock<T>(name: &'static &'static str, value: T) -> RwLock<T> {
    RwLock::const_new(RawRwLock::new(Name::new(name)), value)
}
