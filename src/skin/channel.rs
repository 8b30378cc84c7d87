//! The sleepers at a channel, as its halves know them: for messages, or for room.

use crate::skin::{self, WakeKey, WakeRef, Whom};

/// The ends of a channel that is made now.
#[inline]
pub(crate) fn channel() -> (SenderEnd, ReceiverEnd) {
    let key = WakeKey::random();
    (SenderEnd(key), ReceiverEnd(key))
}

/// Is part of a sender, and before the original's in it: when the last sender is dropped, receivers
/// that wait go on.
#[derive(Clone)]
pub(crate) struct SenderEnd(WakeKey);

impl SenderEnd {
    /// For a sender whose receiver is not known.
    #[allow(dead_code)] // Only some skins have such senders.
    pub(crate) const UNKNOWN: Self = Self(WakeKey::UNKNOWN);

    /// Those who wait for a message.
    #[inline(always)]
    pub(crate) fn receivers(&self) -> WakeRef<'static> {
        self.0.wakes()
    }

    /// Where this one waits for room.
    #[inline(always)]
    pub(crate) fn room(&self) -> WakeKey {
        self.0.second()
    }
}

impl Drop for SenderEnd {
    #[inline]
    fn drop(&mut self) {
        if !self.receivers().is_idle() {
            last_one_gone(self.receivers());
        }
    }
}

/// Is part of a receiver, and before the original's in it: when the last receiver is dropped,
/// senders that wait go on.
#[derive(Clone)]
pub(crate) struct ReceiverEnd(WakeKey);

#[allow(dead_code)] // Only some skins have such receivers.
impl ReceiverEnd {
    /// For a receiver whose sender is not known.
    pub(crate) const UNKNOWN: Self = Self(WakeKey::UNKNOWN);
    /// For a receiver to which time sends.
    pub(crate) const TIMER: Self = Self(WakeKey::TIMER);

    /// Where this one waits for a message.
    #[inline(always)]
    pub(crate) fn messages(&self) -> WakeKey {
        self.0
    }

    /// Those who wait for room.
    #[inline(always)]
    pub(crate) fn senders(&self) -> WakeRef<'static> {
        self.0.second().wakes()
    }
}

impl Drop for ReceiverEnd {
    #[inline]
    fn drop(&mut self) {
        if !self.senders().is_idle() {
            last_one_gone(self.senders());
        }
    }
}

/// Comes after an operation that has waited and then gone through: by it, too, somebody may have
/// been let go, who came to wait after its first try.
#[inline(always)]
pub(crate) fn went_through(others: WakeRef<'_>) {
    if !others.is_idle() {
        skin::notify_early(Whom::One, others);
    }
}

#[cold]
#[inline(never)]
fn last_one_gone(at: WakeRef<'_>) {
    skin::notify_early(Whom::Perhaps, at);
    skin::keep_frame();
}
