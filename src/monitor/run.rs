//! The monitor's thread: looks, keeps, judges, raises alarms.
#![forbid(unsafe_code)]

use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::alarms;
use super::builder::MonitorBuilder;
use super::file::Template;
use super::history::{self, History, MonitorPoint};
use super::report::{LongWait, MonitorReport, TopStack};
use super::rule::{Alarm, CallBack, Condition};
use crate::live::{self, Deadlock, Glance, Glimpse, Looker, ThreadCategory, ThreadState, Threads};
use crate::text::say::say;

/// A wait that may be one of a deadlock: others end before.
const LONG: Duration = Duration::from_secs(1);

/// The state that the monitor's thread shares with those who ask it.
#[derive(Debug)]
pub(super) struct Shared {
    /// Whose thread looks. A child of `fork` has a copy of this, perhaps with a lock that is closed
    /// for ever.
    process: u32,
    seen: Mutex<Seen>,
    stopped: Condvar,
    interval: Duration,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Seen {
    is_stopped: bool,
    time: SystemTime,
    history: History,
    states: Vec<(String, usize)>,
    waits: Vec<LongWait>,
    deadlocks: Vec<Deadlock>,
    notes: Vec<String>,
    stacks: Vec<TopStack>,
    stacks_time: Option<SystemTime>,
    looks: u32,
    cpu_time: Option<Duration>,
}

impl Seen {
    /// Before the first look.
    fn nothing(history: usize) -> Self {
        Self {
            is_stopped: false,
            time: SystemTime::now(),
            history: History::new(history),
            states: Vec::new(),
            waits: Vec::new(),
            deadlocks: Vec::new(),
            notes: Vec::new(),
            stacks: Vec::new(),
            stacks_time: None,
            looks: 0,
            cpu_time: Some(Duration::ZERO),
        }
    }
}

/// A rule, and what it has done so far.
pub(super) struct Watched {
    condition: Condition,
    call: Option<CallBack>,
    file: Option<Template>,
    files_written: u32,
    last_alarm: Option<Instant>,
}

impl Watched {
    pub(super) fn new(
        condition: Condition,
        call: Option<CallBack>,
        file: Option<Template>,
    ) -> Self {
        Self {
            condition,
            call,
            file,
            files_written: 0,
            last_alarm: None,
        }
    }
}

impl Shared {
    pub(super) fn new(settings: &MonitorBuilder, rules: &[Watched]) -> Self {
        Self {
            process: process::id(),
            seen: Mutex::new(Seen::nothing(settings.history)),
            stopped: Condvar::new(),
            interval: settings.interval,
            conditions: rules.iter().map(|rule| rule.condition).collect(),
        }
    }

    /// Every change is made in one piece, so it is valid after a panic.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        self.seen().is_stopped = true;
        self.stopped.notify_all();
    }

    pub(super) fn is_of_this_process(&self) -> bool {
        self.process == process::id()
    }

    pub(super) fn report(&self) -> MonitorReport {
        if self.is_of_this_process() {
            return self.report_of(&self.seen());
        }
        let mut seen = Seen::nothing(0);
        let note = "this process was forked from the one that the monitor looks at";
        seen.notes.push(note.to_owned());
        self.report_of(&seen)
    }

    fn report_of(&self, seen: &Seen) -> MonitorReport {
        MonitorReport {
            time: seen.time,
            interval: self.interval,
            states: seen.states.clone(),
            history: seen.history.points(),
            waits: seen.waits.clone(),
            deadlocks: seen.deadlocks.clone(),
            stacks: seen.stacks.clone(),
            stacks_time: seen.stacks_time,
            conditions: self.conditions.clone(),
            notes: seen.notes.clone(),
            cost: seen.cpu_time.map(|time| time / seen.looks.max(1)),
        }
    }

