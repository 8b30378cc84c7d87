//! [`std::sync::mpsc::Receiver`] and its iterators, profiled.

use crate::skin::{self, Blocked, Kind, ReceiverEnd, Whom};
use std::fmt;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, TryRecvError};
use std::time::Duration;

/// The receiving half of a channel: [`std::sync::mpsc::Receiver`], profiled.
///
/// A `recv` that finds the channel empty is an event of kind `chan_recv` in the block profile.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use contend::sync::mpsc::{RecvTimeoutError, channel};
///
/// let (sender, receiver) = channel::<u8>();
/// assert_eq!(
///     receiver.recv_timeout(Duration::from_millis(1)),
///     Err(RecvTimeoutError::Timeout),
/// );
/// drop(sender);
/// assert!(receiver.recv().is_err());
/// ```
pub struct Receiver<T> {
    // NOTE: before `inner`, see there.
    end: ReceiverEnd,
    inner: mpsc::Receiver<T>,
}

impl<T> Receiver<T> {
    pub(super) fn new(end: ReceiverEnd, inner: mpsc::Receiver<T>) -> Self {
        Self { end, inner }
    }

    /// Receives a message, blocking while there is none.
    ///
    /// # Errors
    ///
    /// When there is none and all senders are gone, or go while this waits.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        match self.try_recv() {
            Ok(message) => Ok(message),
            Err(TryRecvError::Empty) => skin::not_last(self.recv_contended()),
            Err(TryRecvError::Disconnected) => Err(RecvError),
        }
    }

    /// As [`recv`](Self::recv), for `timeout` at the most.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout) when none came in that time,
    /// [`Disconnected`](RecvTimeoutError::Disconnected) when there is none and all senders are
    /// gone.
    #[inline]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        match self.try_recv() {
            Ok(message) => Ok(message),
            Err(TryRecvError::Empty) => skin::not_last(self.recv_timeout_contended(timeout)),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
        }
    }

    /// Receives a message if there is one. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) when there is none,
    /// [`Disconnected`](TryRecvError::Disconnected) when there is none and all senders are gone.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.end.senders().is_idle() {
            true => self.inner.try_recv(),
            false => skin::not_last(self.try_recv_contended()),
        }
    }

    /// The messages, blocking for each as [`recv`](Self::recv) does. Ends when all senders are
    /// gone.
    #[inline]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { rx: self }
    }

    /// The messages that are there. Never blocks; ends when there is none.
    #[inline]
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { rx: self }
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
            |result| !matches!(result, Err(RecvTimeoutError::Timeout)),
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
        IntoIter { rx: self }
    }
}

/// Blocks for each message; made by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: 'a> {
    /// Named as in the standard library, whose `Debug` shows it.
    rx: &'a Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

/// Takes the messages that are there; made by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T: 'a> {
    /// Named as in the standard library, whose `Debug` shows it.
    rx: &'a Receiver<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.try_recv().ok()
    }
}

/// Owns the receiver and blocks for each message; made by [`Receiver::into_iter`].
#[derive(Debug)]
pub struct IntoIter<T> {
    /// Named as in the standard library, whose `Debug` shows it.
    rx: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}
