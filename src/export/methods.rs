//! The methods of a profile and of a difference that write.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::path::Path;

#[cfg(feature = "flamegraph")]
use super::flamegraph;
use super::{diff_table, pprof, table, text};
use crate::profile::{Diff, Profile};
use crate::text::save;

/// Rows of the tables that [`Display`](fmt::Display) prints.
const DISPLAYED_ROWS: usize = 20;

/// Forms in which a profile leaves the program.
impl Profile {
    /// Writes the profile as pprof's protocol buffer, compressed with gzip: the form that
    /// `go tool pprof` and profile stores read.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_pprof(&self, writer: impl io::Write) -> io::Result<()> {
        pprof::write(self, writer)
    }

    /// Writes the profile as text, in the form that Go's `debug=1` has: `go tool pprof` reads
    /// it, and so do people. Delays are in nanoseconds.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_text(&self, writer: impl io::Write) -> io::Result<()> {
        text::write(self, writer)
    }

    /// Writes the profile as a flame graph: an SVG file for a browser, with zoom and search in
    /// itself. Roots are on top, and a frame is as wide as the delay of its stacks.
    ///
    /// A leaf carries its kind, as `contend::blocking [database]`. Frames narrower than a
    /// ten-thousandth of the whole are left out. An empty profile gives a picture that says why
    /// it is empty.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut svg = Vec::new();
    /// contend::block_profile().write_flamegraph(&mut svg)?;
    /// assert!(svg.ends_with(b"</svg>\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "flamegraph")]
    pub fn write_flamegraph(&self, writer: impl io::Write) -> io::Result<()> {
        flamegraph::write(self, writer)
    }

    /// Writes what [`write_pprof`](Profile::write_pprof) writes to a file, usually named
    /// `….pb.gz`.
    ///
    /// The file appears whole or not at all: it is written beside its place under another name and
    /// then renamed. A file that is replaced hands on its permissions; a symbolic link to a file is
    /// followed; what is no regular file, such as a pipe, is written to directly.
    ///
    /// # Errors
    ///
    /// The error's message begins with the path. A read-only file is not replaced.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        save::save(path.as_ref(), |file| self.write_pprof(file))
    }

    /// A table of the `n` call sites with the largest delay, for people.
    ///
    /// Samples are summed by [kind](crate::Sample::kind) and by the line that called the wrapper:
    /// the first frame that is neither this crate's nor the standard library's.
    ///
    /// A block profile has a second table, if there is anything in it: the waits that blocked
    /// threads which run tasks, at most five call sites. They are in the first one, too.
    ///
    /// A block profile's call sites that wait for work (the [class](crate::Sample::class) `idle`:
    /// sleeps, joins, empty channels) are no rows but one line, which says how much it is.
    /// `format!("{:#}", profile.top(10))` has them as rows.
    ///
    /// Columns are as wide as their longest name. For a terminal give its width: in
    /// `format!("{:100}", profile.top(10))` long names lose their middle.
    pub fn top(&self, n: usize) -> impl fmt::Display + '_ {
        table::Table::new(self, n)
    }
}

/// The first lines of [`top`](Profile::top).
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.top(DISPLAYED_ROWS).fmt(f)
    }
}

/// Forms in which a difference leaves the program.
impl Diff {
    /// A table of the `n` call sites whose delay changed most, for people.
    ///
    /// Call sites are those of [`Profile::top`]. One that was in line 40 of a function and is now
    /// in line 42 is still the same, if it is the only one of its kind in that function. Those that
    /// did not change are left out.
    pub fn top(&self, n: usize) -> impl fmt::Display + '_ {
        diff_table::Table::new(self, n)
    }

    /// Writes the difference as pprof's protocol buffer: every stack of the base with its negative
    /// values and the label `pprof::base`, every stack of the new profile with its own. `go tool
    /// pprof` shows it as it shows the new profile with `-diff_base` and the base, with percentages
    /// of the base's total.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_pprof(&self, writer: impl io::Write) -> io::Result<()> {
        pprof::write_diff(self, writer)
    }

    /// Writes what [`write_pprof`](Diff::write_pprof) writes to a file, as [`Profile::save`] does.
    ///
    /// # Errors
    ///
    /// As [`Profile::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        save::save(path.as_ref(), |file| self.write_pprof(file))
    }
}

/// The first lines of [`top`](Diff::top).
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.top(DISPLAYED_ROWS).fmt(f)
    }
}
