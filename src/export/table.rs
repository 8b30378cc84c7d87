//! The table that people read when they have no pprof at hand.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::why_empty;
use crate::kind::{Kind, Which};
use crate::profile::{Frame, Profile, Sample, mean, std_error};

/// Longer function names push the file out of its column.
const FUNCTION_WIDTH: usize = 44;
/// Of a path, how many parts are shown: enough to tell `a/src/lib.rs` from `b/src/lib.rs`.
const PATH_PARTS: usize = 3;

/// The costliest call sites of a profile. A row is a kind and the line that called the wrapper.
#[derive(Debug)]
pub(crate) struct Table<'p> {
    profile: &'p Profile,
    /// Largest delay first.
    rows: Vec<Row<'p>>,
    shown: usize,
}

#[derive(Debug)]
struct Row<'p> {
    kind: Kind,
    caller: Option<&'p Frame>,
    contentions: f64,
    delay_nanos: u64,
    variance: f64,
}

impl<'p> Table<'p> {
    pub(crate) fn new(profile: &'p Profile, shown: usize) -> Self {
        let mut rows: Vec<Row<'p>> = Vec::new();
        let mut row_of_site = HashMap::new();
        for sample in profile.samples() {
            let caller = caller(sample);
            let site = caller.map(|frame| (frame.function(), frame.file(), frame.line()));
            let row = *row_of_site.entry((sample.kind, site)).or_insert(rows.len());
            if row == rows.len() {
                rows.push(Row::new(sample.kind, caller));
            }
            rows[row].add(sample);
        }
        // Stable, and samples come in a fixed order: so do rows that are equal.
        rows.sort_by_key(|row| std::cmp::Reverse(row.delay_nanos));
        Self {
            profile,
            rows,
            shown,
        }
    }
}

/// The user's frame that called the wrapper. Frames of the standard library between the two,
/// such as `core::mem::drop` or the glue that drops a struct with a guard in it, are passed
/// over, unless nothing else is there.
fn caller(sample: &Sample) -> Option<&Frame> {
    // By location: `Sample::frames` would lay out and keep the frames of every sample.
    let locations = sample.stack.locations.iter();
    let frames = locations.flat_map(|location| &*location.frames);
    let after_wrapper = frames.clone().skip(sample.stack.starts_in_wrapper.into());
    after_wrapper
        .clone()
        .find(|frame| !is_of_standard_library(frame))
        .or(after_wrapper.clone().next())
        .or(frames.clone().next())
}

fn is_of_standard_library(frame: &Frame) -> bool {
    const CRATES: [&str; 3] = ["core", "alloc", "std"];
    match frame.file() {
        // As distributed, or where the sources are installed.
        Some(file) => {
            let is_of = |name| file.contains(&format!("/library/{name}/src/"));
            file.starts_with("/rustc/") || CRATES.into_iter().any(is_of)
        }
        None => {
            let name = frame.function();
            let path = name.strip_prefix('<').unwrap_or(name);
            let first = path.split("::").next().unwrap_or_default();
            CRATES.contains(&first) && path.contains("::")
        }
    }
}

impl<'p> Row<'p> {
    fn new(kind: Kind, caller: Option<&'p Frame>) -> Self {
        Self {
            kind,
            caller,
            contentions: 0.0,
            delay_nanos: 0,
            variance: 0.0,
        }
    }

    fn add(&mut self, sample: &Sample) {
        self.contentions += sample.contentions;
        self.delay_nanos = self.delay_nanos.saturating_add(sample.delay_nanos);
        self.variance += sample.variance;
    }

