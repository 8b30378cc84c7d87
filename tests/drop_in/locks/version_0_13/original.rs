//! The suite against the types that this crate wraps.

mod parking_lot {
    pub(super) use ::parking_lot_0_13::*;

    super::super::constants!();
}

#[allow(clippy::duplicate_mod)] // The point: one suite, two families, two versions.
#[path = "../suite/of_0_13.rs"]
mod suite;
