//! The view, as lines of text that fit.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::cursor::{Cursor, Step};
use super::row::{cut, row, summary, titles};
use super::stacks;
use super::threads::ThreadRows;
use super::{Look, Seen};
use crate::cli::fetch::Url;
use crate::cli::output::{Paint, printable};
use crate::cli::spots::{Amount, Spot, Spots};
use crate::pprof::decoded::DecodedProfile;
use crate::profile::ProfileKind;
use crate::profile::kind::is_idle;
use crate::text::units::{human, percent};

/// The keys that one has to know; in 60 columns.
const KEYS: &str = "q quit  ? keys  / filter  Enter stacks  space pause";

/// All of them. A kind of profile has the first letter of its name.
fn help() -> Vec<String> {
    let kinds = ProfileKind::ALL.map(|kind| format!("{:.1}", kind.name()));
    let names = ProfileKind::ALL.map(ProfileKind::name);
    let rows = [
        (kinds.join(", "), format!("profiles: {}", names.join(", "))),
        ("t".to_owned(), "the threads".to_owned()),
        (
            "d, c".to_owned(),
            "sort by delay, by contentions".to_owned(),
        ),
        (
            "s".to_owned(),
            "since the start, or the last interval".to_owned(),
        ),
        (
            "i".to_owned(),
            "waits for work as rows, or as one line".to_owned(),
        ),
        ("space".to_owned(), "pause, go on".to_owned()),
        (
            "/".to_owned(),
            "only rows that contain a text; Esc ends it".to_owned(),
        ),
        (
            "up, down, j, k".to_owned(),
            "choose a row; PgUp, PgDn, Home, End".to_owned(),
        ),
        (
            "Enter".to_owned(),
            "the stacks of the row; Esc goes back".to_owned(),
        ),
        ("q, Esc, Ctrl-C".to_owned(), "quit".to_owned()),
    ];
    let rows = rows.iter().map(|(keys, what)| format!("{keys:<16}{what}"));
    rows.collect()
}

