//! The table that people read when they have no pprof at hand.
#![forbid(unsafe_code)]

use std::fmt;

use super::sites::{Site, blocked_workers, could_win, fold_idle, sites};
use super::why_empty;
use crate::profile::Profile;
use crate::profile::address::explanations;
use crate::profile::kind::{ProfileKind, hint_of_owners};
use crate::text::columns;
use crate::text::units::{human, percent};

/// The costliest call sites of a profile. A row is a kind and the line that called the wrapper.
#[derive(Debug)]
pub(crate) struct Table<'p> {
    profile: &'p Profile,
    /// Largest delay first.
    sites: Vec<Site<'p>>,
    shown: usize,
}

impl<'p> Table<'p> {
    pub(crate) fn new(profile: &'p Profile, shown: usize) -> Self {
        Self {
            profile,
            sites: sites(profile),
            shown,
        }
    }
}

fn cells(site: &Site<'_>, total_nanos: u64, could_win: String) -> [String; 9] {
    let error = site.error();
    [
        human(site.delay()),
        if error.is_zero() {
            String::new()
        } else {
            format!("±{}", human(error))
        },
        percent(site.delay_nanos, total_nanos),
        could_win,
        format!("{:.0}", site.contentions),
        human(site.mean_delay()),
        site.kind.label().to_owned(),
        site.function().to_owned(),
        site.place(),
    ]
}

const TITLES: [&str; 9] = [
    "delay",
    "error",
    "share",
    "could win",
    "contentions",
    "mean",
    "kind",
    "function",
    "file:line",
];
const FIRST_LEFT_COLUMN: usize = 6;

/// Rows of the section about async workers.
const BLOCKED_WORKERS: usize = 5;

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sites.is_empty() {
            return writeln!(f, "{}", why_empty(self.profile));
        }
        let total = self.profile.total_delay_nanos();
        let (rows, idle) = match f.alternate() {
            true => (self.sites.clone(), None),
            false => fold_idle(self.profile, self.sites.clone()),
        };
        let shown = &rows[..self.shown.min(rows.len())];
        self.write_summary(&rows, f)?;
        if !shown.is_empty() || idle.is_none() {
            self.write_rows(shown, f)?;
        }
        if let Some(idle) = idle {
            let words = idle.words(total);
            writeln!(f, "{words}; {{:#}}, or contend top --idle, shows it")?;
        }
        explanations(total, |name| delay_below(self.profile, name))
            .chain(hint(self.profile))
            .chain(self.profile.why_nameless())
            .try_for_each(|sentence| writeln!(f, "{sentence}"))?;
        self.write_blocked_workers(f)
    }
}

/// Where most of what the block profile has is for what nobody holds.
fn hint(profile: &Profile) -> Option<String> {
    let samples = profile.samples().iter();
    let delays = samples.map(|sample| (sample.kind.label(), sample.delay_nanos));
    match profile.kind() {
        ProfileKind::Block => hint_of_owners(delays),
        _ => None,
    }
}

/// The delay of the stacks that begin with the frame `name`, which stands for no code.
fn delay_below(profile: &Profile, name: &str) -> u64 {
    let samples = profile.samples().iter();
    let of_name = samples.filter(|sample| {
        let leaf = sample.stack.frames_in_place().next();
        leaf.is_some_and(|leaf| leaf.address() == 0 && leaf.function() == name)
    });
    let delays = of_name.map(|sample| sample.delay_nanos);
    delays.fold(0, u64::saturating_add)
}

impl Table<'_> {
    fn write_rows(&self, sites: &[Site<'_>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.profile.total_delay_nanos();
        let could_win = could_win(self.profile, sites).unwrap_or_default();
        let could_win = could_win
            .into_iter()
            .chain(std::iter::repeat(String::new()));
        let rows = sites
            .iter()
            .zip(could_win)
            .map(|(site, could_win)| cells(site, total, could_win));
        let cells: Vec<[String; 9]> = [TITLES.map(str::to_owned)]
            .into_iter()
            .chain(rows)
            .collect();
        // Blank columns are left out: the errors where all was recorded, and what could be won
        // where that is the delay.
        columns::write(&cells, FIRST_LEFT_COLUMN, f)
    }

    /// The waits that stop whole workers come again in a section of their own: they cost more than
    /// they last.
    fn write_blocked_workers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(blocked) = blocked_workers(self.profile) else {
            return Ok(());
        };
        let sites = sites(&blocked);
        let shown = &sites[..sites.len().min(self.shown).min(BLOCKED_WORKERS)];
        writeln!(
            f,
            "\nWaits that block async workers: {} of the delay, {} of {} call sites. All tasks of a \
             worker stand still meanwhile:",
            human(blocked.total_delay()),
            shown.len(),
            sites.len(),
        )?;
        self.write_rows(shown, f)
    }

    fn write_summary(&self, rows: &[Site<'_>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.profile;
        let total = profile.total_delay_nanos();
        let shown = &rows[..self.shown.min(rows.len())];
        let shown_nanos = shown
            .iter()
            .map(|site| site.delay_nanos)
            .fold(0, u64::saturating_add);
        let name = profile.kind().name();
        let rate = profile.kind().rate().unit.shown(profile.rate());
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
            rows.len(),
            percent(shown_nanos, total),
        )
    }
}
