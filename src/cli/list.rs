//! `contend list`: source lines with their values beside them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Write;

use super::args::List;
use super::error::{Error, Result};
use super::output::{Output, Paint, printable};
use super::scale::{Unit, percent};
use super::source_file::{SourceFile, clean};
use super::weights::{By, Node, weigh};

/// Lines before the first and after the last one with a value.
const MARGIN: i64 = 5;

pub(super) fn run(arguments: &List, output: &mut Output) -> Result<()> {
    let loaded = arguments.profile.load()?;
    let profile = &loaded.profile;
    let value = loaded.value(arguments.value.name())?;
    let unit = Unit::of_each(profile.unit(value));
    let weights = weigh((profile, value), None, By::Source);
    let routines = routines(&weights.nodes, arguments);
    if routines.is_empty() {
        let what = format!("no function matches {:?}", arguments.function.as_str());
        return Err(Error::about(&loaded.name, what));
    }
    writeln!(output, "Total: {}", unit.print(total(weights.total)))?;
    for routine in routines {
        routine.write(output, &unit, weights.total, &arguments.source_path)?;
    }
    Ok(())
}

fn total(total: u64) -> i64 {
    i64::try_from(total).unwrap_or(i64::MAX)
}

/// What a function has in one file.
struct Routine<'p> {
    function: &'p str,
    file: String,
    /// Where the function begins, or the margin before its first line with a value.
    start: Option<i64>,
    flat: i64,
    cum: i64,
    lines: BTreeMap<i64, (i64, i64)>,
}

fn routines<'p>(nodes: &[Node<'p>], arguments: &List) -> Vec<Routine<'p>> {
    let mut routines: BTreeMap<(&str, String), Routine<'p>> = BTreeMap::new();
    for node in nodes {
        let function = node.place.function;
        // A frame without a name is no function, whatever matches an empty text.
        if function.is_empty() || !arguments.function.is_match(function) {
            continue;
        }
        let file = clean(node.place.file);
        let routine = routines
            .entry((function, file))
            .or_insert_with_key(|key| Routine {
                function,
                file: key.1.clone(),
                start: None,
                flat: 0,
                cum: 0,
                lines: BTreeMap::new(),
            });
        routine.add(node);
    }
    routines.into_values().collect()
}

impl Routine<'_> {
    fn add(&mut self, node: &Node<'_>) {
        self.flat = self.flat.saturating_add(node.flat);
        self.cum = self.cum.saturating_add(node.cum);
        let (flat, cum) = self.lines.entry(node.place.line).or_default();
        *flat = flat.saturating_add(node.flat);
        *cum = cum.saturating_add(node.cum);
        let start = match node.place.start_line {
            0 => node.place.line.saturating_sub(MARGIN),
            start => start,
        };
        self.start = Some(self.start.map_or(start, |it| it.min(start)));
    }

    fn write(
        &self,
        output: &mut Output,
        unit: &Unit<'_>,
        total: u64,
        folders: &[std::path::PathBuf],
    ) -> Result<()> {
        let function = output.painted(Paint::Heading, printable(self.function));
        if self.file.is_empty() {
            writeln!(output, "No file is known of {function}")?;
            return Ok(());
        }
        writeln!(
            output,
            "ROUTINE ======================== {function} in {}",
            printable(&self.file)
        )?;
        writeln!(
            output,
            "{:>10} {:>10} (flat, cum) {} of Total",
            unit.print(self.flat),
            unit.print(self.cum),
            percent(self.cum, total)
        )?;
        match SourceFile::find(&self.file, folders) {
            Ok(source) => self.write_source(output, unit, &source),
            Err(what) => self.write_without_source(output, unit, &what),
        }
    }

    fn write_source(
        &self,
        output: &mut Output,
        unit: &Unit<'_>,
        source: &SourceFile,
    ) -> Result<()> {
        let last = self.lines.keys().next_back().copied().unwrap_or(0);
        let first = self.start.unwrap_or(0).max(1);
        let shown = first..=last.saturating_add(MARGIN);
        for (number, text) in source.lines(shown) {
            self.write_line(output, unit, number, text)?;
        }
        Ok(())
    }

    /// The values are worth showing all the same.
    fn write_without_source(&self, output: &mut Output, unit: &Unit<'_>, what: &str) -> Result<()> {
        writeln!(output, "  no source: {}", printable(what))?;
        for number in self.lines.keys() {
            self.write_line(output, unit, *number, "?")?;
        }
        Ok(())
    }

    fn write_line(
        &self,
        output: &mut Output,
        unit: &Unit<'_>,
        number: i64,
        text: &str,
    ) -> Result<()> {
        let (flat, cum) = self.lines.get(&number).copied().unwrap_or_default();
        let print = |value| match value {
            0 => ".".to_owned(),
            value => unit.print(value),
        };
        let line = format!(
            "{:>10} {:>10} {number:>6}:{}",
            print(flat),
            print(cum),
            printable(text)
        );
        let paint = if cum == 0 {
            Paint::Plain
        } else {
            Paint::Heading
        };
        let line = output.painted(paint, line);
        Ok(writeln!(output, "{line}")?)
    }
}
