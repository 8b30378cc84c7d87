//! [`tokio::sync::mpsc::Receiver`](original::Receiver) and
//! [`UnboundedReceiver`](original::UnboundedReceiver), profiled.

use std::task::{Context, Poll};

use ::tokio::sync::mpsc as original;
use ::tokio::sync::mpsc::error::TryRecvError;

use crate::skin::{self, Kind, RepeatedWait, contended};
use crate::tokio::blocking::assert_may_block;
use crate::tokio::from::debug_as_original;

/// Declares one of the two receivers.
macro_rules! receiver {
    ($(#[$attribute:meta])* pub struct $receiver:ident;) => {
        $(#[$attribute])*
        pub struct $receiver<T> {
            inner: original::$receiver<T>,
            /// The wait of the forms that are polled: the others keep theirs in their futures.
            polled: RepeatedWait,
        }

        impl<T> $receiver<T> {
            /// Receives a message; `None` when the channel is closed and empty.
            ///
            /// # Cancel safety
            ///
            /// No message is lost with a future that is dropped. Its wait is recorded: a `select!`
            /// in a loop makes many short waits of a long one.
            pub async fn recv(&mut self) -> Option<T> {
                self.polled.give_up();
                skin::wait_in_task(Kind::ASYNC_RECV, Self::recv_contended, self.inner.recv()).await
            }

            /// Receives up to `limit` messages, and at least one. Returns how many; 0 when the
            /// channel is closed and empty, or if `limit` is 0.
            pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                self.polled.give_up();
                skin::wait_in_task(
                    Kind::ASYNC_RECV,
                    Self::recv_many_contended,
                    self.inner.recv_many(buffer, limit),
                )
                .await
            }

            /// Receives a message if there is one.
            ///
            /// # Errors
            ///
            /// `Empty` if there is none, `Disconnected` if there will be none.
            pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
                self.inner.try_recv()
            }

            /// As [`recv`](Self::recv), blocking the thread.
            ///
            /// # Panics
            ///
            /// On a thread that runs tasks.
            #[track_caller]
            pub fn blocking_recv(&mut self) -> Option<T> {
                assert_may_block();
                match self.inner.try_recv() {
                    Ok(message) => Some(message),
                    Err(TryRecvError::Disconnected) => None,
                    Err(TryRecvError::Empty) => skin::not_last(self.blocking_recv_contended()),
                }
            }

            /// As [`recv_many`](Self::recv_many), blocking the thread.
            ///
            /// # Panics
            ///
            /// On a thread that runs tasks.
            #[track_caller]
            pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                assert_may_block();
                match self.inner.is_empty() && limit > 0 {
                    false => self.inner.blocking_recv_many(buffer, limit),
                    true => skin::not_last(self.blocking_recv_many_contended(buffer, limit)),
                }
            }

            /// Closes the channel: nothing more is sent, and what is there can be received.
            pub fn close(&mut self) {
                self.inner.close();
            }

            /// Whether the channel is closed.
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            /// Whether there is no message.
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }

            /// The number of messages that are there.
            pub fn len(&self) -> usize {
                self.inner.len()
            }

            /// Polls for a message. The wait is that from the first poll that is pending to the one
            /// that is not.
            pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
                let result = self.inner.poll_recv(cx);
                self.polled.note(result.is_pending());
                result
            }

            /// As [`poll_recv`](Self::poll_recv), for up to `limit` messages.
            pub fn poll_recv_many(
                &mut self,
                cx: &mut Context<'_>,
                buffer: &mut Vec<T>,
                limit: usize,
            ) -> Poll<usize> {
                let result = self.inner.poll_recv_many(cx, buffer, limit);
                self.polled.note(result.is_pending());
                result
            }

            /// The number of senders.
            pub fn sender_strong_count(&self) -> usize {
                self.inner.sender_strong_count()
            }

            /// The number of weak senders.
            pub fn sender_weak_count(&self) -> usize {
                self.inner.sender_weak_count()
            }

            contended!(recv_contended, recv_many_contended, poll_recv_contended);

            #[cold]
            #[inline(never)]
            fn blocking_recv_contended(&mut self) -> Option<T> {
                skin::blocking(Kind::ASYNC_RECV, || self.inner.blocking_recv())
            }

            #[cold]
            #[inline(never)]
            fn blocking_recv_many_contended(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                skin::blocking(Kind::ASYNC_RECV, || {
                    self.inner.blocking_recv_many(buffer, limit)
                })
            }
        }

        impl<T> From<original::$receiver<T>> for $receiver<T> {
            /// Profiles what is waited through this one.
            fn from(inner: original::$receiver<T>) -> Self {
                Self {
                    inner,
                    polled: RepeatedWait::new(Kind::ASYNC_RECV, Self::poll_recv_contended),
                }
            }
        }

        impl<T> From<$receiver<T>> for original::$receiver<T> {
            /// The original, for an adapter that takes one. Waits there are not profiled.
            fn from(receiver: $receiver<T>) -> Self {
                receiver.inner
            }
        }

        debug_as_original!($receiver[T][T]);
    };
}

receiver! {
    /// The receiving side of a channel: [`tokio::sync::mpsc::Receiver`](original::Receiver) that
    /// tells the profiler how long a task waits for a message (kind `async_recv`).
    pub struct Receiver;
}

impl<T> Receiver<T> {
    /// How many messages there is room for now.
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// How many messages there is room for when none is there.
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }
}

receiver! {
    /// The receiving side of a channel without limit:
    /// [`tokio::sync::mpsc::UnboundedReceiver`](original::UnboundedReceiver), profiled as
    /// [`Receiver`].
    pub struct UnboundedReceiver;
}
