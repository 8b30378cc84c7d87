//! The `contend` command: reads profiles, its own and those of Go programs, where no Go is
//! installed.
//!
//! No part of the library's interface: `main.rs` of the command and its tests call it.
//!
//! ```text
//! args        what was asked for
//!   │
//! source ← fetch (HTTP)          bytes of a file, of standard input, of a program that runs
//!   │
//! reader → proto → profile       a profile with every reference checked, in bounded memory
//!   │
//! names, uninteresting           readable names, without the frames that the profile wants left out
//!   │
//! alike                          two of them with the same values and units
//!   │
//! filter                         the samples and frames that count
//!   │
//! weights, graph                 flat and cum by function or line; who calls whom
//!   │
//! report, scale, output          rows, units, colours
//! open → http                    pages for a browser
//! ```
#![forbid(unsafe_code)]

mod alike;
mod args;
mod blocked_workers;
mod ci;
mod deadlocks;
mod diff;
mod error;
mod fetch;
mod file;
mod filter;
mod flamegraph;
mod graph;
mod group;
mod hangup;
mod imports;
#[cfg(contend_whole)]
mod launch;
mod list;
mod merge;
mod names;
mod open;
mod output;
#[cfg(contend_whole)]
mod pages;
mod pairs;
mod peek;
mod process;
mod report;
mod run;
mod scale;
mod snap;
mod source;
mod spots;
#[cfg(contend_whole)]
mod suitable;
mod threads;
mod top;
mod trace;
mod tree;
mod uninteresting;
mod watch;
mod weights;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use prost::Message;

use crate::pprof::reader;
use args::{Arguments, Command, Rows};
use error::Result;
use graph::Graph;
use merge::Merger;
use output::{Output, printable};
use report::Report;
use weights::{By, weigh};

/// Runs the command with the arguments of the process. Wrong usage ends the process with exit code
/// 2.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.command) {
        Ok(code) => code,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody to tell if this fails, too.
            let line = printable(&error.to_string());
            let _ = writeln!(std::io::stderr(), "contend: {line}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    // These end with their program, and as it does.
    match command {
        Command::Run(arguments) => return run::run(arguments),
        Command::Record(arguments) => return run::record(arguments),
        _ => hangup::end_with_terminal(false),
    }
    let mut output = Output::new();
    let mut code = ExitCode::SUCCESS;
    match command {
        Command::Deadlocks(arguments) => {
            deadlocks::run(arguments, &mut output).map(|told| code = told)
        }
        Command::Ci(arguments) => ci::run(arguments, &mut output).map(|told| code = told),
        Command::Top(arguments) => top::run(arguments, &mut output),
        Command::List(arguments) => list::run(arguments, &mut output),
        Command::Peek(arguments) => peek::run(arguments, &mut output),
        Command::Tree(arguments) => tree::run(arguments, &mut output),
        Command::Diff(arguments) => diff::run(arguments, &mut output),
        Command::Flamegraph(arguments) => flamegraph::run(arguments, &mut output),
        Command::Imports(arguments) => imports::run(arguments, &mut output),
        Command::Merge(arguments) => merge::run(arguments, &mut output),
        Command::Open(arguments) => open::run(arguments, &mut output),
        Command::Snap(arguments) => snap::run(arguments, &mut output),
        Command::Threads(arguments) => threads::run(arguments, &mut output),
        Command::Trace(arguments) => trace::run(arguments, &mut output),
        Command::Watch(arguments) => watch::run(arguments, &mut output),
        Command::Run(_) | Command::Record(_) => Ok(()),
    }?;
    output.flush()?;
    Ok(code)
}

/// Reads a profile and does with it what the commands do, but for printing: for the fuzz target and
/// for tests.
///
/// # Errors
///
/// As `reader::read`.
///
/// # Panics
///
/// If a profile that is added to itself does not have twice the values.
pub fn exercise(bytes: &[u8]) -> std::result::Result<(), String> {
    let profile = reader::read(bytes)?;
    let mut merger = Merger::default();
    merger.add(&profile)?;
    merger.add(&profile)?;
    let doubled = reader::read(&merger.finish().encode_to_vec())?;
    for value in 0..profile.sample_types().count() {
        if profile
            .values(value)
            .all(|value| value.unsigned_abs() < 1 << 40)
        {
            assert_eq!(doubled.total(value), 2 * profile.total(value));
        }
        for by in [By::Function, By::Line, By::Source] {
            let weights = weigh((&doubled, value), Some((&profile, value)), by);
            let report = Report::new(weights, profile.unit(value), &Rows::default());
            let rows = report.nodes.iter();
            rows.for_each(|node| drop((report.values(node, node.flat), node.place.name())));
            Graph::new(&doubled, value, by, None);
        }
        flamegraph::lines(&profile, value).for_each(drop);
    }
    Ok(())
}
