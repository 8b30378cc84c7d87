//! A dump of all threads, and the forms in which it leaves the program.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

use super::state::ThreadState;
use super::thread::Thread;
use crate::export::pprof::{self, Document, Row};
use crate::profile::{Location, Mapping};
use crate::text::units::human;

/// Every thread of the process at one moment: the result of [`threads`](crate::threads).
///
/// `println!("{threads}")` shows them grouped by state and stack.
#[derive(Clone, Debug)]
pub struct Threads {
    time: SystemTime,
    threads: Vec<Thread>,
    notes: Vec<String>,
    mappings: Arc<[Arc<Mapping>]>,
}

impl Threads {
    pub(in crate::live) fn new(
        time: SystemTime,
        threads: Vec<Thread>,
        notes: Vec<String>,
        mappings: Arc<[Arc<Mapping>]>,
    ) -> Self {
        Self {
            time,
            threads,
            notes,
            mappings,
        }
    }

    /// The threads, in the order in which the kernel lists them: the oldest first.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// When the dump was made.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    #[cfg(feature = "profiling")]
    pub(in crate::live) fn mappings(&self) -> Arc<[Arc<Mapping>]> {
        Arc::clone(&self.mappings)
    }

    /// The things that could not be seen, and why, as sentences. Empty where everything was.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Threads with the same state, name but for a number at its end, labels, and stack; the
    /// largest group first.
    pub(crate) fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut index_of: HashMap<_, usize> = HashMap::new();
        for thread in &self.threads {
            let addresses: Vec<u64> = thread.stack.iter().map(|at| at.address).collect();
            let key = (&thread.state, thread.group(), thread.labels, addresses);
            let next = groups.len();
            let index = *index_of.entry(key).or_insert(next);
            if index == next {
                groups.push(Group {
                    threads: Vec::new(),
                });
            }
            groups[index].threads.push(thread);
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.threads.len()));
        groups
    }

    /// Writes the dump as a profile of Go's type `goroutine`, which profile stores know: one sample
    /// per group of threads, with the labels `state` and `thread`, and those of the
    /// program.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_pprof(&self, writer: impl Write) -> io::Result<()> {
        let document = Document {
            sample_types: &[("goroutine", "count")],
            period_type: ("goroutine", "count"),
            period: 1,
            default_sample_type: "",
            time: self.time,
            duration: None,
            comments: self.notes.clone(),
            mappings: &self.mappings,
        };
        let groups = self.groups();
        let names: Vec<String> = groups.iter().map(|group| group.state().go_name()).collect();
        let rows = groups.iter().zip(&names).map(|(group, state)| Row {
            locations: group.stack(),
            values: [group.threads.len() as i64],
            labels: [
                vec![("state", state.as_str()), ("thread", group.name())],
                group.labels().collect(),
            ]
            .concat(),
        });
        pprof::write_rows(&document, rows, writer)
    }

    /// Writes the dump as the text that Go's `goroutine?debug=1` has: groups of threads with their
    /// stacks. `go tool pprof` reads it.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_text(&self, mut writer: impl Write) -> io::Result<()> {
        writeln!(writer, "goroutine profile: total {}", self.threads.len())?;
        for group in self.groups() {
            write!(writer, "{} @", group.threads.len())?;
            // pprof refuses the whole profile for a line without an address, and subtracts 1 from
            // all but the first.
            let mut addresses: Vec<u64> = group.stack().iter().map(|at| at.address).collect();
            if addresses.is_empty() {
                addresses.push(1);
            }
            for (index, address) in addresses.iter().enumerate() {
                write!(writer, " {:#x}", address + u64::from(index > 0))?;
            }
            writeln!(writer)?;
            write!(
                writer,
                "# labels: {{\"state\":{:?}, \"thread\":{:?}",
                group.state().go_name(),
                group.name()
            )?;
            for (key, value) in group.labels() {
                write!(writer, ", {key:?}:{value:?}")?;
            }
            writeln!(writer, "}}")?;
            for location in group.stack() {
                for frame in &location.frames {
                    writeln!(
                        writer,
                        "#\t{:#x}\t{}\t{}:{}",
                        location.address,
                        printable(frame.function()),
                        printable(frame.file().unwrap_or("?")),
                        frame.line().unwrap_or_default()
                    )?;
                }
            }
            writeln!(writer)?;
        }
        Ok(())
    }

    /// Writes the dump as the text that Go's `goroutine?debug=2` and a Go program's panic have: a
    /// block per thread, in the form that gostackparse reads.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_stacks(&self, mut writer: impl Write) -> io::Result<()> {
        for thread in &self.threads {
            writeln!(
                writer,
                "goroutine {} [{}]:",
                thread.tid,
                thread.state_with_minutes()
            )?;
            for frame in thread.frames() {
                writeln!(writer, "{}(...)", go_function(frame.function()))?;
                let file = printable(frame.file().unwrap_or("?")).replace(':', "_");
                writeln!(writer, "\t{file}:{}", frame.line().unwrap_or_default())?;
            }
            if thread.frames().is_empty() {
                // The line after the header must be a function.
                writeln!(writer, "contend.no_stack(...)\n\t?:0")?;
            }
            writeln!(writer)?;
            write!(
                writer,
                "# thread {} {:?}: {}",
                thread.tid, thread.name, thread.state
            )?;
            if let Some(wait) = &thread.wait {
                write!(writer, " for {}", human(wait.waited))?;
                if let Some(lock) = wait.shown_lock() {
                    write!(writer, ", of the lock {lock}")?;
                }
                for holder in &wait.holders {
                    write!(writer, "; {} {holder}", wait.relation(holder))?;
                }
            }
            if !thread.labels.is_none() {
                write!(writer, "; labels{}", printable(&thread.shown_labels()))?;
            }
            match thread.note {
                Some(note) => writeln!(writer, "; {note}\n")?,
                None => writeln!(writer, "\n")?,
            }
        }
        Ok(())
    }
}

