//! A timeline as plain data, and the forms in which it leaves the program.
#![forbid(unsafe_code)]

#[allow(dead_code)] // Features decide which forms are asked for.
pub(crate) mod form;
pub(crate) mod go;
#[cfg(feature = "http")]
mod json;
mod model;
mod perfetto;
mod report;
mod slices;
mod tasks;
#[cfg(all(test, feature = "profiling", feature = "parking_lot"))]
mod truth;
mod wait;

use std::io::{self, Write};
use std::time::Duration;

pub use model::Timeline;
#[cfg_attr(not(feature = "profiling"), allow(unused_imports))] // Then there are no events.
pub(crate) use model::{
    LabelsIndex, Log, Missing, NO_LABELS, NO_STACK, Region, Release, StackIndex, Task, Thread,
    ThreadIndex, Wait, Waker,
};
pub use wait::TimelineWait;

impl Timeline {
    /// The piece of time that it covers.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end - self.start)
    }

    /// The waits, in the order in which they began.
    pub fn waits(&self) -> impl ExactSizeIterator<Item = TimelineWait<'_>> {
        self.waits.iter().map(|wait| TimelineWait {
            timeline: self,
            wait,
        })
    }

    /// The time of all its waits, summed. With the waits of a whole recording it is the delay that
    /// the [block profile](crate::block_profile) gains meanwhile at rate 1.
    pub fn total_wait(&self) -> Duration {
        Duration::from_nanos(self.waits.iter().map(Wait::nanos).sum())
    }

    /// Events that came in the recording's time and are not in it: newer ones took their place, as
    /// the memory of a recording is bounded; or they could not be recorded.
    pub fn missing_events(&self) -> u64 {
        self.missing.overwritten + self.missing.lost
    }

    /// Writes it as Go's execution trace, which `go tool trace` opens, and the `contend` command
    /// reads. Threads are goroutines there.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_go(&self, writer: impl Write) -> io::Result<()> {
        go::write(self, writer)
    }

    /// Writes it as a trace of Perfetto, which <https://ui.perfetto.dev> opens: tracks of threads
    /// and tasks, arrows from releases to those that they let go, stacks, and how many wait for a
    /// lock.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_perfetto(&self, writer: impl Write) -> io::Result<()> {
        perfetto::write(self, writer)
    }
}
