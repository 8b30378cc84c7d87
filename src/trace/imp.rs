//! The way to the engine's events.

use std::time::Duration;

use crate::engine::events::record::{Event, Text, What};
use crate::engine::events::{self, threads};
use crate::engine::{clock, registry};
use crate::fork;
use crate::snapshot::timeline;
use crate::timeline::Timeline;

pub(super) use crate::engine::events::{Hold, MAX_BYTES, is_on, note_waits_from, take_long_wait};

/// Records into so many bytes while the result lives. `None`: too many recordings.
pub(super) fn hold(bytes: usize) -> Option<Hold> {
    fork::install_hooks();
    events::hold(bytes)
}

/// The time on the recording's clock.
pub(super) fn now() -> u64 {
    clock::now()
}

/// A copy of what happened from `since` on.
pub(super) fn timeline(hold: &Hold, since: u64) -> Timeline {
    timeline::raw(hold, since).named()
}

/// The longest wait for a lock that goes on now.
pub(super) fn longest_wait_in_progress() -> Duration {
    let now = clock::monotonic();
    let waits = registry::waits().filter(|found| found.wait.subject != 0);
    let longest = waits
        .map(|found| now.saturating_sub(found.wait.since))
        .max();
    Duration::from_nanos(longest.unwrap_or_default())
}

fn append(what: What<'_>) -> u64 {
    // First: a thread's first event takes time.
    let thread = threads::own_number();
    let time = clock::now();
    events::append(&Event { time, thread, what });
    time
}

pub(super) fn task_begin(task: u64, parent: u64, name: &str) {
    let name = Text(name);
    append(What::TaskBegin { task, parent, name });
}

pub(super) fn task_end(task: u64) {
    append(What::TaskEnd { task });
}

pub(super) fn region_begin(task: u64, region: u64, name: &str) {
    let name = Text(name);
    append(What::RegionBegin { task, region, name });
}

pub(super) fn region_end(region: u64) {
    append(What::RegionEnd { region });
}

pub(super) fn log(task: u64, category: &str, text: &str) {
    let (category, text) = (Text(category), Text(text));
    append(What::Log {
        task,
        category,
        text,
    });
}
