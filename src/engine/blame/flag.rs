//! The words beside a lock: whether somebody waits, who holds it, and how long nobody has.

use super::shares::{SharedFlag, Shares};
use crate::engine::primitives::atomic::{AtomicU32, AtomicU64, Ordering};

/// Releases that come sooner than this after a charged one of the same lock are not captured.
///
/// With a capture and a record at about 0.3 µs together, 5 µs bound what recording can cost
/// the threads of one lock at some percent, and no hold that long is ever skipped.
pub(crate) const GATE_NANOS: u64 = 5_000;

/// The words that stand beside a lock: 16 bytes.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Flag {
    /// [`IDLE`](Self::IDLE), [`CAPTURE_NEXT`](Self::CAPTURE_NEXT), or the time of the last release
    /// that was charged, as [`gate_time`] has it, perhaps with [`TIME_NEXT`](Self::TIME_NEXT).
    ///
    /// Written under the lock of the table's shard, but for that mark, which a release takes away;
    /// and read without it by every acquisition and release. Relaxed: the word carries no data,
    /// only a hint to look into the table, whose lock orders everything found there. A release that
    /// misses an arrival by a moment leaves its blame to the next one.
    state: AtomicU32,
    /// The thread that holds the lock alone, as [`Holder`] packs it; 0: nobody does, or it is not
    /// known.
    ///
    /// Written by the holder, after it has acquired the lock and before it releases it; so a word
    /// that is not 0 is never out of date. Relaxed: who reads it wants to know of this moment, and
    /// the lock orders the words of one holder after those of the one before.
    holder: AtomicU32,
    /// A stopwatch, as [`Stopwatch`] packs it, that runs while nobody holds the lock.
    ///
    /// Written by whoever holds the lock, when it acquires or releases it and `state` is not idle,
    /// but for quick rounds (by readers under the lock of the table's shard); and by the waiter
    /// that makes `state` busy, before it does. Read under the lock of the table's shard. Relaxed,
    /// and not exchanged: the two kinds of writers can only meet where an acquisition or a release
    /// has seen the flag busy just before all its waiters left and another one came. The stopwatch
    /// is then wrong about the time of one hold, and the table, which takes no more of it than has
    /// passed, still charges every nanosecond once.
    free: AtomicU64,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Flag>() == 16, "as the pages of the skins say");

impl Flag {
    /// Nobody who is sampled waits.
    const IDLE: u32 = 0;
    /// The next release is to be captured, however soon.
    const CAPTURE_NEXT: u32 = Self::TIME_NEXT;
    /// The next release is to read the clock, also that of a quick round.
    const TIME_NEXT: u32 = 1;

