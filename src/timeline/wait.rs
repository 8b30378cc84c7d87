//! One wait of a timeline, as users read it.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::{Timeline, Wait};
use crate::profile::Frame;

/// A wait of a [`Timeline`].
#[derive(Clone, Copy, Debug)]
pub struct TimelineWait<'t> {
    pub(super) timeline: &'t Timeline,
    pub(super) wait: &'t Wait,
}

impl<'t> TimelineWait<'t> {
    /// The name of the thread that waited.
    pub fn thread(&self) -> &'t str {
        self.name(self.wait.thread)
    }

    fn name(&self, thread: usize) -> &'t str {
        let thread = self.timeline.threads.get(thread);
        thread.map_or("", |thread| thread.name.as_str())
    }

    /// The kind of the wait, as `mutex`: the label `kind` of the profiles.
    pub fn kind(&self) -> &'t str {
        &self.wait.kind
    }

    /// The address that the lock is known by: the same for all who wait for it. `None` where it was
    /// no lock.
    pub fn lock(&self) -> Option<u64> {
        Some(self.wait.lock).filter(|lock| *lock != 0)
    }

    /// When it began, from the timeline's start. 0 where that was before.
    pub fn begin(&self) -> Duration {
        Duration::from_nanos(self.wait.begin.saturating_sub(self.timeline.start))
    }

    /// How long it took; up to the timeline's end where it goes on.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.wait.nanos())
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.wait.is_over
    }

    /// The value of one of the [labels](crate::Labels) of who waited.
    pub fn label(&self, key: &str) -> Option<&'t str> {
        self.find_label(self.wait.labels, key)
    }

    /// The value of one of the labels of who let it go on. `None` where the stack of the
    /// [release](Self::release_frames) is not known.
    pub fn release_label(&self, key: &str) -> Option<&'t str> {
        self.find_label(self.wait.waker?.labels, key)
    }

    fn find_label(&self, set: usize, key: &str) -> Option<&'t str> {
        let mut labels = self.timeline.labels(set).iter();
        let found = labels.find(|(other, _)| **other == *key);
        found.map(|(_, value)| &**value)
    }

    /// The stack that waited, leaf first.
    pub fn frames(&self) -> &'t [Frame] {
        self.timeline.stack(self.wait.stack)
    }

    /// The name of the thread whose release let it go on. `None` where nobody has it seen: it
    /// was no lock, the wait goes on or gave up, or a release came in the moment in which it began.
    pub fn woken_by(&self) -> Option<&'t str> {
        self.wait.waker.map(|waker| self.name(waker.thread))
    }

    /// The stack of that release, leaf first. Empty where it is not known: it came within 5 µs of
    /// one that was captured.
    pub fn release_frames(&self) -> &'t [Frame] {
        let stack = self.wait.waker.map(|waker| waker.stack);
        stack.map_or(&[], |stack| self.timeline.stack(stack))
    }

    /// From the release to the wait's end: nobody held the lock, or somebody was quicker.
    pub fn wake_latency(&self) -> Option<Duration> {
        self.wait.latency_nanos().map(Duration::from_nanos)
    }
}
