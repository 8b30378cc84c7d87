//! Readers of a readers-writer lock, who hold it together while a writer waits.
//!
//! Each of n holders pays the n-th part of the waiting that goes on while it holds: the rule of
//! [`shares`](super::shares). A guard of these locks has no room to remember the volume V at which
//! it was acquired, and to count holders while nobody waits would cost each of them. Neither is
//! needed.
//!
//! - Who held the lock before the first waiter came has to pay from then on, so its V is that of
//!   the beginning.
//! - How many these were is known afterwards: when a writer has the lock, all of them have released
//!   it.
//!
//! So the table keeps a [`Note`] of each reader that releases while somebody waits, and the shares
//! are worked out from them when the *phase* of the readers ends. The first acquisition that costs
//! a reader anything is one that comes while somebody waits.
//!
//! ```text
//!   a writer waits   A leaves        B leaves        C leaves   the writer has the lock
//!   ├────────────────┼───────────────┼───────────────┼──────────┤
//!     n = 3            n = 2           n = 1           nobody: C's wake-up
//!     A ⅓  B ⅓  C ⅓    B ½  C ½        C
//! ```
//!
//! | how the lock is held | an entry | a release |
//! |---|---|---|
//! | [`Alone`](Phase::Alone), as far as is known | begins a phase | begins a phase: by one of an unknown number |
//! | by an [`Unknown`](Phase::Unknown) number of readers | a note, with the time | a note, with the time and who pays |
//! | by a [`Known`](Phase::Known) number: the lock was free before | a note, with V | takes its note away, and pays at once |
//!
//! A phase ends when somebody acquires the lock alone, or nobody waits any more. If the last waiter
//! has given up, it ends with the next release of one who has to pay: at a phase of unknown number
//! that one is taken for the last. If there is no room for another note, as many readers are taken
//! to be inside still as have left.
//!
//! A release finds its entry by the thread. A guard that was sent to another one is taken for that
//! of a reader from before, or, where all are known, for the one that has been there longest.

use super::entry::{Charge, ChargeTo, Entry, Last, Portions, Shard, Ticket};
use super::flag::{Flag, GATE_NANOS};
use super::shares::{PARTS, Volume};
use super::{LockRef, Table, Taken};
use crate::profile::amount::Amount;

/// How a lock with readers is held, while somebody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// By one thread, or nobody, or nothing is known yet.
    Alone,
    /// By readers, some of which came before the first waiter.
    Unknown,
    /// By so many `inside`, of which some have no note, for want of room.
    Known { inside: u64, unnoted: u64 },
}

/// Notes per shard: with a hundred readers inside, none is guessed.
const NOTES: usize = if cfg!(loom) { 4 } else { 128 };

/// A reader's act.
#[derive(Clone, Copy, Debug)]
struct Note {
    /// The lock, as in its entry.
    key: usize,
    /// See `thread_state::thread_pointer`.
    thread: usize,
    /// The volume at an entry whose place in the phase is known, in nanoseconds × [`PARTS`].
    /// Else the waiting in the phase up to then, in nanoseconds.
    at: u64,
    what: What,
    /// A release's note of the same hold's entry, once that is asked.
    entry: Option<u16>,
    /// The payer for a release. `Nobody`: it was not captured, so the next one that was pays for
    /// it.
    payer: Last,
    /// The share of a release, if it is known, and the waiting after it while nobody held the
    /// lock.
    held_nanos: u64,
    wakeup_nanos: u64,
    /// The ticket of what is owed, if it is known whose waiting that is.
    ticket: Ticket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Entered,
    /// By waiting, whose end was told: the skin is about to tell of the same acquisition.
    EnteredAfterWait,
    /// The release is noted, too.
    EnteredAndLeft,
    Left,
    /// The phase has ended. Who pays the shares that stand here, when they are recorded.
    Owes,
}

