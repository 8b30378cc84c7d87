//! Whose waiting a charge is made of, for the pairs profile.
//!
//! The table of blame counts the waiting at a lock as a sum, and hands parts of that sum out to the
//! releases that caused it. While the pairs profile is on, this keeps beside each of its sums what
//! the waiters have put in, and follows the sums wherever they go. It has no opinion of its own on
//! who pays what.
//!
//! ```text
//!   the table     held ──── due ────► a release, by its ticket ────► the mutex profile
//!                 free ─────────────►
//!   here          of A, of B, …       of A, of B, …  (portions)      the pairs profile
//! ```
//!
//! Waiters with the same stack at the same lock are one [`Group`]. What grows while they wait grows
//! in proportion to their weights, which is exact: each waits for the same time. What is handed out
//! in part, as a reader's share is, is taken from the groups in proportion to what they have there.
//! Parts are cut so that they add up to the whole, to the nanosecond ([`Cut`]). So what all
//! releases are charged with on account of a waiter is what it has waited, and what a release is
//! charged with on account of all waiters is its charge.
//!
//! **Full.** A waiter that finds no room is not counted here. The groups of a sum then have less
//! than the whole of it, and the recorder books the rest on the frame `contend::unknown_waiter`.
//! The same goes for waits that began before the profile was on.
//!
//! All of it is empty while the profile is off, and each call sees that at once.

use super::Table;
use super::entry::{Charge, Portions, Ticket};
use crate::engine::store::StackId;
use crate::profile::amount::Amount;

/// Groups per shard: as many locks as a shard has entries for, or fewer with waiters from several
/// places.
const GROUPS: usize = if cfg!(loom) { 2 } else { 64 };

/// Portions per shard. They are there for as long as it takes to capture a stack; those of readers,
/// until the writer has the lock: so many readers times so many stacks that wait for them.
const ROWS: usize = if cfg!(loom) { 2 } else { 512 };

/// Waiters with one stack at one lock, and what they have waited that is not handed out yet.
#[derive(Clone, Copy, Debug)]
struct Group {
    key: usize,
    stack: StackId,
    /// The sum of those that wait. What they have waited may outlive them.
    weight: u64,
    /// As in the entry of the lock.
    held: Amount,
    due_nanos: u64,
    free_nanos: u64,
}

impl Group {
    /// All zeros, as [`Note::NOTHING`](super::readers).
    const NOTHING: Self = Self {
        key: 0,
        stack: StackId::ZERO,
        weight: 0,
        held: Amount::ZERO,
        due_nanos: 0,
        free_nanos: 0,
    };

    fn is_over(&self) -> bool {
        self.weight == 0 && self.held.is_zero() && self.due_nanos == 0 && self.free_nanos == 0
    }
}

/// A waiter's part of a charge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Portion {
    pub(super) waiter: StackId,
    pub(super) amount: Amount,
    pub(super) wakeup_nanos: u64,
}

impl Portion {
    pub(super) const NOTHING: Self = Self {
        waiter: StackId::ZERO,
        amount: Amount::ZERO,
        wakeup_nanos: 0,
    };
}

/// A portion that is still here, under the ticket of its charge.
#[derive(Clone, Copy, Debug)]
struct Row {
    to: To,
    portion: Portion,
}

/// Where portions go: to a release, or to a charge that is no release's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// A release is charged with them in any case.
    Charge(Ticket),
    /// A release will be charged with them when its stack is known, unless another one takes over.
    Deferred(Ticket),
}

/// All that is kept of waiters, in a shard of the table.
#[derive(Debug)]
pub(super) struct Waiters {
    groups: [Group; GROUPS],
    groups_len: usize,
    rows: [Row; ROWS],
    rows_len: usize,
    /// Portions for which there was no room since somebody has asked.
    dropped: u32,
}

/// Cuts a whole into parts that have a given sum.
struct Cut {
    /// The whole, to be given to the parts.
    nanos: u64,
    /// The sum of what the parts have.
    of: u64,
    seen: u64,
}

impl Cut {
    fn new(nanos: u64, of: u64) -> Self {
        Self { nanos, of, seen: 0 }
    }

    fn upto(&self, seen: u64) -> u64 {
        match self.of {
            0 => 0,
            of => (u128::from(self.nanos) * u128::from(seen.min(of)) / u128::from(of)) as u64,
        }
    }

    /// The share of the next part, which has so much. Rounded so that the shares up to each part
    /// are together what they would be in one.
    fn next(&mut self, part: u64) -> u64 {
        let before = self.upto(self.seen);
        self.seen = self.seen.saturating_add(part);
        self.upto(self.seen) - before
    }
}

