//! Threads that wait for each other, as plain data.
#![forbid(unsafe_code)]

use std::fmt;

use super::thread::{Thread, WaitInProgress};
use super::threads::printable;
use crate::text::units::human;

/// A group of threads that wait for each other and never go on: part of the result of
/// [`deadlocks`](crate::deadlocks).
///
/// `println!("{deadlock}")` shows who waits for whom, and where.
#[derive(Clone, Debug)]
pub struct Deadlock {
    pub(in crate::live) threads: Vec<Thread>,
    pub(in crate::live) behind: Vec<Thread>,
    pub(in crate::live) is_certain: bool,
}

impl Deadlock {
    /// The threads that wait for each other: each one for the next, and the last one for the first,
    /// where they form one circle. A single thread waits for what it has itself.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// The threads that wait for one of these, directly or not, and are stuck with them.
    pub fn behind(&self) -> &[Thread] {
        &self.behind
    }

    /// Whether it is known for certain. Otherwise the circle leads through a lock that is held for
    /// reading, whose readers were guessed: see [`Holder::is_certain`](crate::Holder::is_certain).
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// The waits for what the thread of this number has.
    pub fn waits_for(&self, tid: u32) -> impl Iterator<Item = (&Thread, &WaitInProgress)> {
        let threads = self.threads.iter().chain(&self.behind);
        let waits = threads.filter_map(|thread| Some((thread, thread.wait()?)));
        waits.filter(move |(_, wait)| wait.holders().iter().any(|holder| holder.tid() == tid))
    }

    /// One line: `2 threads wait for each other: 7 "a", 8 "b"; 3 more are stuck behind them`.
    pub(crate) fn summary(&self) -> String {
        let name = |thread: &Thread| format!("{} {:?}", thread.tid(), thread.name());
        let names: Vec<String> = self.threads.iter().map(name).collect();
        let names = names.join(", ");
        let maybe = if self.is_certain { "" } else { "perhaps " };
        let who = match self.threads.len() {
            1 => format!("{maybe}thread {names} waits for what it has itself"),
            count => format!("{maybe}{count} threads wait for each other: {names}"),
        };
        match self.behind.len() {
            0 => who,
            1 => format!("{who}; 1 more is stuck behind them"),
            more => format!("{who}; {more} more are stuck behind them"),
        }
    }

    fn write_thread(&self, f: &mut fmt::Formatter<'_>, thread: &Thread) -> fmt::Result {
        write!(f, "\n  thread {} {:?}", thread.tid(), thread.name())?;
        if let Some(wait) = thread.wait() {
            write!(f, " has waited {} ", human(wait.waited()))?;
            write_what(f, thread, wait)?;
            for holder in wait.holders() {
                let relation = wait.relation(holder);
                match holder.tid() == thread.tid() {
                    true => write!(f, ", {relation} itself")?,
                    false => write!(
                        f,
                        ", {relation} thread {} {:?}",
                        holder.tid(),
                        holder.name()
                    )?,
                }
            }
        }
        writeln!(f)?;
        for frame in thread.frames() {
            write!(f, "      {}", printable(frame.function()))?;
            match (frame.file(), frame.line()) {
                (Some(file), Some(line)) => writeln!(f, "  {}:{line}", printable(file))?,
                _ => writeln!(f)?,
            }
        }
        if let Some(note) = thread.note() {
            writeln!(f, "      ({note})")?;
        }
        Ok(())
    }
}

/// `for the mutex at 0x…`, `to read the lock cache at 0x…`, `for a thread to end`.
fn write_what(f: &mut fmt::Formatter<'_>, thread: &Thread, wait: &WaitInProgress) -> fmt::Result {
    let what = match wait.kind() {
        "mutex" => "for the mutex",
        "rwlock_read" => "to read the lock",
        "rwlock_write" => "to write to the lock",
        "once" => "for the initialisation",
        "join" if wait.holders().len() > 1 => return f.write_str("for threads to end"),
        "join" => return f.write_str("for a thread to end"),
        _ => return write!(f, "({})", thread.state()),
    };
    match wait.shown_lock() {
        Some(lock) => write!(f, "{what} {lock}"),
        None => f.write_str(what),
    }
}

/// A block for each thread: its wait, its holder, its stack; then how many are behind them.
impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.is_certain {
            true => "deadlock",
            false => "possible deadlock",
        };
        match self.threads.len() {
            1 => writeln!(f, "{word}: a thread waits for what it has itself")?,
            count => writeln!(f, "{word}: {count} threads wait for each other")?,
        }
        for thread in &self.threads {
            self.write_thread(f, thread)?;
        }
        if !self.behind.is_empty() {
            let count = self.behind.len();
            writeln!(f, "\nstuck behind them: {count} more")?;
            for thread in &self.behind {
                self.write_thread(f, thread)?;
            }
        }
        Ok(())
    }
}
