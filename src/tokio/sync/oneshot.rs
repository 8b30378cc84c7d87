//! [`tokio::sync::oneshot`], profiled.
//!
//! A task that waits for the message is an event of kind `async_oneshot` in the block profile.
//! Nobody is blamed.
//!
//! ```
//! use contend::tokio::sync::oneshot;
//!
//! # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (answer, question) = oneshot::channel();
//! contend::tokio::spawn(async move { answer.send(42) });
//! assert_eq!(question.await, Ok(42));
//! # });
//! ```

use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::sync::oneshot as original;

use self::error::{RecvError, TryRecvError};
use crate::skin::{self, Kind, NamedWait, contended};
use crate::tokio::blocking::assert_may_block;
use crate::tokio::from::{debug_as_original, from_both};

// A name that is shadowed below wins over the glob.
pub use ::tokio::sync::oneshot::*;

/// Creates a channel for one message.
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = original::channel();
    (sender.into(), receiver.into())
}

/// Sends the message: [`tokio::sync::oneshot::Sender`](original::Sender).
pub struct Sender<T> {
    inner: original::Sender<T>,
}

impl<T> Sender<T> {
    /// Sends the message.
    ///
    /// # Errors
    ///
    /// The message, if the receiver is gone or closed.
    pub fn send(self, value: T) -> Result<(), T> {
        self.inner.send(value)
    }

    /// Waits until the receiver is gone or closed (kind `async_notify`).
    pub async fn closed(&mut self) {
        skin::wait_in_task(
            Kind::ASYNC_NOTIFY,
            Self::closed_contended,
            self.inner.closed(),
        )
        .await;
    }

    /// Whether the receiver is gone or closed.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// As [`closed`](Self::closed), by polling. Not profiled.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.inner.poll_closed(cx)
    }

    contended!(closed_contended);
}

from_both!(Sender[T], original::Sender<T>, {});
debug_as_original!(Sender[T: std::fmt::Debug][T]);

/// Receives the message: [`tokio::sync::oneshot::Receiver`](original::Receiver) that tells the
/// profiler how long a task waits for it (kind `async_oneshot`).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Receiver<T> {
    inner: original::Receiver<T>,
    wait: NamedWait<'static>,
}

impl<T> Receiver<T> {
    /// Refuses the message, unless it was sent.
    pub fn close(&mut self) {
        self.inner.close();
    }

    /// Whether the message was received, or will never come.
    pub fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }

    /// Whether there is no message to receive.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The message, if it is there.
    ///
    /// # Errors
    ///
    /// `Empty` if it is not, `Closed` if it will never be.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.inner.try_recv()
    }

    /// Receives the message, blocking the thread.
    ///
    /// # Errors
    ///
    /// If it will never come.
    ///
    /// # Panics
    ///
    /// On a thread that runs tasks.
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        assert_may_block();
        match self.inner.is_empty() && !self.inner.is_terminated() {
            false => self.inner.blocking_recv(),
            true => skin::not_last(self.blocking_recv_contended()),
        }
    }

    contended!(poll_contended);

    #[cold]
    #[inline(never)]
    fn blocking_recv_contended(self) -> Result<T, RecvError> {
        skin::blocking(Kind::ASYNC_ONESHOT, || self.inner.blocking_recv())
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wait.poll(Pin::new(&mut this.inner), cx)
    }
}

impl<T> From<original::Receiver<T>> for Receiver<T> {
    /// Profiles what is waited through this one.
    fn from(inner: original::Receiver<T>) -> Self {
        Self {
            inner,
            wait: NamedWait::new(Kind::ASYNC_ONESHOT, None, Self::poll_contended),
        }
    }
}

impl<T> From<Receiver<T>> for original::Receiver<T> {
    /// The original, for code that takes one. Waits there are not profiled.
    fn from(receiver: Receiver<T>) -> Self {
        receiver.inner
    }
}

debug_as_original!(Receiver[T: std::fmt::Debug][T]);
