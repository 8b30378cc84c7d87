//! Looks at all threads from afar, again and again.
//!
//! A thread whose CPU clock stands still has not run since the last look, so it does what it did
//! then. Its files are not read again, and a look at it costs a third of a microsecond.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::procfs::{self, Position, Tid};
use super::thread_pointer;
use crate::engine::clock;
use crate::engine::registry::{self, Published};
use crate::live::glance::{Glance, Glimpse};
use crate::live::state::ThreadState;
use crate::live::thread::WaitInProgress;

/// Keeps what it saw of each thread that lives.
#[derive(Debug, Default)]
pub(crate) struct Looker {
    known: HashMap<Tid, Known>,
}

#[derive(Debug)]
struct Known {
    cpu_time: Duration,
    /// When it was first seen to stand here.
    since: Instant,
    name: Arc<str>,
    state: ThreadState,
}

impl Looker {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// No thread is stopped, woken or signalled.
    pub(crate) fn look(&mut self) -> Glance {
        let mut notes = Vec::new();
        let tids = procfs::tids().unwrap_or_else(|error| {
            notes.push(format!(
                "only this thread is shown: /proc/self/task cannot be read ({error})"
            ));
            vec![procfs::own_tid()]
        });
        notes.extend(registry::refused());
        let waits: HashMap<Tid, Published> = registry::waits()
            .filter_map(|published| Some((thread_pointer::tid_of(published.owner)?, published)))
            .collect();
        let mut before = std::mem::take(&mut self.known);
        let now = Instant::now();
        let mut is_hidden = false;
        for tid in tids {
            let Some(cpu_time) = procfs::cpu_time(tid) else {
                continue; // It has ended.
            };
            let known = match before.remove(&tid) {
                Some(known) if known.cpu_time == cpu_time => known,
                _ => {
                    let state = state_of(tid, cpu_time);
                    is_hidden |= state == ThreadState::Unknown;
                    Known {
                        cpu_time,
                        since: now,
                        name: procfs::name(tid).unwrap_or_default().into(),
                        state,
                    }
                }
            };
            self.known.insert(tid, known);
        }
        if is_hidden {
            notes.push(
                "what threads do outside of contend's types is not known: \
                 /proc/self/task/TID/syscall cannot be read here"
                    .to_owned(),
            );
        }
        let glimpse = |(tid, known): (&Tid, &Known)| {
            let wait = waits.get(tid).map(|published| {
                let wait = &published.wait;
                let waited = clock::monotonic().saturating_sub(wait.since);
                (wait.kind, WaitInProgress::new(wait, waited))
            });
            Glimpse {
                tid: tid.unsigned_abs(),
                name: Arc::clone(&known.name),
                state: match &wait {
                    Some((kind, _)) => ThreadState::of_kind(*kind),
                    None => known.state.clone(),
                },
                wait: wait.map(|(_, wait)| wait),
                still_for: now.saturating_duration_since(known.since),
            }
        };
        let mut threads: Vec<Glimpse> = self.known.iter().map(glimpse).collect();
        threads.sort_by_key(|thread| thread.tid);
        Glance { threads, notes }
    }
}

fn state_of(tid: Tid, cpu_time: Duration) -> ThreadState {
    match procfs::position(tid) {
        // A thread on a processor has run on since, if only for a microsecond.
        Some(Position::Running) if procfs::cpu_time(tid) != Some(cpu_time) => ThreadState::Running,
        Some(Position::Running) => ThreadState::Runnable,
        Some(Position::Call { number, .. }) => ThreadState::of_call(number),
        Some(Position::Blocked { .. }) => ThreadState::PageFault,
        None => ThreadState::Unknown,
    }
}