/// The subject of the view.
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
    /// The profiles of the last look and of the one before.
    profiles: [Option<DecodedProfile>; 2],
    /// Only rows that contain it; empty for all.
    pub(super) filter: String,
    /// Keys go into the filter.
    pub(super) is_typing: bool,
    pub(super) has_help: bool,
    /// Waits for work are rows, and not one line.
    pub(super) has_idle: bool,
    /// There is a cursor to show.
    pub(super) is_on_screen: bool,
    pub(super) cursor: Cursor,
    /// The row that the cursor is on.
    chosen: Option<Spot>,
    /// The row whose stacks are shown, and the place in them.
    opened: Option<(Spot, Cursor)>,
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
            profiles: [None, None],
            filter: String::new(),
            is_typing: false,
            has_help: false,
            has_idle: false,
            is_on_screen: false,
            cursor: Cursor::default(),
            chosen: None,
            opened: None,
        }
    }

    pub(super) fn go(&mut self, step: Step) {
        match &mut self.opened {
            Some((_, cursor)) => cursor.go(step),
            None => self.cursor.go(step),
        }
    }

    /// Shows the stacks of the row that the cursor is on.
    pub(super) fn open(&mut self) {
        if self.opened.is_none() {
            let spot = self.chosen.clone();
            self.opened = spot.map(|spot| (spot, Cursor::default()));
        }
    }

    /// Leaves what was opened last. Whether there was anything.
    pub(super) fn close(&mut self) -> bool {
        let was_open = self.has_help || self.opened.is_some() || !self.filter.is_empty();
        if std::mem::take(&mut self.has_help) || self.opened.take().is_some() {
            return true;
        }
        self.filter.clear();
        was_open
    }

    /// Begins anew with another subject.
    pub(super) fn show(&mut self, subject: Subject) {
        self.subject = subject;
        (self.last, self.interval, self.threads) = (None, None, None);
        (self.cursor, self.chosen, self.opened) = (Cursor::default(), None, None);
        self.profiles = [None, None];
    }

    pub(super) fn add(&mut self, look: Look) {
        // Asked for before the user changed over.
        if look.subject != self.subject {
            return;
        }
        self.problem = None;
        self.warning = look.warning;
        let spots = match look.seen {
            Seen::Spots(spots, profile) => {
                let [last, _] = std::mem::take(&mut self.profiles);
                self.profiles = [Some(*profile), last];
                spots
            }
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
    pub(super) fn lines(&mut self, width: usize, height: usize) -> Vec<Line> {
        let room = height.saturating_sub(2).max(1);
        let mut lines = match self.has_help {
            true => help().into_iter().map(plain).collect(),
            false => self
                .stacks(width, room)
                .unwrap_or_else(|| self.table(width, room)),
        };
        lines.truncate(height.saturating_sub(1));
        let filled = lines.len();
        let blank = height.saturating_sub(filled + 1);
        lines.extend((0..blank).map(|_| plain(String::new())));
        lines.push(match &self.problem {
            Some(problem) => Line {
                text: format!("{}; trying again", printable(problem)),
                paint: Paint::Worse,
            },
            None if self.is_typing => plain(format!("/{}_", self.filter)),
            None => plain(KEYS.to_owned()),
        });
        for line in &mut lines {
            line.text = cut(&line.text, width);
        }
        lines
    }

    /// The stacks of the row that was opened.
    fn stacks(&mut self, width: usize, room: usize) -> Option<Vec<Line>> {
        let (spot, cursor) = self.opened.as_mut()?;
        let [last, before] = &self.profiles;
        let before = before
            .as_ref()
            .filter(|_| self.scope == Scope::LastInterval);
        let stacks = match last {
            Some(last) => stacks::lines(last, before, spot, self.value, width),
            None => Vec::new(),
        };
        let kind = printable(&spot.kind);
        let mut lines = vec![
            heading(format!(
                "{kind} {}; Esc goes back",
                printable(&spot.function)
            )),
            plain(String::new()),
        ];
        if stacks.is_empty() {
            lines.push(plain("nothing was recorded".to_owned()));
        }
        let window = cursor.window(stacks.len(), room.saturating_sub(lines.len()));
        let shown = stacks[window]
            .iter()
            .map(|line| match line.starts_with(' ') {
                true => plain(line.clone()),
                false => heading(line.clone()),
            });
        lines.extend(shown);
        Some(lines)
    }

    /// The heading and as many rows as there is room for.
    pub(super) fn table(&mut self, width: usize, height: usize) -> Vec<Line> {
        match self.subject {
            Subject::Profile(which) => self.table_of_spots(which, width, height),
            Subject::Threads => self.table_of_threads(width, height),
        }
    }

    fn table_of_threads(&mut self, width: usize, height: usize) -> Vec<Line> {
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
        ];
        lines.extend(threads.deadlocks().into_iter().map(|text| Line {
            text,
            paint: Paint::Worse,
        }));
        lines.push(heading(ThreadRows::titles()));
        let room = height.saturating_sub(lines.len());
        let rows = threads.lines(width, usize::MAX);
        let is_wanted = |row: &&String| row.to_lowercase().contains(&self.filter.to_lowercase());
        let rows: Vec<&String> = rows.iter().filter(is_wanted).collect();
        let window = self.cursor.window(rows.len(), room);
        lines.extend(rows[window].iter().map(|row| plain((*row).clone())));
        lines
    }

    fn table_of_spots(&mut self, which: ProfileKind, width: usize, height: usize) -> Vec<Line> {
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
        let value = self.value;
        let mut rows = spots.sorted_by(|amount| value.of(amount));
        rows.retain(|(spot, _)| spot.has(&self.filter));
        if self.folds_idle(which) {
            let idle = fold_idle(&mut rows);
            lines.extend(idle.map(|idle| plain(self.words_of_idle(&idle, &total))));
        }
        lines.push(heading(titles(width)));
        let window = self
            .cursor
            .window(rows.len(), height.saturating_sub(lines.len()));
        let chosen = self.cursor.chosen();
        self.chosen = rows.get(chosen).map(|(spot, _)| (*spot).clone());
        for (at, (spot, amount)) in window.clone().zip(&rows[window]) {
            let text = row(spot, amount, &total, value, width);
            lines.push(match at == chosen && self.is_on_screen {
                true => heading(marked(text)),
                false => plain(text),
            });
        }
        lines
    }

    /// A filter asks for what it matches. Other profiles do not say where somebody waited.
    fn folds_idle(&self, which: ProfileKind) -> bool {
        which == ProfileKind::Block && !self.has_idle && self.filter.is_empty()
    }

    fn words_of_idle(&self, idle: &Amount, total: &Amount) -> String {
        let how = if self.is_on_screen { "i" } else { "--idle" };
        let part = |amount| u64::try_from(self.value.of(amount)).unwrap_or(0);
        format!(
            "waiting for work is left out: {} ({}) in {} contentions; {how} shows it",
            human(Duration::from_nanos(
                u64::try_from(idle.delay_nanos).unwrap_or(0)
            )),
            percent(part(idle), part(total)),
            idle.contentions,
        )
    }

    fn title(&self, which: ProfileKind, scope: &str) -> String {
        let by = match self.value {
            Value::Delay => "delay",
            Value::Contentions => "contentions",
        };
        let subject = which.descriptor().subject;
        let paused = if self.is_paused { ", paused" } else { "" };
        let filter = match &*self.filter {
            "" => String::new(),
            filter => format!(" with {}", printable(filter)),
        };
        // A narrow terminal cuts the end.
        format!(
            "{} of {}{paused}: {scope}, by {by}{filter}; {subject}",
            which.name(),
            printable(&self.address)
        )
    }
}

