//! The report of a monitor, as plain data and as text.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::{Duration, SystemTime};

use super::history::{self, MonitorPoint};
use super::rule::Condition;
use crate::live::{Deadlock, Glance, ThreadCategory, Threads};
use crate::text::escape::OneLine;
use crate::text::units::{human, percent};

/// Waits and stacks that a report shows.
const SHOWN: usize = 10;
/// Frames of a stack that a report keeps: enough to know the place.
const FRAMES: usize = 12;

/// The findings of a [`Monitor`](crate::Monitor): how many threads are in which state, how that has
/// changed, where they are, and whether all is well.
///
/// `println!("{report}")` shows all of it.
#[derive(Clone, Debug)]
pub struct MonitorReport {
    pub(super) time: SystemTime,
    pub(super) interval: Duration,
    pub(super) states: Vec<(String, usize)>,
    pub(super) history: Vec<MonitorPoint>,
    pub(super) waits: Vec<LongWait>,
    pub(super) deadlocks: Vec<Deadlock>,
    pub(super) stacks: Vec<TopStack>,
    pub(super) stacks_time: Option<SystemTime>,
    pub(super) conditions: Vec<Condition>,
    pub(super) notes: Vec<String>,
    pub(super) cost: Option<Duration>,
}

/// A wait that goes on, in a [`MonitorReport`].
#[derive(Clone, Debug)]
pub struct LongWait {
    tid: u32,
    name: String,
    kind: String,
    lock: Option<u64>,
    lock_name: Option<String>,
    waited: Duration,
}

/// Threads with the same stack, in a [`MonitorReport`].
#[derive(Clone, Debug)]
pub struct TopStack {
    threads: usize,
    name: String,
    state: String,
    frames: Vec<String>,
}

/// One judgement of a [`MonitorReport`] on the health of the program.
#[derive(Clone, Debug)]
pub struct Verdict {
    is_well: bool,
    finding: String,
    rule: String,
}

impl LongWait {
    pub(super) fn all(glance: &Glance) -> Vec<Self> {
        let waits = glance.held_up().into_iter().take(SHOWN);
        waits
            .map(|(thread, wait)| Self {
                tid: thread.tid,
                name: thread.name.to_string(),
                kind: wait.kind().to_owned(),
                lock: wait.lock(),
                lock_name: wait.lock_name().map(str::to_owned),
                waited: wait.waited(),
            })
            .collect()
    }

    /// The kernel's number of the thread.
    pub fn tid(&self) -> u32 {
        self.tid
    }

    /// The thread's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of thing that is waited for, as `mutex`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The address by which the lock is known.
    pub fn lock(&self) -> Option<u64> {
        self.lock
    }

    /// The name of the lock, if it has one.
    pub fn lock_name(&self) -> Option<&str> {
        self.lock_name.as_deref()
    }

    /// How long the wait had lasted at the look.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

/// `12.3s in mutex cache 0x7f…, thread 4711 "worker-3"`, without `cache` where the lock has no
/// name.
impl fmt::Display for LongWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", human(self.waited), OneLine(&self.kind))?;
        if let Some(name) = &self.lock_name {
            write!(f, " {}", OneLine(name))?;
        }
        if let Some(lock) = self.lock {
            write!(f, " {lock:#x}")?;
        }
        write!(f, ", thread {} {:?}", self.tid, self.name)
    }
}

impl TopStack {
    pub(super) fn all(threads: &Threads) -> Vec<Self> {
        let groups = threads.groups().into_iter().take(SHOWN);
        groups
            .map(|group| Self {
                threads: group.threads.len(),
                name: group.name().to_owned(),
                state: group.state().to_string(),
                frames: group.threads[0]
                    .frames()
                    .iter()
                    .take(FRAMES)
                    .map(|frame| match (frame.file(), frame.line()) {
                        (Some(file), Some(line)) => {
                            format!("{}  {file}:{line}", frame.function())
                        }
                        _ => frame.function().to_owned(),
                    })
                    .collect(),
            })
            .collect()
    }

    /// How many threads have it.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The name of these threads, without the number at its end.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Their state in words.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The stack, leaf first: at most 12 functions, with file and line.
    pub fn frames(&self) -> impl Iterator<Item = &str> {
        self.frames.iter().map(String::as_str)
    }
}

impl Verdict {
    /// Whether the rule holds.
    pub fn is_well(&self) -> bool {
        self.is_well
    }

    /// The finding, in words.
    pub fn finding(&self) -> &str {
        &self.finding
    }

    /// The rule that it was held against.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl MonitorReport {
    /// When the last look was.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// The number of threads at the last look.
    pub fn threads(&self) -> usize {
        self.history.last().map_or(0, MonitorPoint::threads)
    }

    /// How many threads were in each state at the last look, the most frequent first.
    pub fn states(&self) -> impl Iterator<Item = (&str, usize)> {
        self.states.iter().map(|(state, count)| (&**state, *count))
    }

    /// How many threads were in each category at the last look.
    pub fn categories(&self) -> impl Iterator<Item = (ThreadCategory, usize)> {
        let last = self.history.last();
        let count = move |category| last.map_or(0, |last| last.of_category(category));
        ThreadCategory::ALL
            .into_iter()
            .map(move |category| (category, count(category)))
    }

    /// The numbers of the looks that are kept, the oldest first.
    pub fn history(&self) -> &[MonitorPoint] {
        &self.history
    }

