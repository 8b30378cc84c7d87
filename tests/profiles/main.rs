//! Are the profiles true? All that is tested on what a process records: numbers against clocks that
//! the tests keep, every kind of wait, and the moments at which recording is hard.
//!
//! Rates and profiles are the process's, so the tests take turns (see [`common::turn`]). Tests that
//! install an allocator, fork, or are built with all optimisations are programs of their own.
#![cfg(feature = "profiling")]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code)] // Features decide which tests there are.
mod ground_truth;
mod locks;

mod accuracy;
mod assertions;
mod block_kinds;
mod crossbeam;
mod pairs;
mod pipeline;
mod recording;
mod robust;
mod wake;
