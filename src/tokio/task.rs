//! [`tokio::task`], profiled. Every name is there.
//!
//! A task that waits for another one is an event of kind `async_join` in the block profile. Nobody
//! is blamed. `runtime::Handle::spawn`, `Runtime::spawn` and `LocalSet::spawn_local` return the
//! original's handle, which [`From`] turns into one of these.

// A name that is shadowed below wins over the glob.
pub use ::tokio::task::*;

mod join_handle;
mod join_set;
mod spawned;

pub use join_handle::{JoinHandle, spawn, spawn_blocking, spawn_local};
pub use join_set::JoinSet;
