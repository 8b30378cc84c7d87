//! Charges a wait to the stack that ended it, where nobody holds what is waited for: a Condvar, a
//! channel, a parked thread, a barrier, a thread that is joined.
//!
//! # Whose time is it?
//!
//! A lock has a holder, and `blame` charges its holds. A thread at a Condvar waits until somebody
//! notifies it: its whole wait is charged to the stack of that notification, in the wake profile.
//! A wait that time has ended goes to the frame `contend::timeout`, and one whose notification was
//! not seen to `contend::unattributed`. So each wait that is recorded is charged once.
//!
//! # How
//!
//! Beside what is waited for stands a [`WakeFlag`]. While sleepers sleep there, a [`Sleepers`]
//! table keyed by its address has an entry that counts them, and a *note* for each notification, in
//! their order, that says how many of them it is for.
//!
//! | event | what happens |
//! |---|---|
//! | a sleeper arrives | is counted; the flag becomes busy |
//! | a notification, flag idle | nothing: nobody sleeps, or all have been notified already |
//! | a notification, flag busy | leaves a note for one sleeper, or for all that have none; with a note for each the flag is idle again; then notifies; then captures its stack and puts it into the note |
//! | a sleeper leaves, notified | is charged to the oldest note, and takes it away. If the note has no stack yet its wait is kept there, and charged when it has |
//! | a sleeper leaves otherwise | is charged to `contend::timeout`; takes away a note that is left over |
//!
//! So a wait costs one capture at the most, however often it is notified: the second message to a
//! receiver that has not run yet finds the flag idle.
//!
//! **The oldest note.** Sleepers are woken in the order in which they came, in most
//! implementations. If two that were notified leave in the other order, their waits change places:
//! no time is lost. A receiver that does not sleep may take the message that a sleeper was notified
//! of; the sleeper's note then stays, and its wait is charged to that first notification.
//!
//! **Perhaps.** A member that leaves a group ends a wait only if it is the last one, and cannot
//! know. Such an event leaves a note that leaves the flag busy, and that the next event replaces.
//!
//! **Sampling.** A sleeper does not know when it falls asleep whether it will be sampled, and its
//! notifier does not know which sleeper it wakes. So the notification draws, by the time that the
//! sleepers have waited so far on average: e nanoseconds give p = min(1, e/T) at rate T, and a note
//! of weight 1/p. Whoever takes it counts 1/p contentions and 1/p times its own wait. That is
//! unbiased whoever it is, as the draw looks at no wait. A wait without a note draws for itself, as
//! in the block profile.
//!
//! **Memory.** As with blame: after the notification what was waited for may be gone, so its
//! address is a key only, and the flag is not touched any more.
//!
//! Lock order: a shard's lock is innermost; the store is never touched under it.

mod flag;
mod shard;

use crossbeam_utils::CachePadded;

use crate::engine::spin_lock::{SpinGuard, SpinLock};
use crate::engine::store::StackId;
use crate::profile::amount::{Amount, variance_of_wait};
use crate::profile::kind::Kind;
#[cfg(not(loom))]
pub(crate) use flag::WakeKey;
pub(crate) use flag::{WakeFlag, WakeRef};
use shard::{Shard, Ticket};

/// As in `blame`, and for the same reason.
const SHARDS: usize = if cfg!(loom) { 1 } else { 64 };

/// All that somebody sleeps at.
#[derive(Debug)]
pub(crate) struct Sleepers {
    shards: [CachePadded<SpinLock<Shard>>; SHARDS],
}

/// Whom a notification wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    One,
    All,
    /// All, if it turns out to be the last one that they wait for.
    Perhaps,
}

/// A note that waits for the stack of its notification.
#[derive(Debug)]
#[must_use]
pub(crate) struct Note {
    key: u64,
    ticket: Ticket,
    /// The kind of those who sleep there.
    pub(crate) kind: Kind,
}

/// To whom a wait that is over is charged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Woken {
    /// By this stack; the wait counts so often.
    By(StackId, f64),
    /// By one whose stack is still being captured, which will be charged; or by one that was not
    /// sampled.
    Settled,
    /// Nobody was seen to do it.
    Unseen,
}

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// By a notification, after so many nanoseconds.
    Notified(u64),
    /// Otherwise: by time, by unwinding, or because there was nothing to wait for.
    Over,
}

impl Sleepers {
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