    /// Waits for the time of the next look. False: it is to end.
    fn wait(&self) -> bool {
        let end = Instant::now() + self.interval;
        let mut seen = self.seen();
        loop {
            if seen.is_stopped {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.stopped.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The state of the thread itself.
pub(super) struct Run {
    shared: Arc<Shared>,
    settings: MonitorBuilder,
    rules: Vec<Watched>,
    looker: Looker,
    until_stacks: u32,
    /// When to look for deadlocks again, at the earliest.
    deadlocks_due: Instant,
}

impl Run {
    pub(super) fn new(shared: Arc<Shared>, settings: MonitorBuilder, rules: Vec<Watched>) -> Self {
        Self {
            shared,
            until_stacks: settings.stacks_every,
            settings,
            rules,
            looker: Looker::new(),
            deadlocks_due: Instant::now(),
        }
    }

    pub(super) fn until_stopped(mut self) {
        while self.shared.wait() {
            let looked = panic::catch_unwind(AssertUnwindSafe(|| {
                self.look();
                self.take_stacks_if_due();
                self.judge();
            }));
            if looked.is_err() {
                // The panic's hook has said what it was.
                say(format_args!(
                    "the monitor has panicked at a look, and goes on"
                ));
            }
        }
    }

    /// One look from afar.
    pub(super) fn look(&mut self) {
        let before = live::cpu_time();
        let glance = self.looker.look();
        let spent = live::cpu_time().zip(before);
        self.keep(
            &glance,
            spent.map(|(after, before)| after.saturating_sub(before)),
        );
        self.look_for_deadlocks(&glance);
    }

    fn keep(&self, glance: &Glance, spent: Option<Duration>) {
        let time = SystemTime::now();
        let point = MonitorPoint::of(time, glance);
        let (states, waits) = (history::states(glance), LongWait::all(glance));
        let mut seen = self.shared.seen();
        seen.time = time;
        seen.history.push(point);
        seen.states = states;
        seen.waits = waits;
        seen.notes.clone_from(&glance.notes);
        seen.looks = seen.looks.saturating_add(1);
        seen.cpu_time = seen.cpu_time.zip(spent).map(|(sum, spent)| sum + spent);
    }

    /// Where nobody has waited for long there is none. One that is there stays, so it is looked for
    /// again after a while only: that takes a dump.
    fn look_for_deadlocks(&mut self, glance: &Glance) {
        let is_long = |thread: &Glimpse| {
            let wait = thread.wait.as_ref();
            let is_one_of = thread.state.category() == ThreadCategory::Locks
                || thread.state == ThreadState::Waiting("join");
            is_one_of && wait.is_some_and(|wait| wait.waited() >= LONG)
        };
        if !glance.threads.iter().any(is_long) {
            self.shared.seen().deadlocks.clear();
        } else if Instant::now() >= self.deadlocks_due {
            let deadlocks = live::deadlocks();
            let pause = if deadlocks.is_empty() {
                LONG
            } else {
                10 * LONG
            };
            self.deadlocks_due = Instant::now() + pause;
            self.shared.seen().deadlocks = deadlocks;
        }
    }

    fn take_stacks_if_due(&mut self) {
        if self.settings.stacks_every == 0 {
            return;
        }
        self.until_stacks = self.until_stacks.saturating_sub(1);
        if self.until_stacks == 0 {
            self.take_stacks();
        }
    }

    fn take_stacks(&mut self) -> Threads {
        self.until_stacks = self.settings.stacks_every;
        let threads = live::threads();
        let stacks = TopStack::all(&threads);
        let mut seen = self.shared.seen();
        seen.stacks = stacks;
        seen.stacks_time = Some(threads.time());
        drop(seen);
        threads
    }

    fn judge(&mut self) {
        let cool_down = self.settings.cool_down;
        let report = self.shared.report();
        for index in 0..self.rules.len() {
            let rule = &self.rules[index];
            let is_silent = rule
                .last_alarm
                .is_some_and(|last| last.elapsed() < cool_down);
            if is_silent {
                continue;
            }
            if let Some(message) = rule.condition.broken_by(&report) {
                let threads = self.take_stacks();
                self.raise(index, message, threads);
            }
        }
    }

    fn raise(&mut self, index: usize, message: String, threads: Threads) {
        // With the stacks that were just taken.
        let report = self.shared.report();
        alarms::note(&message);
        let rule = &mut self.rules[index];
        rule.last_alarm = Some(Instant::now());
        let is_room = rule.files_written < self.settings.max_files;
        let file = rule.file.as_ref().filter(|_| is_room).and_then(|file| {
            rule.files_written += 1;
            let written = file.write(&message, &report, &threads);
            written
                .map_err(|error| say(format_args!("an alarm's file is not written: {error}")))
                .ok()
        });
        let alarm = Alarm {
            condition: rule.condition,
            message,
            report,
            threads,
            file,
        };
        let Some(call) = &mut rule.call else {
            say(format_args!("alarm: {alarm}"));
            return;
        };
        if panic::catch_unwind(AssertUnwindSafe(|| call(&alarm))).is_err() {
            say(format_args!(
                "the action of a monitor's rule has panicked, and the monitor goes on: {alarm}"
            ));
        }
    }
}
