//! The two words beside a lock: whether somebody waits, and how long nobody has held it.

use super::shares::{SharedFlag, Shares};
use crate::engine::primitives::atomic::{AtomicU64, Ordering};

/// Releases that come sooner than this after a charged one of the same lock are not captured.
///
/// With a capture and a record at about 0.3 µs together, 5 µs bound what recording can cost
/// the threads of one lock at some percent, and no hold that long is ever skipped.
pub(crate) const GATE_NANOS: u64 = 5_000;

/// The two words that stand beside a lock.
#[derive(Debug)]
pub(crate) struct Flag {
    /// [`IDLE`](Self::IDLE), [`CAPTURE_NEXT`](Self::CAPTURE_NEXT), or the clock's reading at the
    /// last release that was charged (never 0 or 1).
    ///
    /// Written under the lock of the table's shard, and read without it by every acquisition and
    /// release. Relaxed: the word carries no data, only a hint to look into the table, whose lock
    /// orders everything found there. A release that misses an arrival by a moment leaves its blame
    /// to the next one.
    state: AtomicU64,
    /// A stopwatch, as [`Stopwatch`] packs it, that runs while nobody holds the lock.
    ///
    /// Written by whoever holds the lock, when it acquires or releases it and `state` is not idle; and
    /// by the waiter that makes `state` busy, before it does. Read under the lock of the table's
    /// shard. Relaxed, and not exchanged: the two kinds of writers can only meet where an acquisition
    /// or a release has seen the flag busy just before all its waiters left and another one came. The
    /// stopwatch is then wrong about the time of one hold, and the table, which takes no more of it
    /// than has passed, still charges every nanosecond once.
    free: AtomicU64,
}

impl Flag {
    /// Nobody who is sampled waits.
    const IDLE: u64 = 0;
    /// The next release is to be captured, however soon.
    const CAPTURE_NEXT: u64 = 1;

    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            state: AtomicU64::new(Self::IDLE),
            free: AtomicU64::new(0),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU64::new(Self::IDLE),
            free: AtomicU64::new(0),
        }
    }

    /// All that an acquisition and a release cost while nobody waits.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        self.state.load(Ordering::Relaxed) == Self::IDLE
    }

    /// Whether a release at `now` comes after the gate has opened.
    #[cfg_attr(loom, allow(dead_code))] // Models have no clock.
    #[inline]
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        // Cores' clocks may disagree by some ticks: a reading before the last capture counts
        // as equal to it.
        state == Self::CAPTURE_NEXT || now.saturating_sub(state) >= GATE_NANOS
    }

    /// The first waiter has come, at `now`.
    pub(super) fn make_busy(&self, now: u64) {
        self.set_stopwatch(Stopwatch::held_since_before(now));
        self.capture_next();
    }

    pub(super) fn capture_next(&self) {
        self.state.store(Self::CAPTURE_NEXT, Ordering::Relaxed);
    }

    pub(super) fn make_idle(&self) {
        self.state.store(Self::IDLE, Ordering::Relaxed);
    }

    /// A release at `now` is charged.
    pub(super) fn close_gate(&self, now: u64) {
        self.state.store(now, Ordering::Relaxed);
    }

    /// The calling thread has acquired the lock and finds the flag busy. `now` is called if the time
    /// matters.
    #[inline]
    pub(crate) fn acquired_at(&self, now: impl FnOnce() -> u64) {
        let stopwatch = self.stopwatch();
        if !stopwatch.is_held() {
            self.set_stopwatch(stopwatch.held_at(now()));
        }
    }

    /// The calling thread is about to release the lock, whose flag is busy.
    #[inline]
    pub(crate) fn released_at(&self, now: u64) {
        self.set_stopwatch(self.stopwatch().free_at(now));
    }

    /// For how long nobody has held the lock, from the first waiter's arrival up to `now`.
    pub(super) fn free_nanos(&self, now: u64) -> u64 {
        self.stopwatch().reading(now)
    }

    fn stopwatch(&self) -> Stopwatch {
        Stopwatch(self.free.load(Ordering::Relaxed))
    }

    fn set_stopwatch(&self, Stopwatch(word): Stopwatch) {
        self.free.store(word, Ordering::Relaxed);
    }
}

/// Counts the time in which a lock was free, in one word, so that it is never read half written.
///
/// The lowest two bits say which of these it is; above them are nanoseconds, which have room for a
/// hundred years.
///
/// | state | nanoseconds | reading at `now` |
/// |---|---|---|
/// | `HELD_SINCE_BEFORE` | when the first waiter came, whose try had failed | 0 |
/// | `HELD` | the reading: it stands still | those |
/// | `FREE` | when it would have been started to run through | `now` minus those |
#[derive(Clone, Copy, Debug)]
struct Stopwatch(u64);

impl Stopwatch {
    const HELD_SINCE_BEFORE: u64 = 0;
    const HELD: u64 = 1;
    const FREE: u64 = 2;
    const STATES: u64 = 3;

    fn new(state: u64, nanos: u64) -> Self {
        Self((nanos << 2) | state)
    }

    fn held_since_before(now: u64) -> Self {
        Self::new(Self::HELD_SINCE_BEFORE, now)
    }

    fn state(self) -> u64 {
        self.0 & Self::STATES
    }

    fn nanos(self) -> u64 {
        self.0 >> 2
    }

    fn is_held(self) -> bool {
        self.state() == Self::HELD
    }

    fn reading(self, now: u64) -> u64 {
        match self.state() {
            Self::FREE => now.saturating_sub(self.nanos()),
            Self::HELD => self.nanos(),
            _ => 0,
        }
    }

    fn held_at(self, now: u64) -> Self {
        let reading = match self.state() {
            Self::HELD => self.nanos(),
            // Also where somebody seemed to hold it from the first waiter's arrival on: that release
            // has just missed the arrival, or it would have been noted.
            _ => now.saturating_sub(self.nanos()),
        };
        Self::new(Self::HELD, reading)
    }

    fn free_at(self, now: u64) -> Self {
        match self.state() {
            Self::FREE => self,
            _ => Self::new(Self::FREE, now.saturating_sub(self.reading(now))),
        }
    }
}

/// A lock as the table knows it: by an address that nothing else has while somebody waits there.
///
/// The flag may stand elsewhere: what is not ours to change, as the word of a futex, has none beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockRef<'a> {
    pub(super) key: usize,
    pub(super) flag: &'a Flag,
    /// There if several can hold it at once.
    pub(super) shares: Option<&'a Shares>,
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
        Self {
            key,
            flag,
            shares: None,
        }
    }

    /// The lock that several can hold at once, known by its flag's address.
    #[inline]
    pub(crate) fn shared(lock: &'a SharedFlag) -> Self {
        Self {
            shares: Some(&lock.shares),
            ..Self::beside(&lock.flag)
        }
    }

    /// The address that the lock is known by.
    #[cfg_attr(loom, allow(dead_code))] // Models have no timeline.
    #[inline]
    pub(crate) fn key(self) -> usize {
        self.key
    }
}

impl<'a> From<&'a Flag> for LockRef<'a> {
    #[inline]
    fn from(flag: &'a Flag) -> Self {
        Self::beside(flag)
    }
}

impl<'a> From<&'a SharedFlag> for LockRef<'a> {
    #[inline]
    fn from(lock: &'a SharedFlag) -> Self {
        Self::shared(lock)
    }
}
