//! The changes from one profile to another, by call site.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::sites::{Site, sites};
use crate::profile::{ChangeStatus, Diff, Profile, difference};
use crate::text::columns;
use crate::text::units::human;

/// The call sites whose delay changed most.
#[derive(Debug)]
pub(crate) struct Table<'d> {
    diff: &'d Diff,
    /// Only those that changed, the largest change first.
    changes: Vec<SiteChange<'d>>,
    shown: usize,
}

/// A call site in the base, in the new profile, or in both.
#[derive(Debug)]
struct SiteChange<'d> {
    base: Option<Site<'d>>,
    new: Option<Site<'d>>,
}

impl<'d> Table<'d> {
    pub(crate) fn new(diff: &'d Diff, shown: usize) -> Self {
        let mut changes = pairs(sites(diff.base()), sites(diff.current()));
        changes.retain(|change| change.status() != ChangeStatus::Same);
        changes.sort_by_key(|change| Reverse(change.nanos().unsigned_abs()));
        Self {
            diff,
            changes,
            shown,
        }
    }
}

/// Finds for each site of the base what has become of it: the same line or, where that is gone, the
/// one other line of the function that is new. An edit above a call moves it, and the comparison
/// shall get over that.
fn pairs<'d>(base: Vec<Site<'d>>, new: Vec<Site<'d>>) -> Vec<SiteChange<'d>> {
    let (mut pairs, base, new) = matched(base, new, |site| (site.function(), site.line()));
    let (moved, base, new) = matched(base, new, |site| (site.function(), None));
    pairs.extend(moved);
    pairs.extend(base.into_iter().map(|site| SiteChange {
        base: Some(site),
        new: None,
    }));
    pairs.extend(new.into_iter().map(|site| SiteChange {
        base: None,
        new: Some(site),
    }));
    pairs
}

type Unmatched<'d> = Vec<Site<'d>>;

/// Pairs the sites of the same kind, file and `name`, if there is one of it on either side; and
/// what is left.
fn matched<'d>(
    base: Vec<Site<'d>>,
    new: Vec<Site<'d>>,
    name: impl Fn(&Site<'d>) -> (&'d str, Option<u32>),
) -> (Vec<SiteChange<'d>>, Unmatched<'d>, Unmatched<'d>) {
    let key = |site: &Site<'d>| (site.kind, site.file(), name(site));
    let mut counts: HashMap<_, [usize; 2]> = HashMap::new();
    for (side, sites) in [&base, &new].into_iter().enumerate() {
        for site in sites {
            counts.entry(key(site)).or_default()[side] += 1;
        }
    }
    let is_unique = |site: &Site<'d>| counts[&key(site)] == [1, 1];
    let (base, base_left): (Vec<_>, Vec<_>) = base.into_iter().partition(is_unique);
    let (new, new_left): (Vec<_>, Vec<_>) = new.into_iter().partition(is_unique);
    let mut new: HashMap<_, _> = new.into_iter().map(|site| (key(&site), site)).collect();
    let pair = |site| SiteChange {
        new: new.remove(&key(&site)),
        base: Some(site),
    };
    (base.into_iter().map(pair).collect(), base_left, new_left)
}

impl SiteChange<'_> {
    fn status(&self) -> ChangeStatus {
        let numbers = |site: &Site<'_>| (site.delay_nanos, site.variance);
        ChangeStatus::of(
            self.base.as_ref().map(numbers),
            self.new.as_ref().map(numbers),
        )
    }

    /// Delay before and now.
    fn delays(&self) -> [u64; 2] {
        let delay = |site: &Option<Site<'_>>| site.as_ref().map_or(0, |site| site.delay_nanos);
        [delay(&self.base), delay(&self.new)]
    }

    fn nanos(&self) -> i64 {
        let [base, new] = self.delays();
        difference(new, base)
    }

    fn contentions(&self) -> i64 {
        let count = |site: &Option<Site<'_>>| {
            let contentions = site.as_ref().map_or(0.0, |site| site.contentions);
            contentions.round() as i64
        };
        count(&self.new).saturating_sub(count(&self.base))
    }

    fn cells(&self, base_total: u64) -> [String; 10] {
        let [base, new] = self.delays();
        let site = self.new.as_ref().or(self.base.as_ref());
        [
            signed(self.nanos()),
            share(self.nanos(), base_total),
            human(Duration::from_nanos(base)),
            human(Duration::from_nanos(new)),
            factor(base, new),
            format!("{:+}", self.contentions()),
            self.status().to_string(),
            site.map_or("-", |site| site.kind.label()).to_owned(),
            site.map_or("-", Site::function).to_owned(),
            site.map_or_else(|| "-".to_owned(), Site::place),
        ]
    }
}

const TITLES: [&str; 10] = [
    "change",
    "share",
    "was",
    "is",
    "factor",
    "contentions",
    "status",
    "kind",
    "function",
    "file:line",
];
const FIRST_LEFT_COLUMN: usize = 6;

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_summary(f)?;
        if self.changes.is_empty() {
            return Ok(());
        }
        let shown = self.changes.iter().take(self.shown);
        let total = self.diff.base().total_delay_nanos();
        let rows = shown.map(|change| change.cells(total));
        let titles = [TITLES.map(str::to_owned)];
        let cells: Vec<_> = titles.into_iter().chain(rows).collect();
        columns::write(&cells, FIRST_LEFT_COLUMN, f)
    }
}

impl Table<'_> {
    fn write_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, new) = (self.diff.base(), self.diff.current());
        let [base_nanos, new_nanos] = [base, new].map(Profile::total_delay_nanos);
        writeln!(
            f,
            "{} profile: {} of delay{}, was {}{} ({}, {}); {} contentions, was {}",
            new.kind(),
            human(new.total_delay()),
            during(new),
            human(base.total_delay()),
            during(base),
            signed(self.diff.delay_nanos()),
            factor(base_nanos, new_nanos),
            new.total_contentions(),
            base.total_contentions(),
        )?;
        match self.changes.len() {
            0 => writeln!(f, "no call site changed"),
            changed => writeln!(
                f,
                "{} of {changed} call sites that changed:",
                self.shown.min(changed)
            ),
        }
    }
}

/// How long a run was: more cannot be said of runs that were not of the same length.
fn during(profile: &Profile) -> String {
    let duration = profile.duration();
    duration.map_or_else(String::new, |duration| {
        format!(" during {}", human(duration))
    })
}

/// `+45.1ms`, `-90ns`.
fn signed(nanos: i64) -> String {
    let sign = if nanos < 0 { '-' } else { '+' };
    let size = Duration::from_nanos(nanos.unsigned_abs());
    format!("{sign}{}", human(size))
}

/// The share of all delay in the base, as pprof shows it with `-diff_base`.
fn share(nanos: i64, base_total: u64) -> String {
    match base_total {
        0 => "-".to_owned(),
        total => format!("{:+.1}%", nanos as f64 / total as f64 * 100.0),
    }
}

/// `×0.25`: a quarter of what it was.
fn factor(base: u64, new: u64) -> String {
    match base {
        0 => "-".to_owned(),
        base => format!("×{:.2}", new as f64 / base as f64),
    }
}
