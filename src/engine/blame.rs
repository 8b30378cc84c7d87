//! Charges waiting time to the releases that ended it. Exact, in O(1) per event.
//!
//! Beside every lock stands a [`Flag`], one word that a release reads. While sampled waiters
//! wait for the lock, a [`Table`] keyed by an address of the lock's has an entry with
//!
//! - `weight`, the sum of their weights,
//! - `uncharged`, the integral of `weight` over time since the last release that was charged,
//! - `last`, the release that was charged last.
//!
//! | event | what happens |
//! |---|---|
//! | a waiter arrives | brings `uncharged` up to now, adds its weight; flag 0 → 1 |
//! | a release, flag 0 | nothing: nobody who is sampled waits |
//! | a release within [`GATE_NANOS`] of the last charged one | its blame stays in `uncharged`; the flag says that there was one |
//! | any other release | takes `uncharged`, flag → now; after the unlock, charges it to its stack |
//! | a waiter leaves with the lock | counts one contention for `last`; what is `uncharged` goes to `last` too if there was no release since (then it was the time from that release to this acquisition), or if it was the last waiter, in which case flag → 0 |
//! | a waiter that gives up (timeout) leaves | its contention joins `uncharged`, for the release that is still to come |
//!
//! **Conservation.** Each waiter adds exactly `weight × (end − begin)` to `uncharged`, in pieces
//! cut at the events of its lock, and all that was ever in `uncharged` is charged once. So the
//! sum of a lock's blame is the sum of its sampled waits, to the nanosecond.
//!
//! **Why by time.** While a waiter sleeps, others may take and release the lock thousands of
//! times. To capture each release costs several times the work that is measured; to capture
//! every n-th blames the frequent instead of the slow. The hold in progress when the gate
//! opens is met with a probability in proportion to its length, so skipping by time keeps
//! shares right in the mean, and exact for every hold longer than the gate.
//!
//! **Between unlock and capture.** A release is charged after the unlock, so the waiter it lets go may
//! leave before the stack is known. Therefore `take` puts a ticket into `last`; what belongs to
//! the release meanwhile is `deferred`, and `settle` hands it over. If another release takes
//! over first, what was deferred for the older one moves to `detached`, under its ticket.
//!
//! **Memory.** After the unlock the lock may be freed at once. From then on its address is a
//! key only; the flag is touched by arriving, releasing and leaving threads, which all have
//! the lock borrowed.
//!
//! Lock order: a shard's lock is innermost; the store is never touched under it.

use crossbeam_utils::CachePadded;

use crate::engine::primitives::atomic::{AtomicU64, Ordering};
use crate::engine::spin_lock::{SpinGuard, SpinLock};
use crate::engine::store::StackId;
use crate::profile::amount::{Amount, variance_of_wait};

/// Releases that come sooner than this after a charged one of the same lock are not captured.
///
/// With a capture and a record at about 0.3 µs together, 5 µs bound what recording can cost
/// the threads of one lock at some percent, and no hold that long is ever skipped.
pub(crate) const GATE_NANOS: u64 = 5_000;

/// The word beside a lock.
///
/// [`IDLE`](Self::IDLE), [`CAPTURE_NEXT`](Self::CAPTURE_NEXT), or the clock's reading at the
/// last release that was charged (never 0 or 1), of which bit 0 is [`SKIPPED`](Self::SKIPPED).
/// Written under the lock of the table's shard, but for that bit, and read without it by every
/// release. Relaxed: the word carries no data, only a hint to look into the table, whose lock
/// orders everything found there. A release that misses an arrival by a moment leaves its blame
/// to the next one.
#[derive(Debug)]
pub(crate) struct Flag(AtomicU64);

