//! [`tokio::sync`](::tokio::sync), profiled. Every name is there.

// A name that is shadowed below wins over the glob.
pub use ::tokio::sync::*;

mod mutex;

pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
