//! Channels, once cells, barriers and threads, of the standard library.

mod auto_traits;
mod original;
mod ours;