impl Flag {
    /// Nobody who is sampled waits.
    const IDLE: u64 = 0;
    /// The next release is to be captured, however soon.
    const CAPTURE_NEXT: u64 = 1;
    /// Since the charged release there was one that came too soon after it.
    const SKIPPED: u64 = 1;

    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(Self::IDLE))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Self::IDLE))
    }

    /// All that a release costs while nobody waits.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        self.get() == Self::IDLE
    }

    /// Whether a release at `now` comes after the gate has opened. If not, it is noted.
    #[cfg_attr(loom, allow(dead_code))] // Models have no clock.
    #[inline]
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let state = self.get();
        // Cores' clocks may disagree by some ticks: a reading before the last capture counts
        // as equal to it.
        let charged_at = state & !Self::SKIPPED;
        if state == Self::CAPTURE_NEXT || now.saturating_sub(charged_at) >= GATE_NANOS {
            return true;
        }
        if state & Self::SKIPPED == 0 {
            // Once per capture at the most. Fails if the table has written the flag since, and
            // then there is nothing to note.
            let skipped = state | Self::SKIPPED;
            let relaxed = Ordering::Relaxed;
            let _ = self.0.compare_exchange(state, skipped, relaxed, relaxed);
        }
        false
    }

    /// Whether no release has come since the one charged last.
    fn is_as_charged(&self) -> bool {
        self.get() & Self::SKIPPED == 0
    }

    #[inline(always)]
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, state: u64) {
        self.0.store(state, Ordering::Relaxed);
    }
}

/// A lock as the table knows it: by an address that nothing else has while somebody waits there.
///
/// The flag may stand elsewhere: what is not ours to change, as the word of a futex, has none beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockRef<'a> {
    key: usize,
    flag: &'a Flag,
}

impl<'a> LockRef<'a> {
    /// The lock that the flag is beside, known by the flag's address.
    #[inline]
    pub(crate) fn beside(flag: &'a Flag) -> Self {
        Self::at(std::ptr::from_ref(flag).addr(), flag)
    }

    /// The lock at this address, whose flag is elsewhere.
    #[inline]
    pub(crate) fn at(key: usize, flag: &'a Flag) -> Self {
        Self { key, flag }
    }
}

/// Names one charged release until its stack is known. Unique within a shard, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticket(u64);

/// The release that was charged last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nobody,
    /// Taken; its thread is still capturing the stack.
    Pending(Ticket),
    Stack(StackId),
}

/// A lock that sampled waiters wait for, or whose release somebody is still capturing.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: usize,
    waiters: u32,
    /// Of the waiters, in all.
    weight: u64,
    /// `uncharged` is right up to this time.
    since: u64,
    /// Waiting that no release was charged with yet, and contentions that ended by giving up.
    uncharged: Amount,
    last: Last,
    /// For `last` while it is pending.
    deferred: Amount,
}

impl Entry {
    const EMPTY: Entry = Entry {
        key: 0,
        waiters: 0,
        weight: 0,
        since: 0,
        uncharged: Amount::ZERO,
        last: Last::Nobody,
        deferred: Amount::ZERO,
    };

    /// Brings `uncharged` up to `now`, or to the latest time already seen here. Returns that.
    fn advance(&mut self, now: u64) -> u64 {
        let now = now.max(self.since);
        self.wait_for(now - self.since, self.weight);
        self.since = now;
        now
    }

    fn wait_for(&mut self, nanos: u64, weight: u64) {
        let waited = nanos.saturating_mul(weight);
        self.uncharged.delay_nanos = self.uncharged.delay_nanos.saturating_add(waited);
    }

    /// Takes back a wait that was none.
    fn wait_back(&mut self, nanos: u64, weight: u64) {
        let waited = nanos.saturating_mul(weight);
        self.uncharged.delay_nanos = self.uncharged.delay_nanos.saturating_sub(waited);
    }

    fn is_finished(&self) -> bool {
        self.waiters == 0 && self.uncharged.is_zero() && !matches!(self.last, Last::Pending(_))
    }

    /// All waiters gave up, and no release has come since.
    fn is_debt(&self) -> bool {
        self.waiters == 0 && !self.uncharged.is_zero() && !matches!(self.last, Last::Pending(_))
    }
}

/// Shards of the table, so that threads at different locks seldom meet: several for each of the
/// threads that can run at once on an ordinary machine (parking_lot has three per thread).
const SHARDS: usize = if cfg!(loom) { 1 } else { 64 };

/// Locks per shard that can be waited for at once. A thread waits for one lock at a time, so
/// it takes about a thousand waiting threads, each at a lock of its own, to fill a shard.
const ENTRIES: usize = if cfg!(loom) { 2 } else { 32 };

/// Releases per shard that were overtaken by another one of the same lock before their stack
/// was known. More than a few at once means as many preempted threads.
const DETACHED: usize = if cfg!(loom) { 1 } else { 8 };

#[derive(Debug)]
struct Shard {
    entries: [Entry; ENTRIES],
    /// Entries in use: the first so many.
    len: usize,
    detached: [(Ticket, Amount); DETACHED],
    last_ticket: u64,
}

