//! The rules of a monitor: what is worth an alarm, and what is done then.
#![forbid(unsafe_code)]

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::report::MonitorReport;
use crate::live::{Deadlock, Threads};
use crate::text::units::human;

/// Called with each alarm of a rule, by the monitor's own thread.
pub(super) type CallBack = Box<dyn FnMut(&Alarm) + Send>;

/// The steps of the history that the rule about growth looks at, and how many tenths of them may
/// rise.
pub(super) const GROWTH_STEPS: usize = 10;
pub(super) const GROWTH_TENTHS: usize = 8;

/// The reason for which a [`Monitor`](crate::Monitor) raises an alarm, and what it does then.
///
/// Without [`call`](Self::call) an alarm is one line on the standard error.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contend::MonitorRule;
///
/// let stuck = MonitorRule::wait(Duration::from_secs(5))
///     .call(|alarm| eprintln!("{alarm}\n{}", alarm.threads()))
///     .file("stuck-{pid}-{time}.txt");
/// # let _ = stuck;
/// ```
#[must_use = "a rule does nothing until a monitor has it"]
pub struct MonitorRule {
    pub(super) condition: Condition,
    pub(super) call: Option<CallBack>,
    pub(super) file: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Condition {
    Threads(usize),
    Growth,
    Wait(Duration),
    Blocked(f64),
    Deadlock,
}

impl MonitorRule {
    fn new(condition: Condition) -> Self {
        Self {
            condition,
            call: None,
            file: None,
        }
    }

    /// The process has more threads than `most`.
    pub fn threads(most: usize) -> Self {
        Self::new(Condition::Threads(most))
    }

    /// The number of threads rose in more than 8 of the last 10 steps from one look to the next. A
    /// trend, not a proof of a leak.
    pub fn growth() -> Self {
        Self::new(Condition::Growth)
    }

    /// A thread has waited for longer than `longest`: for a lock or an initialiser of this crate's
    /// types, for room in a channel, or in [`blocking`](crate::blocking). Waits to receive, to be
    /// notified, for a thread's end or for a time do not count: whoever is in one may just have
    /// nothing to do.
    pub fn wait(longest: Duration) -> Self {
        Self::new(Condition::Wait(longest))
    }

    /// More than this share of all threads, 0 to 1, waits for locks of this crate's types, or for
    /// their initialisers.
    pub fn blocked(share: f64) -> Self {
        Self::new(Condition::Blocked(share))
    }

    /// Threads wait for each other, as [`deadlocks`](crate::deadlocks()) finds them. They are
    /// looked for when a wait for a lock, an initialiser or a thread's end has lasted for a second.
    pub fn deadlock() -> Self {
        Self::new(Condition::Deadlock)
    }

    /// Calls `action` at an alarm, on the monitor's own thread: until it returns, the monitor does
    /// not look. If it panics, a line on the standard error says so, and the monitor goes on.
    pub fn call(mut self, action: impl FnMut(&Alarm) + Send + 'static) -> Self {
        self.call = Some(Box::new(action));
        self
    }

    /// Writes a file at an alarm: the report, deadlocks, all threads with their stacks, and the
    /// call sites of both profiles. In `path`, `{pid}` becomes the number of the process, `{time}`
    /// the time in UTC, as `20261124T223015Z`, and `{rule}` the rule's name, as `wait`.
    /// [`MonitorBuilder::max_files`](crate::MonitorBuilder::max_files) bounds how many there are.
    pub fn file(mut self, path: impl Into<String>) -> Self {
        self.file = Some(path.into());
        self
    }
}

impl fmt::Debug for MonitorRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorRule")
            .field("condition", &self.condition)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Condition {
    /// For names of files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Threads(_) => "threads",
            Self::Growth => "growth",
            Self::Wait(_) => "wait",
            Self::Blocked(_) => "blocked",
            Self::Deadlock => "deadlock",
        }
    }

    /// Whether a monitor can look for it. The reason where it cannot.
    pub(super) fn check(self) -> Result<(), String> {
        match self {
            Self::Wait(Duration::ZERO) => Err("a wait longer than 0 is any wait".to_owned()),
            Self::Blocked(share) if !(0.0..1.0).contains(&share) => Err(format!(
                "the share of blocked threads must be from 0 to less than 1, not {share}"
            )),
            _ => Ok(()),
        }
    }

    /// The words on what is wrong; `None` where nothing is.
    pub(super) fn broken_by(self, report: &MonitorReport) -> Option<String> {
        let threads = report.threads();
        match self {
            Self::Threads(most) => (threads > most).then(|| format!("{threads} threads")),
            Self::Growth => {
                let rises = report.rises()?;
                (rises * 10 > GROWTH_STEPS * GROWTH_TENTHS).then(|| {
                    format!(
                        "the number of threads rose in {rises} of the last {GROWTH_STEPS} steps, to \
                         {threads}"
                    )
                })
            }
            Self::Wait(longest) => {
                let wait = report.longest_waits().first()?;
                (wait.waited() > longest).then(|| wait.to_string())
            }
            Self::Deadlock => {
                let deadlocks = report.deadlocks().iter();
                let words: Vec<String> = deadlocks.map(Deadlock::summary).collect();
                (!words.is_empty()).then(|| words.join("; "))
            }
            Self::Blocked(share) => {
                let blocked = report.blocked();
                (blocked as f64 > share * threads as f64)
                    .then(|| format!("{blocked} of {threads} threads wait for locks"))
            }
        }
    }
}

/// The rule, as `no more than 100 threads`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threads(most) => write!(f, "no more than {most} threads"),
            Self::Growth => write!(
                f,
                "the number of threads rises in no more than {GROWTH_TENTHS} of {GROWTH_STEPS} steps"
            ),
            Self::Wait(longest) => write!(
                f,
                "no wait for a lock, for room in a channel or in `blocking` is longer than {}",
                human(*longest)
            ),
            Self::Deadlock => f.write_str("no threads wait for each other"),
            Self::Blocked(share) => write!(
                f,
                "no more than {:.0} % of the threads wait for locks",
                share * 100.0
            ),
        }
    }
}

/// An alarm of a [`Monitor`](crate::Monitor): a rule that was broken at a look.
#[derive(Debug)]
pub struct Alarm {
    pub(super) condition: Condition,
    pub(super) message: String,
    pub(super) report: MonitorReport,
    pub(super) threads: Threads,
    pub(super) file: Option<PathBuf>,
}

impl Alarm {
    /// The name of the rule: `threads`, `growth`, `wait`, `blocked` or `deadlock`.
    pub fn rule(&self) -> &'static str {
        self.condition.name()
    }

    /// The finding, in words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The report of the look that raised the alarm.
    pub fn report(&self) -> &MonitorReport {
        &self.report
    }

    /// All threads with their stacks, seen right after that look.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// The file that was written.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

/// The finding and the rule, on one line.
impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (the rule: {})", self.message, self.condition)?;
        match &self.file {
            Some(file) => write!(f, "; see {}", file.display()),
            None => Ok(()),
        }
    }
}
