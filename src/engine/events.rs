//! The events of a timeline, in a ring that overwrites its oldest ones.
//!
//! While somebody [holds](hold) the recording on, every contended wait of every skin becomes an
//! event with its stack, whatever the rates of the profiles are; so do releases that others waited
//! for, threads that start and end, and the tasks, regions and logs of the program. One event costs
//! some 20 ns, most of it to read the clock, which a wait has done anyway.
//!
//! Recording knows no format. An event is written once it is over and says all of itself, so that a
//! ring which has lost its beginning is still right about the rest; [`snapshot`] copies it beside
//! the writers.
//!
//! | part | job |
//! |---|---|
//! | `ring` | words into chunks, chunks into a ring, by many threads at once |
//! | `record` | an event as words, and back |
//! | `threads` | numbers of threads that are never used again, with names |
//! | `wakers` | who released a lock last, and when |
//! | `stacks` | stacks of events, by a number |
//! | `polls` | which task runs on which thread |

#[cfg(all(feature = "profiling", feature = "tokio"))]
pub(crate) mod polls;
#[cfg(feature = "profiling")]
pub(crate) mod record;
mod ring;
#[cfg(feature = "profiling")]
mod session;
#[cfg(feature = "profiling")]
pub(crate) mod stacks;
#[cfg(all(test, feature = "profiling"))]
mod tests;
#[cfg(feature = "profiling")]
pub(crate) mod threads;
#[cfg(feature = "profiling")]
mod wakers;

#[cfg(feature = "profiling")]
pub(crate) use session::{
    Hold, MAX_BYTES, Snapshot, append, forget_after_fork, hold, is_on, last_release,
    note_notification, note_release, note_wait, note_waits_from, release_of, snapshot,
    take_long_wait,
};
