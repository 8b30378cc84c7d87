//! `contend threads`: what every thread of a program does now.
#![forbid(unsafe_code)]

use std::io::Write;

use super::args::Threads;
use super::error::{Error, Result};
use super::output::{Output, printable};
use super::process;

pub(super) fn run(arguments: &Threads, output: &mut Output) -> Result<()> {
    let client = arguments.access.client();
    let base = process::base_of(&arguments.program, &client)?;
    let mut query = match arguments.json {
        true => "form=json".to_owned(),
        false => "form=text".to_owned(),
    };
    if let Some(seconds) = arguments.seconds {
        query += &format!("&seconds={seconds}");
    }
    let url = base.join(&format!("threads?{query}"));
    let text = String::from_utf8(client.get(&url)?);
    let text = text.map_err(|_| Error::about(&url, "the answer is no text"))?;
    for line in text.lines() {
        writeln!(output, "{}", printable(line))?;
    }
    Ok(())
}
