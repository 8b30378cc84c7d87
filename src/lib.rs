//! Contention profiling: where threads wait, for how long, and whose code made them wait.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The API: locks to use, rates to set, profiles to take.
mod control;
#[cfg(all(feature = "crossbeam-channel", feature = "profiling"))]
pub mod crossbeam_channel;
#[cfg(all(feature = "crossbeam-utils", feature = "profiling"))]
pub mod crossbeam_utils;
#[cfg(all(feature = "once_cell", feature = "profiling"))]
pub mod once_cell;
#[cfg(all(feature = "parking_lot", feature = "profiling"))]
pub mod parking_lot;
mod profile;
#[cfg(feature = "profiling")]
pub mod sync;
#[cfg(feature = "profiling")]
pub mod thread;

// From the wrappers down to what is recorded.
#[cfg(any(feature = "profiling", loom))]
mod blame;
#[cfg(feature = "profiling")]
mod recorder;
#[cfg(feature = "profiling")]
mod sampler;
#[cfg(any(feature = "profiling", loom))]
mod store;
#[cfg(feature = "profiling")]
mod wait;

// From what was recorded to what is written.
mod export;
#[cfg(feature = "profiling")]
mod objects;
#[cfg(feature = "profiling")]
mod symbols;

// What these stand on.
#[cfg(any(feature = "profiling", loom))]
mod address;
#[cfg(feature = "profiling")]
mod clock;
mod kind;
mod lost;
#[cfg(any(feature = "profiling", loom))]
mod primitives;
#[cfg(feature = "profiling")]
mod rates;
#[cfg(any(feature = "profiling", loom))]
mod spin_lock;
#[cfg(feature = "profiling")]
mod stack;
#[cfg(feature = "profiling")]
mod thread_state;

#[cfg(feature = "profiling")]
#[doc(hidden)]
pub mod bench_support;

pub use control::{
    MemoryInUse, block_profile, block_profile_rate, blocking, mutex_profile,
    mutex_profile_fraction, reset, set_block_profile_rate, set_memory_limit,
    set_mutex_profile_fraction,
};
pub use lost::Lost;
pub use profile::{Frame, Profile, Sample};

/// The standard library's locks and channels, not profiled: the `profiling` feature is off.
#[cfg(not(feature = "profiling"))]
pub mod sync {
    pub use std::sync::*;
}

/// The standard library's threads, not profiled: the `profiling` feature is off.
#[cfg(not(feature = "profiling"))]
pub mod thread {
    pub use std::thread::*;
}

/// `parking_lot` 0.12, not profiled: the `profiling` feature is off.
#[cfg(all(feature = "parking_lot", not(feature = "profiling")))]
pub mod parking_lot {
    pub use ::parking_lot::*;
}

/// `crossbeam-channel` 0.5, not profiled: the `profiling` feature is off.
#[cfg(all(feature = "crossbeam-channel", not(feature = "profiling")))]
pub mod crossbeam_channel {
    pub use ::crossbeam_channel::*;
}

/// `crossbeam-utils` 0.8, not profiled: the `profiling` feature is off.
#[cfg(all(feature = "crossbeam-utils", not(feature = "profiling")))]
pub mod crossbeam_utils {
    pub use ::crossbeam_utils::*;
}

/// `once_cell` 1, not profiled: the `profiling` feature is off.
#[cfg(all(feature = "once_cell", not(feature = "profiling")))]
pub mod once_cell {
    pub use ::once_cell::*;
}
