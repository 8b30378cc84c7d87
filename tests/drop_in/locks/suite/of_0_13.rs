//! The suite of parking_lot's locks, and what version 0.13 has instead of recursive reads.

use super::parking_lot;

mod parking_lot_condvar;
mod parking_lot_fair_mutex;
mod parking_lot_mutex;
mod parking_lot_once;
mod parking_lot_recursive_rwlock;
mod parking_lot_reentrant_mutex;
mod parking_lot_rwlock;
#[path = "raw_of_0_13.rs"]
mod raw;
