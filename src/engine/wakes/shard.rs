//! Sleepers and notes, as a shard of the table keeps them.

use super::{WakeFlag, Woken, weighted};
use crate::engine::store::StackId;
use crate::profile::amount::Amount;
use crate::profile::kind::Kind;

/// Names one note while its stack is being captured. Unique within a shard, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// A place at which somebody sleeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    key: u64,
    /// The time of the one that came last.
    pub(super) kind: Kind,
    pub(super) sleepers: u32,
    /// Those of them that a note is for, not counting what is perhaps one.
    pub(super) noted: u32,
    /// The sum of the times at which they came, which wraps.
    pub(super) begins: u64,
    /// Whether the flag counts this.
    is_busy: bool,
}

impl Entry {
    const EMPTY: Self = Self {
        key: 0,
        kind: Kind::OTHER,
        sleepers: 0,
        noted: 0,
        begins: 0,
        is_busy: false,
    };

    pub(super) fn without_note(&self) -> u32 {
        self.sleepers.saturating_sub(self.noted)
    }

    /// Makes the flag say whether somebody sleeps here who has no note.
    pub(super) fn follow(&mut self, flag: &WakeFlag) {
        let is_busy = self.without_note() > 0;
        if is_busy != self.is_busy {
            self.is_busy = is_busy;
            flag.count(is_busy);
        }
    }

    /// For how long they have slept, on average.
    pub(super) fn mean_wait(&self, now: u64) -> u64 {
        let sleepers = u64::from(self.sleepers.max(1));
        let sum = now.wrapping_mul(sleepers).wrapping_sub(self.begins);
        // Below 0 where the clocks of two processors disagree.
        (sum as i64).max(0) as u64 / sleepers
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// Its thread is still capturing the stack.
    Pending,
    Stack(StackId),
    /// The stack was forgotten, or not captured.
    Nobody,
}

#[derive(Clone, Copy, Debug)]
struct Note {
    key: u64,
    ticket: Ticket,
    by: By,
    /// Sleepers that it is for.
    left: u32,
    is_perhaps: bool,
    /// How many waits one of them counts for; 0: not sampled.
    weight: f64,
    /// The waiting of sleepers that have left while it was pending.
    deferred: Amount,
}

impl Note {
    const EMPTY: Self = Self {
        key: 0,
        ticket: Ticket(0),
        by: By::Nobody,
        left: 0,
        is_perhaps: false,
        weight: 0.0,
        deferred: Amount::ZERO,
    };

    fn is_finished(&self) -> bool {
        self.left == 0 && self.by != By::Pending
    }
}

/// Addresses per shard at which somebody can sleep at once: some thousands of threads, each at its
/// own.
const ENTRIES: usize = if cfg!(loom) { 2 } else { 64 };

/// Notes per shard of notifications whose sleepers have not run yet.
const NOTES: usize = if cfg!(loom) { 3 } else { 48 };

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) entries: [Entry; ENTRIES],
    /// Entries in use: the first so many.
    len: usize,
    /// Oldest first.
    notes: [Note; NOTES],
    notes_len: usize,
    last_ticket: u64,
}

impl Shard {
    pub(super) const EMPTY: Self = Self {
        entries: [Entry::EMPTY; ENTRIES],
        len: 0,
        notes: [Note::EMPTY; NOTES],
        notes_len: 0,
        last_ticket: 0,
    };

    pub(super) fn position(&self, key: u64) -> Option<usize> {
        self.entries[..self.len]
            .iter()
            .position(|entry| entry.key == key)
    }

    /// `None`: no room.
    pub(super) fn position_or_insert(&mut self, key: u64) -> Option<usize> {
        self.position(key).or_else(|| {
            let slot = self.entries.get_mut(self.len)?;
            *slot = Entry {
                key,
                ..Entry::EMPTY
            };
            self.len += 1;
            Some(self.len - 1)
        })
    }

    /// The last sleeper has left: what is noted is for nobody.
    pub(super) fn remove(&mut self, position: usize) {
        let key = self.entries[position].key;
        self.len -= 1;
        self.entries[position] = self.entries[self.len];
        for note in self.notes_of(key) {
            note.left = 0;
        }
        self.sweep();
    }

