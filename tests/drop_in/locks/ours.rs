//! The suite against this crate's types.

#[cfg(feature = "parking_lot")]
use contend::parking_lot;
use contend::sync;

#[path = "suite/mod.rs"]
mod suite;
