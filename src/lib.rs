//! Contention profiling: where threads wait, for how long, and whose code made them wait.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod export;
mod kind;
mod lost;
mod profile;

#[cfg(feature = "profiling")]
mod clock;
#[cfg(feature = "profiling")]
mod objects;
#[cfg(feature = "profiling")]
mod primitives;
#[cfg(feature = "profiling")]
mod rates;
#[cfg(feature = "profiling")]
mod sampler;
#[cfg(feature = "profiling")]
mod spin_lock;
#[cfg(feature = "profiling")]
mod stack;
#[cfg(feature = "profiling")]
mod store;
#[cfg(feature = "profiling")]
mod symbols;
#[cfg(feature = "profiling")]
mod thread_state;

pub use lost::Lost;
pub use profile::{Frame, Profile, Sample};
