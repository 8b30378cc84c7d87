//! Contention profiling: where threads wait, for how long, and whose code made them wait.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "profiling", loom))]
mod address;
#[cfg(any(feature = "profiling", loom))]
mod blame;
#[cfg(feature = "profiling")]
mod clock;
mod control;
mod kind;
mod lost;
#[cfg(any(feature = "profiling", loom))]
mod primitives;
mod profile;
#[cfg(feature = "profiling")]
mod rates;
#[cfg(feature = "profiling")]
mod recorder;
#[cfg(feature = "profiling")]
mod sampler;
#[cfg(any(feature = "profiling", loom))]
mod spin_lock;
#[cfg(feature = "profiling")]
mod stack;
#[cfg(any(feature = "profiling", loom))]
mod store;
#[cfg(feature = "profiling")]
mod thread_state;
#[cfg(feature = "profiling")]
mod wait;

#[cfg(all(feature = "parking_lot", feature = "profiling"))]
pub mod parking_lot;
#[cfg(feature = "profiling")]
pub mod sync;

pub use control::*;
pub use lost::Lost;
pub use profile::Profile;