impl Waiters {
    pub(super) const EMPTY: Self = Self {
        groups: [Group::NOTHING; GROUPS],
        groups_len: 0,
        rows: [Row {
            to: To::Charge(Ticket::NONE),
            portion: Portion::NOTHING,
        }; ROWS],
        rows_len: 0,
        dropped: 0,
    };

    fn groups(&mut self, key: usize) -> impl Iterator<Item = &mut Group> {
        let groups = self.groups[..self.groups_len].iter_mut();
        groups.filter(move |group| group.key == key)
    }

    fn group(&mut self, key: usize, stack: StackId) -> Option<&mut Group> {
        let groups = &self.groups[..self.groups_len];
        let is_it = |group: &Group| group.key == key && group.stack == stack;
        let index = match groups.iter().position(is_it) {
            Some(index) => index,
            None => {
                let slot = self.groups.get_mut(self.groups_len)?;
                *slot = Group {
                    key,
                    stack,
                    ..Group::NOTHING
                };
                self.groups_len += 1;
                self.groups_len - 1
            }
        };
        Some(&mut self.groups[index])
    }

    /// Forgets the groups that have nothing any more.
    fn sweep(&mut self) {
        let mut index = 0;
        while index < self.groups_len {
            if self.groups[index].is_over() {
                self.groups_len -= 1;
                self.groups[index] = self.groups[self.groups_len];
            } else {
                index += 1;
            }
        }
    }

    /// A waiter comes that has waited for so long. False: there is no room for it.
    pub(super) fn arrive(
        &mut self,
        key: usize,
        stack: StackId,
        weight: u32,
        held: u64,
        free: u64,
    ) -> bool {
        let Some(group) = self.group(key, stack) else {
            return false;
        };
        group.weight += u64::from(weight);
        group.held.delay_nanos = group.held.delay_nanos.saturating_add(held);
        group.free_nanos = group.free_nanos.saturating_add(free);
        true
    }

    /// The sums of a lock have grown by so much, on account of waiters of so much weight.
    pub(super) fn grow(&mut self, key: usize, held: u64, free: u64, weight: u64) {
        if self.groups_len == 0 {
            return;
        }
        let (mut held, mut free) = (Cut::new(held, weight), Cut::new(free, weight));
        for group in self.groups(key) {
            let held = held.next(group.weight);
            group.held.delay_nanos = group.held.delay_nanos.saturating_add(held);
            group.free_nanos = group.free_nanos.saturating_add(free.next(group.weight));
        }
    }

    /// So much `of` what is held becomes due.
    pub(super) fn pay(&mut self, key: usize, nanos: u64, of: u64) {
        if self.groups_len == 0 {
            return;
        }
        let mut paid = Cut::new(nanos, of);
        for group in self.groups(key) {
            let paid = paid.next(group.held.delay_nanos);
            group.held.delay_nanos -= paid;
            group.due_nanos = group.due_nanos.saturating_add(paid);
        }
    }

    /// Makes due what was waited while nobody held the lock.
    pub(super) fn pay_free(&mut self, key: usize) {
        for group in self.groups(key) {
            let free = std::mem::take(&mut group.free_nanos);
            group.due_nanos = group.due_nanos.saturating_add(free);
        }
    }

    /// Makes what is due held again: nobody is there to be charged with it.
    pub(super) fn hold_due(&mut self, key: usize) {
        for group in self.groups(key) {
            let due = std::mem::take(&mut group.due_nanos);
            group.held.delay_nanos = group.held.delay_nanos.saturating_add(due);
        }
    }

    /// So much `of` what is held turns out to have passed while nobody held the lock.
    pub(super) fn free(&mut self, key: usize, nanos: u64, of: u64) {
        if self.groups_len == 0 || nanos == 0 {
            return;
        }
        let mut freed = Cut::new(nanos, of);
        for group in self.groups(key) {
            let freed = freed.next(group.held.delay_nanos);
            group.held.delay_nanos -= freed;
            group.free_nanos = group.free_nanos.saturating_add(freed);
        }
    }

    /// A waiter does not wait any more.
    pub(super) fn leave(&mut self, key: usize, stack: StackId, weight: u32) {
        let mut groups = self.groups(key);
        if let Some(group) = groups.find(|group| group.stack == stack) {
            group.weight = group.weight.saturating_sub(u64::from(weight));
        }
    }