impl Shard {
    const EMPTY: Shard = Shard {
        entries: [Entry::EMPTY; ENTRIES],
        len: 0,
        detached: [(Ticket(0), Amount::ZERO); DETACHED],
        last_ticket: 0,
    };

    fn position(&self, key: usize) -> Option<usize> {
        self.entries[..self.len]
            .iter()
            .position(|entry| entry.key == key)
    }

    fn insert(&mut self, entry: Entry) -> Option<usize> {
        let slot = self.entries.get_mut(self.len)?;
        *slot = entry;
        self.len += 1;
        Some(self.len - 1)
    }

    fn remove_if_finished(&mut self, position: usize) {
        if self.entries[position].is_finished() {
            self.len -= 1;
            self.entries[position] = self.entries[self.len];
        }
    }

    /// Makes room by giving up the debt of a wait that timed out at a lock whose holder has
    /// not released it since.
    fn evict_debt(&mut self) -> Option<Amount> {
        let position = self.entries[..self.len].iter().position(Entry::is_debt)?;
        let entry = &mut self.entries[position];
        let debt = std::mem::take(&mut entry.uncharged);
        self.remove_if_finished(position);
        Some(debt)
    }

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// Keeps `amount` for the release `ticket`, which another one has overtaken.
    #[must_use]
    fn detach(&mut self, ticket: Ticket, amount: Amount) -> bool {
        let free = self.detached.iter_mut().find(|(t, _)| *t == Ticket(0));
        match free {
            Some(slot) => {
                *slot = (ticket, amount);
                true
            }
            None => false,
        }
    }

    fn reattach(&mut self, ticket: Ticket) -> Amount {
        self.detached
            .iter_mut()
            .find(|(t, _)| *t == ticket)
            .map(|slot| std::mem::replace(slot, (Ticket(0), Amount::ZERO)).1)
            .unwrap_or_default()
    }
}

/// All locks that sampled waiters wait for.
#[derive(Debug)]
pub(crate) struct Table {
    shards: [CachePadded<SpinLock<Shard>>; SHARDS],
}

/// Where an amount belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChargeTo {
    Stack(StackId),
    /// No release was seen.
    Unattributed,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With the lock.
    Acquired,
    /// Without it: timed out, or unwinding.
    GaveUp,
    /// There was nothing to wait for after all.
    Cancelled,
}

/// A waiter is in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// When its wait began; the caller's time, unless the clock was behind that.
    pub(crate) begin: u64,
    /// Debt that had to make room, or of a lock that is gone, to be charged as unattributed.
    pub(crate) evicted: Option<Amount>,
}

/// A waiter has left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Departure {
    pub(crate) end: u64,
    /// To be recorded now. `None`: a release that is still to come, or to settle, gets it.
    pub(crate) charge: Option<(ChargeTo, Amount)>,
}

/// A release that has taken blame and is to record it under its stack, then to `settle`.
#[derive(Debug)]
#[must_use]
pub(crate) struct Taken {
    key: usize,
    ticket: Ticket,
    pub(crate) amount: Amount,
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

