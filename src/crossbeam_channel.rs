//! `crossbeam-channel` 0.5, profiled: put `contend::` in front of the path.
//!
//! The module has every name of the [`crossbeam_channel`] crate, of which it
//! replaces the following by wrappers of the same API:
//!
//! | item | wraps | in the block profile as |
//! |---|---|---|
//! | [`Sender`]: `send`, `send_timeout`, `send_deadline` | the original's | `chan_send` |
//! | [`Receiver`]: `recv`, `recv_timeout`, `recv_deadline`; [`Iter`], [`IntoIter`] | the original's, also of [`after`], [`at`], [`tick`], [`never()`] | `chan_recv` |
//! | [`Select`]: `select` and `ready` with their timed forms | the original's | `select` |
//! | [`select!`], [`select_biased!`] | [`Select`] | `select` |
//!
//! Errors are the original's own types. Nobody's release is blamed for a wait at a channel: it is
//! in the block profile alone.
//!
//! ```
//! use contend::crossbeam_channel::{bounded, select};
//! use std::{thread, time::Duration};
//!
//! let (jobs, queue) = bounded(1);
//! thread::scope(|scope| {
//!     scope.spawn(move || (0..3).for_each(|job| jobs.send(job).unwrap()));
//!     let mut sum = 0;
//!     loop {
//!         select! {
//!             recv(queue) -> job => match job {
//!                 Ok(job) => sum += job,
//!                 Err(_) => break,
//!             },
//!             default(Duration::from_secs(10)) => panic!("nobody sends"),
//!         }
//!     }
//!     assert_eq!(sum, 3);
//! });
//! ```
//!
//! # Differences from `crossbeam-channel`
//!
//! - An operation first tries; only when that fails it blocks. One that would succeed at once does
//!   so here too.
//! - The macros use [`Select`], which allocates its list; the original's keep it on the stack. They
//!   also lift its limit of 32 arms.
//! - The types are not the original's. [`From`] goes both ways, and `as_inner` lends the original,
//!   for functions that take one.

// A name that is shadowed below wins over the glob.
pub use ::crossbeam_channel::*;

mod constructors;
mod receiver;
mod select;
mod select_macro;
mod sender;

#[doc(inline)]
pub use crate::{
    __crossbeam_channel_select as select, __crossbeam_channel_select_biased as select_biased,
};
pub use constructors::{after, at, bounded, never, tick, unbounded};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use select::{Select, SelectedOperation};
#[doc(hidden)]
pub use select_macro::one_receiver as __one_receiver;
pub use sender::Sender;