impl Note {
    /// All zeros, so that a table of them takes no room in the program's file.
    const NOTHING: Self = Self {
        key: 0,
        thread: 0,
        at: 0,
        what: What::Entered,
        entry: None,
        payer: Last::Nobody,
        held_nanos: 0,
        wakeup_nanos: 0,
        ticket: Ticket::NONE,
    };

    /// Whether it is of a phase of this lock.
    fn is_of_phase(&self, key: usize) -> bool {
        self.key == key && self.what != What::Owes
    }

    /// Whether it is of a phase of this lock, and says that a reader is inside.
    fn is_entry(&self, key: usize) -> bool {
        let is_inside = matches!(self.what, What::Entered | What::EnteredAfterWait);
        self.key == key && is_inside
    }

    fn shares(&self) -> Charge {
        Charge {
            amount: Amount {
                delay_nanos: self.held_nanos,
                ..Amount::ZERO
            },
            wakeup_nanos: self.wakeup_nanos,
            portions: match self.ticket {
                Ticket::NONE => Portions::NONE,
                ticket => Portions {
                    key: self.key,
                    ticket,
                },
            },
        }
    }
}

/// The notes of a shard's locks, in order of time.
#[derive(Debug)]
pub(super) struct Notes {
    all: [Note; NOTES],
    len: usize,
}

impl Notes {
    pub(super) const EMPTY: Self = Self {
        all: [Note::NOTHING; NOTES],
        len: 0,
    };

