//! How long each thread has waited, by kind: counted while somebody asks for it.
//!
//! Nobody asks most of the time, so a wait that ends reads one word for it and no clock. While
//! somebody asks, the thread adds the time to its own totals, inside the write to its record: a
//! reader that sees a record unchanged around its look at the totals has both of one moment.
//!
//! A wait that began before the counting counts from there. So it makes no difference if a wait
//! that ends in the very moment in which the counting begins does not notice.
//!
//! A wait inside another one (an initialiser that locks) is counted under its own kind, and the
//! outer one stands still meanwhile: the sum over the kinds is the time in which the thread waited.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::Wait;
use crate::engine::clock;
use crate::profile::kind::Kind;

/// A total for each built-in kind. Kinds that the user has named are in that of
/// [`Kind::OTHER`]: there may be a thousand of them.
pub(crate) const KINDS: usize = Kind::BUILT_IN;

/// When the counting began. Relaxed: `ASKERS` publishes it.
static COUNTING_SINCE: AtomicU64 = AtomicU64::new(0);

/// How many ask. Incremented with `Release` after the store of `COUNTING_SINCE`; its `Acquire` is
/// in [`is_counting`], so whoever counts does so from there. No lock, which a fork could leave
/// behind.
static ASKERS: AtomicUsize = AtomicUsize::new(0);

/// The totals of one thread, in nanoseconds. Written by that thread alone.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Totals {
    nanos: [AtomicU64; KINDS],
    /// The present wait is counted up to here: an inner one came in between.
    counted_until: AtomicU64,
}

impl Totals {
    pub(super) const fn new() -> Self {
        Self {
            nanos: [const { AtomicU64::new(0) }; KINDS],
            counted_until: AtomicU64::new(0),
        }
    }

    /// For a new thread. Looks first, so that pages which were never used stay untouched.
    pub(super) fn clear(&self) {
        let words = self.nanos.iter().chain([&self.counted_until]);
        let used = words.filter(|word| word.load(Ordering::Relaxed) != 0);
        used.for_each(|word| word.store(0, Ordering::Relaxed));
    }

    /// Counts `wait` of this thread up to `now`. By the thread itself, in a write to its record.
    #[cold]
    #[inline(never)]
    pub(super) fn count(&self, wait: &Wait, now: u64) {
        let total = &self.nanos[place(wait.kind)];
        let nanos = now.saturating_sub(self.start_of(wait));
        // Nobody else writes it.
        total.store(total.load(Ordering::Relaxed) + nanos, Ordering::Relaxed);
        self.counted_until.store(now, Ordering::Relaxed);
    }

    /// From when on `wait` is not counted yet.
    fn start_of(&self, wait: &Wait) -> u64 {
        let since = wait.since.max(COUNTING_SINCE.load(Ordering::Relaxed));
        since.max(self.counted_until.load(Ordering::Relaxed))
    }

    /// By anybody. `wait` is the wait that goes on, of which the time up to `now` is added.
    pub(super) fn read(&self, wait: Option<&Wait>, now: u64) -> [u64; KINDS] {
        let mut nanos: [u64; KINDS] =
            std::array::from_fn(|kind| self.nanos[kind].load(Ordering::Relaxed));
        if let Some(wait) = wait {
            nanos[place(wait.kind)] += now.saturating_sub(self.start_of(wait));
        }
        nanos
    }
}

fn place(kind: Kind) -> usize {
    kind.index().min(Kind::OTHER.index())
}

/// Whether waits are to be counted.
#[inline]
pub(super) fn is_counting() -> bool {
    ASKERS.load(Ordering::Acquire) != 0
}

/// Waits are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Counting(());

impl Counting {
    #[allow(dead_code)] // Asked where threads can be listed.
    pub(crate) fn start() -> Self {
        // Two that begin at once both store the time, within nanoseconds. If the last one ends
        // between these lines, the time stays an earlier one, which is as well: only what is
        // counted from here on is compared, by the same start.
        if ASKERS.load(Ordering::Relaxed) == 0 {
            COUNTING_SINCE.store(clock::monotonic(), Ordering::Relaxed);
        }
        ASKERS.fetch_add(1, Ordering::Release);
        Self(())
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        ASKERS.fetch_sub(1, Ordering::Relaxed);
    }
}
