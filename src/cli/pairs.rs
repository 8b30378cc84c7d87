//! `contend top --pairs`: who waited for whom, function by function.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;
use std::io::Write;

use super::args::Top;
use super::error::{Error, Result};
use super::filter::Filter;
use super::output::Output;
use super::report::write_header;
use super::source::Loaded;
use super::spots::{AMOUNT_TITLES, Amount, joined, own_frame, time};
use crate::pprof::decoded::{DecodedFrame, DecodedProfile};
use crate::pprof::proto::Sample;
use crate::profile::ProfileKind;
use crate::profile::address::{BLOCKED_BY_NAME, WAKEUP_NAME, explanations};
use crate::text::columns;

pub(super) fn run(arguments: &Top, output: &mut Output) -> Result<()> {
    let pairs = ProfileKind::Pairs;
    let everything = Filter::default();
    let mut loaded = arguments.profile.load_of(pairs.name(), &everything)?;
    if !pairs.is_of(loaded.profile.comments()) {
        let what = "not a pairs profile of contend, which alone has both who waited and for whom";
        return Err(Error::about(&loaded.name, what));
    }
    let had_both_sides = has_both_sides(&loaded.profile);
    loaded.leave(&arguments.filter);
    if had_both_sides && !has_both_sides(&loaded.profile) {
        let what = format!("--hide or --show takes out {BLOCKED_BY_NAME}, between both sides");
        return Err(Error::about(&loaded.name, what));
    }
    let value = loaded.value(arguments.rows.value.name())?;
    write_header(output, &loaded, value)?;
    let table = Table::of(&loaded, arguments, value)?;
    if table.rows.is_empty() {
        return Ok(writeln!(output, "no waits are in it")?);
    }
    let (shown, all) = (table.shown(), table.rows.len());
    writeln!(output, "{shown} of {all} pairs of functions:")?;
    let text = output.table(&table);
    output.write_all(text.as_bytes())?;
    let wakeup = |name: &str| match name {
        WAKEUP_NAME => table.wakeup_nanos(),
        _ => 0,
    };
    for sentence in explanations(table.total_nanos, wakeup) {
        writeln!(output, "{sentence}")?;
    }
    Ok(())
}

/// The function that waited, and the one whose release ended that.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct Pair {
    waiter: String,
    blocker: String,
}

#[derive(Clone, Copy, Debug, Default)]
struct PairAmount {
    all: Amount,
    /// The part in which the lock was free.
    wakeup_nanos: i64,
}

/// The largest first.
struct Table {
    rows: Vec<(Pair, PairAmount)>,
    /// The delay of the whole profile, which shares are of.
    total_nanos: u64,
    most: usize,
}

impl Table {
    fn of(loaded: &Loaded, arguments: &Top, value: usize) -> Result<Self> {
        let [contentions, delay] = [
            loaded.value(Some("contentions"))?,
            loaded.value(Some("delay"))?,
        ];
        let profile = &loaded.profile;
        let mut sums = HashMap::<Pair, PairAmount>::new();
        for sample in &profile.tables.sample {
            let (pair, is_wakeup) = pair(profile, sample);
            let amount = sums.entry(pair).or_default();
            let nanos = sample.value[delay];
            amount.all.add(Amount {
                contentions: sample.value[contentions],
                delay_nanos: nanos,
            });
            if is_wakeup {
                amount.wakeup_nanos = amount.wakeup_nanos.saturating_add(nanos);
            }
        }
        let mut rows: Vec<_> = sums.into_iter().collect();
        let key = |amount: &PairAmount| match value == contentions {
            true => amount.all.contentions,
            false => amount.all.delay_nanos,
        };
        rows.sort_by(|a, b| key(&b.1).cmp(&key(&a.1)).then_with(|| a.0.cmp(&b.0)));
        Ok(Self {
            rows,
            total_nanos: loaded.size(delay),
            most: arguments.rows.n.unwrap_or(usize::MAX),
        })
    }

    fn shown(&self) -> usize {
        self.rows.len().min(self.most)
    }

    fn wakeup_nanos(&self) -> u64 {
        let nanos = self.rows.iter().map(|(_, amount)| amount.wakeup_nanos);
        nanos.map(i64::unsigned_abs).fold(0, u64::saturating_add)
    }
}

/// Whether the frame is there that tells waiters from blockers. A filter of frames may take it out.
fn has_both_sides(profile: &DecodedProfile) -> bool {
    let locations = profile.tables.location.iter();
    let mut frames = locations.flat_map(|location| profile.frames(location.id));
    frames.any(|frame| is_between(&frame))
}

fn is_between(frame: &DecodedFrame<'_>) -> bool {
    frame.function == BLOCKED_BY_NAME
}

/// The functions of a stack, and whether it stands for time in which the lock was free.
fn pair(profile: &DecodedProfile, sample: &Sample) -> (Pair, bool) {
    let frames = || {
        let ids = sample.location_id.iter();
        ids.flat_map(|id| profile.frames(*id))
    };
    // Leaf first: the release, what is between, the waiter.
    let blocker = own_frame(|| frames().take_while(|frame| !is_between(frame)));
    let waiter = own_frame(|| frames().skip_while(|frame| !is_between(frame)).skip(1));
    let name = |frame: Option<DecodedFrame<'_>>| {
        frame.map_or("-", |frame| frame.name_or_object()).to_owned()
    };
    let is_wakeup = frames()
        .next()
        .is_some_and(|leaf| leaf.function == WAKEUP_NAME);
    let pair = Pair {
        waiter: name(waiter),
        blocker: name(blocker),
    };
    (pair, is_wakeup)
}

const TITLES: [&str; 3] = ["wakeup", "who waited", "for whom"];
const FIRST_LEFT_COLUMN: usize = AMOUNT_TITLES.len() + 1;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = joined(AMOUNT_TITLES.map(str::to_owned), TITLES.map(str::to_owned));
        let shown = self.rows[..self.shown()].iter();
        let rows = shown
            .map(|(pair, amount)| joined(amount.all.cells(self.total_nanos), cells(pair, amount)));
        let cells: Vec<[String; 7]> = std::iter::once(titles).chain(rows).collect();
        columns::write(&cells, FIRST_LEFT_COLUMN, f)
    }
}

fn cells(pair: &Pair, amount: &PairAmount) -> [String; 3] {
    [
        match amount.wakeup_nanos {
            0 => String::new(),
            nanos => time(nanos),
        },
        pair.waiter.clone(),
        pair.blocker.clone(),
    ]
}
