//! [`tokio::sync::mpsc::Sender`](original::Sender), profiled.

use std::time::Duration;

use ::tokio::sync::mpsc as original;
use ::tokio::sync::mpsc::error::{SendError, SendTimeoutError, TrySendError};
use ::tokio::sync::mpsc::{Permit, PermitIterator};

use super::OwnedPermit;
use crate::skin::{self, Kind, contended};
use crate::tokio::blocking::assert_may_block;
use crate::tokio::coop::first_try;
use crate::tokio::from::{debug_as_original, from_both};

/// The sending side of a channel: [`tokio::sync::mpsc::Sender`](original::Sender) that tells the
/// profiler how long tasks wait for room (kind `async_send`).
pub struct Sender<T> {
    inner: original::Sender<T>,
}

impl<T> Sender<T> {
    /// Sends a message. The task waits in a queue until there is room for it.
    ///
    /// # Errors
    ///
    /// The message, if the receiver is closed.
    ///
    /// # Cancel safety
    ///
    /// A message whose future is dropped is not sent. The wait is recorded.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        let permit = skin::try_in_task(
            Kind::ASYNC_SEND,
            Self::send_contended,
            first_try(|| self.inner.try_reserve().ok().map(Ok)),
            self.inner.reserve(),
        );
        match permit.await {
            Ok(permit) => {
                permit.send(value);
                Ok(())
            }
            Err(_) => Err(SendError(value)),
        }
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

    /// Sends a message if there is room for it.
    ///
    /// # Errors
    ///
    /// The message: in `Full` if there is no room, in `Closed` if the receiver is closed.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.inner.try_send(message)
    }

    /// As [`send`](Self::send), waiting at most that long.
    ///
    /// # Errors
    ///
    /// The message: in `Timeout` if the time is over, in `Closed` if the receiver is closed.
    ///
    /// # Panics
    ///
    /// Outside of a runtime with a clock, if there is something to wait for.
    pub async fn send_timeout(
        &self,
        value: T,
        timeout: Duration,
    ) -> Result<(), SendTimeoutError<T>> {
        let permit = skin::try_in_task(
            Kind::ASYNC_SEND,
            Self::send_timeout_contended,
            first_try(|| self.inner.try_reserve().ok().map(|permit| Ok(Ok(permit)))),
            // Made when it is polled: it asks the runtime for its clock.
            async { ::tokio::time::timeout(timeout, self.inner.reserve()).await },
        );
        match permit.await {
            Ok(Ok(permit)) => {
                permit.send(value);
                Ok(())
            }
            Ok(Err(_)) => Err(SendTimeoutError::Closed(value)),
            Err(_) => Err(SendTimeoutError::Timeout(value)),
        }
    }

    /// As [`send`](Self::send), blocking the thread.
    ///
    /// # Errors
    ///
    /// The message, if the receiver is closed.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        assert_may_block();
        match self.inner.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(SendError(value)),
            Err(TrySendError::Full(value)) => skin::not_last(self.blocking_send_contended(value)),
        }
    }

    /// Whether the receiver is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Waits for room for a message, and keeps it.
    ///
    /// # Errors
    ///
    /// If the receiver is closed.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped gives up its place in the queue. Its wait is recorded.
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        skin::try_in_task(
            Kind::ASYNC_SEND,
            Self::reserve_contended,
            first_try(|| self.inner.try_reserve().ok().map(Ok)),
            self.inner.reserve(),
        )
        .await
    }

    /// Waits for room for `n` messages, and keeps it.
    ///
    /// # Errors
    ///
    /// If the receiver is closed, or if there is never so much room.
    pub async fn reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, SendError<()>> {
        skin::try_in_task(
            Kind::ASYNC_SEND,
            Self::reserve_many_contended,
            first_try(|| self.inner.try_reserve_many(n).ok().map(Ok)),
            self.inner.reserve_many(n),
        )
        .await
    }

    /// As [`reserve`](Self::reserve), with a permit that owns the sender.
    ///
    /// # Errors
    ///
    /// If the receiver is closed.
    pub async fn reserve_owned(self) -> Result<OwnedPermit<T>, SendError<()>> {
        let permit = skin::wait_in_task(
            Kind::ASYNC_SEND,
            Self::reserve_owned_contended,
            self.inner.reserve_owned(),
        );
        Ok(permit.await?.into())
    }

    /// Keeps room for a message, if there is any.
    ///
    /// # Errors
    ///
    /// `Full` if there is none, `Closed` if the receiver is closed.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.inner.try_reserve()
    }

    /// Keeps room for `n` messages, if there is as much.
    ///
    /// # Errors
    ///
    /// `Full` if there is less, `Closed` if the receiver is closed.
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.inner.try_reserve_many(n)
    }

    /// As [`try_reserve`](Self::try_reserve), with a permit that owns the sender.
    ///
    /// # Errors
    ///
    /// The sender: in `Full` if there is no room, in `Closed` if the receiver is closed.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.inner.try_reserve_owned() {
            Ok(permit) => Ok(permit.into()),
            Err(TrySendError::Full(sender)) => Err(TrySendError::Full(sender.into())),
            Err(TrySendError::Closed(sender)) => Err(TrySendError::Closed(sender.into())),
        }
    }

    /// Whether both send to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// How many messages there is room for now.
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// A sender that does not keep the channel open.
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakSender<T> {
        self.inner.downgrade().into()
    }

    /// How many messages there is room for when none is there.
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }

    /// The number of senders.
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// The number of weak senders.
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }

    /// The original sender, for code that takes one. Waits there are not profiled.
    pub fn as_inner(&self) -> &original::Sender<T> {
        &self.inner
    }

    contended!(
        send_contended,
        closed_contended,
        send_timeout_contended,
        reserve_contended,
        reserve_many_contended,
        reserve_owned_contended,
    );

    #[cold]
    #[inline(never)]
    fn blocking_send_contended(&self, value: T) -> Result<(), SendError<T>> {
        skin::blocking(Kind::ASYNC_SEND, || self.inner.blocking_send(value))
    }
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
