//! The common part of `top` and `diff`: which rows are shown, in which order and unit, and what
//! stands above them.
#![forbid(unsafe_code)]

use std::io::Write;

use super::args::Rows;
use super::error::Result;
use super::output::{Output, Paint, printable};
use super::scale::{Unit, percent};
use super::source::Loaded;
use super::weights::{Node, Weights};
use crate::pprof::decoded::DecodedProfile;
use crate::text::utc::Utc;

/// Rows whose cum is less than this part of the total are left out, as in Go's pprof.
const SMALL: f64 = 0.005;

pub(super) const NOTHING_RECORDED: &str = "nothing was recorded";
pub(super) const NOTHING_LEFT: &str = "the filters leave nothing";

/// The rows to show, and how.
pub(super) struct Report<'p> {
    pub(super) nodes: Vec<Node<'p>>,
    pub(super) unit: Unit<'p>,
    pub(super) total: u64,
    /// Left out for being small.
    small: usize,
    /// Left out because so many were not asked for.
    beyond_n: usize,
    /// Whether filters have taken something out before.
    pub(super) is_filtered: bool,
}

impl<'p> Report<'p> {
    pub(super) fn new(weights: Weights<'p>, unit: &'p str, rows: &Rows) -> Self {
        // In a diff it is the difference.
        let sum = weights.flat();
        let Weights { mut nodes, total } = weights;
        let all = nodes.len();
        if !rows.all {
            let least = (sum as f64 * SMALL) as i64;
            nodes.retain(|node| node.cum.unsigned_abs() >= least.unsigned_abs());
        }
        sort(&mut nodes, rows.cum);
        let not_small = nodes.len();
        nodes.truncate(rows.n.unwrap_or(usize::MAX));
        Self {
            unit: Unit::of_all(unit, smallest(&nodes), total),
            total,
            small: all - not_small,
            beyond_n: not_small - nodes.len(),
            is_filtered: false,
            nodes,
        }
    }

    /// Flat and cum with their shares, as in Go's pprof; `sum` is there where shares can be added
    /// up.
    pub(super) fn values(&self, node: &Node<'_>, flat_so_far: i64) -> String {
        let (flat, cum) = (self.unit.print(node.flat), self.unit.print(node.cum));
        let share = |value| percent(value, self.total);
        let (flat_share, cum_share) = (share(node.flat), share(node.cum));
        let sum = share(flat_so_far);
        format!("{flat:>10} {flat_share} {sum} {cum:>10} {cum_share}")
    }

    pub(super) fn filtered(self, is_filtered: bool) -> Self {
        Self {
            is_filtered,
            ..self
        }
    }

    pub(super) fn write_heading(&self, output: &mut Output, more: &str) -> Result<()> {
        let titles = format!(
            "{:>10} {:>6} {:>6} {:>10} {:>6}{more}",
            "flat", "flat%", "sum%", "cum", "cum%"
        );
        let titles = output.painted(Paint::Heading, titles);
        Ok(writeln!(output, "{titles}")?)
    }

    /// How many rows there would be.
    pub(super) fn write_left_out(&self, output: &mut Output) -> Result<()> {
        let shown = self.nodes.len();
        let mut parts = Vec::new();
        if self.beyond_n > 0 {
            parts.push(format!("{shown} of {} rows", shown + self.beyond_n));
        }
        if self.small > 0 {
            let rows = if self.small == 1 { "row" } else { "rows" };
            let small = self.small;
            parts.push(format!(
                "{small} {rows} below 0.5% left out (--all shows all)"
            ));
        }
        if shown == 0 && parts.is_empty() {
            let why = match self.is_filtered {
                true => NOTHING_LEFT,
                false => NOTHING_RECORDED,
            };
            parts.push(why.to_owned());
        }
        if !parts.is_empty() {
            writeln!(output, "{}", parts.join("; "))?;
        }
        Ok(())
    }
}

/// Largest first, by name where equal.
fn sort(nodes: &mut [Node<'_>], by_cum: bool) {
    nodes.sort_by_cached_key(|node| {
        let (flat, cum) = (node.flat.unsigned_abs(), node.cum.unsigned_abs());
        let (first, second) = if by_cum { (cum, flat) } else { (flat, cum) };
        (u64::MAX - first, node.place.name(), u64::MAX - second)
    });
}

/// The smallest value that the table has, which decides its unit.
fn smallest(nodes: &[Node<'_>]) -> u64 {
    let value = |node: &Node<'_>| match node.flat {
        0 => node.cum.unsigned_abs(),
        flat => flat.unsigned_abs(),
    };
    let values = nodes.iter().map(value).filter(|value| *value > 0);
    values.min().unwrap_or(0)
}

/// The lines that describe the profile: which value, when, how long, what counts, and what was
/// lost.
pub(super) fn write_header(output: &mut Output, loaded: &Loaded, value: usize) -> Result<()> {
    let profile = &loaded.profile;
    let (name, unit) = profile.sample_types().nth(value).unwrap_or_default();
    let total = loaded.total(value);
    writeln!(output, "Type: {}", printable(name))?;
    if profile.tables.time_nanos != 0 {
        writeln!(
            output,
            "Time: {}",
            Utc::from_unix_nanos(profile.tables.time_nanos)
        )?;
    }
    let mut totals = format!("Total: {}", Unit::of_each(unit).print(total));
    if profile.tables.duration_nanos != 0 {
        let nanos = profile.tables.duration_nanos;
        let duration = Unit::of_each("nanoseconds").print(nanos);
        let share = percent(total, nanos.unsigned_abs());
        totals = format!("{totals} in {duration}");
        // Both are times: 200 % are two threads that wait all the time.
        if unit == "nanoseconds" {
            totals = format!("{totals} ({})", share.trim_start());
        }
    }
    writeln!(output, "{totals}")?;
    write_filter(output, loaded, value)?;
    write_comments(output, loaded)
}

/// How much the filters have left.
pub(super) fn write_filter(output: &mut Output, loaded: &Loaded, value: usize) -> Result<()> {
    let Some(filter) = loaded.filter() else {
        return Ok(());
    };
    let profile = &loaded.profile;
    let left = profile.total(value);
    let share = percent(left, loaded.size(value));
    let left = Unit::of_each(profile.unit(value)).print(left);
    Ok(writeln!(
        output,
        "Left: {left} ({}) by {filter}",
        share.trim_start()
    )?)
}

fn write_comments(output: &mut Output, loaded: &Loaded) -> Result<()> {
    let profile = &loaded.profile;
    let is_empty = profile.tables.sample.is_empty() && loaded.filter().is_none();
    for comment in warnings(profile, is_empty) {
        let comment = output.painted(Paint::Worse, printable(comment));
        writeln!(output, "{comment}")?;
    }
    Ok(())
}

/// The comments that change the meaning of the numbers. `is_empty`: after a merge others may have
/// filled a profile that says why it is empty.
pub(super) fn warnings(profile: &DecodedProfile, is_empty: bool) -> impl Iterator<Item = &str> {
    profile.comments().filter(move |comment| {
        let is_loss = comment.starts_with("lost: ") && *comment != "lost: none";
        is_loss || is_empty && comment.contains("profile is empty")
    })
}
