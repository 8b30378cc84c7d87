//! The holders of the subjects of waits.
//!
//! A lock that one thread holds alone says which, in the word beside it. Readers leave no word
//! there; they are looked for in the stacks: a guard is an address inside the lock.

use std::collections::HashMap;
use std::time::Duration;

use super::procfs::Tid;
use super::stacks::Stacks;
use super::thread_pointer;
use crate::engine::blame::{Flag, Holder as Word};
use crate::engine::lock_names::Name;
use crate::engine::registry::{self, Published};
use crate::engine::stack::copied::StackCopy;
use crate::engine::stack::memory;
use crate::live::holder::Holder;
use crate::live::thread::Thread;
use crate::profile::kind::Kind;

/// The word beside a lock: through the kernel, since the lock may be gone. `None`: it is.
pub(super) fn word_of(subject: u64) -> Option<Word> {
    let address = subject.checked_add(Flag::HOLDER_OFFSET as u64)?;
    let mut bytes = [0; 4];
    (subject != 0 && memory::read(address, &mut bytes) == bytes.len())
        .then(|| Word::from_bits(u32::from_ne_bytes(bytes)))
}

/// Whether readers may be what such a wait waits for, while the lock has this word.
pub(super) fn may_be_readers(published: &Published, word: Word) -> bool {
    let kind = published.wait.kind;
    (kind == Kind::RWLOCK_READ || kind == Kind::RWLOCK_WRITE)
        && (word == Word::NOBODY || (word.is_upgradable() && kind == Kind::RWLOCK_WRITE))
}

/// How far from its flag the addresses in a guard lie: behind the flag, the lock's name and the
/// original's word. Below `VALUE` they may as well be those of a borrowed lock; there the value
/// begins, to which only who has a guard has a reference. Where exactly it begins depends on the
/// lock and on the value's alignment; behind it another lock may follow.
const VALUE: std::ops::RangeInclusive<u64> = 32..=40;
const _: () = assert!(size_of::<Flag>() + size_of::<Name>() + 8 == *VALUE.start() as usize);

/// An address inside a lock, in a thread's stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) subject: u64,
    /// It leads to the value.
    is_strong: bool,
}

/// The locks that readers may hold, of which traces are looked for.
#[derive(Debug, Default)]
pub(super) struct Wanted(Vec<u64>);

impl Wanted {
    pub(super) fn of<'p>(waits: impl Iterator<Item = &'p Published>) -> Self {
        let subjects = waits.filter_map(|published| {
            let subject = published.wait.subject;
            may_be_readers(published, word_of(subject)?).then_some(subject)
        });
        let mut subjects: Vec<u64> = subjects.collect();
        subjects.sort_unstable();
        subjects.dedup();
        Self(subjects)
    }

    /// The traces in a stack.
    pub(super) fn find(&self, copy: StackCopy<'_>) -> Vec<Trace> {
        let mut found: Vec<Trace> = Vec::new();
        if self.0.is_empty() {
            return found;
        }
        let unaligned = (copy.start as usize).wrapping_neg() % 8;
        let words = copy
            .bytes
            .get(unaligned..)
            .unwrap_or_default()
            .chunks_exact(8);
        for word in words {
            let word = u64::from_ne_bytes(word.try_into().expect("chunks of 8"));
            let after = self.0.partition_point(|subject| *subject <= word);
            let Some(subject) = after.checked_sub(1).map(|index| self.0[index]) else {
                continue;
            };
            let offset = word - subject;
            let trace = Trace {
                subject,
                is_strong: VALUE.contains(&offset),
            };
            if offset <= *VALUE.end() && !found.contains(&trace) {
                found.push(trace);
            }
        }
        found
    }
}

/// A thread as far as it matters to who holds what.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) tid: Tid,
    pub(super) published: Option<Published>,
    pub(super) traces: Vec<Trace>,
}

impl Party {
    fn waits_for(&self, subject: u64) -> bool {
        let wait = self.published.as_ref();
        wait.is_some_and(|published| published.wait.subject == subject)
    }
}

/// The threads that have what a wait waits for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Holders {
    pub(super) tids: Vec<Tid>,
    pub(super) is_certain: bool,
}

/// The holders of the subject of `published`. None, if the wait is over.
pub(super) fn holders(published: &Published, parties: &[Party], stacks: &Stacks<Tid>) -> Holders {
    let subject = published.wait.subject;
    let found = if published.wait.is_scope_end {
        Holders {
            tids: threads_of_scope(subject),
            is_certain: true,
        }
    } else {
        let Some(word) = word_of(subject) else {
            return Holders::default();
        };
        let alone = stacks
            .of_holder(word)
            .filter(|_| !(published.wait.is_upgrade && word.is_upgradable()));
        match alone {
            Some(tid) => Holders {
                tids: vec![tid],
                is_certain: true,
            },
            None if may_be_readers(published, word) => Holders {
                tids: probable_readers(subject, parties),
                is_certain: false,
            },
            None => Holders::default(),
        }
    };
    // Only while somebody waits is the lock held, and there at all.
    match registry::is_going_on(published) {
        true => found,
        false => Holders::default(),
    }
}

