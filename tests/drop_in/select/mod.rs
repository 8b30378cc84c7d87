//! Every form of arm that `select!` and `select_biased!` of crossbeam-channel take, with the
//! same text compiled against the original and against ours.
#![cfg(feature = "crossbeam-channel")]
#![allow(clippy::duplicate_mod)] // The point is to have it twice.

mod original;
mod ours;
