//! The settings of a monitor, and its start.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::file::Template;
use super::rule::MonitorRule;
use super::run::{Run, Shared, Watched};
use super::{LAST, Monitor};

/// Shorter intervals would be a load of their own; longer ones are a slip.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(86_400);

/// The settings of a [`Monitor`]: see [`Monitor::builder`].
#[derive(Debug)]
#[must_use = "nothing is watched before `start`"]
pub struct MonitorBuilder {
    pub(super) interval: Duration,
    pub(super) history: usize,
    pub(super) stacks_every: u32,
    pub(super) cool_down: Duration,
    pub(super) max_files: u32,
    rules: Vec<MonitorRule>,
}

impl MonitorBuilder {
    pub(super) fn new() -> Self {
        Self {
            interval: Duration::from_secs(1),
            history: 100,
            stacks_every: 10,
            cool_down: Duration::from_secs(60),
            max_files: 10,
            rules: Vec::new(),
        }
    }

    /// The time from one look to the next, 10 ms to a day; one second at first. A look that comes
    /// late, because the machine is busy or a callback takes long, is not made up for.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many looks are kept, 2 or more; 100 at first.
    pub fn history(mut self, looks: usize) -> Self {
        self.history = looks;
        self
    }

    /// Takes the stacks of all threads at each look of so many; 10 at first. 1 takes them at each
    /// look, 0 only at an alarm. See [`threads`](crate::threads()) for what that costs.
    pub fn stacks_every(mut self, looks: u32) -> Self {
        self.stacks_every = looks;
        self
    }

    /// How long a rule is silent after an alarm; 60 seconds at first. A rule that is still broken
    /// then raises its next one.
    pub fn cool_down(mut self, time: Duration) -> Self {
        self.cool_down = time;
        self
    }

    /// How many files each rule writes at the most; 10 at first. Later alarms come without a file.
    pub fn max_files(mut self, files: u32) -> Self {
        self.max_files = files;
        self
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: MonitorRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Starts the monitor's thread. The first look is over when this returns.
    ///
    /// # Errors
    ///
    /// A setting is out of its range, the folder of a rule's file does not exist, or the system
    /// gives no thread.
    pub fn start(mut self) -> io::Result<Monitor> {
        self.check()?;
        let rules = std::mem::take(&mut self.rules).into_iter().map(|rule| {
            let file = file_of(&rule)?;
            Ok(Watched::new(rule.condition, rule.call, file))
        });
        let rules = rules.collect::<io::Result<Vec<_>>>()?;
        let shared = Arc::new(Shared::new(&self, &rules));
        let theirs = Arc::clone(&shared);
        let mut run = Run::new(theirs, self, rules);
        run.look();
        let thread = thread::Builder::new()
            .name("contend-monitor".to_owned())
            .spawn(move || run.until_stopped())?;
        *LAST.lock() = Arc::downgrade(&shared);
        Ok(Monitor {
            shared,
            thread: Some(thread),
        })
    }

    /// Says early whether [`start`](Self::start) would fail, as far as that can be known.
    pub(super) fn check(&self) -> io::Result<()> {
        if !(LEAST_INTERVAL..=LONGEST_INTERVAL).contains(&self.interval) {
            return Err(invalid(format!(
                "the interval must be from 10 ms to a day, not {:?}",
                self.interval
            )));
        }
        if self.history < 2 {
            return Err(invalid(format!(
                "the history must have 2 looks or more, not {}",
                self.history
            )));
        }
        for rule in &self.rules {
            rule.condition.check().map_err(invalid)?;
            file_of(rule)?;
        }
        Ok(())
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

fn file_of(rule: &MonitorRule) -> io::Result<Option<Template>> {
    let file = rule.file.as_deref();
    file.map(|file| Template::new(file, rule.condition.name()))
        .transpose()
}
