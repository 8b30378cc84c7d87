//! Locks that several hold at once, whose guards remember when: permits of a semaphore, readers and
//! writers of an asynchronous lock. (Those of threads are in [`readers`](super::readers).)
//!
//! Each holder pays for the waiting that went on while it held, divided by how many held then. To
//! know that in O(1), there is a word beside the flag, the *volume* V = ∫ weight / held dt: what a
//! holder of one permit has to pay for since the lock was made. A holder remembers V when it gets
//! its permits, and when it gives back k of them it pays k times by how much V has grown.
//!
//! ```text
//!   held        2 permits          1         2
//!           ├──────────────────┼─────────┼─────────┤
//!   A       ├──────────────────┤           pays its half of the first piece
//!   B       ├────────────────────────────┤ pays the other half, and all of the second
//!   C                                    ├─────────┤ …
//!   waiters ├──────────────────────────────────────┤
//! ```
//!
//! | event | what happens |
//! |---|---|
//! | permits are taken, flag idle | V is remembered: one addition and one load |
//! | permits are taken, flag busy | V is brought up to now first |
//! | permits are given back, flag idle and V as it was | nothing: nobody has waited since |
//! | permits are given back | their share moves from what is `held` to what is `due`, and that is charged, unless the gate is closed and the share shorter than it |
//! | nobody holds while somebody waits | wake-up time |
//! | the last waiter leaves | what is `held` stays there for those who still have permits |
//!
//! A release that is not captured leaves its share to the next one, so short holds pay in
//! proportion to their length on average, as at other locks.
//!
//! **What is left over.** Parts of nanoseconds, and shares of permits that were not seen when they
//! were given back. `payers` counts the permits that are still to pay; when the last of them has
//! paid, what is left goes along.

use super::entry::{Entry, Shard};
use super::flag::{Flag, GATE_NANOS};
use super::{LockRef, Table, Taken};
use crate::engine::primitives::atomic::{AtomicU64, Ordering};

/// The words beside a lock that several hold at once.
#[derive(Debug)]
pub(crate) struct SharedFlag {
    pub(super) flag: Flag,
    pub(super) shares: Shares,
}

/// Permits that are held, and the volume when they were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) permits: u32,
    since: Volume,
}

/// Waiting time per permit, in parts of a nanosecond. Wraps around; only differences count.
pub(super) type Volume = u64;

/// Parts of a nanosecond: with ten bits for them, a thousand events cost a nanosecond of precision.
pub(super) const PARTS: u64 = 1 << 10;

#[derive(Debug)]
pub(super) struct Shares {
    /// V. Written under the lock of the table's shard.
    ///
    /// Relaxed, as the flag: a holder that reads an older V than the table knew a moment ago pays
    /// for a moment too much, and the table never charges more than was waited.
    volume: AtomicU64,
    /// Permits that are held. Relaxed: a count; the lock itself orders its holders.
    held: AtomicU64,
}

impl SharedFlag {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            flag: Flag::new(),
            shares: Shares {
                volume: AtomicU64::new(0),
                held: AtomicU64::new(0),
            },
        }
    }

    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        self.flag.is_idle()
    }

    /// Permits have been taken, and nobody who is sampled waits.
    #[inline(always)]
    pub(crate) fn take_now(&self, permits: u32) -> Share {
        self.shares.add_held(permits);
        Share {
            permits,
            since: self.shares.volume(),
        }
    }

    /// Whether giving these back is to do nothing but to count.
    #[inline(always)]
    pub(crate) fn owes_nothing(&self, share: Share) -> bool {
        self.is_idle() && share.since == self.shares.volume()
    }

    /// Permits that owe nothing are given back.
    #[inline(always)]
    pub(crate) fn give_back_now(&self, share: Share) {
        self.shares.remove_held(share.permits);
    }
}

impl Share {
    /// Cuts off some of the permits.
    pub(crate) fn split(&mut self, permits: u32) -> Self {
        self.permits -= permits;
        Self { permits, ..*self }
    }

    /// The permits of both, which then owe together what they owed apart.
    pub(crate) fn merged(self, other: Self) -> Self {
        let permits = u64::from(self.permits) + u64::from(other.permits);
        let (earlier, later, of_later) = match self.since.wrapping_sub(other.since) as i64 {
            0.. => (other, self, self.permits),
            _ => (self, other, other.permits),
        };
        let difference = u128::from(later.since.wrapping_sub(earlier.since));
        let mean = difference * u128::from(of_later) / u128::from(permits.max(1));
        Self {
            permits: permits as u32,
            since: earlier.since.wrapping_add(mean as u64),
        }
    }
}

