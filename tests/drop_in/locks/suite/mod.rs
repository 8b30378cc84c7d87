//! The behaviour of locks, of whichever family the parent module imports.
//!
//! A module per primitive and skin. A thing that several of them do has the same test name in each.

#[cfg(feature = "parking_lot")]
use super::parking_lot;
use super::sync;

#[cfg(feature = "parking_lot")]
mod parking_lot_condvar;
#[cfg(feature = "parking_lot")]
mod parking_lot_fair_mutex;
#[cfg(feature = "parking_lot")]
mod parking_lot_mutex;
#[cfg(feature = "parking_lot")]
mod parking_lot_once;
#[cfg(feature = "parking_lot")]
mod parking_lot_read_recursive;
#[cfg(feature = "parking_lot")]
mod parking_lot_reentrant_mutex;
#[cfg(feature = "parking_lot")]
mod parking_lot_rwlock;
#[cfg(feature = "parking_lot")]
#[path = "raw_of_0_12.rs"]
mod raw;
mod sync_condvar;
mod sync_mutex;
mod sync_once;
mod sync_rwlock;
