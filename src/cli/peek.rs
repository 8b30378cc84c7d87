//! `contend peek`: the callers and callees of the functions that match.
#![forbid(unsafe_code)]

use super::args::{Peek, Rows, Value};
use super::error::{Error, Result};
use super::graph::Graph;
use super::group::Grouping;
use super::output::Output;
use super::report::{Report, write_header};
use super::tree::write_parts;

pub(super) fn run(arguments: &Peek, output: &mut Output) -> Result<()> {
    let loaded = arguments.profile.load(&arguments.filter)?;
    let value = loaded.value(arguments.value.name())?;
    let weights = loaded.weigh(value, arguments.by);
    // Whatever is asked for is worth a look, and so are all who call it.
    let rows = Rows {
        by: Grouping::Frames(arguments.by),
        cum: arguments.cum,
        n: None,
        all: true,
        value: Value::default(),
    };
    let report = Report::new(weights, loaded.profile.unit(value), &rows);
    let is_wanted = |name: &str| arguments.function.is_match(name);
    if !report
        .nodes
        .iter()
        .any(|node| is_wanted(&node.place.name()))
    {
        let what = format!("no function matches {:?}", arguments.function.as_str());
        return Err(Error::about(&loaded.name, what));
    }
    let graph = Graph::new(&loaded.profile, value, arguments.by, None);
    write_header(output, &loaded, value)?;
    write_parts(&report, &graph, is_wanted, output)
}
