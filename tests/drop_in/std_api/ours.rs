//! The suite against this crate's types.

use contend::{sync, thread};

#[path = "suite/mod.rs"]
mod suite;
