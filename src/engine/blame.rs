//! Charges waiting time to the holds that caused it. Exact, in O(1) per event.
//!
//! # Whose time is it?
//!
//! A wait is cut where the lock changes hands. The holder pays for the time in which it held the
//! lock. When nobody holds the lock and a thread waits all the same, that thread has been woken and
//! has no processor yet: the scheduler's time, which no shorter section would save. It goes to the
//! frame `contend::wakeup`, whose callers are the stack of the release before.
//!
//! ```text
//!   lock    │ held by A            │ free │ held by B   │ free    │ held by the waiter
//!           │                      │      │ (barged in) │         │
//!   waiter  │   ┌──────────────────┼──────┼─────────────┼─────────┤
//!           │   │ tries, sleeps    │ woken│ sleeps      │ woken   │ has it
//!               ╰── A's release ───╯      ╰ B's release ╯
//!                                  ╰ wakeup             ╰ wakeup ─╯
//!                                    after A's            after B's
//! ```
//!
//! # How
//!
//! Beside every lock stands a [`Flag`]: one word that says whether anybody waits, which an
//! acquisition and a release read, and a stopwatch in another that they keep while somebody does,
//! and that runs while nobody holds the lock. While sampled waiters wait, a [`Table`] keyed by an
//! address of the lock's has an entry with
//!
//! - `weight`, the sum of their weights,
//! - `held` and `free_nanos`, the integral of `weight` over the time since the last release that
//!   was charged, in which the lock was held, and in which the stopwatch ran,
//! - `last`, the release that was charged last.
//!
//! | event | what happens |
//! |---|---|
//! | a waiter arrives | brings the integrals up to now, adds its weight; a flag that was idle becomes busy |
//! | an acquisition or a release, flag idle | nothing: nobody who is sampled waits |
//! | an acquisition, flag busy | stops the stopwatch |
//! | a release, flag busy | starts it; and, unless it comes within [`GATE_NANOS`](flag::GATE_NANOS) of the last charged one: takes `held`, and after the unlock charges it to its stack; `free_nanos` is the wake-up time of the release before |
//! | a waiter leaves with the lock | stops the stopwatch (but for `Once`, which nobody holds after its end); counts one contention, and `free_nanos`, for `last`; the last waiter makes the flag idle, and what is left in `held` goes to `last` too |
//! | a waiter that gives up (timeout) leaves | its contention joins `held`, for the release that is still to come; the last one at an address that is not ours takes all of it along, unattributed |
//!
//! **Conservation.** Each waiter adds exactly `weight × (end − begin)` to the two integrals, in
//! pieces cut at the events of its lock, and all that was ever in them is charged once. So the sum
//! of a lock's blame is the sum of its sampled waits, to the nanosecond. The stopwatch only decides
//! which of the two a piece is split into, and never says more than the piece is long.
//!
//! **Why by time.** While a waiter sleeps, others may take and release the lock thousands of
//! times. To capture each release costs several times the work that is measured; to capture
//! every n-th blames the frequent instead of the slow. The hold in progress when the gate
//! opens is met with a probability in proportion to its length, so skipping by time keeps
//! shares right in the mean, and exact for every hold longer than the gate. The gate skips
//! only who held; the stopwatch knows of every release, and so how long nobody did.
//!
//! **Quick rounds.** A thread that takes and releases a lock every 30 ns need not read the clock
//! each time: see [`quick`].
//!
//! **Hand-overs.** A fair unlock gives the lock to a thread that still sleeps. The lock is not free
//! then, but nobody runs with it either; that is wake-up time as well. An initialiser (`Once`)
//! holds from its beginning, at which nobody can wait for it yet.
//!
//! **Between unlock and capture.** A release is charged after the unlock, so the waiter it lets go
//! may leave before the stack is known. Therefore `take` puts a ticket into `last`; what belongs to
//! the release meanwhile is `deferred`, and `settle` hands it over. If another release takes over
//! first, what was deferred for the older one moves to `detached`, under its ticket.
//!
//! **Memory.** After the unlock the lock may be freed at once. From then on its address is a key
//! only; the flag is touched by arriving, acquiring, releasing and leaving threads, which all have
//! the lock borrowed.
//!
//! **Several holders.** Permits and readers share what is waited while they hold: see [`shares`]
//! and [`readers`].
//!
//! Lock order: a shard's lock is innermost; the store is never touched under it.

