//! The common part of `top` and `diff`: which rows are shown, in which order and unit, and what
//! stands above them.
#![forbid(unsafe_code)]

use std::io::Write;

use super::args::Rows;
use super::error::Result;
use super::output::{Output, Paint, printable};
use super::scale::{Unit, percent};
use super::weights::{Node, Weights};
use crate::pprof::decoded::Profile;
use crate::text::utc::Utc;

/// Rows whose cum is less than this part of the total are left out, as in Go's pprof.
const SMALL: f64 = 0.005;

/// The rows to show, and how.
pub(super) struct Report<'p> {
    pub(super) nodes: Vec<Node<'p>>,
    pub(super) unit: Unit<'p>,
    pub(super) total: u64,
    /// Left out for being small.
    small: usize,
    /// Left out because so many were not asked for.
    beyond_n: usize,
}

impl<'p> Report<'p> {
    pub(super) fn new(weights: Weights<'p>, unit: &'p str, rows: &Rows) -> Self {
        let Weights { mut nodes, total } = weights;
        let all = nodes.len();
        if !rows.all {
            // A share of the sum of the rows, which in a diff is the difference.
            let sum: i64 = nodes
                .iter()
                .fold(0, |sum, node| sum.saturating_add(node.flat));
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
            parts.push("nothing was recorded".to_owned());
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

/// The lines that describe the profile: which value, when, how long, and what was lost.
pub(super) fn write_header(output: &mut Output, profile: &Profile, value: usize) -> Result<()> {
    let (name, unit) = profile.sample_types().nth(value).unwrap_or_default();
    let total = profile.total(value);
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
    write_comments(output, profile)
}

fn write_comments(output: &mut Output, profile: &Profile) -> Result<()> {
    for comment in warnings(profile) {
        let comment = output.painted(Paint::Worse, printable(comment));
        writeln!(output, "{comment}")?;
    }
    Ok(())
}

/// The comments that change the meaning of the numbers.
pub(super) fn warnings(profile: &Profile) -> impl Iterator<Item = &str> {
    profile.comments().filter(|comment| {
        let is_loss = comment.starts_with("lost: ") && *comment != "lost: none";
        // After a merge others may have filled it.
        let is_empty = profile.tables.sample.is_empty();
        is_loss || is_empty && comment.contains("profile is empty")
    })
}
