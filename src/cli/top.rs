//! `contend top`: the functions or lines with the largest values.
#![forbid(unsafe_code)]

use std::io::Write;

use super::args::Top;
use super::blocked_workers;
use super::error::Result;
use super::output::Output;
use super::pairs;
use super::report::{Report, write_header};
use super::scale::{Unit, percent};
use super::source::Loaded;
use super::weights::By;
use crate::pprof::decoded::DecodedProfile;
use crate::profile::address::explanations;
use crate::profile::kind::{ProfileKind, hint_of_owners};

pub(super) fn run(arguments: &Top, output: &mut Output) -> Result<()> {
    if arguments.blocking_async {
        return blocked_workers::run(arguments, output);
    }
    if arguments.pairs {
        return pairs::run(arguments, output);
    }
    let mut loaded = arguments.profile.load(&arguments.filter)?;
    let value = loaded.value(arguments.rows.value.name())?;
    let folds = !shows_idle(arguments) && is_block_profile(&loaded.profile);
    let idle = folds.then(|| loaded.fold_idle(value)).flatten();
    let by = arguments.rows.by.apply(&mut loaded.profile);
    write_header(output, &loaded, value)?;
    if let Some(idle) = idle {
        write_idle(&loaded, (value, idle), output)?;
        if loaded.profile.tables.sample.is_empty() {
            return Ok(());
        }
    }
    write_rows(arguments, &loaded, (value, by), output)
}

/// Whether waits for work are asked for, in one way or another.
fn shows_idle(arguments: &Top) -> bool {
    arguments.idle || arguments.filter.chooses_waits() || arguments.rows.by.is_label()
}

fn write_idle(loaded: &Loaded, (value, idle): (usize, i64), output: &mut Output) -> Result<()> {
    let share = percent(idle, loaded.size(value));
    let idle = Unit::of_each(loaded.profile.unit(value)).print(idle);
    Ok(writeln!(
        output,
        "Waiting for work is left out: {idle} ({}); --idle shows it",
        share.trim_start()
    )?)
}

fn write_rows(
    arguments: &Top,
    loaded: &Loaded,
    (value, by): (usize, By),
    output: &mut Output,
) -> Result<()> {
    let unit = loaded.profile.unit(value);
    let weights = loaded.weigh(value, by);
    let report = Report::new(weights, unit, &arguments.rows);
    let report = report.filtered(loaded.filter().is_some());
    report.write_left_out(output)?;
    report.write_heading(output, "")?;
    let mut flat_so_far = 0_i64;
    for node in &report.nodes {
        flat_so_far = flat_so_far.saturating_add(node.flat);
        let values = report.values(node, flat_so_far);
        let name = output.name(&node.place.name(), values.chars().count() + 2);
        writeln!(output, "{values}  {name}")?;
    }
    // Only time can be a share of the delay.
    if unit == "nanoseconds" {
        let delay = |name: &str| {
            let nodes = report.nodes.iter();
            let of_name = nodes.filter(|node| node.place.name() == name);
            let delays = of_name.map(|node| node.cum.unsigned_abs());
            delays.fold(0, u64::saturating_add)
        };
        let hint = is_block_profile(&loaded.profile).then(|| hint(&loaded.profile, value));
        for sentence in explanations(report.total, delay).chain(hint.flatten()) {
            writeln!(output, "{sentence}")?;
        }
    }
    Ok(())
}

pub(super) fn is_block_profile(profile: &DecodedProfile) -> bool {
    ProfileKind::Block.is_of(profile.comments())
}

fn hint(profile: &DecodedProfile, value: usize) -> Option<String> {
    let samples = profile.tables.sample.iter();
    hint_of_owners(samples.map(|sample| {
        let nanos = sample.value.get(value).copied().unwrap_or_default();
        (profile.label(sample, "kind"), nanos.unsigned_abs())
    }))
}