mod entry;
mod flag;
#[cfg(not(loom))]
pub(crate) mod quick;
mod readers;
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
// The features decide how much of it is used.
mod shares;
mod waiters;

use crossbeam_utils::CachePadded;

use crate::engine::spin_lock::{SpinGuard, SpinLock};
use crate::engine::store::StackId;
use crate::profile::amount::{Amount, variance_of_wait};
use crate::profile::lock_name::LockName;
pub(crate) use entry::{Charge, ChargeTo};
use entry::{ENTRIES, Entry, Last, Shard, Ticket};
pub(crate) use flag::{Flag, Holder, LockRef};
#[cfg_attr(loom, allow(unused_imports))] // Models have one holder at a time.
pub(crate) use shares::{Share, SharedFlag};

/// Shards of the table, so that threads at different locks seldom meet: several for each of the
/// threads that can run at once on an ordinary machine (parking_lot has three per thread).
/// Tests have tables on their stacks.
const SHARDS: usize = match (cfg!(loom), cfg!(test)) {
    (true, _) => 1,
    (_, true) => 8,
    _ => 64,
};

/// All locks that sampled waiters wait for.
#[derive(Debug)]
pub(crate) struct Table {
    shards: [CachePadded<SpinLock<Shard>>; SHARDS],
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With the lock, which the waiter now holds alone.
    Acquired,
    /// With the lock, which this thread now holds beside others, if there are any.
    Joined { thread: usize },
    /// With what it waited for, which it does not hold: the end of an initialisation.
    LetGo,
    /// Without it: timed out, or unwinding.
    GaveUp,
    /// Without it, where the lock's memory may be another lock's by the next release, so that no
    /// debt can be left there: a wait at an address that is not ours.
    #[allow(dead_code)] // Where programs are profiled from outside.
    TimedOut,
    /// There was nothing to wait for after all.
    Cancelled,
}

/// A waiter is in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// When its wait began; the caller's time, unless the clock was behind that.
    pub(crate) begin: u64,
    /// Debt that had to make room, or of a lock that is gone, to be charged as unattributed.
    pub(crate) evicted: Option<Charge>,
    /// There was no room to remember whose stack it is: see [`waiters`].
    pub(crate) is_unnamed: bool,
}

/// One who waits, as the table is told of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    /// When the wait began.
    pub(crate) begin: u64,
    /// The contentions that it stands for.
    pub(crate) weight: u32,
    /// Where its stack is in the store; `None`: nobody asks.
    pub(crate) stack: Option<StackId>,
    /// The lock's.
    pub(crate) name: LockName,
}

#[cfg(test)]
impl Waiter {
    fn unnamed(begin: u64, weight: u32) -> Self {
        Self {
            begin,
            weight,
            stack: None,
            name: LockName::NONE,
        }
    }
}

/// A waiter has left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Departure {
    pub(crate) end: u64,
    /// The charge to record now. `None`: a release that is still to come, or to settle, gets it.
    pub(crate) charge: Option<(ChargeTo, Charge)>,
    /// As in [`Taken`].
    pub(crate) has_shares: bool,
}

impl Departure {
    /// Nothing is to be recorded.
    fn at(end: u64) -> Self {
        Self {
            end,
            charge: None,
            has_shares: false,
        }
    }
}

