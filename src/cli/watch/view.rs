//! What is shown, as lines of text that fit.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::Look;
use super::sites::{Amount, Site, Sites};
use crate::cli::fetch::Url;
use crate::cli::output::{Paint, printable};
use crate::export::units::{human, percent};

const KEYS: &str = "q quit  m mutex  b block  d delay  c contentions  t total  space pause";
/// Of the four columns of numbers with what is between them.
const NUMBERS_WIDTH: usize = 39;
const KIND_WIDTH: usize = 14;
/// From so many columns on there is room for the kinds.
const WIDE: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Which {
    Mutex,
    Block,
}

impl Which {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::Block => "block",
        }
    }
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
    address: String,
    pub(super) which: Which,
    pub(super) value: Value,
    pub(super) scope: Scope,
    pub(super) is_paused: bool,
    pub(super) has_quit: bool,
    /// Why the last look failed.
    pub(super) problem: Option<String>,
    last: Option<(Instant, Sites)>,
    /// What was added from the look before the last one to the last one, and the time between the two.
    interval: Option<(Duration, Sites)>,
}

impl View {
    pub(super) fn new(base: &Url, which: Which) -> Self {
        Self {
            address: base.host_and_port().to_owned(),
            which,
            value: Value::Delay,
            scope: Scope::LastInterval,
            is_paused: false,
            has_quit: false,
            problem: None,
            last: None,
            interval: None,
        }
    }

    /// Begins anew with the other profile.
    pub(super) fn show(&mut self, which: Which) {
        self.which = which;
        (self.last, self.interval) = (None, None);
    }

    pub(super) fn add(&mut self, look: Look) {
        // Asked for before the user changed over.
        if look.which != self.which {
            return;
        }
        self.problem = None;
        if let Some((then, before)) = &self.last {
            let added = look.sites.since(before);
            self.interval = Some((look.taken.duration_since(*then), added));
        }
        self.last = Some((look.taken, look.sites));
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
                text: format!("{problem}; trying again"),
                paint: Paint::Worse,
            },
            None => plain(KEYS.to_owned()),
        });
        for line in &mut lines {
            line.text = cut(&line.text, width);
        }
        lines
    }

    /// The heading and as many rows as there is room for.
    pub(super) fn table(&self, width: usize, height: usize) -> Vec<Line> {
        let Some((_, all)) = &self.last else {
            return vec![heading(self.title("…"))];
        };
        let (sites, time) = match (&self.interval, self.scope) {
            (Some((time, added)), Scope::LastInterval) => (added, Some(*time)),
            _ => (all, None),
        };
        let scope = match time {
            Some(time) => format!("in the last {}", human(time)),
            None => "since the start".to_owned(),
        };
        let mut lines = vec![
            heading(self.title(&scope)),
            plain(summary(&sites.total(), time)),
            plain(String::new()),
        ];
        lines.push(heading(titles(width)));
        let rows = sites.sorted_by(|amount| self.value.of(amount));
        let room = height.saturating_sub(lines.len());
        lines.extend(
            rows.into_iter()
                .take(room)
                .map(|(site, amount)| plain(row(site, amount, &sites.total(), self.value, width))),
        );
        lines
    }

    fn title(&self, scope: &str) -> String {
        let by = match self.value {
            Value::Delay => "delay",
            Value::Contentions => "contentions",
        };
        let who = match self.which {
            Which::Mutex => "who made others wait",
            Which::Block => "who waited",
        };
        let paused = if self.is_paused { ", paused" } else { "" };
        format!(
            "{} of {}: {who} {scope}, by {by}{paused}",
            self.which.name(),
            printable(&self.address)
        )
    }
}

impl Value {
    fn of(self, amount: &Amount) -> i64 {
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

fn delay(nanos: i64) -> Duration {
    Duration::from_nanos(nanos.try_into().unwrap_or(0))
}

fn summary(total: &Amount, time: Option<Duration>) -> String {
    if *total == Amount::default() {
        return "nothing was contended".to_owned();
    }
    let mut text = format!(
        "{} in {} contentions",
        human(delay(total.delay_nanos)),
        total.contentions
    );
    if let Some(time) = time.filter(|time| !time.is_zero()) {
        // Little's law: waiting time per time is how many wait at a time.
        let waiting = delay(total.delay_nanos).as_secs_f64() / time.as_secs_f64();
        text += &format!("; {waiting:.2} wait at a time");
    }
    text
}

fn titles(width: usize) -> String {
    let kind = if width >= WIDE {
        format!("{:<KIND_WIDTH$}", "kind")
    } else {
        String::new()
    };
    format!(
        "{:>8} {:>7} {:>11} {:>8}  {kind}where",
        "delay", "share", "contentions", "mean"
    )
}

fn row(site: &Site, amount: &Amount, total: &Amount, value: Value, width: usize) -> String {
    let part = |amount| u64::try_from(value.of(amount)).unwrap_or(0);
    let mean = match amount.contentions {
        1.. => human(delay(amount.delay_nanos / amount.contentions)),
        _ => "-".to_owned(),
    };
    let is_wide = width >= WIDE;
    let kind = if is_wide {
        format!(
            "{:<KIND_WIDTH$}",
            cut(&printable(&site.kind), KIND_WIDTH - 1)
        )
    } else {
        String::new()
    };
    let room = width.saturating_sub(NUMBERS_WIDTH + kind.chars().count());
    format!(
        "{:>8} {:>7} {:>11} {:>8}  {kind}{}",
        human(delay(amount.delay_nanos)),
        percent(part(amount), part(total)),
        amount.contentions,
        mean,
        place(site, room)
    )
}

/// `function file:line`. Of a long name its end tells the most.
fn place(site: &Site, room: usize) -> String {
    let file = site.file.rsplit('/').next().unwrap_or_default();
    let file = match (file, site.line) {
        ("", _) => String::new(),
        (file, line) => format!(" {}:{line}", printable(file)),
    };
    let for_function = room.saturating_sub(file.chars().count());
    let function = printable(&site.function);
    let len = function.chars().count();
    if len <= for_function {
        return format!("{function}{file}");
    }
    let end: String = function
        .chars()
        .skip((len + 1).saturating_sub(for_function))
        .collect();
    format!("…{end}{file}")
}

/// The beginning of the text, with a sign where something was left out.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut start: String = text.chars().take(width.saturating_sub(1)).collect();
    start.push('…');
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(function: &str) -> Site {
        Site {
            kind: "mutex".to_owned(),
            function: function.to_owned(),
            file: "/build/shop/src/cart.rs".to_owned(),
            line: 41,
        }
    }

    #[test]
    fn a_row_fits_and_keeps_the_end_of_a_long_name() {
        let amount = Amount {
            contentions: 12,
            delay_nanos: 1_500_000_000,
        };
        let total = Amount {
            contentions: 24,
            delay_nanos: 3_000_000_000,
        };
        let long =
            site("shop::storage::cache::Cache<alloc::string::String, shop::Session>::insert");
        for width in [40, 60, 80, 100, 200] {
            let row = row(&long, &amount, &total, Value::Delay, width);
            assert!(width < 60 || row.chars().count() <= width, "{row}");
            assert!(
                row.starts_with("   1.50s   50.0%          12    125ms  "),
                "{row}"
            );
            assert!(
                width < 80 || row.ends_with("Session>::insert cart.rs:41"),
                "{row}"
            );
        }
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        let row = row(
            &site("a\u{1b}[2Jb"),
            &Amount::default(),
            &Amount::default(),
            Value::Delay,
            80,
        );
        assert!(row.contains(r"a\u{1b}[2Jb"), "{row}");
    }
}
