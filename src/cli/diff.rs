//! `contend diff`: one profile less another.
#![forbid(unsafe_code)]

use std::io::Write;

use super::alike;
use super::args::Diff;
use super::error::{Error, Result};
use super::output::{Output, Paint, printable};
use super::report::Report;
use super::scale::{Unit, percent};
use super::source::Loaded;
use super::uninteresting::Uninteresting;
use super::weights::{Node, weigh};
use crate::pprof::decoded::Profile;

pub(super) fn run(arguments: &Diff, output: &mut Output) -> Result<()> {
    let client = arguments.access.client();
    let mut base = Loaded::raw(&arguments.base, &client)?;
    let mut new = Loaded::raw(&arguments.new, &client)?;
    let wanted = arguments.rows.value.name();
    make_alike(&mut base, &mut new, wanted)?;
    let value = new.value(wanted)?;
    let types = alike::types(&new.profile);
    let (name, unit) = types.get(value).cloned().unwrap_or_default();
    // One profile's word counts for both, or a frame that only one of them drops would be a difference.
    let uninteresting = Uninteresting::of(&new.profile);
    for loaded in [&mut base, &mut new] {
        loaded.demangle()?;
        if let Some(uninteresting) = &uninteresting {
            uninteresting.leave_out(&mut loaded.profile);
        }
    }
    let (base, new) = ((&base.profile, value), (&new.profile, value));
    write_totals(output, &name, &unit, base, new)?;
    let weights = weigh(new, Some(base), arguments.rows.by);
    write_rows(&Report::new(weights, &unit, &arguments.rows), output)
}

/// Leaves both with the values that both have, in one unit.
fn make_alike(base: &mut Loaded, new: &mut Loaded, wanted: Option<&str>) -> Result<()> {
    let (of_new, of_base) = (alike::types(&new.profile), alike::types(&base.profile));
    let common = alike::common(&of_new, &of_base);
    let common = common.map_err(|what| Error::about(&base.name, printable(&what)))?;
    let is_common = |name: &str| common.iter().any(|value| value.name == name);
    let value = new.value(wanted)?;
    let name = of_new.get(value).map_or("", |(name, _)| name);
    if common.is_empty() || wanted.is_some() && !is_common(name) {
        // Says which there are.
        base.value(Some(name))?;
    }
    alike::convert(&mut new.profile, &common, 0);
    alike::convert(&mut base.profile, &common, 1);
    Ok(())
}

fn write_totals(
    output: &mut Output,
    name: &str,
    unit: &str,
    base: (&Profile, usize),
    new: (&Profile, usize),
) -> Result<()> {
    let (before, after) = (base.0.total(base.1), new.0.total(new.1));
    let unit = Unit::of_each(unit);
    let change = after.saturating_sub(before);
    let share = percent(change, before.unsigned_abs());
    let sign = if change < 0 { "" } else { "+" };
    writeln!(output, "Type: {}", printable(name))?;
    writeln!(
        output,
        "Total: {} -> {}, {sign}{}{}",
        unit.print(before),
        unit.print(after),
        unit.print(change),
        match before {
            0 => String::new(),
            _ => format!(" ({} of the base)", share.trim_start()),
        },
    )?;
    Ok(())
}

fn write_rows(report: &Report<'_>, output: &mut Output) -> Result<()> {
    if report.nodes.is_empty() {
        writeln!(output, "no difference")?;
        return Ok(());
    }
    report.write_left_out(output)?;
    report.write_heading(output, "  change")?;
    let mut flat_so_far = 0_i64;
    for node in &report.nodes {
        flat_so_far = flat_so_far.saturating_add(node.flat);
        let values = report.values(node, flat_so_far);
        let (word, paint) = verdict(node);
        let word = format!("{word:<6}");
        let used = values.chars().count() + word.chars().count() + 4;
        let name = output.name(&node.place.name(), used);
        let word = output.painted(paint, word);
        writeln!(output, "{values}  {word}  {name}")?;
    }
    Ok(())
}

/// More waiting is worse.
fn verdict(node: &Node<'_>) -> (&'static str, Paint) {
    let change = if node.flat == 0 { node.cum } else { node.flat };
    match (node.cum_of_base, node.cum_of_new) {
        (0, _) => ("new", Paint::Worse),
        (_, 0) => ("gone", Paint::Better),
        _ if change < 0 => ("better", Paint::Better),
        _ => ("worse", Paint::Worse),
    }
}