/// A release that has taken blame and is to record it under its stack, then to `settle`.
#[derive(Debug)]
#[must_use]
pub(crate) struct Taken {
    key: usize,
    /// The lock's, as its waiters have told it.
    pub(crate) name: LockName,
    ticket: Ticket,
    pub(crate) amount: Amount,
    /// Waiting after the release before, while nobody held the lock, to be recorded for that.
    pub(crate) wakeup: Option<(ChargeTo, Charge)>,
    /// Whether readers of the lock have shares to be recorded: see [`Table::next_share`].
    pub(crate) has_shares: bool,
}

impl Taken {
    fn as_last(&self) -> Last {
        Last::Pending(self.ticket)
    }
}

/// The fate of the waits that have arrived, in contentions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ledger {
    /// All that have arrived since the start. Those that turn out to be none are taken back.
    pub(crate) begun: f64,
    /// Those that go on.
    pub(crate) waiting: f64,
    /// Those that are over, and wait for a release to come, or for its stack.
    pub(crate) owed: f64,
    /// Those that were handed out to be recorded.
    pub(crate) charged: f64,
    /// Those that were owed, and that a reset has forgotten.
    pub(crate) forgotten: f64,
}

impl Ledger {
    /// The part that arrived and is nowhere: 0, at any moment.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) fn missing(&self) -> f64 {
        self.begun - self.waiting - self.owed - self.charged - self.forgotten
    }
}

