//! A dump where other threads' stacks cannot be read: of the waits that our own types publish.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::accounting::Clock;
use super::deadlock::Deadlock;
use super::glance::{Glance, Glimpse};
use super::thread::Thread;
use super::threads::Threads;

pub(super) fn dump<T>(_: &T) -> Threads {
    Threads::new(SystemTime::now(), waiting(), notes(), Arc::new([]))
}

fn note() -> &'static str {
    match cfg!(feature = "profiling") {
        true => {
            "only threads in a wait of contend's types are shown, without stacks: all others need \
             x86-64 Linux and contend's feature `framehop`"
        }
        false => "no thread is shown: contend was built without its feature `profiling`",
    }
}

fn notes() -> Vec<String> {
    #[allow(unused_mut)] // Without `profiling` there is nothing to refuse.
    let mut notes = vec![note().to_owned()];
    #[cfg(feature = "profiling")]
    notes.extend(crate::engine::registry::refused());
    notes
}

/// Stacks are needed to tell the holders of a lock.
pub(super) fn deadlocks<T>(_: &T) -> Vec<Deadlock> {
    Vec::new()
}

#[cfg(feature = "profiling")]
fn waiting() -> Vec<Thread> {
    use super::thread::WaitInProgress;
    use crate::engine::{clock, registry};

    let waits = registry::waits().map(|published| {
        let waited = clock::monotonic().saturating_sub(published.wait.since);
        let mut labels = registry::labels();
        let labels = labels.find(|(owner, _)| *owner == published.owner);
        Thread {
            labels: labels.map(|(_, labels)| labels).unwrap_or_default(),
            ..Thread::waiting(0, WaitInProgress::new(&published.wait, waited))
        }
    });
    waits.collect()
}

#[cfg(not(feature = "profiling"))]
fn waiting() -> Vec<Thread> {
    Vec::new()
}

/// The clocks of no thread.
#[derive(Debug)]
pub(super) struct Clocks {
    pub(super) taken: Duration,
    pub(super) by_tid: HashMap<u32, Clock>,
    pub(super) notes: Vec<String>,
}

impl Clocks {
    pub(super) fn read() -> Self {
        let note = "no thread is shown: that needs x86-64 Linux and contend's features \
                    `profiling` and `framehop`";
        Self {
            taken: Duration::ZERO,
            by_tid: HashMap::new(),
            notes: vec![note.to_owned()],
        }
    }
}

/// Sees the threads that are in a wait of ours.
#[derive(Debug)]
pub(crate) struct Looker(());

impl Looker {
    pub(crate) fn new() -> Self {
        Self(())
    }

    pub(crate) fn look(&mut self) -> Glance {
        let glimpse = |thread: Thread| Glimpse {
            tid: 0,
            name: "".into(),
            state: thread.state,
            wait: thread.wait,
            still_for: Duration::ZERO,
        };
        Glance {
            threads: waiting().into_iter().map(glimpse).collect(),
            notes: notes(),
        }
    }
}

pub(super) fn own_cpu_time() -> Option<Duration> {
    None
}
