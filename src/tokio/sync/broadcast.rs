//! [`tokio::sync::broadcast`], profiled.
//!
//! A task that waits for a message is an event of kind `async_broadcast` in the block profile.
//! Nobody is blamed.
//!
//! ```
//! use contend::tokio::sync::broadcast;
//!
//! # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (news, mut reader) = broadcast::channel(8);
//! contend::tokio::spawn(async move { news.send("something happened") });
//! assert_eq!(reader.recv().await, Ok("something happened"));
//! # });
//! ```

use ::tokio::sync::broadcast as original;

use self::error::{RecvError, SendError, TryRecvError};
use crate::skin::{self, Kind, contended};
use crate::tokio::blocking::assert_may_block;
use crate::tokio::from::{debug_as_original, from_both};

// A name that is shadowed below wins over the glob.
pub use ::tokio::sync::broadcast::*;

/// Creates a channel that keeps so many messages.
///
/// # Panics
///
/// If that is 0, or more than `usize::MAX / 2`.
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = original::channel(capacity);
    (sender.into(), receiver.into())
}

/// Sends to all receivers: [`tokio::sync::broadcast::Sender`](original::Sender).
pub struct Sender<T> {
    inner: original::Sender<T>,
}

impl<T> Sender<T> {
    /// Creates a channel without receivers.
    ///
    /// # Panics
    ///
    /// As [`channel`].
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        original::Sender::new(capacity).into()
    }

    /// Sends a message. Returns how many receivers there are.
    ///
    /// # Errors
    ///
    /// The message, if there are none.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        self.inner.send(value)
    }

    /// Another receiver, of what is sent from now on.
    pub fn subscribe(&self) -> Receiver<T> {
        self.inner.subscribe().into()
    }

    /// A sender that does not keep the channel open.
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakSender<T> {
        self.inner.downgrade().into()
    }

    /// The number of messages that not all have received.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether all have received everything.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The number of receivers.
    pub fn receiver_count(&self) -> usize {
        self.inner.receiver_count()
    }

    /// Whether both are of the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// Waits until there are no receivers (kind `async_notify`).
    pub async fn closed(&self) {
        skin::wait_in_task(
            Kind::ASYNC_NOTIFY,
            Self::closed_contended,
            self.inner.closed(),
        )
        .await;
    }

    /// The number of senders.
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// The number of weak senders.
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }

    contended!(closed_contended);
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.inner.clone().into()
    }
}

from_both!(Sender[T], original::Sender<T>, {});
debug_as_original!(Sender[T][T]);

/// A [`Sender`] that does not keep the channel open.
pub struct WeakSender<T> {
    inner: original::WeakSender<T>,
}

impl<T> WeakSender<T> {
    /// A sender, if there is still one.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.inner.upgrade().map(Sender::from)
    }

    /// The number of senders.
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// The number of weak senders.
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        self.inner.clone().into()
    }
}

from_both!(WeakSender[T], original::WeakSender<T>, {});
debug_as_original!(WeakSender[T][T]);

/// Receives every message: [`tokio::sync::broadcast::Receiver`](original::Receiver) that tells the
/// profiler how long a task waits for one (kind `async_broadcast`).
pub struct Receiver<T> {
    inner: original::Receiver<T>,
}

impl<T> Receiver<T> {
    /// The number of messages that are there.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Whether both are of the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// The number of senders.
    pub fn sender_strong_count(&self) -> usize {
        self.inner.sender_strong_count()
    }

    /// The number of weak senders.
    pub fn sender_weak_count(&self) -> usize {
        self.inner.sender_weak_count()
    }

    /// Whether there are no senders.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl<T: Clone> Receiver<T> {
    /// Another receiver, of what is sent from now on.
    pub fn resubscribe(&self) -> Self {
        self.inner.resubscribe().into()
    }

    /// Receives a message.
    ///
    /// # Errors
    ///
    /// `Lagged` with the number of messages that were missed, `Closed` if there will be none.
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        skin::wait_in_task(
            Kind::ASYNC_BROADCAST,
            Self::recv_contended,
            self.inner.recv(),
        )
        .await
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none; else as [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.inner.try_recv()
    }

    /// As [`recv`](Self::recv), blocking the thread.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        assert_may_block();
        match self.inner.try_recv() {
            Ok(message) => Ok(message),
            Err(TryRecvError::Closed) => Err(RecvError::Closed),
            Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
            Err(TryRecvError::Empty) => skin::not_last(self.blocking_recv_contended()),
        }
    }

    contended!(recv_contended);

    #[cold]
    #[inline(never)]
    fn blocking_recv_contended(&mut self) -> Result<T, RecvError> {
        skin::blocking(Kind::ASYNC_BROADCAST, || self.inner.blocking_recv())
    }
}

from_both!(Receiver[T], original::Receiver<T>, {});
debug_as_original!(Receiver[T][T]);
