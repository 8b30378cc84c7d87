//! One notification that others sleep for: before it happens, and after it.

use crate::engine::clock;
use crate::engine::events;
use crate::engine::labels;
use crate::engine::rates;
use crate::engine::recorder::{self, SLEEPERS};
use crate::engine::sampler::BlockDraw;
use crate::engine::thread_state::Recording;
use crate::engine::wakes::{Note, WakeRef, Whom};
use crate::profile::address;
use crate::profile::amount::Amount;
use crate::profile::kind::ProfileKind;

/// A notification that leaves a note before it happens, and is captured after it: those whom it
/// wakes do not wait for the capture.
#[derive(Debug)]
#[must_use]
struct Notification(Note);

impl Notification {
    #[inline(never)]
    fn begin(whom: Whom, at: WakeRef<'_>) -> Option<Self> {
        let now = clock::now();
        if events::is_on() {
            events::note_notification(at.key(), now);
        }
        let rate = rates::wake_rate();
        if rate == 0 {
            return None;
        }
        // Refused inside the recorder: those whom it wakes are charged to nobody.
        let _recording = Recording::enter()?;
        let weigh = |waited| match BlockDraw::new(rate) {
            Some(draw) if draw.is_sampled(waited) => draw.amount(waited).contentions,
            _ => 0.0,
        };
        SLEEPERS.note(at, whom, now, weigh).map(Self)
    }

    /// Captures the stack from the frame that holds `self` on. What is waited for may be gone by
    /// now.
    #[inline(always)]
    fn end(&self) {
        self.end_at(self);
    }

    #[inline(never)]
    fn end_at<M>(&self, marker: &M) {
        let _recording = Recording::enter();
        let Self(note) = self;
        let stack = recorder::record(
            ProfileKind::Wake,
            labels::tags(note.kind),
            marker,
            Amount::ZERO,
        );
        let deferred = SLEEPERS.settle(note, stack);
        recorder::charge_notifier(note.kind, stack, deferred);
    }
}

/// Notifies with `notify`, and charges the caller with the waits that this ends. Called when the
/// flag is not idle.
///
/// NOTE: from the notification on, what was waited for may be freed by a thread that it woke.
#[inline(always)]
pub(crate) fn notify<R>(whom: Whom, at: WakeRef<'_>, notify: impl FnOnce() -> R) -> R {
    let notification = Notification::begin(whom, at);
    let result = notify();
    if let Some(notification) = &notification {
        notification.end();
    }
    result
}

/// As [`notify`], before an operation that notifies.
#[inline(always)]
pub(crate) fn notify_early(whom: Whom, at: WakeRef<'_>) {
    notify(whom, at, || {});
}

/// A thread whose function has this name ends, for which others sleep.
#[cold]
#[inline(never)]
pub(crate) fn thread_ends(function: &'static str, whom: Whom, at: WakeRef<'_>) {
    if let Some(Notification(note)) = Notification::begin(whom, at) {
        let _recording = Recording::enter();
        // Its function has been left: no stack has it any more.
        let stack = [address::THREAD_END, address::of_function(function)];
        let stack = recorder::add(
            ProfileKind::Wake,
            labels::tags(note.kind),
            &stack,
            Amount::ZERO,
        );
        let deferred = SLEEPERS.settle(&note, stack);
        recorder::charge_notifier(note.kind, stack, deferred);
    }
}

/// The last [`Whom::Perhaps`] there was the last one that all were waiting for.
#[inline(never)]
pub(crate) fn confirm(at: WakeRef<'_>) {
    if let Some(_recording) = Recording::enter() {
        SLEEPERS.confirm(at);
    }
}
