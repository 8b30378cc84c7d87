//! [`crossbeam_channel::Sender`](::crossbeam_channel::Sender), profiled.

use std::fmt;
use std::time::{Duration, Instant};

use crate::skin::{self, Blocked, Kind, SenderEnd, Whom};
use ::crossbeam_channel::{self as original, SendError, SendTimeoutError, TrySendError};

/// The sending side of a channel: [`crossbeam_channel::Sender`](::crossbeam_channel::Sender) that
/// tells the profiler how long it waits for room (kind `chan_send`).
///
/// # Overhead
///
/// A message that finds room costs what it costs with the original.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_channel::bounded;
///
/// let (sender, receiver) = bounded(2);
/// let other = sender.clone();
/// sender.send(1).unwrap();
/// other.send(2).unwrap();
/// assert!(sender.is_full() && sender.same_channel(&other));
/// drop((sender, other));
/// assert_eq!(receiver.iter().sum::<i32>(), 3);
/// ```
pub struct Sender<T> {
    // NOTE: before `inner`, see there.
    end: SenderEnd,
    inner: original::Sender<T>,
}

impl<T> Sender<T> {
    pub(super) fn new(end: SenderEnd, inner: original::Sender<T>) -> Self {
        Self { end, inner }
    }

    pub(super) fn end(&self) -> &SenderEnd {
        &self.end
    }

    /// Sends a message if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// The message inside `Full` if there is no room (or, at capacity 0, no receiver waiting),
    /// inside `Disconnected` if there are no receivers any more.
    #[inline]
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        match self.end.receivers().is_idle() {
            true => self.inner.try_send(msg),
            false => skin::not_last(self.try_send_contended(msg)),
        }
    }

    /// Sends a message, blocking until there is room for it.
    ///
    /// # Errors
    ///
    /// The message back if there are no receivers any more.
    #[inline]
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        match self.try_send(msg) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(msg)) => skin::not_last(self.send_contended(msg)),
            Err(TrySendError::Disconnected(msg)) => Err(SendError(msg)),
        }
    }

    /// Sends a message, blocking for room at most that long.
    ///
    /// # Errors
    ///
    /// The message inside `Timeout` if the time is over, inside `Disconnected` if there are no
    /// receivers any more.
    #[inline]
    pub fn send_timeout(&self, msg: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        match self.try_send(msg) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(msg)) => {
                skin::not_last(self.send_timeout_contended(msg, timeout))
            }
            Err(TrySendError::Disconnected(msg)) => Err(SendTimeoutError::Disconnected(msg)),
        }
    }

    /// Sends a message, blocking for room until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    #[inline]
    pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        match self.try_send(msg) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(msg)) => {
                skin::not_last(self.send_deadline_contended(msg, deadline))
            }
            Err(TrySendError::Disconnected(msg)) => Err(SendTimeoutError::Disconnected(msg)),
        }
    }

    /// Whether there is no message in the channel.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Whether there is no room in the channel; always, at capacity 0.
    pub fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    /// How many messages are in the channel.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// How many messages there is room for; `None` if without limit.
    pub fn capacity(&self) -> Option<usize> {
        self.inner.capacity()
    }

    /// Whether both send to the same channel.
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// The original sender, for code that takes one. Waits there are not profiled.
    pub fn as_inner(&self) -> &original::Sender<T> {
        &self.inner
    }

    #[cold]
    #[inline(never)]
    fn send_contended(&self, msg: T) -> Result<(), SendError<T>> {
        let send = || self.inner.send(msg);
        let result = skin::sleeping(Kind::CHAN_SEND, self.end.room(), send, |_| true);
        skin::went_through(self.end.receivers());
        result
    }

    #[cold]
    #[inline(never)]
    fn send_timeout_contended(&self, msg: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        let result = skin::sleeping(
            Blocked::for_a_time(Kind::CHAN_SEND),
            self.end.room(),
            || self.inner.send_timeout(msg, timeout),
            is_notified,
        );
        skin::went_through(self.end.receivers());
        result
    }

    #[cold]
    #[inline(never)]
    fn send_deadline_contended(
        &self,
        msg: T,
        deadline: Instant,
    ) -> Result<(), SendTimeoutError<T>> {
        let result = skin::sleeping(
            Blocked::for_a_time(Kind::CHAN_SEND),
            self.end.room(),
            || self.inner.send_deadline(msg, deadline),
            is_notified,
        );
        skin::went_through(self.end.receivers());
        result
    }

    #[cold]
    #[inline(never)]
    fn try_send_contended(&self, msg: T) -> Result<(), TrySendError<T>> {
        let send = || self.inner.try_send(msg);
        skin::notify(Whom::One, self.end.receivers(), send)
    }
}

/// Whether it was not the time that has ended a wait.
fn is_notified<T>(result: &Result<(), SendTimeoutError<T>>) -> bool {
    !matches!(result, Err(SendTimeoutError::Timeout(_)))
}

impl<T> Clone for Sender<T> {
    /// Another sender to the same channel.
    fn clone(&self) -> Self {
        Self::new(self.end.clone(), self.inner.clone())
    }
}

impl<T> From<original::Sender<T>> for Sender<T> {
    /// Profiles what this sender waits; others of the channel need not be. Who ends its waits is
    /// not known, nor whose waits it ends: see the wake profile's frame `contend::unattributed`.
    fn from(inner: original::Sender<T>) -> Self {
        Self::new(SenderEnd::UNKNOWN, inner)
    }
}

impl<T> From<Sender<T>> for original::Sender<T> {
    fn from(sender: Sender<T>) -> Self {
        sender.inner
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