    /// The number of threads at the first look that is kept and at the last one.
    pub fn trend(&self) -> Option<(usize, usize)> {
        let (first, last) = (self.history.first()?, self.history.last()?);
        Some((first.threads, last.threads))
    }

    /// The stacks that most threads had, when stacks were last looked at: see
    /// [`MonitorBuilder::stacks_every`](crate::MonitorBuilder::stacks_every).
    pub fn top_stacks(&self) -> &[TopStack] {
        &self.stacks
    }

    /// The longest waits that went on at the last look and hold somebody up, the longest first; see
    /// [`MonitorRule::wait`](crate::MonitorRule::wait).
    pub fn longest_waits(&self) -> &[LongWait] {
        &self.waits
    }

    /// The deadlocks that were found; see [`MonitorRule::deadlock`](crate::MonitorRule::deadlock).
    pub fn deadlocks(&self) -> &[Deadlock] {
        &self.deadlocks
    }

    /// The things that could not be seen, and why, as sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The time on a processor that one look takes, on average; `None` where the system does not
    /// tell.
    pub fn cost(&self) -> Option<Duration> {
        self.cost
    }

    /// Whether all is well: one verdict for each rule, those of the monitor before those that every
    /// report is held against.
    pub fn health(&self) -> Vec<Verdict> {
        let mut conditions = self.conditions.clone();
        let always = [
            Condition::Deadlock,
            Condition::Wait(Duration::from_secs(1)),
            Condition::Growth,
            Condition::Blocked(0.5),
        ];
        for condition in always {
            if conditions
                .iter()
                .all(|other| other.name() != condition.name())
            {
                conditions.push(condition);
            }
        }
        let verdict = |condition: Condition| {
            let broken = condition.broken_by(self);
            Verdict {
                is_well: broken.is_none(),
                finding: broken.unwrap_or_else(|| self.unbroken(condition)),
                rule: condition.to_string(),
            }
        };
        conditions.into_iter().map(verdict).collect()
    }

    /// The words on a rule that holds.
    fn unbroken(&self, condition: Condition) -> String {
        match condition {
            Condition::Threads(_) => format!("{} threads", self.threads()),
            Condition::Growth => match self.rises() {
                Some(rises) => {
                    format!("the number of threads rose in {rises} of the last 10 steps")
                }
                None => "too few looks so far to see a trend".to_owned(),
            },
            Condition::Wait(_) => match self.waits.first() {
                Some(wait) => format!("the longest wait: {wait}"),
                None => "nobody waits".to_owned(),
            },
            Condition::Deadlock => "no deadlock was found".to_owned(),
            Condition::Blocked(_) => {
                format!(
                    "{} of {} threads wait for locks",
                    self.blocked(),
                    self.threads()
                )
            }
        }
    }

    pub(super) fn rises(&self) -> Option<usize> {
        history::rises(&self.history)
    }

    pub(super) fn blocked(&self) -> usize {
        let last = self.history.last();
        last.map_or(0, |last| last.of_category(ThreadCategory::Locks))
    }
}

impl fmt::Display for MonitorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = self.threads();
        write!(f, "{threads} threads; {} looks", self.history.len())?;
        write!(f, ", one each {}", human(self.interval))?;
        if let Some(cost) = self.cost {
            write!(f, ", {} of CPU each", human(cost))?;
        }
        writeln!(f)?;
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f, "\nhealth")?;
        for verdict in self.health() {
            let word = if verdict.is_well { "ok " } else { "BAD" };
            writeln!(f, "  {word}  {}", OneLine(&verdict.finding))?;
            writeln!(f, "       the rule: {}", verdict.rule)?;
        }
        for deadlock in &self.deadlocks {
            writeln!(f, "\n{deadlock}")?;
        }
        let share = |count: usize| percent(count as u64, threads as u64);
        writeln!(f, "\ncategories")?;
        for (category, count) in self.categories().filter(|(_, count)| *count > 0) {
            writeln!(f, "  {count:>5}  {:>6}  {category}", share(count))?;
        }
        writeln!(f, "\nstates")?;
        for (state, count) in self.states() {
            writeln!(f, "  {count:>5}  {:>6}  {}", share(count), OneLine(state))?;
        }
        if let (Some((first, last)), Some(time)) = (self.trend(), self.span()) {
            let factor = last as f64 / first.max(1) as f64;
            writeln!(
                f,
                "\ntrend\n  {first} → {last} threads in {}, ×{factor:.2}",
                human(time)
            )?;
        }
        if !self.waits.is_empty() {
            writeln!(f, "\nlongest waits")?;
        }
        for wait in &self.waits {
            writeln!(f, "  {}", OneLine(wait))?;
        }
        if let Some(time) = self.stacks_time {
            let age = self.time.duration_since(time).unwrap_or_default();
            match age.is_zero() {
                true => writeln!(f, "\ntop stacks")?,
                false => writeln!(f, "\ntop stacks, {} before", human(age))?,
            }
        }
        for stack in &self.stacks {
            let (name, state) = (OneLine(&stack.name), OneLine(&stack.state));
            writeln!(f, "  {} × {name} [{state}]", stack.threads)?;
            for frame in &stack.frames {
                writeln!(f, "      {}", OneLine(frame))?;
            }
        }
        Ok(())
    }
}

impl MonitorReport {
    /// From the first look that is kept to the last one.
    fn span(&self) -> Option<Duration> {
        let (first, last) = (self.history.first()?, self.history.last()?);
        last.time.duration_since(first.time).ok()
    }
}
