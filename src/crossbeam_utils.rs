//! `crossbeam-utils` 0.8, profiled: put `contend::` in front of the path.
//!
//! The module has every name of the [`crossbeam_utils`] crate. In [`sync`] it
//! replaces the following by wrappers of the same API:
//!
//! | item | wraps | in the block profile as | in the mutex profile |
//! |---|---|---|---|
//! | [`sync::Parker`], [`sync::Unparker`] | the original's | `park` | |
//! | [`sync::WaitGroup`] | the original's | `barrier` | |
//! | [`sync::ShardedLock`] and its guards | the original's | `rwlock_read`, `rwlock_write` | release of either guard |
//!
//! Everything else is the original's own.
//!
//! ```
//! use contend::crossbeam_utils::sync::WaitGroup;
//! use std::thread;
//!
//! let group = WaitGroup::new();
//! for _ in 0..4 {
//!     let group = group.clone();
//!     thread::spawn(move || drop(group));
//! }
//! group.wait();
//! ```
//!
//! # Differences from `crossbeam-utils`
//!
//! - A `ShardedLock` is 16 bytes larger (padded to its alignment), and a guard by one reference.
//! - `read` and `write` first try; only when that fails they block. An acquisition that would
//!   succeed at once does so here too.
//! - A `Parker` and a `WaitGroup` cannot be tried, so they read the clock while the block profile
//!   is on. If they took less than 1 µs, they did not block, and are no event.

// A name that is shadowed below wins over the glob.
pub use ::crossbeam_utils::*;

pub mod sync;
