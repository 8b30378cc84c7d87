//! The suite of parking_lot's locks, as far as version 0.13 has the same API as 0.12.

use super::parking_lot;

mod parking_lot_condvar;
mod parking_lot_fair_mutex;
mod parking_lot_mutex;
mod parking_lot_once;
mod parking_lot_reentrant_mutex;
#[path = "raw_of_0_13.rs"]
mod raw;
mod rwlock_of_0_13;