impl Table {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            shards: [const { CachePadded::new(SpinLock::new(Shard::EMPTY)) }; SHARDS],
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| CachePadded::new(SpinLock::new(Shard::EMPTY))),
        }
    }

    fn shard(&self, key: usize) -> SpinGuard<'_, Shard> {
        // Fibonacci hashing (Knuth, TAOCP 3, 6.4): the upper bits of key × 2^64/φ.
        let hash = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.shards[(hash >> 32) as usize % SHARDS].lock()
    }

    /// A waiter comes. `None`: the table is full.
    pub(crate) fn arrive(&self, lock: LockRef<'_>, now: u64, waiter: Waiter) -> Option<Arrival> {
        let Waiter {
            begin,
            weight,
            stack,
            name,
        } = waiter;
        let LockRef { key, flag, .. } = lock;
        let mut shard = self.shard(key);
        let mut evicted = None;
        let position = match shard.position(key) {
            Some(position) => {
                let entry = &shard.entries[position];
                if entry.is_debt() && flag.is_idle() && entry.is_of_another(lock) {
                    // A lock that owes something has a flag that says so. This is another one, at
                    // the place of one that was freed without a release (its guard was leaked).
                    evicted = Some(shard.take_debt(position));
                }
                position
            }
            None => {
                if shard.len == ENTRIES {
                    evicted = Some(shard.evict_debt()?);
                }
                shard.insert(Entry {
                    key,
                    since: now,
                    ..Entry::EMPTY
                })?
            }
        };
        if flag.is_idle() {
            shard.forget_phase(position);
            shard.entries[position].start(lock, now);
        } else {
            // The holder may not read the clock (see `quick`): its release is to. To capture it
            // would take so long that the one who has come gets the lock, the holder comes in turn,
            // and so on.
            flag.time_next();
        }
        let now = shard.advance(position, lock, now);
        let begin = begin.min(now);
        let entry = &mut shard.entries[position];
        let (held, free) = (entry.held.delay_nanos, entry.free_nanos);
        entry.add_begun(lock, (now - begin).saturating_mul(u64::from(weight)));
        let (held, free) = (entry.held.delay_nanos - held, entry.free_nanos - free);
        entry.weight += u64::from(weight);
        entry.waiters += 1;
        entry.name = name;
        let mut is_named = |stack| shard.waiters.arrive(key, stack, weight, held, free);
        let is_unnamed = stack.is_some_and(|stack| !is_named(stack));
        shard.begun += f64::from(weight);
        shard.count_charged(evicted);
        Some(Arrival {
            begin,
            evicted,
            is_unnamed,
        })
    }

    /// A release that is due, before its unlock. `None`: nothing to charge.
    pub(crate) fn take(&self, lock: LockRef<'_>, now: u64) -> Option<Taken> {
        let mut shard = self.shard(lock.key);
        let Some(position) = shard.position(lock.key) else {
            // The last waiter has just left; or a child of `fork`, where it never was.
            lock.flag.make_idle();
            return None;
        };
        let now = shard.advance(position, lock, now);
        // There is one only if its acquisition was not seen.
        let has_shares = shard.end_phase(position);
        shard.pay_rest(position);
        let amount = shard.entries[position].take_due();
        Some(Taken {
            has_shares,
            ..shard.hand_out(position, lock.flag, now, amount)
        })
    }

    /// The stack of a taken release is known (`None`: it was forgotten). Returns what has come
    /// in for it since.
    pub(crate) fn settle(&self, taken: &Taken, stack: Option<StackId>) -> Charge {
        let mut shard = self.shard(taken.key);
        let stack = stack.map_or(Last::Nobody, Last::Stack);
        let mut charge = shard.reattach(taken.ticket);
        let shares = shard.notes.settle(taken.as_last(), stack);
        if !shares.portions.are_none() {
            shard.waiters.pass_on(shares.portions.ticket, taken.ticket);
        }
        charge.add(shares);
        if let Some(position) = shard.position(taken.key) {
            let entry = &mut shard.entries[position];
            if entry.last == taken.as_last() {
                entry.last = stack;
                charge.add(std::mem::take(&mut entry.deferred));
                shard.remove_if_finished(position);
            }
        }
        shard.count_charged(Some(charge));
        shard.waiters.settle(taken.ticket);
        charge.portions = shard.waiters.portions(taken.key, taken.ticket);
        charge
    }

    /// A waiter that arrived leaves.
    pub(crate) fn leave(
        &self,
        lock: LockRef<'_>,
        now: u64,
        waiter: Waiter,
        outcome: Outcome,
    ) -> Departure {
        let Waiter {
            begin,
            weight,
            stack,
            ..
        } = waiter;
        let LockRef { key, flag, shares } = lock;
        let mut shard = self.shard(key);
        let Some(position) = shard.position(key) else {
            // A child of `fork` forgot the entry.
            return Departure::at(now.max(begin));
        };
        let now = now.max(shard.entries[position].since);
        if outcome == Outcome::Acquired && shares.is_none() {
            // First: what the stopwatch shows up to here is part of what `advance` looks at.
            flag.acquired_at(|| now);
        }
        let end = shard.advance(position, lock, now).max(begin);
        if let Some(stack) = stack {
            shard.waiters.leave(key, stack, weight);
        }
        let entry = &mut shard.entries[position];
        entry.weight = entry.weight.saturating_sub(u64::from(weight));
        entry.waiters = entry.waiters.saturating_sub(1);
        let amount = Amount {
            contentions: f64::from(weight),
            delay_nanos: 0,
            // The variance of the whole wait, on the stack that ended it: the profile's total is
            // right; a wait that several releases share is not split.
            variance: variance_of_wait(end - begin, f64::from(weight)),
        };
        let own = stack.map(|stack| (stack, amount));
        let is_last = entry.waiters == 0;
        let has_shares = match outcome {
            Outcome::Joined { thread } if !is_last => {
                shard.enter_after_wait(position, flag, end, thread);
                false
            }
            Outcome::Acquired | Outcome::Joined { .. } | Outcome::LetGo => {
                shard.end_phase(position)
            }
            Outcome::GaveUp => {
                // Whoever holds the lock now made it give up.
                entry.held.add(amount);
                if let Some((stack, amount)) = own {
                    shard.waiters.keep(key, stack, amount);
                }
                let entry = &mut shard.entries[position];
                if is_last {
                    match entry.payers {
                        0 => flag.capture_next(),
                        // They know what they owe.
                        _ => flag.make_idle(),
                    }
                    // Waits of weight 0 leave nothing that a release could be charged with.
                    if entry.is_finished() {
                        flag.make_idle();
                        shard.remove_if_finished(position);
                    }
                }
                return Departure::at(end);
            }
            Outcome::TimedOut if !is_last => {
                // Others still wait there, so a release is to come.
                entry.held.add(amount);
                if let Some((stack, amount)) = own {
                    shard.waiters.keep(key, stack, amount);
                }
                return Departure::at(end);
            }
            Outcome::TimedOut => {
                let mut charge = shard.take_uncharged(position, own);
                if own.is_none() {
                    charge.amount.add(amount);
                }
                flag.make_idle();
                shard.forget_phase(position);
                shard.remove_if_finished(position);
                shard.count_charged(Some(charge));
                return Departure {
                    charge: Some((ChargeTo::Unattributed, charge)),
                    ..Departure::at(end)
                };
            }
            Outcome::Cancelled => {
                let waited = (end - begin).saturating_mul(u64::from(weight));
                entry.take_back(waited);
                if let Some(stack) = stack {
                    shard.waiters.take_back(key, stack, waited);
                }
                let entry = &shard.entries[position];
                if is_last && entry.owes_nothing() {
                    flag.make_idle();
                }
                shard.begun -= f64::from(weight);
                shard.remove_if_finished(position);
                return Departure::at(end);
            }
        };
        let portions = shard.portions_of_leaver(position, is_last, own);
        let entry = &mut shard.entries[position];
        let mut charge = Charge {
            amount,
            portions,
            ..Charge::ZERO
        };
        if is_last {
            charge.amount.add(entry.take_rest());
            flag.make_idle();
        }
        let is_over = is_last && entry.payers == 0;
        if is_over || entry.last != Last::Nobody {
            charge.wakeup_nanos = std::mem::take(&mut entry.free_nanos);
        }
        let charge = match entry.last {
            Last::Stack(id) => Some((ChargeTo::Stack(id), charge)),
            Last::Pending(_) => {
                entry.deferred.add(charge);
                None
            }
            Last::Nobody if is_over => Some((ChargeTo::Unattributed, charge)),
            Last::Nobody => {
                entry.held.add(charge.amount);
                None
            }
        };
        shard.remove_if_finished(position);
        shard.count_charged(charge.map(|(_, charge)| charge));
        Departure {
            end,
            charge,
            has_shares,
        }
    }

    /// Forgets what waits that are over still owe to a release. Those that go on are kept.
    pub(crate) fn forget_debts(&self) {
        for shard in &self.shards {
            shard.lock().forget_debts();
        }
    }

    /// Gives up a debt that nobody has paid for `patience`, whose guard was probably leaked.
    /// `None`: there is no other one.
    #[cfg(not(loom))]
    pub(crate) fn take_old_debt(&self, now: u64, patience: u64) -> Option<Charge> {
        self.shards.iter().find_map(|shard| {
            let mut shard = shard.lock();
            let debt = shard.evict_debt_from_before(now.saturating_sub(patience));
            shard.count_charged(debt);
            debt
        })
    }

    /// The fate of all waits up to now; exact also while others go on.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        for shard in &self.shards {
            shard.lock().add_to_ledger(&mut ledger);
        }
        ledger
    }

    /// Forgets all waiters and opens all locks.
    ///
    /// # Safety
    ///
    /// - Only in a child of `fork`, before another thread is started there: the waiters and the
    ///   holders of the locks do not exist there.
    #[cfg(not(loom))]
    pub(crate) unsafe fn forget_after_fork(&self) {
        for shard in &self.shards {
            // SAFETY: by this function's duty no guard is alive; `clear` makes the value valid,
            // whatever a holder that is gone has left, before anybody else can look at it.
            unsafe { shard.force_unlock() };
            shard.lock().clear();
        }
    }
}

#[cfg(test)]
mod tests;
