//! Labels in Go's form, which has none: a log of the category `labels` where those of a thread
//! change.

#[cfg(any(test, feature = "cli"))]
use std::sync::Arc;

#[cfg(any(test, feature = "cli"))]
use crate::timeline::Log;
#[cfg(any(test, feature = "cli"))]
use crate::timeline::model::LabelPairs;
use crate::timeline::{LabelsIndex, NO_LABELS, NO_STACK, ThreadIndex, Timeline};

/// The category.
pub(super) const CATEGORY: &str = "labels";

/// Where it is known that the labels of a thread are others than before.
pub(super) fn changes(timeline: &Timeline) -> Vec<(ThreadIndex, u64, LabelsIndex)> {
    if timeline.labels.len() < 2 {
        return Vec::new();
    }
    let waits = timeline.waits.iter();
    let waits = waits.map(|wait| (wait.thread, wait.begin, wait.labels));
    let wakers = timeline.waits.iter().filter_map(|wait| wait.waker);
    // With the stack its labels are known.
    let wakers = wakers.filter(|waker| waker.stack != NO_STACK);
    let wakers = wakers.map(|waker| (waker.thread, waker.at, waker.labels));
    let mut known: Vec<_> = waits.chain(wakers).collect();
    known.sort_by_key(|(thread, at, _)| (*thread, *at));
    let mut last = (usize::MAX, NO_LABELS);
    known.retain(|(thread, _, labels)| {
        let before = if last.0 == *thread { last.1 } else { NO_LABELS };
        last = (*thread, *labels);
        before != *labels
    });
    known
}

/// Gives waits and wakers the labels that were logged before, and takes these logs away.
#[cfg(any(test, feature = "cli"))]
pub(super) fn take(timeline: &mut Timeline) {
    let mut logs = std::mem::take(&mut timeline.logs);
    logs.sort_by_key(|log| (log.thread, log.at));
    let (of_labels, logs): (Vec<Log>, _) =
        logs.into_iter().partition(|log| log.category == CATEGORY);
    timeline.logs = logs;
    let changes: Vec<_> = of_labels
        .iter()
        .map(|log| (log.thread, log.at, set(timeline, &log.text)))
        .collect();
    let labels_at = |thread: ThreadIndex, at: u64| {
        let next = changes.partition_point(|(of, from, _)| (*of, *from) <= (thread, at));
        let last = next.checked_sub(1).map(|last| changes[last]);
        last.map_or(
            NO_LABELS,
            |(of, _, labels)| if of == thread { labels } else { NO_LABELS },
        )
    };
    for wait in &mut timeline.waits {
        wait.labels = labels_at(wait.thread, wait.begin);
        if let Some(waker) = &mut wait.waker {
            waker.labels = match waker.stack {
                NO_STACK => NO_LABELS,
                _ => labels_at(waker.thread, waker.at),
            };
        }
    }
}

/// The set that was written as this text.
#[cfg(any(test, feature = "cli"))]
fn set(timeline: &mut Timeline, text: &str) -> LabelsIndex {
    let pairs = text.split(", ").filter_map(|pair| pair.split_once('='));
    let labels: LabelPairs = pairs
        .map(|(key, value)| (Arc::from(key), Arc::from(value)))
        .collect();
    let known = timeline.labels.iter().position(|known| *known == labels);
    known.unwrap_or_else(|| {
        timeline.labels.push(labels);
        timeline.labels.len() - 1
    })
}