    fn iter(&self) -> impl DoubleEndedIterator<Item = &Note> + ExactSizeIterator {
        self.all[..self.len].iter()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Note> {
        self.all[..self.len].iter_mut()
    }

    fn is_full(&self) -> bool {
        self.len == NOTES
    }

    /// False: there is no room.
    fn push(&mut self, note: Note) -> bool {
        let Some(slot) = self.all.get_mut(self.len) else {
            return false;
        };
        *slot = note;
        self.len += 1;
        true
    }

    fn remove(&mut self, index: usize) -> Note {
        let note = self.all[index];
        self.all.copy_within(index + 1..self.len, index);
        self.len -= 1;
        note
    }

    fn retain(&mut self, keep: impl Fn(&Note) -> bool) {
        let mut kept = 0;
        for index in 0..self.len {
            if keep(&self.all[index]) {
                self.all[kept] = self.all[index];
                kept += 1;
            }
        }
        self.len = kept;
    }

    /// Forgets everything.
    #[cfg(not(loom))]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Forgets the phase of a lock, but for what is owed.
    pub(super) fn forget(&mut self, key: usize) {
        self.retain(|note| !note.is_of_phase(key));
    }

    /// The last entry of this thread that it has not left since.
    fn entry_of(&self, key: usize, thread: usize) -> Option<usize> {
        let mut left = 0;
        let own = self.iter().enumerate();
        let own = own.filter(|(_, note)| note.is_of_phase(key) && note.thread == thread);
        for (index, note) in own.rev() {
            match note.what {
                What::Left => left += 1,
                _ if left == 0 => return Some(index),
                _ => left -= 1,
            }
        }
        None
    }

    fn oldest_entry(&self, key: usize) -> Option<usize> {
        self.iter().position(|note| note.is_entry(key))
    }

    /// Finds the entry of each release of the phase. Returns how many have none: they were there
    /// before.
    fn match_entries(&mut self, key: usize) -> u64 {
        let mut from_before = 0;
        for index in 0..self.len {
            let (earlier, later) = self.all.split_at_mut(index);
            let note = &mut later[0];
            if note.key != key || note.what != What::Left {
                continue;
            }
            let is_own = |entered: &Note| entered.is_entry(key) && entered.thread == note.thread;
            match earlier.iter().rposition(is_own) {
                Some(entry) => {
                    earlier[entry].what = What::EnteredAndLeft;
                    note.entry = Some(entry as u16);
                }
                None => from_before += 1,
            }
        }
        from_before
    }

    /// Works out the shares of a phase in which so much was `waited`, and at whose beginning so
    /// many were `inside`. Whoever has entered and not left counts if the phase `goes_on`; else it
    /// has not kept the one from the lock who has it now. Returns what is left of the waiting, and
    /// the volume.
    fn share_out(
        &mut self,
        key: usize,
        waited: u64,
        mut inside: u64,
        goes_on: bool,
    ) -> (u64, Volume) {
        let (mut passed, mut rest) = (0, waited);
        let mut volume: Volume = 0;
        let mut last_left: Option<usize> = None;
        // Up to each note, and from the last one to the end.
        for index in 0..=self.len {
            let note = self.all[..self.len].get(index);
            if note.is_some_and(|note| !note.is_of_phase(key)) {
                continue;
            }
            let at = note.map_or(waited, |note| note.at).clamp(passed, waited);
            let event = note.map(|note| (note.what, note.entry));
            let piece = at - passed;
            passed = at;
            match (inside, last_left) {
                (0, Some(left)) => {
                    self.all[left].wakeup_nanos += piece;
                    rest -= piece;
                }
                (0, None) => {}
                _ => volume = volume.wrapping_add(parts(piece, inside)),
            }
            match event {
                Some((What::Left, entry)) => {
                    let since = entry.map_or(0, |entry| self.all[usize::from(entry)].at);
                    // Rounded down: what is left over then is nobody else's.
                    let share = (volume.wrapping_sub(since) / PARTS).min(rest);
                    self.all[index].held_nanos = share;
                    rest -= share;
                    inside = inside.saturating_sub(1);
                    last_left = Some(index);
                }
                Some((entered, _)) => {
                    self.all[index].at = volume;
                    inside += u64::from(goes_on || entered == What::EnteredAndLeft);
                }
                None => {}
            }
        }
        (rest, volume)
    }

    /// Ends the phase whose shares are worked out: who has left owes its own. A release that was
    /// not captured leaves its to the next one, or to the one before; `more` is added to the last.
    /// Returns what nobody is there for. If the phase `goes_on`, the notes of those inside stay.
    fn make_owed(&mut self, key: usize, more: u64, goes_on: bool) -> Charge {
        let mut left_over = Charge::ZERO;
        let mut last_payer = None;
        for index in 0..self.len {
            let note = &mut self.all[index];
            if note.key == key && note.what == What::Left {
                left_over.add(note.shares());
                if note.payer != Last::Nobody {
                    let owed = std::mem::take(&mut left_over);
                    note.what = What::Owes;
                    note.held_nanos = owed.amount.delay_nanos;
                    note.wakeup_nanos = owed.wakeup_nanos;
                    last_payer = Some(index);
                }
            }
        }
        let delay = &mut left_over.amount.delay_nanos;
        *delay = delay.saturating_add(more);
        if let Some(index) = last_payer {
            let note = &mut self.all[index];
            left_over.add(note.shares());
            note.held_nanos = left_over.amount.delay_nanos;
            note.wakeup_nanos = left_over.wakeup_nanos;
            left_over = Charge::ZERO;
        }
        self.retain(|note| !note.is_of_phase(key) || goes_on && note.is_entry(key));
        left_over
    }

    /// Takes what is owed by one that is meant.
    fn take_owed(&mut self, is_meant: impl Fn(&Note, Last) -> bool) -> Option<(Last, Charge)> {
        let is_meant = |note: &Note| note.what == What::Owes && is_meant(note, note.payer);
        let index = self.iter().position(is_meant)?;
        let note = self.remove(index);
        Some((note.payer, note.shares()))
    }

    pub(super) fn owes(&self, key: usize) -> bool {
        self.iter()
            .any(|note| note.key == key && note.what == What::Owes)
    }

    /// The stack of a release is known, or that there is none. Returns what it owes.
    pub(super) fn settle(&mut self, pending: Last, known: Last) -> Charge {
        for note in self.iter_mut() {
            if note.what == What::Left && note.payer == pending {
                note.payer = known;
            }
        }
        self.take_owed(|_, payer| payer == pending)
            .map_or(Charge::ZERO, |(_, shares)| shares)
    }
}

impl Table {
    /// A reader has acquired the lock at `now`, while somebody waits.
    pub(crate) fn enter(&self, lock: LockRef<'_>, now: u64, thread: usize) {
        let mut shard = self.shard(lock.key);
        let Some(position) = shard.position(lock.key) else {
            return;
        };
        shard.advance(position, lock, now);
        shard.enter(position, lock.flag, now, thread, What::Entered);
    }

