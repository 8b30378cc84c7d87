//! The suite against this crate's types.

mod parking_lot {
    pub(super) use contend::parking_lot_0_13::*;

    super::super::constants!();
}

#[allow(clippy::duplicate_mod)] // The point: one suite, two families, two versions.
#[path = "../suite/of_0_13.rs"]
mod suite;
