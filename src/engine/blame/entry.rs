//! The entry that the table keeps of one lock, and the shard that it is kept in.

use super::flag::{Flag, LockRef};
use super::readers::{Notes, Phase};
use super::shares::Shares;
use super::waiters::{Portion, To, Waiters};
use super::{Ledger, Taken};
use crate::engine::store::StackId;
use crate::profile::amount::Amount;
use crate::profile::lock_name::LockName;

/// The amounts that one release is charged with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Charge {
    /// For its hold, and the contentions that it ended.
    pub(crate) amount: Amount,
    /// Waiting after it, while nobody held the lock.
    pub(crate) wakeup_nanos: u64,
    /// Whose waiting that is, if it is known.
    pub(crate) portions: Portions,
}

/// Where the [`Table`](super::Table) keeps the portions of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portions {
    pub(super) key: usize,
    pub(super) ticket: Ticket,
}

impl Portions {
    pub(crate) const NONE: Self = Self {
        key: 0,
        ticket: Ticket::NONE,
    };

    pub(crate) fn are_none(self) -> bool {
        self == Self::NONE
    }
}

impl Default for Portions {
    fn default() -> Self {
        Self::NONE
    }
}

impl Charge {
    pub(crate) const ZERO: Self = Self {
        amount: Amount::ZERO,
        wakeup_nanos: 0,
        portions: Portions::NONE,
    };

    pub(crate) fn is_zero(&self) -> bool {
        self.amount.is_zero() && self.wakeup_nanos == 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.amount.add(other.amount);
        self.wakeup_nanos = self.wakeup_nanos.saturating_add(other.wakeup_nanos);
        if self.portions.are_none() {
            self.portions = other.portions;
        }
    }
}

/// Where a charge belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChargeTo {
    Stack(StackId),
    /// No release was seen.
    Unattributed,
}

/// Names one charged release until its stack is known. Unique within a shard, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl Ticket {
    pub(super) const NONE: Self = Self(0);
}

/// The release that was charged last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Nobody,
    /// Taken; its thread is still capturing the stack.
    Pending(Ticket),
    Stack(StackId),
}

/// A lock that sampled waiters wait for, or whose release somebody is still capturing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: usize,
    /// The lock's.
    pub(super) name: LockName,
    pub(super) waiters: u32,
    /// The sum of the waiters' weights.
    pub(super) weight: u64,
    /// `held` and `free_nanos` are right up to this time.
    pub(super) since: u64,
    /// The reading of the flag's stopwatch at that time.
    pub(super) stopwatch: u64,
    /// Waiting while the lock was held that no release was charged with yet, and contentions that
    /// ended by giving up.
    pub(super) held: Amount,
    /// Waiting while nobody held the lock, not charged yet.
    pub(super) free_nanos: u64,
    pub(super) last: Last,
    /// For `last` while it is pending.
    pub(super) deferred: Charge,
    /// At a lock that several hold: waiting whose holders have released it, in releases that were
    /// not captured.
    pub(super) due_nanos: u64,
    /// At such a lock: permits of which not all were given back that were held when somebody
    /// waited.
    pub(super) payers: u64,
    /// For permits: their lock's volume, by which it is known again. For readers: that of their
    /// phase.
    pub(super) volume: u64,
    /// At a lock with readers: how it is held.
    pub(super) phase: Phase,
}

impl Entry {
    pub(super) const EMPTY: Entry = Entry {
        key: 0,
        name: LockName::NONE,
        waiters: 0,
        weight: 0,
        since: 0,
        stopwatch: 0,
        held: Amount::ZERO,
        free_nanos: 0,
        last: Last::Nobody,
        deferred: Charge::ZERO,
        due_nanos: 0,
        payers: 0,
        volume: 0,
        phase: Phase::Alone,
    };

    /// The first waiter comes at `now`, and makes the flag busy.
    pub(super) fn start(&mut self, lock: LockRef<'_>, now: u64) {
        self.since = self.since.max(now);
        self.stopwatch = 0;
        self.volume = lock.shares.map_or(0, Shares::volume);
        lock.flag.make_busy(self.since);
    }

    /// Whether this is of a lock that was freed, and another one stands at its place. Asked where
    /// the flag is idle though something is owed, which it says at a lock that one at a time can
    /// hold.
    pub(super) fn is_of_another(&self, lock: LockRef<'_>) -> bool {
        lock.shares
            .is_none_or(|shares| shares.volume() != self.volume)
    }

