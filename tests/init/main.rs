//! The effects of the `CONTEND_…` variables on a real process.

#[cfg(all(unix, feature = "auto-init", feature = "profiling"))]
mod auto;
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "profiling")]
mod endings;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
mod hangs;
#[cfg(not(feature = "profiling"))]
mod off;
#[cfg(all(target_os = "linux", feature = "profiling"))]
mod privilege;
#[cfg(feature = "profiling")]
mod program;
#[cfg(feature = "profiling")]
mod values;
