//! `contend diff`: one profile less another.
#![forbid(unsafe_code)]

use std::io::Write;

use super::args::Diff;
use super::error::{Error, Result};
use super::output::{Output, Paint, printable};
use super::report::Report;
use super::scale::{Unit, percent};
use super::source::Loaded;
use super::weights::{Node, weigh};
use crate::pprof::decoded::Profile;

pub(super) fn run(arguments: &Diff, output: &mut Output) -> Result<()> {
    let client = arguments.access.client();
    let base = Loaded::from(&arguments.base, &client)?;
    let new = Loaded::from(&arguments.new, &client)?;
    let value = new.value(arguments.rows.value.name())?;
    let (name, unit) = new.profile.sample_types().nth(value).unwrap_or_default();
    let value_of_base = base.value(Some(name))?;
    let unit_of_base = base.profile.unit(value_of_base);
    if unit_of_base != unit {
        let what = format!("its {name} are in {unit_of_base}, not in {unit}");
        return Err(Error::about(&base.name, printable(&what)));
    }
    let (base, new) = ((&base.profile, value_of_base), (&new.profile, value));
    write_totals(output, name, unit, base, new)?;
    let weights = weigh(new, Some(base), arguments.rows.by);
    write_rows(&Report::new(weights, unit, &arguments.rows), output)
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
        let word = output.painted(paint, format!("{word:<6}"));
        writeln!(
            output,
            "{values}  {word}  {}",
            printable(&node.place.name())
        )?;
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