    /// Brings `held` and `free_nanos` up to `now`, or to the latest time already seen here. Returns
    /// that.
    pub(super) fn advance(&mut self, lock: LockRef<'_>, now: u64) -> u64 {
        let now = now.max(self.since);
        let elapsed = now - self.since;
        self.since = now;
        let waited = elapsed.saturating_mul(self.weight);
        if let Some(shares) = lock.shares {
            self.grow(shares, waited);
            return now;
        }
        let stopwatch = lock.flag.free_nanos(now).unwrap_or(self.stopwatch);
        // At most what has passed, whatever the stopwatch says: so nothing is counted twice.
        let free = stopwatch.saturating_sub(self.stopwatch).min(elapsed);
        self.stopwatch = stopwatch;
        let free = free.saturating_mul(self.weight).min(waited);
        self.free_nanos = self.free_nanos.saturating_add(free);
        self.add_waited(waited - free);
        now
    }

    /// A waiter comes that has waited for so long.
    pub(super) fn add_begun(&mut self, lock: LockRef<'_>, waited: u64) {
        match lock.shares {
            Some(shares) => self.grow(shares, waited),
            // The last of its tries failed a moment ago: up to here somebody held the lock.
            None => self.add_waited(waited),
        }
    }

    /// All that no release is to be charged with any more, when the last waiter leaves.
    pub(super) fn take_rest(&mut self) -> Amount {
        let mut rest = match self.payers {
            0 => std::mem::take(&mut self.held),
            _ => Amount::ZERO,
        };
        let due = std::mem::take(&mut self.due_nanos);
        rest.delay_nanos = rest.delay_nanos.saturating_add(due);
        rest
    }

    pub(super) fn add_held(&mut self, waited: u64) {
        self.held.delay_nanos = self.held.delay_nanos.saturating_add(waited);
    }

    /// Takes back a wait that was none.
    pub(super) fn take_back(&mut self, waited: u64) {
        let held = waited.min(self.held.delay_nanos);
        self.held.delay_nanos -= held;
        self.free_nanos = self.free_nanos.saturating_sub(waited - held);
    }

    /// All that is not charged yet.
    pub(super) fn take_uncharged(&mut self) -> Charge {
        self.payers = 0;
        Charge {
            amount: self.take_rest(),
            wakeup_nanos: std::mem::take(&mut self.free_nanos),
            portions: Portions::NONE,
        }
    }

    pub(super) fn owes_nothing(&self) -> bool {
        self.held.is_zero() && self.free_nanos == 0 && self.due_nanos == 0
    }

    pub(super) fn is_finished(&self) -> bool {
        self.waiters == 0 && self.owes_nothing() && !matches!(self.last, Last::Pending(_))
    }

    /// All waiters gave up, and no release has come since.
    pub(super) fn is_debt(&self) -> bool {
        self.waiters == 0 && !self.owes_nothing() && !matches!(self.last, Last::Pending(_))
    }
}

/// Locks per shard that can be waited for at once. A thread waits for one lock at a time, so it
/// takes about a thousand waiting threads, each at a lock of its own, to fill a shard. There are
/// more tasks than threads.
pub(super) const ENTRIES: usize = match (cfg!(loom), cfg!(feature = "tokio")) {
    (true, _) => 2,
    (false, false) => 32,
    (false, true) => 128,
};

/// Releases per shard that were overtaken by another one of the same lock before their stack
/// was known. More than a few at once means as many preempted threads.
pub(super) const DETACHED: usize = if cfg!(loom) { 1 } else { 8 };

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) entries: [Entry; ENTRIES],
    /// Entries in use: the first so many.
    pub(super) len: usize,
    pub(super) detached: [(Ticket, Charge); DETACHED],
    pub(super) notes: Notes,
    pub(super) waiters: Waiters,
    last_ticket: u64,
    /// See [`Ledger`].
    pub(super) begun: f64,
    pub(super) charged: f64,
    forgotten: f64,
}

impl Shard {
    pub(super) const EMPTY: Shard = Shard {
        entries: [Entry::EMPTY; ENTRIES],
        len: 0,
        detached: [(Ticket::NONE, Charge::ZERO); DETACHED],
        notes: Notes::EMPTY,
        waiters: Waiters::EMPTY,
        last_ticket: 0,
        begun: 0.0,
        charged: 0.0,
        forgotten: 0.0,
    };

