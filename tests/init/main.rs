//! What the `CONTEND_…` variables do to a real process.
#![cfg(feature = "profiling")]

#[path = "../common/mod.rs"]
mod common;
mod endings;
mod program;
mod values;
