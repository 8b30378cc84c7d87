//! `contend top`: the functions or lines with the largest values.
#![forbid(unsafe_code)]

use std::io::Write;

use super::args::Top;
use super::error::Result;
use super::output::{Output, printable};
use super::report::{Report, write_header};
use super::weights::weigh;
use crate::pprof::decoded::Profile;

pub(super) fn run(arguments: &Top, output: &mut Output) -> Result<()> {
    let loaded = arguments.profile.load()?;
    let value = loaded.value(arguments.rows.value.name())?;
    write_header(output, &loaded.profile, value)?;
    write_rows(arguments, &loaded.profile, value, output)
}

fn write_rows(arguments: &Top, profile: &Profile, value: usize, output: &mut Output) -> Result<()> {
    let unit = profile.unit(value);
    let weights = weigh((profile, value), None, arguments.rows.by);
    let report = Report::new(weights, unit, &arguments.rows);
    report.write_left_out(output)?;
    report.write_heading(output, "")?;
    let mut flat_so_far = 0_i64;
    for node in &report.nodes {
        flat_so_far = flat_so_far.saturating_add(node.flat);
        let values = report.values(node, flat_so_far);
        writeln!(output, "{values}  {}", printable(&node.place.name()))?;
    }
    Ok(())
}
