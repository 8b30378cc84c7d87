//! Go's execution traces, in the version of Go 1.23.
//!
//! | here | in the trace |
//! |---|---|
//! | a thread | an M with the thread's number, and a G of its own |
//! | a thread that runs | has a P: the lowest one that is free |
//! | a wait | GoBlock, GoUnblock by the waker at the time of the release, GoStart |
//! | a wait of a task, whose thread goes on | a task named `wait: ` and the reason |
//! | a task, a region, a log | those of `runtime/trace` |
//! | labels | a log of the category `labels` where those of a thread change |
//!
//! The format is internal to Go and is held by tests with Go's own reader.
//!
//! # Rules that the reader has
//!
//! - It merges the rows of all Ms by their sequence numbers: those of a G count its GoUnblock and
//!   GoStart, those of a P its ProcStart. An event that comes too early waits; if all wait, the
//!   file is refused. So events are put into an order that exists: at one time the unblocks and
//!   creations by a thread come before its own changes of state; a wait is longer than 0, and so is
//!   the time between two; and an unblock comes later than its block.
//! - Whatever is said by a running G needs its P and its M: tasks, regions and logs that fall into
//!   a wait are said at its end.
//! - Regions of a G are nested, with the same task and name at both ends.

mod labels;
mod plan;
#[cfg(any(test, feature = "cli"))]
mod read;
mod reason;
mod write;

#[cfg(test)]
pub(crate) use read::is_trace;
#[cfg(any(test, feature = "cli"))]
pub(crate) use read::read;
pub(crate) use write::write;

/// The first 16 bytes of a file.
const HEADER: &[u8; 16] = b"go 1.23 trace\0\0\0";

/// Begins the name of a task that stands for a wait of a task.
const TASK_WAIT: &str = "wait: ";

/// The M of the batches that are no thread's.
const NO_THREAD: u64 = u64::MAX;

/// The types of batches and events, as far as they are used.
mod code {
    pub(super) const BATCH: u8 = 1;
    pub(super) const STACKS: u8 = 2;
    pub(super) const STACK: u8 = 3;
    pub(super) const STRINGS: u8 = 4;
    pub(super) const STRING: u8 = 5;
    pub(super) const FREQUENCY: u8 = 8;
    pub(super) const PROC_START: u8 = 10;
    pub(super) const PROC_STOP: u8 = 11;
    pub(super) const PROC_STATUS: u8 = 13;
    pub(super) const GO_CREATE: u8 = 14;
    pub(super) const GO_START: u8 = 16;
    pub(super) const GO_DESTROY: u8 = 17;
    pub(super) const GO_BLOCK: u8 = 20;
    pub(super) const GO_UNBLOCK: u8 = 21;
    pub(super) const GO_LABEL: u8 = 39;
    pub(super) const TASK_BEGIN: u8 = 40;
    pub(super) const TASK_END: u8 = 41;
    pub(super) const REGION_BEGIN: u8 = 42;
    pub(super) const REGION_END: u8 = 43;
    pub(super) const LOG: u8 = 44;
    pub(super) const GO_STATUS_STACK: u8 = 48;

    /// The state of a P that nobody has.
    pub(super) const PROC_IDLE: u64 = 2;
    pub(super) const GO_RUNNABLE: u64 = 1;
    pub(super) const GO_WAITING: u64 = 4;
}

#[cfg(test)]
pub(in crate::timeline) mod tests;
