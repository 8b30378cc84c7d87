//! `contend imports`: the imports and paths of locks, channels and threads that are not swapped.
//!
//! ```text
//! files       the Rust files below a path
//!   │
//! tokens      a file's tokens, with their places
//!   │
//! uses        trees of `use`
//!   │
//! find        what names something that is profiled here  ◄── skin/table
//!   │
//! edit        the same text with `contend::` in front
//! ```
#![forbid(unsafe_code)]

mod edit;
mod files;
mod find;
mod tokens;
mod uses;

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::{Error, Result};
use super::output::{Output, Paint, printable};
use crate::skin::table::Skin;
use crate::text::save::save;

/// List the imports and paths of locks, channels and threads that are not swapped.
///
/// Looks through the Rust files below PATH, but for build scripts, hidden folders and `target`, for
/// what this crate profiles: of std, parking_lot, crossbeam, once_cell and tokio. Paths inside of
/// macros are found as well. What is to stay has a comment with `contend: keep` in its line or in
/// the line before.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend imports src tests
  contend imports --fix .                   swaps them; `contend` has to be in Cargo.toml
  contend imports --check src               for CI: exit code 1 if there is one")]
pub(super) struct Imports {
    /// Files, or folders with all that is in them.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Swap them in the files. Formatting and comments stay; a second run finds nothing.
    #[arg(long)]
    fix: bool,
    /// Exit with 1 if there is one.
    #[arg(long, conflicts_with = "fix")]
    check: bool,
}

/// The sums of a run.
#[derive(Default)]
struct Sums {
    found: usize,
    files: usize,
    features: BTreeSet<&'static str>,
    is_any_of_2015: bool,
    failed: Vec<String>,
}

pub(super) fn run(arguments: &Imports, output: &mut Output) -> Result<()> {
    let mut sums = Sums::default();
    for path in &arguments.paths {
        files::below(path, &mut |file| {
            let file = file.map_err(|error| Error::Message(error.to_string()))?;
            look(&file, arguments.fix, &mut sums, output)
        })?;
    }
    write_sums(arguments, &sums, output)?;
    output.flush()?;
    match &*sums.failed {
        [] if arguments.check && sums.found > 0 => {
            let what = match sums.found {
                1 => "1 import or path is not swapped".to_owned(),
                found => format!("{found} imports and paths are not swapped"),
            };
            let what = format!("{what}; `contend imports --fix` swaps them");
            Err(Error::Message(what))
        }
        [] => Ok(()),
        [only] => Err(Error::Message(only.clone())),
        [first, others @ ..] => Err(Error::Message(format!(
            "{first}; and {} other files",
            others.len()
        ))),
    }
}

/// Lists what is in one file, and swaps it.
fn look(file: &Path, fix: bool, sums: &mut Sums, output: &mut Output) -> Result<()> {
    let name = printable(&file.display().to_string());
    let source = match files::read(file) {
        Ok(source) => source,
        Err(what) => {
            sums.failed.push(format!("{name}: {what}"));
            return Ok(());
        }
    };
    // Only asked for where it matters: it reads manifests.
    let parking_lot = LazyCell::new(|| files::version_of(file, "parking_lot"));
    let is_of = |skin: &Skin| {
        let is_meant = |version| match &*parking_lot {
            Some(used) => used == version,
            // A file without a manifest is as likely to mean the older one.
            None => version == "0.12",
        };
        skin.version.is_none_or(is_meant)
    };
    let findings = match find::in_source(&source, &is_of) {
        Ok(findings) => findings,
        Err(what) => {
            sums.failed.push(format!("{name}: {what}"));
            return Ok(());
        }
    };
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        let (line, column) = place(&source, finding.at);
        let at = output.painted(Paint::Heading, format!("{name}:{line}:{column}"));
        let to = printable(&finding.swapped);
        writeln!(output, "{at}: {} -> {to}", printable(&finding.path))?;
    }
    sums.found += findings.len();
    sums.files += 1;
    sums.is_any_of_2015 |= files::is_of_2015(file);
    sums.features
        .extend(findings.iter().filter_map(|finding| finding.feature));
    if fix {
        let swapped = edit::swapped(&source, &findings);
        match swapped {
            Ok(swapped) => save(file, |file| file.write_all(swapped.as_bytes()))
                .map_err(|error| Error::Message(error.to_string()))?,
            Err(what) => sums.failed.push(format!("{name}: {what}")),
        }
    }
    Ok(())
}

/// Line and column, both from 1 on.
fn place(source: &str, at: usize) -> (usize, usize) {
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

fn write_sums(arguments: &Imports, sums: &Sums, output: &mut Output) -> Result<()> {
    let files = match sums.files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let found = match sums.found {
        0 if !sums.failed.is_empty() => return Ok(()),
        0 => return Ok(writeln!(output, "everything is swapped")?),
        1 => "1 import or path".to_owned(),
        found => format!("{found} imports and paths"),
    };
    match arguments.fix {
        true => writeln!(output, "swapped {found} in {files}")?,
        false => writeln!(output, "{found} in {files} not swapped (--fix swaps them)")?,
    }
    if !sums.features.is_empty() {
        let features: Vec<&str> = sums.features.iter().copied().collect();
        let features = features.join(", ");
        writeln!(output, "`contend` needs the features {features}")?;
    }
    if sums.is_any_of_2015 {
        let what = "the root of the crate needs `extern crate contend;`: its edition is 2015";
        writeln!(output, "{what}")?;
    }
    Ok(())
}
