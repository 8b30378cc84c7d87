//! Finds threads that wait for each other.
//!
//! A look costs little: it reads the waits in progress and the words beside their locks. Only if
//! they may form a cycle there is a second one, with every thread's stack.
//!
//! **Why this is no false alarm.** Each wait of a cycle is the same at both looks, by its record's
//! number, so each of its threads was blocked all the time between. The word beside a lock names a
//! thread from after it acquired the lock until before it releases it; a thread that was blocked
//! all the time did neither. So at every moment between the looks each of these threads waited for
//! what the next one had.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use super::dump::{self, Dump};
use super::holders::{self, Party};
use super::procfs::Tid;
use super::stacks::{Ranges, Stacks};
use crate::engine::registry::{self, Published};
use crate::live::cycles::{Edges, Stuck, stuck};
use crate::live::deadlock::Deadlock;
use crate::live::thread::Thread;
use crate::profile::kind::Kind;

/// Between the two looks.
const PAUSE: Duration = Duration::from_millis(100);

pub(in crate::live) fn deadlocks<T>(marker: &T) -> Vec<Deadlock> {
    let first = endless_waits();
    if !may_be_stuck(&first) {
        return Vec::new();
    }
    thread::sleep(PAUSE);
    if !first.iter().any(registry::is_going_on) {
        return Vec::new();
    }
    let dump = dump::take(marker);
    let waits = same_waits(&first, &dump.parties);
    let edges = edges_between(&waits, &dump);
    let groups = stuck(&edges);
    // Orders the looks at words and stacks before this one at the records.
    let goes_on = |node: &usize| {
        let published = waits[*node].published.as_ref();
        published.is_some_and(registry::is_going_on)
    };
    let groups = groups
        .into_iter()
        .filter(|group| group.cycle.iter().all(goes_on));
    let threads = dump.threads.threads();
    groups.map(|group| named(&group, &waits, threads)).collect()
}

/// The waits that do not end by themselves.
fn endless_waits() -> Vec<Published> {
    let waits = registry::waits();
    waits.filter(|published| !published.wait.is_timed).collect()
}

/// Whether a cycle is possible, from what is to be had without a look at the threads. Who may wait
/// for readers, or for nobody knows whom, may be in one.
fn may_be_stuck(waits: &[Published]) -> bool {
    if !waits.iter().any(|published| published.wait.subject != 0) {
        return false;
    }
    let pointers = waits.iter().enumerate();
    let pointers = pointers.map(|(index, wait)| (wait.wait.registers.stack_pointer, index));
    let stacks = Stacks::new(&Ranges::of_this_process(), pointers);
    let index_of: HashMap<u64, usize> = waits
        .iter()
        .enumerate()
        .map(|(index, published)| (published.owner, index))
        .collect();
    let edges: Vec<Edges> = waits
        .iter()
        .enumerate()
        .map(|(index, published)| {
            let subject = published.wait.subject;
            let to = match holders::word_of(subject) {
                _ if published.wait.is_scope_end => registry::members(subject)
                    .filter_map(|owner| index_of.get(&owner).copied())
                    .collect(),
                // As if it waited for itself, which keeps it.
                Some(word) if holders::may_be_readers(published, word) => vec![index],
                Some(word) => stacks.of_holder(word).into_iter().collect(),
                None => Vec::new(),
            };
            Edges {
                to,
                is_certain: true,
            }
        })
        .collect();
    !stuck(&edges).is_empty()
}

/// The waits of a dump that were there before, and have gone on since.
fn same_waits<'d>(first: &[Published], parties: &'d [Party]) -> Vec<&'d Party> {
    let is_same = |party: &&Party| {
        let published = party.published.as_ref();
        published.is_some_and(|published| first.contains(published))
    };
    parties.iter().filter(is_same).collect()
}

fn edges_between(waits: &[&Party], dump: &Dump) -> Vec<Edges> {
    let index_of: HashMap<Tid, usize> = waits
        .iter()
        .enumerate()
        .map(|(index, party)| (party.tid, index))
        .collect();
    let edges = waits.iter().map(|party| {
        let Some(published) = &party.published else {
            return Edges::default();
        };
        let found = holders::holders(published, &dump.parties, &dump.stacks);
        let known = |tids: &[Tid]| -> Vec<usize> {
            let indices = tids.iter().map(|tid| index_of.get(tid).copied());
            indices.flatten().collect()
        };
        if found.is_certain {
            return Edges {
                to: known(&found.tids),
                is_certain: true,
            };
        }
        if published.wait.kind == Kind::RWLOCK_READ {
            return Edges {
                to: queued_writers(published.wait.subject, waits),
                is_certain: true,
            };
        }
        // Whoever is not stuck may be the one that is waited for.
        let readers = holders::possible_readers(published.wait.subject, &dump.parties);
        let to = known(&readers);
        Edges {
            to: if to.len() == readers.len() {
                to
            } else {
                Vec::new()
            },
            is_certain: false,
        }
    });
    edges.collect()
}

/// While readers hold a lock, others wait for the writers that came before them.
fn queued_writers(subject: u64, waits: &[&Party]) -> Vec<usize> {
    let is_queued = |party: &Party| {
        let wait = party.published.as_ref().map(|published| published.wait);
        wait.is_some_and(|wait| wait.kind == Kind::RWLOCK_WRITE && wait.subject == subject)
    };
    let waits = waits.iter().enumerate();
    let queued = waits.filter(|(_, party)| is_queued(party));
    queued.map(|(index, _)| index).collect()
}

fn named(group: &Stuck, waits: &[&Party], threads: &[Thread]) -> Deadlock {
    let named = |nodes: &[usize]| {
        let tids = nodes.iter().map(|node| waits[*node].tid.unsigned_abs());
        let threads = tids.filter_map(|tid| threads.iter().find(|thread| thread.tid() == tid));
        threads.cloned().collect()
    };
    Deadlock {
        threads: named(&group.cycle),
        behind: named(&group.behind),
        is_certain: group.is_certain,
    }
}
