//! `once_cell` 1, profiled: put `contend::` in front of the path.
//!
//! The module has every name of the [`once_cell`] crate. In [`sync`] it replaces the following by
//! wrappers of the same API; [`unsync`] and [`race`] never wait, and are the originals.
//!
//! | item | wraps | in the block profile as | in the mutex profile |
//! |---|---|---|---|
//! | [`sync::OnceCell`] | the original's | `once` | the end of the initialiser that others wait for |
//! | [`sync::Lazy`] | a [`sync::OnceCell`] | `once` | the same |
//!
//! A thread that runs an initialiser does not wait. One that finds it running does.
//!
//! ```
//! use contend::once_cell::sync::Lazy;
//!
//! static ANSWER: Lazy<u32> = Lazy::new(|| 6 * 7);
//! assert_eq!(*ANSWER, 42);
//! ```
//!
//! # Differences from `once_cell`
//!
//! - A cell is 16 bytes larger (padded to its alignment).
//! - The types are not the original's.

// A name that is shadowed below wins over the glob.
pub use ::once_cell::*;

pub mod sync;