    /// Leaves at the lock what a waiter owes for itself.
    pub(super) fn keep(&mut self, key: usize, stack: StackId, amount: Amount) {
        if let Some(group) = self.group(key, stack) {
            group.held.add(amount);
        }
    }

    /// Takes back a wait that was none.
    pub(super) fn take_back(&mut self, key: usize, stack: StackId, waited: u64) {
        if let Some(group) = self.groups(key).find(|group| group.stack == stack) {
            let held = waited.min(group.held.delay_nanos);
            group.held.delay_nanos -= held;
            group.free_nanos = group.free_nanos.saturating_sub(waited - held);
        }
        self.sweep();
    }

    /// Hands out what `take` takes of each group of the lock.
    fn hand_out(&mut self, key: usize, to: To, mut take: impl FnMut(&mut Group) -> (Amount, u64)) {
        for index in 0..self.groups_len {
            let group = &mut self.groups[index];
            if group.key == key {
                let (amount, wakeup_nanos) = take(group);
                let waiter = group.stack;
                self.add(
                    to,
                    Portion {
                        waiter,
                        amount,
                        wakeup_nanos,
                    },
                );
            }
        }
        self.sweep();
    }

    /// Hands out what is due, and contentions that ended by giving up.
    pub(super) fn hand_out_due(&mut self, key: usize, ticket: Ticket) {
        self.hand_out(key, To::Charge(ticket), |group| {
            let kept = Amount {
                delay_nanos: group.held.delay_nanos,
                ..Amount::ZERO
            };
            let mut amount = std::mem::replace(&mut group.held, kept);
            amount.delay_nanos = std::mem::take(&mut group.due_nanos);
            (amount, 0)
        });
    }

    /// Hands out what was waited while nobody held the lock.
    pub(super) fn hand_out_free(&mut self, key: usize, to: To) {
        self.hand_out(key, to, |group| {
            (Amount::ZERO, std::mem::take(&mut group.free_nanos))
        });
    }

    /// Hands out what is due; and what is held, unless others are to pay for that.
    pub(super) fn hand_out_rest(&mut self, key: usize, to: To, with_held: bool) {
        self.hand_out(key, to, |group| {
            let mut amount = match with_held {
                true => std::mem::take(&mut group.held),
                false => Amount::ZERO,
            };
            let due = std::mem::take(&mut group.due_nanos);
            amount.delay_nanos = amount.delay_nanos.saturating_add(due);
            (amount, 0)
        });
    }

    /// Hands out so much `of` what is held: as time in which the lock was held, and as time in
    /// which nobody held it.
    pub(super) fn hand_out_shares(
        &mut self,
        key: usize,
        ticket: Ticket,
        (held, free): (u64, u64),
        of: u64,
    ) {
        let (mut held, mut free) = (Cut::new(held, of), Cut::new(free, of - held.min(of)));
        self.hand_out(key, To::Charge(ticket), |group| {
            let delay_nanos = held.next(group.held.delay_nanos);
            group.held.delay_nanos -= delay_nanos;
            let wakeup_nanos = free.next(group.held.delay_nanos);
            group.held.delay_nanos -= wakeup_nanos;
            let amount = Amount {
                delay_nanos,
                ..Amount::ZERO
            };
            (amount, wakeup_nanos)
        });
    }

    /// Adds a portion to those of the same waiter.
    pub(super) fn add(&mut self, to: To, portion: Portion) {
        if portion.amount.is_zero() && portion.wakeup_nanos == 0 {
            return;
        }
        let mut rows = self.rows[..self.rows_len].iter_mut();
        let is_same = |row: &&mut Row| row.to == to && row.portion.waiter == portion.waiter;
        if let Some(row) = rows.find(is_same) {
            row.portion.amount.add(portion.amount);
            row.portion.wakeup_nanos += portion.wakeup_nanos;
            return;
        }
        match self.rows.get_mut(self.rows_len) {
            Some(slot) => {
                *slot = Row { to, portion };
                self.rows_len += 1;
            }
            None => self.dropped = self.dropped.saturating_add(1),
        }
    }

    /// Makes the portions of one ticket another's.
    pub(super) fn pass_on(&mut self, from: Ticket, to: Ticket) {
        for row in &mut self.rows[..self.rows_len] {
            if row.to == To::Charge(from) {
                row.to = To::Charge(to);
            }
        }
    }

    /// The stack of a release is known: what was deferred for it is its own.
    pub(super) fn settle(&mut self, ticket: Ticket) {
        let mut index = 0;
        while index < self.rows_len {
            let row = self.rows[index];
            if row.to == To::Deferred(ticket) {
                self.rows_len -= 1;
                self.rows[index] = self.rows[self.rows_len];
                self.add(To::Charge(ticket), row.portion);
            } else {
                index += 1;
            }
        }
    }

