//! The view, as lines of text that fit.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::row::{cut, row, summary, titles};
use super::spots::{Amount, Spots};
use super::threads::ThreadRows;
use super::{Look, Seen};
use crate::cli::fetch::Url;
use crate::cli::output::{Paint, printable};
use crate::profile::ProfileKind;
use crate::text::units::human;

/// The keys, with what they do. A kind of profile has the first letter of its name.
fn keys() -> String {
    let kinds = ProfileKind::ALL.map(|kind| format!("{:.1} {kind}", kind.name()));
    let kinds = kinds.join("  ");
    format!("q quit  {kinds}  t threads  d delay  c contentions  s since start  space pause")
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Subject {
    Profile(ProfileKind),
    Threads,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Delay,
    Contentions,
}

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scope {
    LastInterval,
    Total,
}

impl Scope {
    pub(super) fn other(self) -> Self {
        match self {
            Self::LastInterval => Self::Total,
            Self::Total => Self::LastInterval,
        }
    }
}

/// A line that knows its colour.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) paint: Paint,
}

pub(super) struct View {
    pub(super) address: String,
    pub(super) subject: Subject,
    pub(super) value: Value,
    pub(super) scope: Scope,
    pub(super) is_paused: bool,
    pub(super) has_quit: bool,
    /// Why the last look failed.
    pub(super) problem: Option<String>,
    /// The program's words about its profile.
    warning: String,
    last: Option<(Instant, Spots)>,
    /// The amounts that were added from the look before the last one to the last one, and the time
    /// between the two.
    interval: Option<(Duration, Spots)>,
    threads: Option<ThreadRows>,
}

impl View {
    pub(super) fn new(base: &Url, subject: Subject) -> Self {
        Self {
            address: base.host_and_port().to_owned(),
            subject,
            value: Value::Delay,
            scope: Scope::LastInterval,
            is_paused: false,
            has_quit: false,
            problem: None,
            warning: String::new(),
            last: None,
            interval: None,
            threads: None,
        }
    }

    /// Begins anew with another subject.
    pub(super) fn show(&mut self, subject: Subject) {
        self.subject = subject;
        (self.last, self.interval, self.threads) = (None, None, None);
    }

    pub(super) fn add(&mut self, look: Look) {
        // Asked for before the user changed over.
        if look.subject != self.subject {
            return;
        }
        self.problem = None;
        self.warning = look.warning;
        let spots = match look.seen {
            Seen::Spots(spots) => spots,
            Seen::Threads(threads) => {
                self.threads = Some(threads);
                return;
            }
        };
        if let Some((then, before)) = &self.last {
            let added = spots.since(before);
            self.interval = Some((look.taken.duration_since(*then), added));
        }
        self.last = Some((look.taken, spots));
    }

    /// A whole screen.
    pub(super) fn lines(&self, width: usize, height: usize) -> Vec<Line> {
        let mut lines = self.table(width, height.saturating_sub(2).max(1));
        lines.truncate(height.saturating_sub(1));
        let filled = lines.len();
        let blank = height.saturating_sub(filled + 1);
        lines.extend((0..blank).map(|_| plain(String::new())));
        lines.push(match &self.problem {
            Some(problem) => Line {
                text: format!("{}; trying again", printable(problem)),
                paint: Paint::Worse,
            },
            None => plain(keys()),
        });
        for line in &mut lines {
            line.text = cut(&line.text, width);
        }
        lines
    }

    /// The heading and as many rows as there is room for.
    pub(super) fn table(&self, width: usize, height: usize) -> Vec<Line> {
        match self.subject {
            Subject::Profile(which) => self.table_of_spots(which, width, height),
            Subject::Threads => self.table_of_threads(width, height),
        }
    }

    fn table_of_threads(&self, width: usize, height: usize) -> Vec<Line> {
        let paused = if self.is_paused { ", paused" } else { "" };
        let title = format!("threads of {}{paused}", printable(&self.address));
        let Some(threads) = &self.threads else {
            return vec![heading(format!("{title}: …"))];
        };
        let mut lines = vec![
            heading(format!("{title}: what they do, by time waited")),
            plain(threads.summary()),
            Line {
                text: self.warning.clone(),
                paint: Paint::Worse,
            },
            heading(ThreadRows::titles()),
        ];
        let room = height.saturating_sub(lines.len());
        lines.extend(threads.lines(width, room).into_iter().map(plain));
        lines
    }

    fn table_of_spots(&self, which: ProfileKind, width: usize, height: usize) -> Vec<Line> {
        let Some((_, all)) = &self.last else {
            return vec![heading(self.title(which, "…"))];
        };
        let (spots, time) = match (&self.interval, self.scope) {
            (Some((time, added)), Scope::LastInterval) => (added, Some(*time)),
            _ => (all, None),
        };
        let scope = match time {
            Some(time) => format!("in the last {}", human(time)),
            None => "since the start".to_owned(),
        };
        let total = spots.total();
        let mut lines = vec![
            heading(self.title(which, &scope)),
            plain(summary(&total, time)),
            Line {
                text: self.warning.clone(),
                paint: Paint::Worse,
            },
        ];
        lines.push(heading(titles(width)));
        let rows = spots.sorted_by(|amount| self.value.of(amount));
        let room = height.saturating_sub(lines.len());
        lines.extend(
            rows.into_iter()
                .take(room)
                .map(|(spot, amount)| plain(row(spot, amount, &total, self.value, width))),
        );
        lines
    }

    fn title(&self, which: ProfileKind, scope: &str) -> String {
        let by = match self.value {
            Value::Delay => "delay",
            Value::Contentions => "contentions",
        };
        let subject = which.descriptor().subject;
        let paused = if self.is_paused { ", paused" } else { "" };
        // A narrow terminal cuts the end.
        format!(
            "{} of {}{paused}: {scope}, by {by}; {subject}",
            which.name(),
            printable(&self.address)
        )
    }
}

impl Value {
    pub(super) fn of(self, amount: &Amount) -> i64 {
        match self {
            Self::Delay => amount.delay_nanos,
            Self::Contentions => amount.contentions,
        }
    }
}

fn plain(text: String) -> Line {
    Line {
        text,
        paint: Paint::Plain,
    }
}

fn heading(text: String) -> Line {
    Line {
        text,
        paint: Paint::Heading,
    }
}
