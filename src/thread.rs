//! The standard library's threads, with their waiting profiled: put `contend::` in the place of
//! `std::`.
//!
//! The module has every name of [`std::thread`], of which it replaces the following:
//!
//! | item | wraps | in the block profile as |
//! |---|---|---|
//! | [`sleep`], `sleep_ms` | [`std::thread::sleep`] | `sleep` |
//! | [`park`], [`park_timeout`], `park_timeout_ms` | [`std::thread::park`] | `park` |
//! | [`JoinHandle::join`], [`ScopedJoinHandle::join`] | [`std::thread::JoinHandle`] | `join` |
//! | the end of [`scope`], which waits for the threads that are left | [`std::thread::scope`] | `join` |
//! | [`spawn`], [`Builder`], [`Scope`] | theirs | only return the above |
//! | [`Thread`], [`current`] | [`std::thread::Thread`] | in the wake profile: its `unpark` |
//!
//! Nothing of this is in the mutex profile: nobody holds anything that others wait for. Threads
//! that are spawned otherwise are profiled as well as those that are spawned here: what counts is
//! whose function waits.
//!
//! # Sleeping
//!
//! A thread that sleeps is seldom what one looks for, and Go leaves sleeping out of its block
//! profile. Here it is a choice: it is in the profile where code imports `contend::thread`, and
//! `-tagignore kind=sleep` takes it out when the profile is shown.
//!
//! # Examples
//!
//! ```
//! use contend::thread;
//!
//! let thread = thread::spawn(|| 6 * 7);
//! assert_eq!(thread.join().unwrap(), 42);
//! ```
//!
//! # Differences from the standard library
//!
//! - The handles are not the standard library's: a function that takes `std::thread::JoinHandle` or
//!   `std::thread::Thread` does not take these. A [`Thread`] is made into the original by `into`.
//! - [`park`] and the end of [`scope`] cannot be tried, so they read the clock while the block
//!   profile is on. If they took less than 1 µs, and 5 µs, they did not block, and are no event.

// A name that is shadowed below wins over the glob.
pub use std::thread::*;

mod builder;
mod functions;
mod join_handle;
mod running;
mod scoped;
mod start;
mod thread_handle;

pub use builder::Builder;
pub use functions::{park, park_timeout, sleep};
#[allow(deprecated)] // As they are in the standard library.
pub use functions::{park_timeout_ms, sleep_ms};
pub use join_handle::{JoinHandle, spawn};
pub use scoped::{Scope, ScopedJoinHandle, scope};
pub use thread_handle::{Thread, current};