    /// A reader is about to release the lock at `now`, while somebody waits. `None`: it is not to
    /// be captured.
    pub(crate) fn exit(&self, lock: LockRef<'_>, now: u64, thread: usize) -> Option<Taken> {
        let mut shard = self.shard(lock.key);
        let Some(position) = shard.position(lock.key) else {
            // As in `take`.
            lock.flag.make_idle();
            return None;
        };
        let now = shard.advance(position, lock, now);
        shard.begin_phase(position, lock.flag, now);
        if shard.entries[position].phase == Phase::Unknown && shard.notes.is_full() {
            shard.guess(position);
        }
        match shard.entries[position].phase {
            Phase::Known { .. } => shard.exit_of_known(position, lock.flag, now, thread),
            _ => shard.exit_of_unknown(position, lock.flag, now, thread),
        }
    }

    /// Somebody has acquired the lock alone at `now`, after readers and while others wait. True:
    /// there are shares to record.
    pub(crate) fn end_phase(&self, lock: LockRef<'_>, now: u64) -> bool {
        let mut shard = self.shard(lock.key);
        let Some(position) = shard.position(lock.key) else {
            return false;
        };
        let now = shard.advance(position, lock, now);
        lock.flag.acquired_at(|| now);
        shard.end_phase(position)
    }

    /// A share of readers of this lock that is to be recorded.
    pub(crate) fn next_share(&self, key: usize) -> Option<(ChargeTo, Charge)> {
        let mut shard = self.shard(key);
        let is_known = |note: &Note, payer| note.key == key && matches!(payer, Last::Stack(_));
        match shard.notes.take_owed(is_known)? {
            (Last::Stack(id), charge) => Some((ChargeTo::Stack(id), charge)),
            (_, charge) => Some((ChargeTo::Unattributed, charge)),
        }
    }
}

impl Shard {
    /// A waiter of this thread has the lock, beside readers.
    pub(super) fn enter_after_wait(
        &mut self,
        position: usize,
        flag: &Flag,
        now: u64,
        thread: usize,
    ) {
        self.enter(position, flag, now, thread, What::EnteredAfterWait);
    }

    /// The entry is brought up to `now`.
    fn enter(&mut self, position: usize, flag: &Flag, now: u64, thread: usize, what: What) {
        let key = self.entries[position].key;
        if let Some(index) = self.notes.entry_of(key, thread)
            && self.notes.all[index].what == What::EnteredAfterWait
        {
            self.notes.all[index].what = What::Entered;
            return;
        }
        self.begin_phase(position, flag, now);
        let entry = &mut self.entries[position];
        let at = match entry.phase {
            Phase::Known { .. } => entry.volume,
            _ => entry.held.delay_nanos,
        };
        let is_noted = self.notes.push(Note {
            key,
            thread,
            at,
            what,
            ..Note::NOTHING
        });
        if let Phase::Known { inside, unnoted } = &mut self.entries[position].phase {
            *inside += 1;
            *unnoted += u64::from(!is_noted);
        }
    }

    fn begin_phase(&mut self, position: usize, flag: &Flag, now: u64) {
        let was_free = flag.is_free();
        flag.shared_at(now);
        let entry = &mut self.entries[position];
        if entry.phase == Phase::Alone {
            entry.volume = 0;
            entry.phase = match was_free {
                true => Phase::Known {
                    inside: 0,
                    unnoted: 0,
                },
                false => Phase::Unknown,
            };
        }
    }

