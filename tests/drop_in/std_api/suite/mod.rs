//! Things that programs do with channels, once cells, barriers and threads.

mod mpsc;
mod once;
mod thread_api;
