//! `tokio` 1, profiled: put `contend::` in front of the path.
//!
//! The module has every name of the [`tokio`](::tokio) crate, of which it replaces the following by
//! wrappers of the same API:
//!
//! | item | in the block profile as | in the mutex profile |
//! |---|---|---|
//! | [`sync::Mutex`], its guards | `async_mutex` | release |
//!
//! Everything else is the original itself.
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
pub mod sync;
