//! [`tokio::sync::mpsc::UnboundedSender`](original::UnboundedSender), which has nothing to wait for
//! but the end.

use ::tokio::sync::mpsc as original;
use ::tokio::sync::mpsc::error::SendError;

use crate::skin::{self, Kind, contended};
use crate::tokio::from::{debug_as_original, from_both};

/// The sending side of a channel without limit:
/// [`tokio::sync::mpsc::UnboundedSender`](original::UnboundedSender).
pub struct UnboundedSender<T> {
    inner: original::UnboundedSender<T>,
}

impl<T> UnboundedSender<T> {
    /// Sends a message, for which there is always room.
    ///
    /// # Errors
    ///
    /// The message, if the receiver is closed.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.inner.send(message)
    }

    /// Waits until the receiver is closed (kind `async_notify`).
    pub async fn closed(&self) {
        skin::wait_in_task(
            Kind::ASYNC_NOTIFY,
            Self::closed_contended,
            self.inner.closed(),
        )
        .await;
    }

    /// Whether the receiver is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Whether both send to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// A sender that does not keep the channel open.
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        self.inner.downgrade().into()
    }

    /// The number of senders.
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// The number of weak senders.
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }

    /// The original sender, for code that takes one.
    pub fn as_inner(&self) -> &original::UnboundedSender<T> {
        &self.inner
    }

    contended!(closed_contended);
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        self.inner.clone().into()
    }
}

from_both!(UnboundedSender[T], original::UnboundedSender<T>, {});
debug_as_original!(UnboundedSender[T][T]);

/// An [`UnboundedSender`] that does not keep the channel open.
pub struct WeakUnboundedSender<T> {
    inner: original::WeakUnboundedSender<T>,
}

impl<T> WeakUnboundedSender<T> {
    /// A sender, if there is still one.
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.inner.upgrade().map(UnboundedSender::from)
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

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        self.inner.clone().into()
    }
}

from_both!(WeakUnboundedSender[T], original::WeakUnboundedSender<T>, {});
debug_as_original!(WeakUnboundedSender[T][T]);
