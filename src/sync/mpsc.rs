//! The standard library's channels, profiled: put `contend::` in the place of `std::`.
//!
//! The module has every name of [`std::sync::mpsc`], of which it replaces the following:
//!
//! | item | wraps | in the block profile as |
//! |---|---|---|
//! | [`SyncSender::send`] | [`std::sync::mpsc::SyncSender`] | `chan_send` |
//! | [`Receiver::recv`], [`Receiver::recv_timeout`] | [`std::sync::mpsc::Receiver`] | `chan_recv` |
//! | [`Iter`], [`IntoIter`] | the standard library's | `chan_recv` |
//!
//! [`Sender::send`] never blocks, nor do the `try_` methods. Nothing of a channel is in the mutex
//! profile: nobody holds anything that others wait for. The wake profile charges a wait at a
//! channel to the code that sent the message, or took the one that was in the way.
//!
//! An operation first tries. If that would block it is one event, its whole time, however it ends:
//! by a message, a timeout, or because the other side is gone.
//!
//! ```
//! use contend::sync::mpsc;
//!
//! let (sender, receiver) = mpsc::channel();
//! sender.send(1).unwrap();
//! drop(sender);
//! assert_eq!(receiver.recv(), Ok(1));
//! assert_eq!(receiver.recv(), Err(mpsc::RecvError));
//! ```

use std::sync::mpsc;

use crate::skin;

// A name that is shadowed below wins over the glob.
pub use std::sync::mpsc::*;

mod receiver;
mod sender;

pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use sender::{Sender, SyncSender};

/// Creates a channel without a bound, of which only the receiver blocks.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = contend::sync::mpsc::channel();
/// sender.send("hello").unwrap();
/// assert_eq!(receiver.recv(), Ok("hello"));
/// ```
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    let (sending, receiving) = skin::channel();
    (
        Sender::new(sending, sender),
        Receiver::new(receiving, receiver),
    )
}

/// Creates a channel for `bound` messages; a sender blocks while it is full.
///
/// With a bound of 0 every message is handed over: `send` returns when it was received.
///
/// # Examples
///
/// ```
/// use contend::sync::mpsc::{TrySendError, sync_channel};
///
/// let (sender, receiver) = sync_channel(1);
/// sender.send(1).unwrap();
/// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
/// assert_eq!(receiver.recv(), Ok(1));
/// ```
#[must_use]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::sync_channel(bound);
    let (sending, receiving) = skin::channel();
    (
        SyncSender::new(sending, sender),
        Receiver::new(receiving, receiver),
    )
}
