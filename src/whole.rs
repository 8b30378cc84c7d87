//! Profiles programs that know nothing of this crate: every wait of a whole process.
//!
//! ```text
//!   the command                                    the program
//!   region: memory for both ── a file, by exec ──► start: maps it, before `main`
//!                                                  interposed: stands before `syscall` and `pthread_…`
//!                                                     │ waits and releases
//!                                                  engine (as everywhere), whose store is that memory
//!   collect ◄── the same memory, at any time ─────────┘
//!     │  objects: what is loaded where
//!     │  names: functions and lines, from the files
//!     │  glue: which frames are a lock's own, and the kind of lock
//!   profiles
//! ```
//!
//! No part of the library's interface: the object of `src/preload` and the command call it.

mod chain;
mod collect;
mod flags;
mod glue;
mod hand_over;
pub mod interposed;
mod names;
mod objects;
mod real;
mod region;
mod start;
mod waiting;

pub(crate) use collect::Collector;
pub(crate) use region::Orders;

/// Begins to record in this process, if the command has asked for it by the environment. For the
/// constructor of the object that is loaded into programs.
pub fn start() {
    // Nothing may unwind into the loader.
    let _ = std::panic::catch_unwind(start::start);
}