impl Shares {
    pub(super) fn volume(&self) -> Volume {
        self.volume.load(Ordering::Relaxed)
    }

    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    fn add_held(&self, permits: u32) {
        self.held.fetch_add(u64::from(permits), Ordering::Relaxed);
    }

    fn remove_held(&self, permits: u32) {
        self.held.fetch_sub(u64::from(permits), Ordering::Relaxed);
    }

    /// `waited` nanoseconds have passed while so many permits were `held`, which are more than 0.
    pub(super) fn grow(&self, waited: u64, held: u64) {
        let parts = u128::from(waited) * u128::from(PARTS) / u128::from(held);
        let volume = self.volume().wrapping_add(parts as u64);
        self.volume.store(volume, Ordering::Relaxed);
    }
}

impl Table {
    /// Permits have been taken at `now`, perhaps while somebody waits for others.
    pub(crate) fn take_share(&self, lock: &SharedFlag, now: u64, permits: u32) -> Share {
        let reference = LockRef::shared(lock);
        let mut shard = self.shard(reference.key);
        if let Some(position) = shard.position(reference.key) {
            shard.advance(position, reference, now);
        }
        lock.take_now(permits)
    }

    /// Permits are about to be given back, at `now`. `None`: nothing to charge this time.
    pub(crate) fn give_back(&self, lock: &SharedFlag, now: u64, share: Share) -> Option<Taken> {
        let reference = LockRef::shared(lock);
        let mut shard = self.shard(reference.key);
        let Some(position) = shard.position(reference.key) else {
            // Forgotten by a reset, or for want of room; or a child of `fork`, where it never was.
            lock.give_back_now(share);
            lock.flag.make_idle();
            return None;
        };
        let now = shard.advance(position, reference, now);
        let paid = shard.pay_share(position, lock.shares.volume(), share);
        lock.give_back_now(share);
        let entry = &shard.entries[position];
        let has_waiters = entry.waiters > 0;
        if lock.shares.held() == 0 || (!has_waiters && entry.payers == 0) {
            shard.pay_rest(position);
        }
        if has_waiters && paid < GATE_NANOS && !lock.flag.is_due(now) {
            return None;
        }
        hand_out(&mut shard, position, lock, now)
    }

    /// Waiters are about to be let in at `now` by somebody who has held nothing: more permits, or
    /// the end of the lock. `None`: nothing to charge.
    pub(crate) fn let_in(&self, lock: &SharedFlag, now: u64) -> Option<Taken> {
        let reference = LockRef::shared(lock);
        let mut shard = self.shard(reference.key);
        let position = shard.position(reference.key)?;
        let now = shard.advance(position, reference, now);
        shard.waiters.pay_free(reference.key);
        let entry = &mut shard.entries[position];
        // They had nobody else to wait for.
        let free = std::mem::take(&mut entry.free_nanos);
        entry.due_nanos = entry.due_nanos.saturating_add(free);
        hand_out(&mut shard, position, lock, now)
    }
}

/// Hands out what is due.
fn hand_out(shard: &mut Shard, position: usize, lock: &SharedFlag, now: u64) -> Option<Taken> {
    let entry = &mut shard.entries[position];
    let amount = entry.take_due();
    if amount.is_zero() && entry.waiters == 0 {
        lock.flag.make_idle();
        shard.remove_if_finished(position);
        return None;
    }
    Some(shard.hand_out(position, &lock.flag, now, amount))
}

impl Entry {
    /// So much waiting has gone on while permits were held.
    pub(super) fn grow(&mut self, shares: &Shares, waited: u64) {
        match shares.held() {
            _ if waited == 0 => {}
            0 => self.free_nanos = self.free_nanos.saturating_add(waited),
            held => {
                shares.grow(waited, held);
                self.volume = shares.volume();
                self.payers = held;
                self.add_held(waited);
            }
        }
    }
}

impl Shard {
    /// Moves a share of what is held to what is due. Returns it.
    fn pay_share(&mut self, position: usize, volume: Volume, share: Share) -> u64 {
        let grown = volume.wrapping_sub(share.since);
        if grown == 0 {
            return 0;
        }
        let permits = u64::from(share.permits);
        let entry = &mut self.entries[position];
        entry.payers = entry.payers.saturating_sub(permits);
        self.pay(position, grown, permits)
    }
}