    /// Another release takes over what was deferred for this one. Nobody's wake-ups they are then.
    pub(super) fn take_over(&mut self, from: Ticket, to: Ticket, nobody: Ticket) {
        for index in 0..self.rows_len {
            let row = &mut self.rows[index];
            if row.to == To::Deferred(from) {
                row.to = To::Charge(to);
                let wakeup = Portion {
                    amount: Amount::ZERO,
                    ..row.portion
                };
                row.portion.wakeup_nanos = 0;
                self.add(To::Charge(nobody), wakeup);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups_len == 0 && self.rows_len == 0
    }

    /// Where the portions of `ticket` are found, if there are any.
    pub(super) fn portions(&self, key: usize, ticket: Ticket) -> Portions {
        let mut rows = self.rows[..self.rows_len].iter();
        match rows.any(|row| row.to.is(ticket)) {
            true => Portions { key, ticket },
            false => Portions::NONE,
        }
    }

    /// Takes some of the portions of `ticket`. Returns how many.
    pub(super) fn take(&mut self, ticket: Ticket, into: &mut [Portion]) -> usize {
        let (mut taken, mut index) = (0, 0);
        while index < self.rows_len && taken < into.len() {
            if self.rows[index].to.is(ticket) {
                into[taken] = self.rows[index].portion;
                taken += 1;
                self.rows_len -= 1;
                self.rows[index] = self.rows[self.rows_len];
            } else {
                index += 1;
            }
        }
        taken
    }

    /// Portions for which there was no room since the last call.
    pub(super) fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.dropped)
    }

    /// Forgets everything.
    #[cfg(not(loom))]
    pub(super) fn clear(&mut self) {
        self.groups_len = 0;
        self.rows_len = 0;
        self.dropped = 0;
    }

    /// Forgets the groups of a lock.
    pub(super) fn forget(&mut self, key: usize) {
        if self.groups_len == 0 {
            return;
        }
        for group in self.groups(key) {
            *group = Group::NOTHING;
        }
        self.sweep();
    }
}

impl To {
    fn is(self, ticket: Ticket) -> bool {
        let (Self::Charge(own) | Self::Deferred(own)) = self;
        own == ticket
    }
}

impl Table {
    /// Divides a charge that was handed out among those who have waited; `None` for the part of
    /// which that is not known. Once for each charge. Returns for how many parts there was no room.
    pub(crate) fn divide(
        &self,
        charge: Charge,
        mut book: impl FnMut(Option<StackId>, Charge),
    ) -> u32 {
        let mut rest = charge;
        let mut portions = [Portion::NOTHING; 8];
        let (mut taken, mut dropped) = (portions.len(), 0);
        // Fewer than there was room for were the last.
        while taken == portions.len() && !charge.portions.are_none() {
            {
                let mut shard = self.shard(charge.portions.key);
                taken = shard.waiters.take(charge.portions.ticket, &mut portions);
                dropped += shard.waiters.take_dropped();
            }
            for portion in &portions[..taken] {
                let part = portion.of(&rest);
                book(Some(portion.waiter), part);
                rest = without(rest, &part);
            }
        }
        if !rest.is_zero() {
            book(None, rest);
        }
        dropped
    }
}

impl Portion {
    /// At most what there is of a charge: so a charge is booked once, whatever was counted here.
    fn of(&self, charge: &Charge) -> Charge {
        let delay_nanos = self.amount.delay_nanos.min(charge.amount.delay_nanos);
        Charge {
            amount: Amount {
                delay_nanos,
                ..self.amount
            },
            wakeup_nanos: self.wakeup_nanos.min(charge.wakeup_nanos),
            portions: Portions::NONE,
        }
    }
}

/// The rest of a charge without a part of it.
fn without(charge: Charge, part: &Charge) -> Charge {
    Charge {
        amount: Amount {
            contentions: (charge.amount.contentions - part.amount.contentions).max(0.0),
            delay_nanos: charge.amount.delay_nanos - part.amount.delay_nanos,
            // Sums of floats: what should be nothing may be a little.
            variance: match charge.amount.variance - part.amount.variance {
                rest if rest > charge.amount.variance * 1e-9 => rest,
                _ => 0.0,
            },
        },
        wakeup_nanos: charge.wakeup_nanos - part.wakeup_nanos,
        portions: Portions::NONE,
    }
}
