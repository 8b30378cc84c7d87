//! How many threads do what: as a bar with a legend, and as the colours of it.
#![forbid(unsafe_code)]

use super::html::{Html, html};
use crate::live::{ThreadCategory, ThreadState};

/// A number for each category.
pub(super) type Counts = [usize; ThreadCategory::ALL.len()];

pub(super) fn count<'s>(states: impl Iterator<Item = &'s ThreadState>) -> Counts {
    states.fold(Counts::default(), |mut counts, state| {
        counts[state.category() as usize] += 1;
        counts
    })
}

/// The class that has the category's colour.
pub(super) fn class(category: ThreadCategory) -> &'static str {
    match category {
        ThreadCategory::Running => "c-running",
        ThreadCategory::Locks => "c-locks",
        ThreadCategory::Channels => "c-channels",
        ThreadCategory::Threads => "c-threads",
        ThreadCategory::Futex => "c-futex",
        ThreadCategory::Io => "c-io",
        ThreadCategory::Sleep => "c-sleep",
        ThreadCategory::Other => "c-other",
    }
}

pub(super) fn bar(counts: &Counts) -> Html {
    let total: usize = counts.iter().sum();
    let share = |count: usize| format!("{:.2}%", count as f64 * 100.0 / total.max(1) as f64);
    let mut before = 0;
    let shown = || {
        let all = ThreadCategory::ALL.into_iter();
        all.map(|category| (category, counts[category as usize]))
            .filter(|(_, count)| *count > 0)
    };
    let pieces = shown().map(|(category, count)| {
        let left = share(before);
        before += count;
        html!(
            "<rect class=\"{}\" x=\"{}\" width=\"{}\" height=\"100%\"/>",
            class(category),
            left,
            share(count),
        )
    });
    let pieces = pieces.collect::<Html>();
    html!(
        "<svg class=\"states\" aria-hidden=\"true\">{}</svg>\n<ul class=\"legend\">{}</ul>\n",
        pieces,
        shown()
            .map(|(category, count)| entry(category, count))
            .collect::<Html>(),
    )
}

fn entry(category: ThreadCategory, count: usize) -> Html {
    html!(
        "<li><svg class=\"swatch\" aria-hidden=\"true\"><rect class=\"{}\" width=\"100%\" height=\"100%\"/>\
         </svg> <b>{}</b> {}</li>",
        class(category),
        count as u64,
        words(category),
    )
}

fn words(category: ThreadCategory) -> &'static str {
    match category {
        ThreadCategory::Running => "running",
        ThreadCategory::Locks => "wait for locks",
        ThreadCategory::Channels => "wait for channels",
        ThreadCategory::Threads => "wait for threads",
        ThreadCategory::Futex => "in other futex waits",
        ThreadCategory::Io => "in IO",
        ThreadCategory::Sleep => "asleep",
        ThreadCategory::Other => "other",
    }
}
