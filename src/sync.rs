//! The standard library's locks and channels, profiled: put `contend::` in the place of `std::`.
//!
//! The module has every name of [`std::sync`], of which it replaces the following by wrappers of
//! the same API:
//!
//! | item | wraps | in the block profile as | in the mutex profile |
//! |---|---|---|---|
//! | [`Mutex`], [`MutexGuard`] | [`std::sync::Mutex`] | `mutex` | release of the guard |
//! | [`RwLock`], [`RwLockReadGuard`], [`RwLockWriteGuard`] | [`std::sync::RwLock`] | `rwlock_read`, `rwlock_write` | release or downgrade of either guard |
//! | [`Condvar`] | [`std::sync::Condvar`] | `condvar` | the release of the mutex that a wait performs |
//! | [`Once`] | [`std::sync::Once`] | `once` | the end of the closure that others wait for |
//! | [`OnceLock`], [`LazyLock`] | [`std::sync::OnceLock`] | `once` | the end of the initialiser that others wait for |
//! | [`Barrier`] | [`std::sync::Barrier`] | `barrier` | |
//! | [`mpsc`]: `Sender`, `SyncSender`, `Receiver` | [`std::sync::mpsc`] | `chan_send`, `chan_recv` | |
//!
//! Everything else is the standard library's own and is not seen by the profiler. Two functions are
//! there besides, which make a lock with a name: [`named_mutex`] and [`named_rwlock`].
//!
//! ```
//! use contend::sync::{Arc, Mutex};
//!
//! let hits = Arc::new(Mutex::new(0));
//! *hits.lock().unwrap() += 1;
//! assert_eq!(*hits.lock().unwrap(), 1);
//! ```
//!
//! # Differences from the standard library
//!
//! - A lock is 24 bytes larger (padded to its alignment), and a guard by one reference.
//! - `lock`, `read` and `write` first try; only when that fails they block. An acquisition that
//!   would succeed at once does so here too.
//! - The types are not the standard library's: a function that takes `std::sync::MutexGuard` does
//!   not take this one.
//! - The compiler's lint `let_underscore_lock` knows the standard library's guards only, so that
//!   `let _ = mutex.lock();` is not refused.

// A name that is shadowed below wins over the glob.
pub use std::sync::*;

mod barrier;
mod condvar;
mod lazy_lock;
pub mod mpsc;
mod mutex;
mod once;
mod once_lock;
mod rwlock;
#[cfg(feature = "serde")]
mod serde;

pub use barrier::Barrier;
pub use condvar::Condvar;
pub use lazy_lock::LazyLock;
pub use mutex::{Mutex, MutexGuard, named_mutex};
pub use once::Once;
pub use once_lock::OnceLock;
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard, named_rwlock};

// A wrapper's guard is put together from the inner guard and whether the lock is poisoned, *after*
// the lock was acquired, by whichever path. PERF: passing whole `LockResult`s from the outlined
// slow path to the inlined fast one goes through memory and made lock + unlock 2.5 times as slow as
// the original's; an inner guard alone travels in registers.

/// The guard of a `try_` operation, and whether the lock is poisoned. `None`: it would block.
#[inline(always)]
fn acquired<G>(result: TryLockResult<G>) -> Option<(G, bool)> {
    match result {
        Ok(guard) => Some((guard, false)),
        Err(TryLockError::Poisoned(poisoned)) => Some((poisoned.into_inner(), true)),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The guard of a lock operation, poisoned or not.
#[inline(always)]
fn unpoisoned<G>(result: LockResult<G>) -> G {
    result.unwrap_or_else(PoisonError::into_inner)
}

/// The result of a lock operation.
#[inline(always)]
fn lock_result<H>(guard: H, is_poisoned: bool) -> LockResult<H> {
    if is_poisoned {
        Err(PoisonError::new(guard))
    } else {
        Ok(guard)
    }
}

/// Rewraps the guard in a result.
#[inline(always)]
pub(crate) fn map_result<G, H>(result: LockResult<G>, wrap: impl FnOnce(G) -> H) -> LockResult<H> {
    match result {
        Ok(guard) => Ok(wrap(guard)),
        Err(poisoned) => Err(PoisonError::new(wrap(poisoned.into_inner()))),
    }
}
