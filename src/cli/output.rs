//! Standard output: for people in colour, for programs without, and never more than they read.
#![forbid(unsafe_code)]

use std::env;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use crossterm::style::Stylize;

use crate::text::columns::elided;
use crate::text::escape::is_unfit;

/// Characters that a name keeps on the narrowest terminal.
const LEAST_NAME: usize = 20;

pub(super) struct Output {
    writer: BufWriter<Stdout>,
    pub(super) is_coloured: bool,
    /// The width of the terminal; `None` for a file, whose lines may be of any length.
    width: Option<usize>,
}

/// Colours have meanings, and few of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Paint {
    Plain,
    Heading,
    Better,
    Worse,
}

impl Output {
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        Self {
            is_coloured: stdout.is_terminal() && may_colour(),
            width: terminal_width(&stdout),
            writer: BufWriter::new(stdout),
        }
    }

    /// A name at the end of a line that has `used` characters already. A terminal would break the
    /// line, so there a long name loses its middle.
    pub(super) fn name(&self, name: &str, used: usize) -> String {
        let name = printable(name);
        match self.width {
            Some(width) => elided(&name, width.saturating_sub(used).max(LEAST_NAME)),
            None => name,
        }
    }

    /// A table, as wide as the terminal or as need be.
    pub(super) fn table(&self, table: impl Display) -> String {
        match self.width {
            Some(width) => format!("{table:width$}"),
            None => table.to_string(),
        }
    }

    /// The text in its colour, where there are colours.
    pub(super) fn painted(&self, paint: Paint, text: impl Display) -> String {
        let text = text.to_string();
        match paint {
            _ if !self.is_coloured => text,
            Paint::Plain => text,
            Paint::Heading => text.bold().to_string(),
            Paint::Better => text.green().to_string(),
            Paint::Worse => text.red().to_string(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn terminal_width(stdout: &Stdout) -> Option<usize> {
    let size = stdout.is_terminal().then(crossterm::terminal::size)?;
    // A terminal that does not know its width says 0.
    size.ok()
        .map(|(width, _)| width.into())
        .filter(|width| *width > 0)
}

/// As <https://no-color.org> has it: any value but an empty one says no.
pub(super) fn may_colour() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    !is_set("NO_COLOR") && !is_dumb
}

/// Without what could command the terminal: names come from whoever wrote the profile.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => printable.push(c),
            c if is_unfit(c) => printable.extend(c.escape_default()),
            c => printable.push(c),
        }
    }
    printable
}
