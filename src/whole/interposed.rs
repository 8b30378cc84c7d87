//! The functions that stand in the way of the C library's: each calls the original, and records the
//! wait or the release around it.
//!
//! A lock is tried first. Only where that fails is there a wait, so where nobody waits the cost is
//! a load of the flag. The names that programs see are those of the object (`src/preload/main.rs`).

pub mod condvar;
pub mod futex;
pub mod io;
pub mod mutex;
pub mod once;
pub mod others;
pub mod rwlock;
pub mod semaphore;
