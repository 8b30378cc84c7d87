//! The suite against the types that this crate wraps: what it asks for is what they do.

#[cfg(feature = "parking_lot")]
use ::parking_lot;
use std::sync;

#[allow(clippy::duplicate_mod)] // The point: one suite, two families.
#[path = "suite/mod.rs"]
mod suite;
