//! CPU profiles: where the program computes, beside where it waits.
//!
//! A seam: `imp` samples where that is built in and possible, and says no elsewhere. The encoder of
//! the other profiles writes what was sampled, with the names that they have.

#[cfg(all(
    feature = "cpu",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[path = "cpu/imp_pprof.rs"]
mod imp;
#[cfg(not(all(
    feature = "cpu",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "cpu/imp_none.rs"]
mod imp;

use std::fmt;

pub(crate) use imp::{CpuProfile, start};

/// As Go's, in Hz.
pub(crate) const DEFAULT_FREQUENCY: u32 = 100;

/// In Hz. The timer of a process expires on ticks of the kernel's clock, of which there are 250 a
/// second in most kernels: at 500 Hz, half of the samples and so half of the time were missing.
pub(crate) const MAX_FREQUENCY: u32 = 250;

/// Why there is no CPU profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code)] // Which of them there are depends on what is built.
pub(crate) enum Error {
    /// Not built in, or not for this system.
    Unavailable,
    /// Another one is being taken, by us or by someone else.
    InUse,
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str(
                "CPU profiles are not built in: enable the feature `cpu` of contend (Linux on x86-64 \
                 or aarch64), and build with RUSTFLAGS=\"-C force-frame-pointers=yes\"",
            ),
            Self::InUse => f.write_str("cpu profiling already in use"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}