    fn shard(&self, key: u64) -> SpinGuard<'_, Shard> {
        // Fibonacci hashing, as in `blame`.
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.shards[(hash >> 32) as usize % SHARDS].lock()
    }

    /// A sleeper that has waited since `begin`. False: the table is full.
    pub(crate) fn arrive(&self, at: WakeRef<'_>, kind: Kind, begin: u64) -> bool {
        let mut shard = self.shard(at.key);
        let Some(position) = shard.position_or_insert(at.key) else {
            return false;
        };
        let entry = &mut shard.entries[position];
        entry.kind = kind;
        entry.sleepers += 1;
        entry.begins = entry.begins.wrapping_add(begin);
        entry.follow(at.flag);
        true
    }

    /// Leaves a note of a notification that is about to happen. `weigh` is told for how long those
    /// who sleep have waited, and says how many waits each of them stands for; 0: not sampled.
    /// `None`: there is nobody left to notify, or no stack is wanted.
    pub(crate) fn note(
        &self,
        at: WakeRef<'_>,
        whom: Whom,
        now: u64,
        weigh: impl FnOnce(u64) -> f64,
    ) -> Option<Note> {
        let mut shard = self.shard(at.key);
        let Some(position) = shard.position(at.key) else {
            // The last one has just left; or a child of `fork`, where it never was. Or it is
            // another one's, at the same flag.
            if at.is_beside() {
                at.flag.make_idle();
            }
            return None;
        };
        let entry = shard.entries[position];
        shard.replace_perhaps(at.key);
        let without = entry.without_note();
        let sleepers = match whom {
            Whom::One => without.min(1),
            Whom::All | Whom::Perhaps => without,
        };
        if sleepers == 0 {
            return None;
        }
        let weight = weigh(entry.mean_wait(now));
        let ticket = shard.push_note(at.key, sleepers, weight, whom == Whom::Perhaps)?;
        if whom != Whom::Perhaps {
            let entry = &mut shard.entries[position];
            entry.noted += sleepers;
            entry.follow(at.flag);
        }
        (weight > 0.0).then_some(Note {
            key: at.key,
            ticket,
            kind: entry.kind,
        })
    }

    /// The supposed notification was one, for all who sleep there.
    pub(crate) fn confirm(&self, at: WakeRef<'_>) {
        let mut shard = self.shard(at.key);
        if let Some(position) = shard.position(at.key) {
            let without = shard.entries[position].without_note();
            if shard.confirm_perhaps(at.key, without) {
                let entry = &mut shard.entries[position];
                entry.noted += without;
                entry.follow(at.flag);
            }
        }
    }

    /// The stack of a notification is known (`None`: it was forgotten). Returns what has come in
    /// for it since.
    pub(crate) fn settle(&self, note: &Note, stack: Option<StackId>) -> Amount {
        self.shard(note.key).settle(note.ticket, stack)
    }

    /// A sleeper that arrived leaves.
    pub(crate) fn leave(&self, at: WakeRef<'_>, begin: u64, sleep: Sleep) -> Woken {
        let mut shard = self.shard(at.key);
        let Some(position) = shard.position(at.key) else {
            // A child of `fork` forgot the entry.
            return Woken::Unseen;
        };
        let entry = &mut shard.entries[position];
        entry.sleepers = entry.sleepers.saturating_sub(1);
        entry.begins = entry.begins.wrapping_sub(begin);
        let woken = match sleep {
            Sleep::Notified(nanos) => shard.take_note(position, nanos),
            Sleep::Over => {
                shard.drop_surplus(position);
                Woken::Unseen
            }
        };
        let entry = &mut shard.entries[position];
        entry.follow(at.flag);
        if entry.sleepers == 0 {
            shard.remove(position);
        }
        woken
    }

    /// A sleeper was notified, and goes on sleeping: not for this notification did it wait.
    pub(crate) fn pass(&self, at: WakeRef<'_>) {
        let mut shard = self.shard(at.key);
        if let Some(position) = shard.position(at.key) {
            shard.pass_note(position);
            shard.entries[position].follow(at.flag);
        }
    }

    /// Forgets all sleepers and opens all locks.
    ///
    /// # Safety
    ///
    /// - Only in a child of `fork`, before another thread is started there: the sleepers and the
    ///   holders of the locks do not exist there.
    #[cfg(not(loom))]
    pub(crate) unsafe fn forget_after_fork(&self) {
        for shard in &self.shards {
            // SAFETY: by this function's duty no guard is alive; the value is made valid by the
            // assignment, before anybody else can look at it.
            unsafe { shard.force_unlock() };
            *shard.lock() = Shard::EMPTY;
        }
        flag::forget_after_fork();
    }
}

/// The numbers that a wait of `nanos` adds where it counts `weight` times.
pub(crate) fn weighted(nanos: u64, weight: f64) -> Amount {
    Amount {
        contentions: weight,
        delay_nanos: match weight == 1.0 {
            true => nanos,
            false => (nanos as f64 * weight) as u64,
        },
        variance: variance_of_wait(nanos, weight),
    }
}

#[cfg(test)]
mod tests;