    /// A waiter of `weight` that has waited since `begin`. `None`: the table is full.
    pub(crate) fn arrive(
        &self,
        LockRef { key, flag }: LockRef<'_>,
        now: u64,
        begin: u64,
        weight: u32,
    ) -> Option<Arrival> {
        let mut shard = self.shard(key);
        let mut evicted = None;
        let position = match shard.position(key) {
            Some(position) => {
                let entry = &mut shard.entries[position];
                if entry.is_debt() && flag.is_idle() {
                    // A lock that owes something has a flag that says so. This is another one, at
                    // the place of one that was freed without a release (its guard was leaked).
                    evicted = Some(std::mem::take(&mut entry.uncharged));
                    entry.last = Last::Nobody;
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
        let entry = &mut shard.entries[position];
        let now = entry.advance(now);
        let begin = begin.min(now);
        entry.wait_for(now - begin, u64::from(weight));
        entry.weight += u64::from(weight);
        entry.waiters += 1;
        if flag.is_idle() {
            flag.set(Flag::CAPTURE_NEXT);
        }
        Some(Arrival { begin, evicted })
    }

    /// A release that is due, before its unlock. `None`: nothing to charge.
    pub(crate) fn take(&self, LockRef { key, flag }: LockRef<'_>, now: u64) -> Option<Taken> {
        let mut shard = self.shard(key);
        let Some(position) = shard.position(key) else {
            // The last waiter has just left; or a child of `fork`, where it never was.
            flag.set(Flag::IDLE);
            return None;
        };
        let ticket = shard.next_ticket();
        let entry = &mut shard.entries[position];
        let now = entry.advance(now);
        let mut amount = std::mem::take(&mut entry.uncharged);
        let overtaken = std::mem::replace(&mut entry.last, Last::Pending(ticket));
        let deferred = std::mem::take(&mut entry.deferred);
        flag.set(match entry.waiters {
            0 => Flag::IDLE,
            _ => now & !Flag::SKIPPED,
        });
        if let Last::Pending(older) = overtaken
            && !deferred.is_zero()
            && !shard.detach(older, deferred)
        {
            amount.add(deferred);
        }
        Some(Taken {
            key,
            ticket,
            amount,
        })
    }

    /// The stack of a taken release is known (`None`: it was forgotten). Returns what has come
    /// in for it since.
    pub(crate) fn settle(&self, taken: &Taken, stack: Option<StackId>) -> Amount {
        let mut shard = self.shard(taken.key);
        if let Some(position) = shard.position(taken.key) {
            let entry = &mut shard.entries[position];
            if entry.last == Last::Pending(taken.ticket) {
                entry.last = stack.map_or(Last::Nobody, Last::Stack);
                let deferred = std::mem::take(&mut entry.deferred);
                shard.remove_if_finished(position);
                return deferred;
            }
        }
        shard.reattach(taken.ticket)
    }

    /// A waiter that arrived leaves.
    pub(crate) fn leave(
        &self,
        LockRef { key, flag }: LockRef<'_>,
        now: u64,
        begin: u64,
        weight: u32,
        outcome: Outcome,
    ) -> Departure {
        let mut shard = self.shard(key);
        let Some(position) = shard.position(key) else {
            // A child of `fork` forgot the entry.
            return Departure {
                end: now.max(begin),
                charge: None,
            };
        };
        let entry = &mut shard.entries[position];
        let end = entry.advance(now).max(begin);
        entry.weight = entry.weight.saturating_sub(u64::from(weight));
        entry.waiters = entry.waiters.saturating_sub(1);
        let mut amount = Amount {
            contentions: f64::from(weight),
            delay_nanos: 0,
            // Of the whole wait, on the stack that ended it: the profile's total is right; a
            // wait that several releases share is not split.
            variance: variance_of_wait(end - begin, f64::from(weight)),
        };
        match outcome {
            Outcome::Acquired => {}
            Outcome::GaveUp => {
                // Whoever holds the lock now made it give up.
                entry.uncharged.add(amount);
                if entry.waiters == 0 {
                    flag.set(Flag::CAPTURE_NEXT);
                }
                return Departure { end, charge: None };
            }
            Outcome::Cancelled => {
                entry.wait_back(end - begin, u64::from(weight));
                if entry.waiters == 0 && entry.uncharged.is_zero() {
                    flag.set(Flag::IDLE);
                    shard.remove_if_finished(position);
                }
                return Departure { end, charge: None };
            }
        }
        if entry.waiters == 0 || (flag.is_as_charged() && entry.last != Last::Nobody) {
            amount.add(std::mem::take(&mut entry.uncharged));
        }
        if entry.waiters == 0 {
            flag.set(Flag::IDLE);
        }
        let charge = match entry.last {
            Last::Stack(id) => Some((ChargeTo::Stack(id), amount)),
            Last::Pending(_) => {
                entry.deferred.add(amount);
                None
            }
            Last::Nobody if entry.waiters == 0 => Some((ChargeTo::Unattributed, amount)),
            Last::Nobody => {
                entry.uncharged.add(amount);
                None
            }
        };
        shard.remove_if_finished(position);
        Departure { end, charge }
    }

    /// Forgets what waits that are over still owe to a release. Those that go on are kept.
    pub(crate) fn forget_debts(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            while shard.evict_debt().is_some() {}
        }
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
            // SAFETY: by this function's duty no guard is alive; the value is made valid by the
            // assignment, before anybody else can look at it.
            unsafe { shard.force_unlock() };
            *shard.lock() = Shard::EMPTY;
        }
    }
}

#[cfg(test)]
mod tests;
