//! `contend list`: source lines with their values beside them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Write;

use super::args::List;
use super::error::{Error, Result};
use super::output::{Output, Paint, printable};
use super::report::write_filter;
use super::scale::{Unit, percent};
use super::weights::{By, Node};
use crate::text::sources::{SourceFile, Sources, clean};

/// Lines before the first and after the last one with a value.
const MARGIN: i64 = 5;
/// Lines of source in all. A profile may claim that each of its functions is as long as the longest
/// file.
const MAX_LINES: usize = 1 << 20;

pub(super) fn run(arguments: &List, output: &mut Output) -> Result<()> {
    let loaded = arguments.profile.load(&arguments.filter)?;
    let profile = &loaded.profile;
    let value = loaded.value(arguments.value.name())?;
    let unit = Unit::of_each(profile.unit(value));
    let weights = loaded.weigh(value, By::Source);
    let routines = routines(&weights.nodes, arguments);
    if routines.is_empty() {
        let what = format!("no function matches {:?}", arguments.function.as_str());
        return Err(Error::about(&loaded.name, what));
    }
    writeln!(output, "Total: {}", unit.print(total(weights.total)))?;
    write_filter(output, &loaded, value)?;
    let mut listing = Listing {
        output,
        unit,
        total: weights.total,
        sources: Sources::below(&arguments.source_path),
        lines_left: MAX_LINES,
    };
    routines
        .iter()
        .try_for_each(|routine| listing.write(routine))
}

fn total(total: u64) -> i64 {
    i64::try_from(total).unwrap_or(i64::MAX)
}

/// The lines and values of a function in one file.
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
        self.start = Some(self.start.map_or(start, |first| first.min(start)));
    }
}

/// The listing that is written, and where to.
struct Listing<'a, 'p> {
    output: &'a mut Output,
    unit: Unit<'p>,
    total: u64,
    sources: Sources,
    lines_left: usize,
}

impl Listing<'_, '_> {
    fn write(&mut self, routine: &Routine<'_>) -> Result<()> {
        let output = &mut *self.output;
        let function = output.painted(Paint::Heading, printable(routine.function));
        if routine.file.is_empty() {
            writeln!(output, "No file is known of {function}")?;
            return Ok(());
        }
        writeln!(
            output,
            "ROUTINE ======================== {function} in {}",
            printable(&routine.file)
        )?;
        writeln!(
            output,
            "{:>10} {:>10} (flat, cum) {} of Total",
            self.unit.print(routine.flat),
            self.unit.print(routine.cum),
            percent(routine.cum, self.total)
        )?;
        match self.sources.find(&routine.file) {
            Ok(source) => self.write_source(routine, &source),
            Err(what) => self.write_without_source(routine, &what),
        }
    }

    fn write_source(&mut self, routine: &Routine<'_>, source: &SourceFile) -> Result<()> {
        let last = routine.lines.keys().next_back().copied().unwrap_or(0);
        let first = routine.start.unwrap_or(0).max(1);
        let shown = first..=last.saturating_add(MARGIN);
        for (number, text) in source.lines(shown) {
            if self.lines_left == 0 {
                let what = "  the rest is left out: more than 1,048,576 lines";
                return Ok(writeln!(self.output, "{what}")?);
            }
            self.lines_left -= 1;
            self.write_line(routine, number, text)?;
        }
        Ok(())
    }

    /// The values are worth showing all the same.
    fn write_without_source(&mut self, routine: &Routine<'_>, what: &str) -> Result<()> {
        writeln!(self.output, "  no source: {}", printable(what))?;
        let mut numbers = routine.lines.keys();
        numbers.try_for_each(|number| self.write_line(routine, *number, "?"))
    }

    fn write_line(&mut self, routine: &Routine<'_>, number: i64, text: &str) -> Result<()> {
        let (flat, cum) = routine.lines.get(&number).copied().unwrap_or_default();
        let print = |value| match value {
            0 => ".".to_owned(),
            value => self.unit.print(value),
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
        let line = self.output.painted(paint, line);
        Ok(writeln!(self.output, "{line}")?)
    }
}
