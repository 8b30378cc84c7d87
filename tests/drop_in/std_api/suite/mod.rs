//! Things that programs do with channels, once cells, barriers and threads.

mod mpsc;
mod once;
#[cfg(all(feature = "serde", feature = "http"))]
mod serialized;
mod thread_api;