    fn exit_of_unknown(
        &mut self,
        position: usize,
        flag: &Flag,
        now: u64,
        thread: usize,
    ) -> Option<Taken> {
        let entry = &mut self.entries[position];
        let (key, at, is_last) = (entry.key, entry.held.delay_nanos, entry.waiters == 0);
        let entered = self.notes.entry_of(key, thread);
        let at_most = at.saturating_sub(entered.map_or(0, |index| self.notes.all[index].at));
        let is_captured = is_last || at_most >= GATE_NANOS || flag.is_due(now);
        let taken = match is_captured {
            true => {
                let amount = entry.take_due();
                Some(self.hand_out(position, flag, now, amount))
            }
            false => None,
        };
        let payer = taken.as_ref().map_or(Last::Nobody, Taken::as_last);
        self.notes.push(Note {
            key,
            thread,
            at,
            what: What::Left,
            payer,
            ..Note::NOTHING
        });
        taken.map(|taken| Taken {
            has_shares: is_last && self.end_phase(position),
            ..taken
        })
    }

    fn exit_of_known(
        &mut self,
        position: usize,
        flag: &Flag,
        now: u64,
        thread: usize,
    ) -> Option<Taken> {
        let entry = &mut self.entries[position];
        let Phase::Known { inside, unnoted } = &mut entry.phase else {
            return None;
        };
        let own = self.notes.entry_of(entry.key, thread);
        let since = match own {
            None if *unnoted > 0 => {
                *unnoted -= 1;
                0
            }
            own => own
                .or_else(|| self.notes.oldest_entry(entry.key))
                .map_or(entry.volume, |index| self.notes.remove(index).at),
        };
        *inside = inside.saturating_sub(1);
        let is_free = *inside == 0;
        let grown = entry.volume.wrapping_sub(since);
        let paid = self.pay(position, grown, 1);
        let entry = &self.entries[position];
        // Nobody is to pay any more: who is inside has come when nobody waited.
        let is_over = entry.waiters == 0 && {
            let (key, volume) = (entry.key, entry.volume);
            let mut inside = self.notes.iter().filter(|note| note.is_entry(key));
            inside.all(|note| note.at == volume)
        };
        if is_free || is_over {
            self.pay_rest(position);
        }
        let entry = &mut self.entries[position];
        let has_shares = self.notes.owes(entry.key);
        let is_due = paid >= GATE_NANOS || flag.is_due(now) || has_shares;
        if entry.waiters > 0 && !is_due {
            return None;
        }
        let amount = entry.take_due();
        let is_debt_left = entry.waiters == 0 && !is_over;
        let taken = self.hand_out(position, flag, now, amount);
        if is_debt_left {
            flag.capture_next();
        } else if is_over {
            self.end_phase(position);
        }
        Some(Taken {
            has_shares,
            ..taken
        })
    }

    /// Makes room: takes as many of those who were there before to be inside still as have left,
    /// and one at least.
    fn guess(&mut self, position: usize) {
        let unnoted = self.share_out(position, true);
        let entry = &mut self.entries[position];
        let noted = self.notes.iter().filter(|note| note.is_entry(entry.key));
        entry.phase = Phase::Known {
            inside: unnoted + noted.count() as u64,
            unnoted,
        };
    }

    /// Ends the readers' phase, if there is one. True: there are shares to record.
    pub(super) fn end_phase(&mut self, position: usize) -> bool {
        let key = self.entries[position].key;
        match std::mem::replace(&mut self.entries[position].phase, Phase::Alone) {
            Phase::Alone => return false,
            Phase::Unknown => {
                self.share_out(position, false);
            }
            Phase::Known { .. } => self.notes.forget(key),
        }
        self.notes.owes(key)
    }

    /// Forgets the readers' phase.
    pub(super) fn forget_phase(&mut self, position: usize) {
        self.entries[position].phase = Phase::Alone;
        self.notes.forget(self.entries[position].key);
    }

