//! The thread of a flight recorder: it looks for triggers, and writes the files.
//!
//! A waiter only leaves a note, which costs two loads and works in a signal handler; waits that
//! never end leave none. So the thread looks a few times in the length of the shortest wait that
//! triggers, and sleeps in between.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Shared;
use super::dumps::Dumps;
#[cfg(unix)]
use super::signal;
use crate::live;
use crate::monitor::alarms;
use crate::text::say::say;
use crate::text::units::human;
use crate::trace::StartError;
use crate::trace::imp;

/// The time between two looks.
const LOOKS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(5)..=Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
pub(super) struct Triggers {
    pub(super) wait: Option<Duration>,
    pub(super) deadlock: bool,
    pub(super) alarm: bool,
    pub(super) signal: Option<i32>,
    pub(super) tail: Duration,
    pub(super) cooldown: Duration,
}

impl Triggers {
    fn between_looks(&self) -> Duration {
        let wait = self.wait.unwrap_or(*LOOKS.end()) / 4;
        wait.clamp(*LOOKS.start(), *LOOKS.end())
    }
}

#[derive(Debug)]
pub(super) struct Watch {
    state: Arc<(Mutex<State>, Condvar)>,
    thread: JoinHandle<()>,
    cooldown: Duration,
}

#[derive(Debug)]
struct State {
    dumps: Dumps,
    is_over: bool,
    /// By a call.
    asked_for: Option<String>,
    last_dump: Option<Instant>,
}

impl State {
    fn is_cool(&self, cooldown: Duration) -> bool {
        self.last_dump.is_none_or(|last| last.elapsed() >= cooldown)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Every change is one step.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    pub(super) fn start(
        shared: Arc<Shared>,
        triggers: Triggers,
        dumps: Dumps,
    ) -> Result<Self, StartError> {
        #[cfg(unix)]
        let handled = match triggers.signal {
            Some(number) => Some(signal::handle(number).ok_or(StartError::SignalTaken(number))?),
            None => None,
        };
        let state = Arc::new((
            Mutex::new(State {
                dumps,
                is_over: false,
                asked_for: None,
                last_dump: None,
            }),
            Condvar::new(),
        ));
        if let Some(wait) = triggers.wait {
            imp::note_waits_from(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
        }
        let of_thread = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("contend-flight".into())
            .spawn(move || {
                #[cfg(unix)]
                let _handled = handled;
                watch(&shared, &triggers, &of_thread);
                if triggers.wait.is_some() {
                    imp::note_waits_from(u64::MAX);
                }
            });
        Ok(Self {
            state,
            thread: thread.map_err(|_| StartError::NoThread)?,
            cooldown: triggers.cooldown,
        })
    }

    pub(super) fn trigger(&self, reason: &str) -> bool {
        let (state, changed) = &*self.state;
        let mut state = lock(state);
        let counts = state.asked_for.is_none() && state.is_cool(self.cooldown);
        if counts {
            state.asked_for = Some(reason.to_owned());
            changed.notify_all();
        }
        counts
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        lock(&self.state.0).dumps.written()
    }

    /// Ends the thread, after the file that it may be writing. `is_there`: it is in this process.
    pub(super) fn stop(self, is_there: bool) {
        if !is_there {
            return;
        }
        let (state, changed) = &*self.state;
        lock(state).is_over = true;
        changed.notify_all();
        // A panic in it was told by the panic's hook.
        let _ = self.thread.join();
    }
}

fn watch(shared: &Shared, triggers: &Triggers, (state, changed): &(Mutex<State>, Condvar)) {
    let mut looks = Looks::new(*triggers);
    let mut guard = lock(state);
    while !guard.is_over {
        let found = guard.asked_for.take().or_else(|| looks.look());
        match found.filter(|_| guard.is_cool(triggers.cooldown)) {
            Some(reason) => {
                guard = sleep(guard, changed, triggers.tail);
                drop(guard);
                let written = dump(shared);
                guard = lock(state);
                guard.last_dump = Some(Instant::now());
                match guard.dumps.write(&written, &reason) {
                    Ok(path) => say(format_args!("{reason}: wrote {}", path.display())),
                    Err(error) => say(format_args!("{reason}: {error}")),
                }
            }
            None => guard = sleep(guard, changed, triggers.between_looks()),
        }
    }
}

fn dump(shared: &Shared) -> crate::timeline::Timeline {
    let _writing = shared
        .writing
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    shared.timeline()
}

/// Sleeps until a change, or for so long.
fn sleep<'s>(
    guard: MutexGuard<'s, State>,
    changed: &Condvar,
    time: Duration,
) -> MutexGuard<'s, State> {
    let slept = changed.wait_timeout(guard, time);
    slept.unwrap_or_else(PoisonError::into_inner).0
}

/// The looks of the triggers.
struct Looks {
    triggers: Triggers,
    #[cfg(unix)]
    signals: u32,
    /// Alarms that were raised before.
    alarms: u64,
    /// Whether the longest wait that goes on was long at the last look.
    was_long: bool,
    /// When to look for deadlocks again, at the earliest, and how many there were.
    deadlocks_due: Instant,
    deadlocks: usize,
}

impl Looks {
    fn new(triggers: Triggers) -> Self {
        Self {
            triggers,
            #[cfg(unix)]
            signals: signal::received(),
            alarms: alarms::count(),
            was_long: false,
            deadlocks_due: Instant::now(),
            deadlocks: 0,
        }
    }

    /// The reason to write a file now.
    fn look(&mut self) -> Option<String> {
        #[cfg(unix)]
        if self.triggers.signal.is_some() {
            let received = signal::received();
            if std::mem::replace(&mut self.signals, received) != received {
                return Some("signal".to_owned());
            }
        }
        if self.triggers.alarm {
            let raised = alarms::count();
            if std::mem::replace(&mut self.alarms, raised) != raised {
                return Some(format!("alarm: {}", alarms::last()));
            }
        }
        let deadlock = self.triggers.deadlock.then(|| self.deadlock()).flatten();
        deadlock.or_else(|| self.long_wait())
    }

    /// A new one. Waits that end by themselves do so in less than a second, mostly, and to look
    /// takes a dump.
    fn deadlock(&mut self) -> Option<String> {
        const LONG: Duration = Duration::from_secs(1);
        if imp::longest_wait_in_progress() < LONG {
            self.deadlocks = 0;
            return None;
        }
        if Instant::now() < self.deadlocks_due {
            return None;
        }
        let found = live::deadlocks();
        let pause = if found.is_empty() { LONG } else { 10 * LONG };
        self.deadlocks_due = Instant::now() + pause;
        let before = std::mem::replace(&mut self.deadlocks, found.len());
        let threads = found.last().map_or(0, |deadlock| deadlock.threads().len());
        (found.len() > before).then(|| format!("deadlock of {threads} threads"))
    }

    fn long_wait(&mut self) -> Option<String> {
        let wait = self.triggers.wait?;
        let ended = imp::take_long_wait().map(Duration::from_nanos);
        let going_on = imp::longest_wait_in_progress();
        // One that never ends triggers once.
        let is_long = going_on >= wait;
        let is_new = is_long && !std::mem::replace(&mut self.was_long, is_long);
        self.was_long = is_long;
        let longest = ended.or(is_new.then_some(going_on))?;
        Some(format!("wait of {}", human(longest)))
    }
}
