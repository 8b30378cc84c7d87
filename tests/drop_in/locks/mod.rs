//! Locks, condition variables and `Once`, of the standard library and of parking_lot.

mod auto_traits;
mod formats;
mod names;
mod original;
mod ours;
mod unsized_and_const;
