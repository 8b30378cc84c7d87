//! [`tokio::sync::mpsc::OwnedPermit`](original::OwnedPermit), which gives our sender back.

use ::tokio::sync::mpsc as original;

use super::Sender;
use crate::tokio::from::{debug_as_original, from_both};

/// Room for a message, together with its [`Sender`].
pub struct OwnedPermit<T> {
    inner: original::OwnedPermit<T>,
}

impl<T> OwnedPermit<T> {
    /// Sends the message, and returns the sender.
    pub fn send(self, value: T) -> Sender<T> {
        self.inner.send(value).into()
    }

    /// Gives the room back, and returns the sender.
    pub fn release(self) -> Sender<T> {
        self.inner.release().into()
    }

    /// Whether both are of the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// Whether the sender sends to the channel that this is of.
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.inner.same_channel_as_sender(sender.as_inner())
    }
}

from_both!(OwnedPermit[T], original::OwnedPermit<T>, {});
debug_as_original!(OwnedPermit[T][T]);
