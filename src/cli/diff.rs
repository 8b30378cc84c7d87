//! `contend diff`: one profile less another.
#![forbid(unsafe_code)]

use std::io::Write;

use super::alike;
use super::args::{Access, Diff};
use super::error::{Error, Result};
use super::output::{Output, Paint, printable};
use super::report::Report;
use super::scale::{Unit, percent};
use super::source::Loaded;
use super::uninteresting::Uninteresting;
use super::weights::{Node, Weights, weigh};

pub(super) fn run(arguments: &Diff, output: &mut Output) -> Result<()> {
    let wanted = arguments.rows.value.name();
    let both = [&*arguments.base, &arguments.new];
    let [mut base, mut new] = load_both(both, &arguments.access, wanted)?;
    let value = new.value(wanted)?;
    let types = alike::types(&new.profile);
    let (name, unit) = types.get(value).cloned().unwrap_or_default();
    // A function that only one of them has is not missed.
    let filter = &arguments.filter;
    let found = [&mut base, &mut new].map(|loaded| loaded.leave_quietly(filter));
    let kinds = base.kinds().into_iter().chain(new.kinds()).collect();
    filter.warn(found[0].or(found[1]), &kinds);
    let rows = &arguments.rows;
    let [by, _] = [&mut base, &mut new].map(|loaded| rows.by.apply(&mut loaded.profile));
    write_totals(
        output,
        &name,
        Unit::of_each(&unit),
        [&base, &new].map(|side| (side, value)),
    )?;
    let weights = Weights {
        total: match base.size(value) {
            0 => new.size(value),
            size => size,
        },
        ..weigh((&new.profile, value), Some((&base.profile, value)), by)
    };
    let report = Report::new(weights, &unit, &arguments.rows);
    write_rows(&report.filtered(new.filter().is_some()), output)
}

/// Both profiles for people, with the values that both have, in one unit.
pub(super) fn load_both(
    [base, new]: [&str; 2],
    access: &Access,
    wanted: Option<&str>,
) -> Result<[Loaded; 2]> {
    let client = access.client();
    let mut base = Loaded::raw(base, "mutex", &client)?;
    let mut new = Loaded::raw(new, "mutex", &client)?;
    make_alike(&mut base, &mut new, wanted)?;
    // One profile's word counts for both, or a frame that only one of them drops would be a
    // difference.
    let uninteresting = Uninteresting::of(&new.profile);
    for loaded in [&mut base, &mut new] {
        loaded.demangle()?;
        if let Some(uninteresting) = &uninteresting {
            uninteresting.leave_out(&mut loaded.profile);
        }
    }
    Ok([base, new])
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

/// The sums of both, and what the filters have left of them.
fn write_totals(
    output: &mut Output,
    name: &str,
    unit: Unit<'_>,
    [(base, value), (new, _)]: [(&Loaded, usize); 2],
) -> Result<()> {
    let [before, after] = [base, new].map(|side| side.total(value));
    let change = |before: i64, after: i64| {
        let change = after.saturating_sub(before);
        let sign = if change < 0 { "" } else { "+" };
        let share = match base.total(value) {
            0 => String::new(),
            total => {
                let share = percent(change, total.unsigned_abs());
                format!(" ({} of the base)", share.trim_start())
            }
        };
        let [before, after, change] = [before, after, change].map(|value| unit.print(value));
        format!("{before} -> {after}, {sign}{change}{share}")
    };
    writeln!(output, "Type: {}", printable(name))?;
    writeln!(output, "Total: {}", change(before, after))?;
    if let Some(filter) = new.filter() {
        let [before, after] = [base, new].map(|side| side.profile.total(value));
        writeln!(output, "Left: {} by {filter}", change(before, after))?;
    }
    Ok(())
}

fn write_rows(report: &Report<'_>, output: &mut Output) -> Result<()> {
    if report.nodes.is_empty() {
        let why = match report.is_filtered {
            true => "no difference in what the filters leave",
            false => "no difference",
        };
        writeln!(output, "{why}")?;
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
