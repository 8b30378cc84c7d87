//! `tokio` 1, profiled: put `contend::` in front of the path.
//!
//! The module has every name of the [`tokio`] crate, of which it replaces the following by
//! wrappers of the same API:
//!
//! | item | in the block profile as | in the mutex profile |
//! |---|---|---|
//! | [`sync::Mutex`] | `async_mutex` | the guard's drop |
//! | [`sync::RwLock`] | `async_rwlock_read`, `async_rwlock_write` | the guard's drop, downgrade: by shares |
//! | [`sync::Semaphore`] | `async_semaphore` | the permit's drop, `forget`: by shares; `add_permits`, `close` |
//! | [`sync::OnceCell`] | `async_once` | the end of the initialiser |
//! | [`sync::SetOnce`] | `async_once` | |
//! | [`sync::mpsc`] | `async_send`, `async_recv` | |
//! | [`sync::oneshot`], [`sync::watch`], [`sync::broadcast`] | `async_oneshot`, `async_watch`, `async_broadcast` | |
//! | [`sync::Notify`], and `closed` of all senders | `async_notify` | |
//! | [`sync::Barrier`] | `async_barrier` | |
//! | [`task::JoinHandle`], [`task::JoinSet`] | `async_join` | |
//!
//! Everything else is the original itself. `time` is not wrapped on purpose: who sleeps has asked
//! for it, and what a timeout gives up is recorded where it waits.
//!
//! # Where the original's types are asked for
//!
//! | a function takes | give it |
//! |---|---|
//! | an end of a channel, as `ReceiverStream::new` and `PollSender::new` do | `receiver.into()`: [`From`] goes both ways |
//! | a `JoinHandle` or a `JoinSet` | `handle.into()` |
//! | an `Arc` of tokio's `Semaphore`, as `PollSemaphore` does | tokio's own |
//!
//! # Differences from the original
//!
//! - The owned guards of `Mutex` and `RwLock` need `T: 'static`.
//! - A lock, a permit or a place in a channel that is free is tried before the original's future is
//!   polled. The rules of fairness and of cooperation are the original's.
//! - The feature switches on tokio's own features `rt`, `sync` and `time`, which add no crates.
//!
//! ```
//! use contend::tokio::sync::Mutex;
//! # use contend::tokio;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let total = Mutex::new(1);
//! *total.lock().await += 1;
//! assert_eq!(total.into_inner(), 2);
//! # });
//! ```

// A name that is shadowed below wins over the glob.
pub use ::tokio::*;

mod blocking;
mod coop;
mod from;
pub mod sync;
pub mod task;

pub use task::spawn;
