//! `contend deadlocks`: the threads of a program that wait for each other.
#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

use super::args::Deadlocks;
use super::error::{Error, Result};
use super::output::{Output, Paint, printable};
use super::process;

/// The exit code where there is a deadlock.
const FOUND: u8 = 3;

pub(super) fn run(arguments: &Deadlocks, output: &mut Output) -> Result<ExitCode> {
    let client = arguments.access.client();
    let base = process::base_of(&arguments.program, &client)?;
    let url = base.join("deadlock?form=json");
    let about = |what: String| Error::about(&url, what);
    let value: Value =
        serde_json::from_slice(&client.get(&url)?).map_err(|error| about(error.to_string()))?;
    let deadlocks = value["deadlocks"].as_array();
    let deadlocks = deadlocks.ok_or_else(|| about("the answer has no deadlocks".to_owned()))?;
    for deadlock in deadlocks {
        let text = deadlock["text"].as_str().unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            let paint = if index == 0 {
                Paint::Worse
            } else {
                Paint::Plain
            };
            writeln!(output, "{}", output.painted(paint, printable(line)))?;
        }
    }
    if deadlocks.is_empty() {
        writeln!(output, "no deadlock")?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(FOUND))
}
