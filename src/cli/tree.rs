//! `contend tree`: the functions with the largest values, each between its callers and its callees.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::io::Write;

use super::args::{Rows, Tree};
use super::error::Result;
use super::graph::{Edge, Graph};
use super::output::{Output, Paint};
use super::report::{Report, write_header};
use super::scale::percent;
use super::weights::Place;

/// So many parts are shown unless others are asked for, as in Go's pprof.
const PARTS: usize = 80;
/// Edges with less than this part of the total are left out, as there.
const SMALL_EDGE: f64 = 0.001;
const LINE: &str = "----------------------------------------------------------+-------------";

pub(super) fn run(arguments: &Tree, output: &mut Output) -> Result<()> {
    let mut loaded = arguments.profile.load(&arguments.filter)?;
    let rows = &arguments.rows;
    let by = rows.by.apply(&mut loaded.profile);
    let value = loaded.value(rows.value.name())?;
    let weights = loaded.weigh(value, by);
    let all = weights.nodes.len();
    let sum = weights.flat();
    let rows = Rows {
        n: rows.n.or((!rows.all).then_some(PARTS)),
        ..rows.clone()
    };
    let report = Report::new(weights, loaded.profile.unit(value), &rows);
    let report = report.filtered(loaded.filter().is_some());
    let shown: HashSet<Place<'_>> = report.nodes.iter().map(|node| node.place).collect();
    // A row that others cancel out is no row, and yet stands between two of them.
    let kept = (shown.len() < all).then_some(&shown);
    let graph = Graph::new(&loaded.profile, value, by, kept);
    let least = match rows.all {
        true => 0,
        false => (sum as f64 * SMALL_EDGE) as i64,
    };
    let graph = graph.without_small(least.unsigned_abs());
    write_header(output, &loaded, value)?;
    report.write_left_out(output)?;
    write_parts(&report, &graph, |_| true, output)
}

/// Each row for which `is_wanted` says so, between its callers and its callees, as Go's pprof has
/// it.
pub(super) fn write_parts<'p>(
    report: &Report<'p>,
    graph: &Graph<'p>,
    is_wanted: impl Fn(&str) -> bool,
    output: &mut Output,
) -> Result<()> {
    let Report { nodes, unit, .. } = report;
    if nodes.is_empty() {
        return Ok(());
    }
    writeln!(output, "{LINE}")?;
    report.write_heading(output, "   calls calls% + context")?;
    let mut flat_so_far = 0_i64;
    for node in nodes {
        let name = node.place.name();
        if !is_wanted(&name) {
            continue;
        }
        let write_edge = |output: &mut Output, edge: &Edge<'_>| {
            let share = percent(edge.weight, node.cum.unsigned_abs());
            let values = format!("{:>50} {share} |   ", unit.print(edge.weight));
            let inline = if edge.is_inline { " (inline)" } else { "" };
            let used = values.chars().count() + inline.len();
            let name = output.name(&edge.place.name(), used);
            writeln!(output, "{values}{name}{inline}")
        };
        writeln!(output, "{LINE}")?;
        for edge in graph.callers(node.place) {
            write_edge(output, &edge)?;
        }
        flat_so_far = flat_so_far.saturating_add(node.flat);
        let values = report.values(node, flat_so_far);
        let values = format!("{values}{:16}| ", "");
        let name = output.name(&name, values.chars().count());
        let line = output.painted(Paint::Heading, format!("{values}{name}"));
        writeln!(output, "{line}")?;
        for edge in graph.callees(node.place) {
            write_edge(output, &edge)?;
        }
    }
    Ok(writeln!(output, "{LINE}")?)
}