/// A Rust path in Go's form: the name ends at the first parenthesis there, so those of the path
/// (`Fn(A)`, tuples) become braces.
fn go_function(name: &str) -> String {
    printable(name).replace('(', "{").replace(')', "}")
}

pub(in crate::live) fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '?' } else { c };
    text.chars().map(clean).collect()
}

/// Threads that are alike.
#[derive(Debug)]
pub(crate) struct Group<'t> {
    pub(crate) threads: Vec<&'t Thread>,
}

impl<'t> Group<'t> {
    fn first(&self) -> &'t Thread {
        self.threads[0]
    }

    pub(crate) fn state(&self) -> &'t ThreadState {
        &self.first().state
    }

    pub(crate) fn name(&self) -> &'t str {
        self.first().group()
    }

    /// Those of the program.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        self.first().labels()
    }

    pub(crate) fn stack(&self) -> &'t [Arc<Location>] {
        &self.first().stack
    }
}

/// The threads by group: how many, their state and name, and their stack.
impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.threads.len() {
            1 => writeln!(f, "1 thread")?,
            count => writeln!(f, "{count} threads")?,
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for group in self.groups() {
            let tids: Vec<String> = group
                .threads
                .iter()
                .take(8)
                .map(|t| t.tid.to_string())
                .collect();
            let more = if group.threads.len() > tids.len() {
                ", …"
            } else {
                ""
            };
            writeln!(
                f,
                "\n{} × {} [{}]{} (tid {}{more})",
                group.threads.len(),
                printable(group.name()),
                group.state(),
                printable(&group.first().shown_labels()),
                tids.join(", ")
            )?;
            for thread in &group.threads {
                if let Some(wait) = &thread.wait {
                    write!(
                        f,
                        "    tid {} has waited {}",
                        thread.tid,
                        human(wait.waited)
                    )?;
                    if let Some(lock) = wait.shown_lock() {
                        write!(f, " for the lock {lock}")?;
                    }
                    for holder in &wait.holders {
                        write!(f, ", {} {holder}", wait.relation(holder))?;
                    }
                    writeln!(f)?;
                }
            }
            for frame in group.first().frames() {
                write!(f, "    {}", printable(frame.function()))?;
                match (frame.file(), frame.line()) {
                    (Some(file), Some(line)) => writeln!(f, "  {}:{line}", printable(file))?,
                    _ => writeln!(f)?,
                }
            }
            if let Some(note) = group.first().note {
                writeln!(f, "    ({note})")?;
            }
        }
        Ok(())
    }
}