fn threads_of_scope(scope: u64) -> Vec<Tid> {
    let owners = registry::members(scope);
    owners.filter_map(thread_pointer::tid_of).collect()
}

/// The best evidence counts: a reference to the value; else one to the lock, which who waits for it
/// has in any case. Of references to the value those of threads that do not wait count first.
fn probable_readers(subject: u64, parties: &[Party]) -> Vec<Tid> {
    let having = |is_waiter: bool, is_strong: bool| -> Vec<Tid> {
        let trace = Trace { subject, is_strong };
        let parties = parties.iter();
        let parties = parties.filter(|party| party.waits_for(subject) == is_waiter);
        let having = parties.filter(|party| party.traces.contains(&trace));
        having.map(|party| party.tid).collect()
    };
    [(false, true), (true, true), (false, false)]
        .into_iter()
        .map(|(is_waiter, is_strong)| having(is_waiter, is_strong))
        .find(|tids| !tids.is_empty())
        .unwrap_or_default()
}

/// All threads that may be readers: a superset of [`probable_readers`]. A waiting thread's
/// reference to the value may be left over from an earlier read; so whoever else has any reference
/// counts too.
pub(super) fn possible_readers(subject: u64, parties: &[Party]) -> Vec<Tid> {
    let may_have_it = |party: &&Party| {
        let mut traces = party.traces.iter();
        traces
            .any(|trace| trace.subject == subject && (trace.is_strong || !party.waits_for(subject)))
    };
    let parties = parties.iter().filter(may_have_it);
    parties.map(|party| party.tid).collect()
}

/// Holders that a waiting thread is told of. A lock may have a thousand readers, and a thousand
/// threads that wait for it.
const MAX_TOLD: usize = 16;

/// Tells each waiting thread who has what it waits for.
pub(super) fn tell(threads: &mut [Thread], parties: &[Party], stacks: &Stacks<Tid>) {
    let index_of: HashMap<Tid, usize> = threads
        .iter()
        .enumerate()
        .map(|(index, thread)| (thread.tid as Tid, index))
        .collect();
    for party in parties {
        let Some(published) = &party.published else {
            continue;
        };
        let found = holders(published, parties, stacks);
        let told: Vec<Holder> = found
            .tids
            .iter()
            .take(MAX_TOLD)
            .filter_map(|tid| {
                let thread = &threads[*index_of.get(tid)?];
                Some(Holder {
                    tid: thread.tid,
                    name: thread.name.clone(),
                    is_certain: found.is_certain,
                    held_for_at_least: found
                        .is_certain
                        .then(|| held_for(published, thread, parties, threads, &index_of))
                        .flatten(),
                    at: thread.place().cloned(),
                })
            })
            .collect();
        let waiting = index_of.get(&party.tid).map(|index| &mut threads[*index]);
        if let Some(wait) = waiting.and_then(|thread| thread.wait.as_mut()) {
            wait.holders = told;
        }
    }
}

/// The longest time for which the holder cannot have changed: since a wait for the lock at whose
/// beginning it was the same, or since the holder's own wait, in which it acquires nothing.
fn held_for(
    published: &Published,
    holder: &Thread,
    parties: &[Party],
    threads: &[Thread],
    index_of: &HashMap<Tid, usize>,
) -> Option<Duration> {
    let subject = published.wait.subject;
    let word = word_of(subject)?;
    let of_waits = parties.iter().filter_map(|party| {
        let wait = party.published.as_ref()?.wait;
        let is_same = wait.subject == subject && wait.holder_then == word;
        let thread = &threads[*index_of.get(&party.tid)?];
        thread
            .wait
            .as_ref()
            .filter(|_| is_same)
            .map(|wait| wait.waited)
    });
    let of_holder = holder.wait.as_ref().map(|wait| wait.waited);
    of_waits.chain(of_holder).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_told_by_how_far_they_reach() {
        let wanted = Wanted(vec![0x1000, 0x2000]);
        let words: [u64; 6] = [0x1000, 0x1000, 0x1020, 0x1028, 0x2017, 0xfff];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let copy = |start, bytes| StackCopy { start, bytes };
        let trace = |subject, is_strong| Trace { subject, is_strong };
        assert_eq!(
            wanted.find(copy(0x7000, &bytes)),
            [
                trace(0x1000, false),
                trace(0x1000, true),
                trace(0x2000, false)
            ]
        );
        assert_eq!(
            wanted.find(copy(0x7004, &bytes[4..])).len(),
            3,
            "from a word on"
        );
        assert_eq!(Wanted::default().find(copy(0x7000, &bytes)), []);
    }
}
