//! The common part of the benches: how to measure two things fairly, and how to show the result.
//!
//! Machines drift: other programs run, clocks change, memory fills. So nothing is measured first
//! and compared later. A bench is a [`contest`]: in every round each contestant runs one segment of
//! some tens of milliseconds, right after one another, the order changing from round to round; and
//! what counts is the *ratio* within the round. The median of those is shown, with p10..p90 of the
//! rounds, which says how far a single pair can be trusted.

// Every bench uses a part of this.
#![allow(dead_code)]

pub(crate) mod contended;
pub(crate) mod contest;
pub(crate) mod instructions;
pub(crate) mod locks;
pub(crate) mod machine;
pub(crate) mod options;
pub(crate) mod profiling;
pub(crate) mod report;
pub(crate) mod spread;
pub(crate) mod uncontended;
pub(crate) mod work;

/// Alone in its cache lines (pairs of them: processors prefetch the neighbour), so that a lock
/// that is 8 bytes larger than another does not differ from it in what shares its line.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Padded<T>(pub(crate) T);
