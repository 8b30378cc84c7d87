//! [`tokio::sync::watch`], profiled.
//!
//! A task that waits for the value to change is an event of kind `async_watch` in the block
//! profile. Nobody is blamed.
//!
//! ```
//! use contend::tokio::sync::watch;
//!
//! # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (setting, mut seen) = watch::channel(1);
//! contend::tokio::spawn(async move { setting.send(2) });
//! seen.changed().await.unwrap();
//! assert_eq!(*seen.borrow(), 2);
//! # });
//! ```

use ::tokio::sync::watch as original;

use self::error::{RecvError, SendError};
use crate::skin::{self, Kind, contended};
use crate::tokio::from::{debug_as_original, from_both};

// A name that is shadowed below wins over the glob.
pub use ::tokio::sync::watch::*;

/// Creates a channel with this value.
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = original::channel(init);
    (sender.into(), receiver.into())
}

/// Changes the value: [`tokio::sync::watch::Sender`](original::Sender).
pub struct Sender<T> {
    inner: original::Sender<T>,
}

impl<T> Sender<T> {
    /// Creates a channel with this value and without receivers.
    pub fn new(init: T) -> Self {
        original::Sender::new(init).into()
    }

    /// Changes the value.
    ///
    /// # Errors
    ///
    /// The value, if there are no receivers.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.inner.send(value)
    }

    /// Changes the value in place.
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        self.inner.send_modify(modify);
    }

    /// Changes the value in place; receivers hear of it if `modify` says so.
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        self.inner.send_if_modified(modify)
    }

    /// Changes the value, and returns the one before.
    pub fn send_replace(&self, value: T) -> T {
        self.inner.send_replace(value)
    }

    /// The value.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.inner.borrow()
    }

    /// Whether there are no receivers.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
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

    /// Another receiver.
    pub fn subscribe(&self) -> Receiver<T> {
        self.inner.subscribe().into()
    }

    /// The number of receivers.
    pub fn receiver_count(&self) -> usize {
        self.inner.receiver_count()
    }

    /// The number of senders.
    pub fn sender_count(&self) -> usize {
        self.inner.sender_count()
    }

    /// Whether both are of the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    contended!(closed_contended);
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.inner.clone().into()
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

from_both!(Sender[T], original::Sender<T>, {});
debug_as_original!(Sender[T: std::fmt::Debug][T]);

/// Sees the value: [`tokio::sync::watch::Receiver`](original::Receiver) that tells the profiler how
/// long a task waits for it to change (kind `async_watch`).
pub struct Receiver<T> {
    inner: original::Receiver<T>,
}

impl<T> Receiver<T> {
    /// The value.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.inner.borrow()
    }

    /// The value, which is then seen.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        self.inner.borrow_and_update()
    }

    /// Whether there is a value that was not seen.
    ///
    /// # Errors
    ///
    /// If there are no senders.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        self.inner.has_changed()
    }

    /// Whether there are no senders.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Makes the value one that was not seen.
    pub fn mark_changed(&mut self) {
        self.inner.mark_changed();
    }

    /// Makes the value one that was seen.
    pub fn mark_unchanged(&mut self) {
        self.inner.mark_unchanged();
    }

    /// Waits for a value that was not seen.
    ///
    /// # Errors
    ///
    /// If there are no senders.
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        skin::wait_in_task(
            Kind::ASYNC_WATCH,
            Self::changed_contended,
            self.inner.changed(),
        )
        .await
    }

    /// Waits for a value that `f` accepts.
    ///
    /// # Errors
    ///
    /// If there are no senders.
    pub async fn wait_for(&mut self, f: impl FnMut(&T) -> bool) -> Result<Ref<'_, T>, RecvError> {
        skin::wait_in_task(
            Kind::ASYNC_WATCH,
            Self::wait_for_contended,
            self.inner.wait_for(f),
        )
        .await
    }

    /// Whether both are of the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    contended!(changed_contended, wait_for_contended);
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.inner.clone().into()
    }
}

from_both!(Receiver[T], original::Receiver<T>, {});
debug_as_original!(Receiver[T: std::fmt::Debug][T]);
