//! `contend trace`: what happened when, from a recording.
#![forbid(unsafe_code)]

use std::io::Write;

use super::args::{Trace, TraceForm};
use super::error::{Error, Result};
use super::file::write_file;
use super::output::{Output, printable};
use super::source::Source;
use crate::timeline::form::{Form, write};
use crate::timeline::go;

pub(super) fn run(arguments: &Trace, output: &mut Output) -> Result<()> {
    let path = format!("trace?seconds={}", arguments.seconds);
    let source = Source::of_path(&arguments.trace, &path)?;
    let bytes = source.bytes(&arguments.access.client())?;
    let timeline = go::read(&bytes).map_err(|why| Error::about(&source, why))?;
    let Some(to) = arguments.to else {
        let text = timeline.to_string();
        for line in text.lines() {
            writeln!(output, "{}", printable(line))?;
        }
        return Ok(());
    };
    let form = match to {
        TraceForm::Go => Form::Go,
        TraceForm::Perfetto => Form::Perfetto,
    };
    let Some(path) = &arguments.output else {
        let what = "needs a file to write to: -o FILE, or -o - for standard output";
        return Err(Error::about("--to", what));
    };
    write_file(path, output, |file| write(&timeline, form, file))
}