    /// Forgets everything, of which less than all is written: a forked child shares the rest with
    /// its parent.
    #[cfg(not(loom))]
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.detached = [(Ticket::NONE, Charge::ZERO); DETACHED];
        self.notes.clear();
        self.waiters.clear();
        (self.begun, self.charged, self.forgotten) = (0.0, 0.0, 0.0);
    }

    pub(super) fn position(&self, key: usize) -> Option<usize> {
        self.entries[..self.len]
            .iter()
            .position(|entry| entry.key == key)
    }

    pub(super) fn insert(&mut self, entry: Entry) -> Option<usize> {
        let slot = self.entries.get_mut(self.len)?;
        *slot = entry;
        self.len += 1;
        Some(self.len - 1)
    }

    /// As [`Entry::advance`].
    pub(super) fn advance(&mut self, position: usize, lock: LockRef<'_>, now: u64) -> u64 {
        let entry = &mut self.entries[position];
        let (held, free) = (entry.held.delay_nanos, entry.free_nanos);
        let now = entry.advance(lock, now);
        let (held, free) = (entry.held.delay_nanos - held, entry.free_nanos - free);
        self.waiters.grow(entry.key, held, free, entry.weight);
        now
    }

    /// As [`Entry::pay`].
    pub(super) fn pay(&mut self, position: usize, grown: u64, holders: u64) -> u64 {
        let entry = &mut self.entries[position];
        let held = entry.held.delay_nanos;
        let paid = entry.pay(grown, holders);
        self.waiters.pay(entry.key, paid, held);
        paid
    }

    /// As [`Entry::pay_rest`].
    pub(super) fn pay_rest(&mut self, position: usize) {
        let entry = &mut self.entries[position];
        let held = entry.held.delay_nanos;
        entry.pay_rest();
        self.waiters.pay(entry.key, held, held);
    }

    /// As [`Entry::take_uncharged`], with the portions, and those of `own`, who has left.
    pub(super) fn take_uncharged(
        &mut self,
        position: usize,
        own: Option<(StackId, Amount)>,
    ) -> Charge {
        let mut charge = self.entries[position].take_uncharged();
        charge
            .amount
            .add(own.map_or(Amount::ZERO, |(_, amount)| amount));
        if self.waiters.is_empty() && own.is_none() {
            return charge;
        }
        let (key, ticket) = (self.entries[position].key, self.next_ticket());
        let to = To::Charge(ticket);
        self.waiters.hand_out_rest(key, to, true);
        self.waiters.hand_out_free(key, to);
        if let Some((waiter, amount)) = own {
            let wakeup_nanos = 0;
            self.waiters.add(
                to,
                Portion {
                    waiter,
                    amount,
                    wakeup_nanos,
                },
            );
        }
        charge.portions = self.waiters.portions(key, ticket);
        charge
    }

    pub(super) fn remove_if_finished(&mut self, position: usize) {
        if self.entries[position].is_finished() {
            self.forget_phase(position);
            self.waiters.forget(self.entries[position].key);
            self.len -= 1;
            self.entries[position] = self.entries[self.len];
        }
    }

    /// Forgets the debt of a lock that is not there any more, or that has to make room.
    pub(super) fn take_debt(&mut self, position: usize) -> Charge {
        self.entries[position].last = Last::Nobody;
        self.take_uncharged(position, None)
    }

    /// Makes room by giving up the debt of a wait that timed out at a lock whose holder has
    /// not released it since.
    pub(super) fn evict_debt(&mut self) -> Option<Charge> {
        self.evict(Entry::is_debt)
    }

    /// As [`evict_debt`](Self::evict_debt), if nothing has happened at its lock since `time`, and
    /// nobody is known who is to pay.
    pub(super) fn evict_debt_from_before(&mut self, time: u64) -> Option<Charge> {
        self.evict(|entry| entry.is_debt() && entry.since <= time && entry.payers == 0)
    }

    fn evict(&mut self, is_meant: impl Fn(&Entry) -> bool) -> Option<Charge> {
        let position = self.entries[..self.len].iter().position(is_meant)?;
        let debt = self.take_debt(position);
        self.remove_if_finished(position);
        Some(debt)
    }

    /// A release at `now` takes `amount`, which it will record under its stack.
    pub(super) fn hand_out(
        &mut self,
        position: usize,
        flag: &Flag,
        now: u64,
        mut amount: Amount,
    ) -> Taken {
        let ticket = self.next_ticket();
        let Entry { key, name, .. } = self.entries[position];
        self.waiters.hand_out_due(key, ticket);
        let entry = &mut self.entries[position];
        let overtaken = std::mem::replace(&mut entry.last, Last::Pending(ticket));
        let mut before = std::mem::take(&mut entry.deferred);
        before.wakeup_nanos += std::mem::take(&mut entry.free_nanos);
        match entry.waiters {
            0 => flag.make_idle(),
            _ => flag.close_gate(now),
        }
        let mut wakeup = None;
        match overtaken {
            _ if before.is_zero() => {}
            Last::Stack(id) => {
                before.portions = self.free_portions(key);
                wakeup = Some((ChargeTo::Stack(id), before));
            }
            Last::Pending(older) if self.detach(older, before) => {
                self.waiters.hand_out_free(key, To::Charge(older));
            }
            Last::Pending(_) | Last::Nobody => {
                // Nobody will know any more whose contentions these are.
                amount.add(std::mem::take(&mut before.amount));
                before.portions = self.portions_of_nobody(key, overtaken, ticket);
                wakeup = Some((ChargeTo::Unattributed, before));
            }
        }
        self.count_charged(wakeup.map(|(_, charge)| charge));
        self.charged += amount.contentions;
        Taken {
            key,
            name,
            ticket,
            amount,
            wakeup,
            has_shares: false,
        }
    }

    /// Moves the portions of what a waiter who leaves with the lock hands out, before it does.
    /// Those for a release that is still being captured wait for it, under its ticket.
    pub(super) fn portions_of_leaver(
        &mut self,
        position: usize,
        is_last: bool,
        own: Option<(StackId, Amount)>,
    ) -> Portions {
        if self.waiters.is_empty() && own.is_none() {
            return Portions::NONE;
        }
        let entry = &self.entries[position];
        let (key, last, is_over) = (entry.key, entry.last, is_last && entry.payers == 0);
        let (ticket, to) = match last {
            Last::Nobody if !is_over => {
                // It all stays here, for a release that is to come.
                if let Some((stack, amount)) = own {
                    self.waiters.keep(key, stack, amount);
                }
                if is_last {
                    self.waiters.hold_due(key);
                }
                return Portions::NONE;
            }
            Last::Pending(ticket) => (ticket, To::Deferred(ticket)),
            Last::Stack(_) | Last::Nobody => {
                let ticket = self.next_ticket();
                (ticket, To::Charge(ticket))
            }
        };
        if let Some((waiter, amount)) = own {
            let wakeup_nanos = 0;
            self.waiters.add(
                to,
                Portion {
                    waiter,
                    amount,
                    wakeup_nanos,
                },
            );
        }
        if is_last {
            self.waiters.hand_out_rest(key, to, is_over);
        }
        self.waiters.hand_out_free(key, to);
        match last {
            Last::Pending(_) => Portions::NONE,
            _ => self.waiters.portions(key, ticket),
        }
    }

    /// Those of the waiting while nobody held the lock.
    fn free_portions(&mut self, key: usize) -> Portions {
        if self.waiters.is_empty() {
            return Portions::NONE;
        }
        let ticket = self.next_ticket();
        self.waiters.hand_out_free(key, To::Charge(ticket));
        self.waiters.portions(key, ticket)
    }

    /// As [`free_portions`](Self::free_portions), after a release which another one has overtaken,
    /// that takes over what was deferred for it.
    fn portions_of_nobody(&mut self, key: usize, overtaken: Last, by: Ticket) -> Portions {
        if self.waiters.is_empty() {
            return Portions::NONE;
        }
        let nobody = self.next_ticket();
        if let Last::Pending(older) = overtaken {
            self.waiters.take_over(older, by, nobody);
        }
        self.waiters.hand_out_free(key, To::Charge(nobody));
        self.waiters.portions(key, nobody)
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// Keeps `charge` for the release `ticket`, which another one has overtaken.
    #[must_use]
    pub(super) fn detach(&mut self, ticket: Ticket, charge: Charge) -> bool {
        let free = self.detached.iter_mut().find(|(t, _)| *t == Ticket::NONE);
        match free {
            Some(slot) => {
                *slot = (ticket, charge);
                true
            }
            None => false,
        }
    }

    pub(super) fn reattach(&mut self, ticket: Ticket) -> Charge {
        self.detached
            .iter_mut()
            .find(|(t, _)| *t == ticket)
            .map(|slot| std::mem::replace(slot, (Ticket::NONE, Charge::ZERO)).1)
            .unwrap_or_default()
    }

    /// This charge is handed out.
    pub(super) fn count_charged(&mut self, charge: Option<Charge>) {
        self.charged += charge.map_or(0.0, |charge| charge.amount.contentions);
    }

    fn kept(&self) -> (f64, f64) {
        let entries = &self.entries[..self.len];
        let waiting = entries.iter().map(|entry| entry.weight as f64).sum();
        let owed = |entry: &Entry| entry.held.contentions + entry.deferred.amount.contentions;
        let detached = self
            .detached
            .iter()
            .map(|(_, charge)| charge.amount.contentions);
        (waiting, entries.iter().map(owed).chain(detached).sum())
    }

    pub(super) fn add_to_ledger(&self, ledger: &mut Ledger) {
        let (waiting, owed) = self.kept();
        ledger.begun += self.begun;
        ledger.waiting += waiting;
        ledger.owed += owed;
        ledger.charged += self.charged;
        ledger.forgotten += self.forgotten;
    }

    /// Gives up all debts, of which nothing is to be recorded.
    pub(super) fn forget_debts(&mut self) {
        while let Some(debt) = self.evict_debt() {
            self.forgotten += debt.amount.contentions;
            let mut portions = [Portion::NOTHING; 8];
            while self.waiters.take(debt.portions.ticket, &mut portions) > 0 {}
        }
    }
}
