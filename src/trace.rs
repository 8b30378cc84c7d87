//! Timelines: what happened when, in which order, and for which request.
//!
//! A [profile](crate::block_profile) says where time goes; a timeline says when, and who made whom
//! go on. It is recorded into memory of a fixed size and opens in `go tool trace`, in Perfetto, on
//! a page of [`contend::http`](crate::http), and in the `contend` command. Recorded are, whatever
//! the rates of the profiles are,
//!
//! - every wait of this crate's types: the stack that waited, the thread whose release let it go
//!   on, when that was, and the stack of that release, if it held the lock for 5 µs or more,
//! - the threads that [`contend::thread`](crate::thread) starts, and when they end,
//! - the [tasks](task), [regions](region) and [logs](log) of the program,
//! - with the feature `tokio`: which task runs where, as a region for each poll of 10 µs or more of
//!   what `contend::tokio` has spawned.
//!
//! [`docs::timeline`](crate::docs::timeline) explains one slow request, from the trigger to the
//! cause.
//!
//! | to record | write |
//! |---|---|
//! | a run of the program | `CONTEND_TRACE=run.trace`, with [`contend::init()`](crate::init) in `main` |
//! | a part of it | [`Recording::start`] and [`finish`](Recording::finish), or [`start`] and [`stop`] |
//! | what came before something happened | a [`FlightRecorder`], or `CONTEND_FLIGHT=wait=100ms` |
//! | the next seconds of a server | `curl -o s.trace 'localhost:6060/debug/pprof/trace?seconds=5'` |
//!
//! # Overhead
//!
//! While nothing is recorded, one load for each wait. While it is, the stack of each wait is
//! captured and a record of 48 bytes is written; a lock that nobody waits for costs what it costs
//! without. The newest events overwrite the oldest; how many is
//! [counted](Timeline::missing_events).
//!
//! Without the feature `profiling` nothing is recorded, and timelines are empty.

mod error;
pub(crate) mod flight;
mod global;
#[cfg(not(feature = "profiling"))]
#[path = "trace/off.rs"]
mod imp;
#[cfg(feature = "profiling")]
mod imp;
mod instrumented;
mod recording;
mod region;
#[cfg(feature = "tracing")]
mod spans;
mod task;

pub use crate::timeline::{Timeline, TimelineWait};
pub use error::StartError;
pub use flight::{FlightRecorder, FlightRecorderBuilder};
pub use global::{start, stop};
pub use instrumented::Instrumented;
pub use recording::Recording;
pub use region::{Region, log, region};
#[cfg(feature = "tracing")]
pub use spans::SpanLayer;
pub use task::{Entered, Task, task};

/// Whether anybody records a timeline now.
///
/// For names of tasks and texts of logs that are dear to make.
///
/// # Examples
///
/// ```
/// if contend::trace::is_enabled() {
///     contend::trace::log("cart", format!("{} items", 17));
/// }
/// ```
#[inline]
pub fn is_enabled() -> bool {
    imp::is_on()
}