    fn notes_of(&mut self, key: u64) -> impl Iterator<Item = &mut Note> {
        let notes = self.notes[..self.notes_len].iter_mut();
        notes.filter(move |note| note.key == key)
    }

    /// Forgets the notes that are for nobody any more, and keeps the others in their order.
    fn sweep(&mut self) {
        let mut kept = 0;
        for index in 0..self.notes_len {
            if !self.notes[index].is_finished() {
                self.notes[kept] = self.notes[index];
                kept += 1;
            }
        }
        self.notes_len = kept;
    }

    /// `None`: no room. Those that it is for will be charged to nobody.
    pub(super) fn push_note(
        &mut self,
        key: u64,
        left: u32,
        weight: f64,
        is_perhaps: bool,
    ) -> Option<Ticket> {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let slot = self.notes.get_mut(self.notes_len)?;
        *slot = Note {
            key,
            ticket,
            by: match weight > 0.0 {
                true => By::Pending,
                false => By::Nobody,
            },
            left,
            is_perhaps,
            weight,
            deferred: Amount::ZERO,
        };
        self.notes_len += 1;
        Some(ticket)
    }

    /// The supposed notification was none: another one has come.
    pub(super) fn replace_perhaps(&mut self, key: u64) {
        let mut was_one = false;
        for note in self.notes_of(key).filter(|note| note.is_perhaps) {
            note.left = 0;
            was_one = true;
        }
        if was_one {
            self.sweep();
        }
    }

    /// Makes what is perhaps a notification one for so many. False: there is none.
    pub(super) fn confirm_perhaps(&mut self, key: u64, sleepers: u32) -> bool {
        let note = self
            .notes_of(key)
            .find(|note| note.is_perhaps && note.left > 0);
        if let Some(note) = note {
            note.is_perhaps = false;
            note.left = sleepers;
            return sleepers > 0;
        }
        false
    }

    pub(super) fn settle(&mut self, ticket: Ticket, stack: Option<StackId>) -> Amount {
        let mut notes = self.notes[..self.notes_len].iter_mut();
        let Some(note) = notes.find(|note| note.ticket == ticket) else {
            return Amount::ZERO;
        };
        note.by = stack.map_or(By::Nobody, By::Stack);
        let deferred = std::mem::take(&mut note.deferred);
        if note.left == 0 {
            self.sweep();
        }
        deferred
    }

    /// The wait of a sleeper at `position` that was notified is over after `nanos`.
    pub(super) fn take_note(&mut self, position: usize, nanos: u64) -> Woken {
        let key = self.entries[position].key;
        let certain = self
            .notes_of(key)
            .find(|note| note.left > 0 && !note.is_perhaps);
        let (woken, is_certain, is_finished) = match certain {
            Some(note) => (charged(note, nanos), true, note.is_finished()),
            None => match self.notes_of(key).find(|note| note.left > 0) {
                Some(note) => (charged(note, nanos), false, note.is_finished()),
                None => return Woken::Unseen,
            },
        };
        if is_certain {
            let entry = &mut self.entries[position];
            entry.noted = entry.noted.saturating_sub(1);
        }
        if is_finished {
            self.sweep();
        }
        woken
    }

    /// Takes the oldest note away, of which nobody is charged.
    pub(super) fn pass_note(&mut self, position: usize) {
        let key = self.entries[position].key;
        let certain = self
            .notes_of(key)
            .find(|note| note.left > 0 && !note.is_perhaps);
        if let Some(note) = certain {
            note.left -= 1;
            self.entries[position].noted = self.entries[position].noted.saturating_sub(1);
            self.sweep();
        }
    }

    /// Entries and notes that are there.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.len + self.notes_len
    }

    /// Takes a note away if there are more than sleepers, one of which has left without.
    pub(super) fn drop_surplus(&mut self, position: usize) {
        if self.entries[position].noted > self.entries[position].sleepers {
            self.pass_note(position);
        }
    }
}

fn charged(note: &mut Note, nanos: u64) -> Woken {
    note.left -= 1;
    match note.by {
        By::Stack(id) => Woken::By(id, note.weight),
        By::Pending => {
            note.deferred.add(weighted(nanos, note.weight));
            Woken::Settled
        }
        By::Nobody if note.weight > 0.0 => Woken::Unseen,
        By::Nobody => Woken::Settled,
    }
}
