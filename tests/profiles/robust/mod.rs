//! Waits and releases at awkward moments: what happens to the program, and to the numbers.

mod deployed;
mod freed_lock;
mod ledger;
mod loaded_code;
mod rates;
mod signals;
mod store;
mod store_kinds;
mod threads;