    fn cells(&self, total_nanos: u64) -> [String; 8] {
        let error = std_error(self.variance);
        let place = self.caller.and_then(Frame::file).map(shortened);
        let line = self.caller.and_then(Frame::line);
        [
            human(Duration::from_nanos(self.delay_nanos)),
            if error.is_zero() {
                String::new()
            } else {
                format!("±{}", human(error))
            },
            percent(self.delay_nanos, total_nanos),
            format!("{:.0}", self.contentions),
            human(mean(self.delay_nanos, self.contentions)),
            self.kind.label().to_owned(),
            self.caller.map_or("-", Frame::function).to_owned(),
            match (place, line) {
                (Some(file), Some(line)) => format!("{file}:{line}"),
                (Some(file), None) => file,
                (None, _) => "-".to_owned(),
            },
        ]
    }
}

const TITLES: [&str; 8] = [
    "delay",
    "error",
    "share",
    "contentions",
    "mean",
    "kind",
    "function",
    "file:line",
];
const ERROR_COLUMN: usize = 1;
const FIRST_LEFT_COLUMN: usize = 5;

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return writeln!(f, "{}", why_empty(self.profile));
        }
        self.write_summary(f)?;
        let total = self.profile.total_delay_nanos();
        let rows = self
            .rows
            .iter()
            .take(self.shown)
            .map(|row| row.cells(total));
        let cells: Vec<[String; 8]> = [TITLES.map(str::to_owned)]
            .into_iter()
            .chain(rows)
            .collect();
        // Without errors (all was recorded) the column would only be blank.
        let has_errors = cells[1..].iter().any(|row| !row[ERROR_COLUMN].is_empty());
        let width = |column: usize| {
            let longest = cells.iter().map(|row| row[column].chars().count()).max();
            longest.unwrap_or(0).min(FUNCTION_WIDTH)
        };
        let widths: [usize; 8] = std::array::from_fn(width);
        for row in &cells {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                if column == ERROR_COLUMN && !has_errors {
                    continue;
                }
                match column < FIRST_LEFT_COLUMN {
                    true => line += &format!("{cell:>width$}  "),
                    false => line += &format!("{cell:<width$}  "),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Table<'_> {
    fn write_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.profile;
        let total = profile.total_delay_nanos();
        let shown = &self.rows[..self.shown.min(self.rows.len())];
        let shown_nanos = shown
            .iter()
            .map(|row| row.delay_nanos)
            .fold(0, u64::saturating_add);
        let (name, rate) = match (profile.which(), profile.rate()) {
            (Which::Mutex, 0) => ("mutex", "off now".to_owned()),
            (Which::Block, 0) => ("block", "off now".to_owned()),
            (Which::Mutex, fraction) => ("mutex", format!("1 in {fraction}")),
            (Which::Block, nanos) => ("block", human(Duration::from_nanos(nanos))),
        };
        write!(
            f,
            "{name} profile: {} of delay in {} contentions",
            human(profile.total_delay()),
            profile.total_contentions(),
        )?;
        if let Some(duration) = profile.duration() {
            write!(f, " during {}", human(duration))?;
        }
        writeln!(f, "; rate: {rate}; lost: {}", profile.lost())?;
        writeln!(
            f,
            "{} of {} call sites, with {} of the delay:",
            shown.len(),
            self.rows.len(),
            percent(shown_nanos, total),
        )
    }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1}%", part as f64 / whole as f64 * 100.0)
}

/// Three digits and a unit: `1.23s`, `45.1ms`, `812µs`, `90ns`.
fn human(duration: Duration) -> String {
    let nanos = duration.as_nanos() as f64;
    let (value, unit) = match nanos {
        // What would be rounded to 1000 of a unit belongs to the next one.
        ..999.5 => (nanos, "ns"),
        ..999.5e3 => (nanos / 1e3, "µs"),
        ..999.5e6 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    let digits = match value {
        _ if unit == "ns" => 0,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{unit}")
}

/// The end of a path, after `…/` where something was left out.
fn shortened(file: &str) -> String {
    let cut = file.rmatch_indices('/').nth(PATH_PARTS - 1);
    match cut {
        Some((at, _)) if at > 0 => format!("…{}", &file[at..]),
        _ => file.to_owned(),
    }
}
