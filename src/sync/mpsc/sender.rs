//! [`std::sync::mpsc::Sender`] and [`std::sync::mpsc::SyncSender`], the latter profiled.

use crate::skin::{self, Kind, SenderEnd, Whom};
use std::fmt;
use std::sync::mpsc::{self, SendError, TrySendError};

/// The sending half of an unbounded channel: [`std::sync::mpsc::Sender`]. It never blocks.
///
/// # Examples
///
/// ```
/// use contend::sync::mpsc::channel;
///
/// let (sender, receiver) = channel();
/// let other = sender.clone();
/// sender.send(1).unwrap();
/// other.send(2).unwrap();
/// drop((sender, other));
/// assert_eq!(receiver.iter().sum::<i32>(), 3);
/// ```
pub struct Sender<T> {
    // NOTE: before `inner`, see there.
    end: SenderEnd,
    inner: mpsc::Sender<T>,
}

impl<T> Sender<T> {
    pub(super) fn new(end: SenderEnd, inner: mpsc::Sender<T>) -> Self {
        Self { end, inner }
    }

    /// Sends a message. Never blocks.
    ///
    /// # Errors
    ///
    /// The message back, if the receiver is gone.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        match self.end.receivers().is_idle() {
            true => self.inner.send(message),
            false => skin::not_last(self.send_contended(message)),
        }
    }

    #[cold]
    #[inline(never)]
    fn send_contended(&self, message: T) -> Result<(), SendError<T>> {
        let send = || self.inner.send(message);
        skin::notify(Whom::One, self.end.receivers(), send)
    }
}

impl<T> Clone for Sender<T> {
    /// Another sender for the same channel.
    fn clone(&self) -> Self {
        Self::new(self.end.clone(), self.inner.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// The sending half of a bounded channel: [`std::sync::mpsc::SyncSender`], profiled.
///
/// A `send` that finds the channel full is an event of kind `chan_send` in the block profile.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use contend::sync::mpsc::sync_channel;
///
/// let (sender, receiver) = sync_channel(1);
/// thread::spawn(move || (0..10).for_each(|number| sender.send(number).unwrap()));
/// assert_eq!(receiver.into_iter().sum::<i32>(), 45);
/// ```
pub struct SyncSender<T> {
    // NOTE: before `inner`, see there.
    end: SenderEnd,
    inner: mpsc::SyncSender<T>,
}

impl<T> SyncSender<T> {
    pub(super) fn new(end: SenderEnd, inner: mpsc::SyncSender<T>) -> Self {
        Self { end, inner }
    }

    /// Sends a message, blocking while the channel is full.
    ///
    /// In a channel of bound 0 it blocks until a receiver takes the message.
    ///
    /// # Errors
    ///
    /// The message back, if the receiver is gone or goes while this waits.
    #[inline]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        match self.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(message)) => skin::not_last(self.send_contended(message)),
            Err(TrySendError::Disconnected(message)) => Err(SendError(message)),
        }
    }

    /// Sends a message if that is possible without blocking.
    ///
    /// In a channel of bound 0 it is possible while a receiver waits.
    ///
    /// # Errors
    ///
    /// The message back: [`Full`](TrySendError::Full) if it would block,
    /// [`Disconnected`](TrySendError::Disconnected) if the receiver is gone.
    #[inline]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.end.receivers().is_idle() {
            true => self.inner.try_send(message),
            false => skin::not_last(self.try_send_contended(message)),
        }
    }

    #[cold]
    #[inline(never)]
    fn send_contended(&self, message: T) -> Result<(), SendError<T>> {
        let send = || self.inner.send(message);
        let result = skin::sleeping(Kind::CHAN_SEND, self.end.room(), send, |_| true);
        skin::went_through(self.end.receivers());
        result
    }

    #[cold]
    #[inline(never)]
    fn try_send_contended(&self, message: T) -> Result<(), TrySendError<T>> {
        let send = || self.inner.try_send(message);
        skin::notify(Whom::One, self.end.receivers(), send)
    }
}

impl<T> Clone for SyncSender<T> {
    /// Another sender for the same channel.
    fn clone(&self) -> Self {
        Self::new(self.end.clone(), self.inner.clone())
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