    /// Shares what is held among those who have left. If the phase `goes_on`, some of those who
    /// were there before are taken to be inside still. Returns how many.
    fn share_out(&mut self, position: usize, goes_on: bool) -> u64 {
        let entry = &mut self.entries[position];
        let from_before = self.notes.match_entries(entry.key);
        let staying = if goes_on { from_before.max(1) } else { 0 };
        let inside = from_before + staying;
        let waited = std::mem::take(&mut entry.held.delay_nanos);
        let (rest, volume) = self.notes.share_out(entry.key, waited, inside, goes_on);
        // Theirs who are inside still, or parts of nanoseconds.
        let (for_later, more) = if goes_on { (rest, 0) } else { (0, rest) };
        let left_over = self.notes.make_owed(entry.key, more, goes_on);
        entry.volume = volume;
        entry.held.delay_nanos = left_over.amount.delay_nanos.saturating_add(for_later);
        entry.free_nanos = entry.free_nanos.saturating_add(left_over.wakeup_nanos);
        self.portion_out(position, waited, left_over.wakeup_nanos);
        staying
    }

    /// Notes whose waiting the new debts are, which are parts of what was `waited`. Of the rest so
    /// much is now `free`.
    fn portion_out(&mut self, position: usize, mut waited: u64, free: u64) {
        if self.waiters.is_empty() {
            return;
        }
        let key = self.entries[position].key;
        for index in 0..self.notes.len {
            let note = &self.notes.all[index];
            if note.key == key && note.what == What::Owes && note.ticket == Ticket::NONE {
                let owed = (note.held_nanos, note.wakeup_nanos);
                let ticket = self.next_ticket();
                self.notes.all[index].ticket = ticket;
                self.waiters.hand_out_shares(key, ticket, owed, waited);
                waited = waited.saturating_sub(owed.0.saturating_add(owed.1));
            }
        }
        self.waiters.free(key, free, waited);
    }
}

/// By how much so much waiting makes the volume grow.
fn parts(nanos: u64, inside: u64) -> Volume {
    (u128::from(nanos) * u128::from(PARTS) / u128::from(inside)) as u64
}

fn whole_nanos(volume: Volume, holders: u64) -> u64 {
    let nanos = (u128::from(volume) * u128::from(holders)).div_ceil(u128::from(PARTS));
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

impl Entry {
    /// So much waiting has gone on while the lock was not free, as far as the stopwatch knows.
    pub(super) fn add_waited(&mut self, waited: u64) {
        match self.phase {
            Phase::Known { inside: 0, .. } => {
                self.free_nanos = self.free_nanos.saturating_add(waited);
                return;
            }
            Phase::Known { inside, .. } => {
                self.volume = self.volume.wrapping_add(parts(waited, inside));
            }
            Phase::Alone | Phase::Unknown => {}
        }
        self.add_held(waited);
    }

    /// Moves the shares of so many holders, by whom the volume has `grown`, from what is held to
    /// what is due. Returns them.
    pub(super) fn pay(&mut self, grown: Volume, holders: u64) -> u64 {
        let owed = whole_nanos(grown, holders).min(self.held.delay_nanos);
        self.held.delay_nanos -= owed;
        self.due_nanos = self.due_nanos.saturating_add(owed);
        owed
    }

    /// Makes all that is held due.
    pub(super) fn pay_rest(&mut self) {
        let rest = std::mem::take(&mut self.held.delay_nanos);
        self.due_nanos = self.due_nanos.saturating_add(rest);
    }

    /// The sum that is due, and contentions that ended by giving up.
    pub(super) fn take_due(&mut self) -> Amount {
        let due = std::mem::take(&mut self.due_nanos);
        let held = std::mem::replace(&mut self.held.delay_nanos, due);
        let amount = std::mem::take(&mut self.held);
        self.held.delay_nanos = held;
        amount
    }
}
