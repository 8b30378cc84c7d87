//! Channels, once cells, barriers and threads: what a program sees that swaps the import.
//!
//! The suite runs against the standard library's own too, so that what it asks for is what they do.
//! One test switches profiling on, so the suite runs with it on and off.

mod auto_traits;

mod original;
mod ours;
