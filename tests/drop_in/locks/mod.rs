//! Locks, condition variables and `Once`, of the standard library and of parking_lot.

mod auto_traits;
mod formats;
mod named;
mod names;
mod original;
mod ours;
mod unsized_and_const;
#[cfg(feature = "parking_lot_0_13")]
mod version_0_13;