    /// Where a reader of foreign memory finds the holder's word, from the flag's address.
    #[cfg(not(loom))]
    #[allow(dead_code)] // Asked where other threads' memory can be read.
    pub(crate) const HOLDER_OFFSET: usize = std::mem::offset_of!(Flag, holder);

    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            state: AtomicU32::new(Self::IDLE),
            holder: AtomicU32::new(Holder::NOBODY.0),
            free: AtomicU64::new(0),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU32::new(Self::IDLE),
            holder: AtomicU32::new(Holder::NOBODY.0),
            free: AtomicU64::new(0),
        }
    }

    /// With the stores of the holder's word, all that an acquisition and a release cost while
    /// nobody waits.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        self.state.load(Ordering::Relaxed) == Self::IDLE
    }

    /// The calling thread has acquired the lock, alone.
    ///
    /// PERF: one instruction. The compiler would make two of it, as it does not store its stack
    /// pointer directly.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn set_holder(&self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: stores four bytes, aligned, to `self.holder`, as a relaxed store of it does; it
        // is borrowed, and an atomic, which may be written while it is shared.
        unsafe {
            std::arch::asm!(
                "mov dword ptr [{flag} + {offset}], esp",
                flag = in(reg) std::ptr::from_ref(self),
                offset = const Self::HOLDER_OFFSET,
                options(nostack, preserves_flags),
            );
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        self.holder.store(Holder::here().0, Ordering::Relaxed);
    }

    /// The calling thread has acquired the lock, beside readers.
    #[cfg(not(loom))]
    #[allow(dead_code)] // Only some skins have such locks.
    #[inline(always)]
    pub(crate) fn set_upgradable_holder(&self) {
        let word = Holder::here().0 | Holder::UPGRADABLE;
        self.holder.store(word, Ordering::Relaxed);
    }

    /// The holder is about to release the lock.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn clear_holder(&self) {
        self.holder.store(Holder::NOBODY.0, Ordering::Relaxed);
    }

    /// The holder as it is noted now.
    #[cfg(not(loom))]
    #[inline]
    pub(crate) fn holder(&self) -> Holder {
        Holder(self.holder.load(Ordering::Relaxed))
    }

    /// Whether a release at `now` comes after the gate has opened.
    #[cfg_attr(loom, allow(dead_code))] // Models have no clock.
    #[inline]
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state == Self::CAPTURE_NEXT || !is_within_gate(state & !Self::TIME_NEXT, gate_time(now))
    }

    /// The first waiter has come, at `now`.
    pub(super) fn make_busy(&self, now: u64) {
        self.set_stopwatch(Stopwatch::held_since_before(now));
        self.capture_next();
    }

    pub(super) fn capture_next(&self) {
        self.state.store(Self::CAPTURE_NEXT, Ordering::Relaxed);
    }

    /// Called under the lock of the table's shard, while the flag is busy.
    pub(super) fn time_next(&self) {
        let state = self.state.load(Ordering::Relaxed);
        self.state.store(state | Self::TIME_NEXT, Ordering::Relaxed);
    }

    /// The calling thread is about to read the clock for its release: takes the mark away. Who
    /// arrives from now on leaves it to the release after. If the table changes the word meanwhile,
    /// that counts.
    #[cfg_attr(loom, allow(dead_code))] // Models have no quick rounds.
    #[inline]
    pub(crate) fn begin_timed(&self) {
        let state = self.state.load(Ordering::Relaxed);
        if state & Self::TIME_NEXT != 0 && state != Self::CAPTURE_NEXT {
            let unmarked = state & !Self::TIME_NEXT;
            let _ =
                self.state
                    .compare_exchange(state, unmarked, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    pub(super) fn make_idle(&self) {
        self.state.store(Self::IDLE, Ordering::Relaxed);
    }

    /// A release at `now` is charged.
    pub(super) fn close_gate(&self, now: u64) {
        self.state.store(gate_time(now), Ordering::Relaxed);
    }

    /// The calling thread has acquired the lock and finds the flag busy. `now` is called if the
    /// time matters.
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

    /// Readers hold the lock at `now`, or have held it up to then.
    pub(super) fn shared_at(&self, now: u64) {
        self.set_stopwatch(self.stopwatch().shared_at(now));
    }

    /// Whether readers hold the lock, or were the last to hold it.
    #[inline]
    pub(crate) fn is_shared(&self) -> bool {
        self.stopwatch().state() == Stopwatch::SHARED
    }

    pub(super) fn is_free(&self) -> bool {
        self.stopwatch().is_free()
    }

    /// Whether a thread's quick rounds are not timed.
    #[inline]
    pub(super) fn is_quick(&self) -> bool {
        self.stopwatch().is_quick()
    }

    /// For how long nobody has held the lock, from the first waiter's arrival up to `now`.
    /// While a thread's quick rounds are not timed it is not known.
    pub(super) fn free_nanos(&self, now: u64) -> Option<u64> {
        let stopwatch = self.stopwatch();
        (!stopwatch.is_quick()).then(|| stopwatch.reading(now))
    }

    /// Whether the next release is to read the clock, also that of a quick round.
    #[cfg_attr(loom, allow(dead_code))] // Models have no quick rounds.
    #[inline]
    pub(super) fn times_next(&self) -> bool {
        self.state.load(Ordering::Relaxed) & Self::TIME_NEXT != 0
    }

    #[inline]
    pub(super) fn stopwatch(&self) -> Stopwatch {
        Stopwatch(self.free.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn set_stopwatch(&self, Stopwatch(word): Stopwatch) {
        self.free.store(word, Ordering::Relaxed);
    }
}

/// The gate's clock ticks so often that [`GATE_NANOS`] are a whole number of ticks.
const GATE_TICK_NANOS: u64 = 8;
const GATE_TICKS: u32 = (GATE_NANOS / GATE_TICK_NANOS) as u32;

/// A time in 32 bits, which wraps every 34 s; never 0, and without the lowest bit, which are states
/// of a flag.
///
/// A release that comes a multiple of 34 s after the last charged one, to within 5 µs, is taken for
/// one that came at once, and leaves its blame to the next one: one in three million.
fn gate_time(now: u64) -> u32 {
    ((now / GATE_TICK_NANOS) as u32 & !Flag::TIME_NEXT).max(2)
}

/// Also where `now` seems to be before `then`: cores' clocks may disagree by some ticks.
fn is_within_gate(then: u32, now: u32) -> bool {
    (now.wrapping_sub(then) as i32).unsigned_abs() < GATE_TICKS
}

/// The thread that holds a lock, in 32 bits: the low half of its stack pointer when it acquired the
/// lock, which lies in the stack of one thread. The lowest bits, which are 0 in a stack pointer,
/// say how it is held.
///
/// A thread's stack pointer takes one instruction to store; the thread pointer, which must be
/// loaded first, takes two. With a store at the release besides, the word is exact, where a word
/// that stays after the release would name a thread that has gone on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holder(u32);

impl Holder {
    pub(crate) const NOBODY: Self = Self(0);
    /// Readers may hold the lock besides.
    const UPGRADABLE: u32 = 1;
    const MARKS: u32 = 7;

    #[cfg(not(loom))]
    #[inline(always)]
    fn here() -> Self {
        Self(stack_pointer() as u32 & !Self::MARKS)
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    #[allow(dead_code)] // Asked where other threads' memory can be read.
    pub(crate) fn is_upgradable(self) -> bool {
        self.0 & Self::UPGRADABLE != 0
    }

    /// The low half of an address in the holder's stack.
    #[allow(dead_code)] // As above.
    pub(crate) fn low_half(self) -> u32 {
        self.0 & !Self::MARKS
    }
}

#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
#[inline(always)]
fn stack_pointer() -> usize {
    let pointer;
    // SAFETY: copies a register and changes nothing.
    unsafe {
        std::arch::asm!(
            "mov {}, rsp",
            out(reg) pointer,
            options(nomem, nostack, preserves_flags),
        );
    }
    pointer
}

/// An address in this thread's stack.
#[cfg(all(not(loom), any(not(target_arch = "x86_64"), miri)))]
#[inline(always)]
fn stack_pointer() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// Counts the time in which a lock was free, in one word, so that it is never read half written.
///
/// The lowest three bits say which of these it is; above them are nanoseconds, which have room for
/// seventy years.
///
/// | state | nanoseconds | reading at `now` |
/// |---|---|---|
/// | `HELD_SINCE_BEFORE` | when the first waiter came, whose try had failed | 0 |
/// | `HELD` | the reading: it stands still | those |
/// | `FREE` | when it would have been started to run through | `now` minus those |
/// | `SHARED`: by readers, of whom the table knows when there is none | the reading: it stands still | those |
/// | `QUICK`: one thread takes and releases it all the time (see `quick`) | as for `FREE`, since the first of its rounds | not known: only the end of the stretch takes it for that of `FREE` |
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch(u64);

#[cfg_attr(loom, allow(dead_code))] // Models have no quick rounds.
impl Stopwatch {
    const HELD_SINCE_BEFORE: u64 = 0;
    const HELD: u64 = 1;
    const FREE: u64 = 2;
    const SHARED: u64 = 3;
    const QUICK: u64 = 4;
    const STATES: u64 = 7;
    const STATE_BITS: u32 = Self::STATES.count_ones();

    fn new(state: u64, nanos: u64) -> Self {
        Self((nanos << Self::STATE_BITS) | state)
    }

    pub(super) fn word(self) -> u64 {
        self.0
    }

    fn held_since_before(now: u64) -> Self {
        Self::new(Self::HELD_SINCE_BEFORE, now)
    }

    fn state(self) -> u64 {
        self.0 & Self::STATES
    }

    fn nanos(self) -> u64 {
        self.0 >> Self::STATE_BITS
    }

    fn is_held(self) -> bool {
        self.state() == Self::HELD
    }

    pub(super) fn is_free(self) -> bool {
        self.state() == Self::FREE
    }

    pub(super) fn is_quick(self) -> bool {
        self.state() == Self::QUICK
    }

    fn reading(self, now: u64) -> u64 {
        match self.state() {
            Self::FREE | Self::QUICK => now.saturating_sub(self.nanos()),
            Self::HELD | Self::SHARED => self.nanos(),
            _ => 0,
        }
    }

    fn held_at(self, now: u64) -> Self {
        let reading = match self.state() {
            Self::HELD | Self::SHARED => self.nanos(),
            // Also where somebody seemed to hold it from the first waiter's arrival on: that
            // release has just missed the arrival, or it would have been noted.
            _ => now.saturating_sub(self.nanos()),
        };
        Self::new(Self::HELD, reading)
    }

    fn shared_at(self, now: u64) -> Self {
        Self::new(Self::SHARED, self.reading(now))
    }

    pub(super) fn free_at(self, now: u64) -> Self {
        match self.state() {
            Self::FREE => self,
            _ => Self::new(Self::FREE, now.saturating_sub(self.reading(now))),
        }
    }

    /// The lock is free, and the quick rounds that ended just now took `elapsed` in all; `free` of
    /// that it was free, if it is not more than all.
    pub(super) fn free_after(self, elapsed: u64, free: u64) -> Self {
        Self::new(Self::FREE, self.nanos() + elapsed.saturating_sub(free))
    }

    /// The lock is free, and was held up to now since it is not known when.
    pub(super) fn held_until(now: u64) -> Self {
        Self::new(Self::FREE, now)
    }

    /// The lock is free, and a stretch of quick rounds begins.
    pub(super) fn quick(self) -> Self {
        Self::new(Self::QUICK, self.nanos())
    }
}

/// A lock as the table knows it: by an address that nothing else has while somebody waits there.
///
/// The flag may stand elsewhere: what is not ours to change, as the word of a futex, has none
/// beside it.
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

    /// The holder as it is noted now.
    #[cfg(not(loom))]
    #[inline]
    pub(crate) fn holder(self) -> Holder {
        self.flag.holder()
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