/// Takes the waits for work out of the rows, and returns their sum, if there are any.
fn fold_idle(rows: &mut Vec<(&Spot, &Amount)>) -> Option<Amount> {
    let mut idle = Amount::default();
    rows.retain(|(spot, amount)| {
        let is_idle = is_idle(&spot.kind);
        if is_idle {
            idle.add(**amount);
        }
        !is_idle
    });
    (idle != Amount::default()).then_some(idle)
}

/// With a sign for those who see no colours; the first column is blank as a rule.
fn marked(row: String) -> String {
    match row.strip_prefix(' ') {
        Some(rest) => format!(">{rest}"),
        None => row,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_work_leave_the_rows_and_are_summed() {
        let spot = |kind: &str| Spot {
            kind: kind.to_owned(),
            function: "shop::pay".to_owned(),
            file: String::new(),
            line: 0,
        };
        let amount = Amount {
            contentions: 2,
            delay_nanos: 3_000_000,
        };
        let spots = ["sleep", "mutex", "async_recv"].map(spot);
        let mut rows: Vec<_> = spots.iter().map(|spot| (spot, &amount)).collect();
        let idle = fold_idle(&mut rows).unwrap();
        assert_eq!((idle.contentions, idle.delay_nanos), (4, 6_000_000));
        assert_eq!(rows.len(), 1);
        assert_eq!(fold_idle(&mut rows), None);
        let base = Url::required("127.0.0.1:6060").unwrap();
        let mut view = View::new(&base, Subject::Profile(ProfileKind::Block));
        let mut total = idle;
        total.add(amount);
        assert_eq!(
            view.words_of_idle(&idle, &total),
            "waiting for work is left out: 6.00ms (66.7%) in 4 contentions; --idle shows it"
        );
        assert!(view.folds_idle(ProfileKind::Block));
        assert!(!view.folds_idle(ProfileKind::Wake));
        view.filter.push_str("recv");
        assert!(!view.folds_idle(ProfileKind::Block));
    }
}
