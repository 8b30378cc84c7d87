//! A skin for what is scarce and is no lock: connections, a rate limit, licences.

#[cfg(feature = "profiling")]
#[path = "resource/profiled.rs"]
mod imp;
#[cfg(not(feature = "profiling"))]
#[path = "resource/off.rs"]
mod imp;

pub use imp::{Held, Resource};
