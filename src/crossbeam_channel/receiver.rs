//! [`crossbeam_channel::Receiver`](::crossbeam_channel::Receiver), profiled, and its iterators.

use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use crate::skin::{self, Blocked, Kind, ReceiverEnd, Whom};
use ::crossbeam_channel::{self as original, RecvError, RecvTimeoutError, TryRecvError};

/// The receiving side of a channel: [`crossbeam_channel::Receiver`](::crossbeam_channel::Receiver)
/// that tells the profiler how long it waits for a message (kind `chan_recv`).
///
/// # Overhead
///
/// A message that is there already costs what it costs with the original.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_channel::unbounded;
///
/// let (sender, receiver) = unbounded();
/// sender.send(1).unwrap();
/// sender.send(2).unwrap();
/// assert_eq!(receiver.recv(), Ok(1));
/// drop(sender);
/// assert_eq!(receiver.into_iter().collect::<Vec<i32>>(), [2]);
/// ```
pub struct Receiver<T> {
    // NOTE: before `inner`, see there.
    end: ReceiverEnd,
    inner: original::Receiver<T>,
}

impl<T> Receiver<T> {
    pub(super) const fn new(end: ReceiverEnd, inner: original::Receiver<T>) -> Self {
        Self { end, inner }
    }

    pub(super) fn end(&self) -> &ReceiverEnd {
        &self.end
    }

    /// Receives a message if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none (or, at capacity 0, no sender waiting), `Disconnected` if there
    /// will be none, since there are no senders any more.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.end.senders().is_idle() {
            true => self.inner.try_recv(),
            false => skin::not_last(self.try_recv_contended()),
        }
    }

    /// Receives a message, blocking until there is one.
    ///
    /// # Errors
    ///
    /// When there is none, and no senders any more.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        match self.try_recv() {
            Ok(msg) => Ok(msg),
            Err(TryRecvError::Empty) => skin::not_last(self.recv_contended()),
            Err(TryRecvError::Disconnected) => Err(RecvError),
        }
    }

    /// Receives a message, blocking for it at most that long.
    ///
    /// # Errors
    ///
    /// `Timeout` if the time is over, `Disconnected` if there are no senders any more.
    #[inline]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        match self.try_recv() {
            Ok(msg) => Ok(msg),
            Err(TryRecvError::Empty) => skin::not_last(self.recv_timeout_contended(timeout)),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
        }
    }

    /// Receives a message, blocking for it until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    #[inline]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        match self.try_recv() {
            Ok(msg) => Ok(msg),
            Err(TryRecvError::Empty) => skin::not_last(self.recv_deadline_contended(deadline)),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
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

    /// Receives messages, blocking for each, until there are no senders any more.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Receives messages until it would block.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Whether both receive from the same channel.
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// The original receiver, for code that takes one. Waits there are not profiled.
    pub fn as_inner(&self) -> &original::Receiver<T> {
        &self.inner
    }

    #[cold]
    #[inline(never)]
    fn recv_contended(&self) -> Result<T, RecvError> {
        let recv = || self.inner.recv();
        let result = skin::sleeping(Kind::CHAN_RECV, self.end.messages(), recv, |_| true);
        skin::went_through(self.end.senders());
        result
    }

    #[cold]
    #[inline(never)]
    fn recv_timeout_contended(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let result = skin::sleeping(
            Blocked::for_a_time(Kind::CHAN_RECV),
            self.end.messages(),
            || self.inner.recv_timeout(timeout),
            is_notified,
        );
        skin::went_through(self.end.senders());
        result
    }

    #[cold]
    #[inline(never)]
    fn recv_deadline_contended(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        let result = skin::sleeping(
            Blocked::for_a_time(Kind::CHAN_RECV),
            self.end.messages(),
            || self.inner.recv_deadline(deadline),
            is_notified,
        );
        skin::went_through(self.end.senders());
        result
    }

    #[cold]
    #[inline(never)]
    fn try_recv_contended(&self) -> Result<T, TryRecvError> {
        let recv = || self.inner.try_recv();
        skin::notify(Whom::One, self.end.senders(), recv)
    }
}

/// Whether it was not the time that has ended a wait.
fn is_notified<T>(result: &Result<T, RecvTimeoutError>) -> bool {
    !matches!(result, Err(RecvTimeoutError::Timeout))
}

impl<T> Clone for Receiver<T> {
    /// Another receiver of the same channel: each message goes to one of them.
    fn clone(&self) -> Self {
        Self::new(self.end.clone(), self.inner.clone())
    }
}

impl<T> From<original::Receiver<T>> for Receiver<T> {
    /// Profiles what this receiver waits; others of the channel need not be. Who ends its waits is
    /// not known: see the wake profile's frame `contend::unattributed`.
    fn from(inner: original::Receiver<T>) -> Self {
        Self::new(ReceiverEnd::UNKNOWN, inner)
    }
}

impl<T> From<Receiver<T>> for original::Receiver<T> {
    fn from(receiver: Receiver<T>) -> Self {
        receiver.inner
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

/// Messages of a [`Receiver`], waited for one by one. Made by [`Receiver::iter`].
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Iter { .. }")
    }
}

/// Those messages of a [`Receiver`] that are there. Made by [`Receiver::try_iter`].
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TryIter { .. }")
    }
}

/// Messages of a [`Receiver`] that it owns, waited for one by one.
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> FusedIterator for IntoIter<T> {}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("IntoIter { .. }")
    }
}
