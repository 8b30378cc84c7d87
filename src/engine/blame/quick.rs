//! Quick rounds of one thread at one lock, which are not timed one by one.
//!
//! While a sampled thread waits, an acquisition and a release read the clock. A thread that takes
//! and releases a lock from one place over and over, while a waiter is on its way out of its sleep,
//! would spend as much on that as on a section of 20 ns. So it times some of its rounds, and leaves
//! a stretch of them untimed whose length it draws: at most [`STRETCH_NANOS`] at its measured pace.
//! One stretch follows the other until a release is captured, after which two rounds are timed.
//!
//! The numbers stay true in this way:
//!
//! - A round counts only from the place of the one before: another place is always timed, and so is
//!   an unlock that wakes somebody (see [`ReleasePlace`]), and the first release after a waiter has
//!   arrived. A hold that lasts while others fall asleep ends with an unlock that wakes one: it is
//!   met at its own release, on the same path as quick ones too.
//! - The time between an untimed release and the next acquisition, the gap, counts as long as the
//!   last one that was measured. An untimed round is shorter than that one by two readings of the
//!   clock, so half of the difference is taken off the gap.
//! - A stretch that takes longer was interrupted at an unknown moment, in a hold or between two:
//!   the excess is divided as a round is. But a release from elsewhere, or that wakes somebody, is
//!   that of a long hold.
//! - Who acquires the lock when another thread's stretch is going on takes it for free since that
//!   thread's last timed release: at most a stretch too early, and by the length of a hold that was
//!   over while all waiters were awake, or woken without a processor.
//! - A timeline is told of timed releases only. One comes after each arrival, and all of a stretch
//!   are one thread's: so the waker of a wait is right, and its time at most a stretch too early;
//!   more if that thread lost its processor within one.
//!
//! The sum of a lock's blame is exact all the same: the table divides the time that has passed.

use std::cell::Cell;
use std::num::NonZeroU64;

use super::flag::{Flag, Stopwatch};
use crate::engine::thread_state::random;

/// A round that takes longer is timed: two readings of the counter are 15 % of it or less.
const QUICK_NANOS: u64 = 125;

/// As many rounds in succession must have been quick.
const ENOUGH_ROUNDS: u32 = 4;

/// No stretch is longer than this, at the pace of the rounds before.
const STRETCH_NANOS: u64 = 1_000;

/// A reading of the counter takes no longer. One of the system's clock does; gaps are then a little
/// too long.
const READING_NANOS: u64 = 20;

/// A place in the code, at its depth in the stack, from which a lock is released by an unlock that
/// wakes nobody.
///
/// Where the compiler has not inlined the unlock, as with opt-level 0, 1, s and z, functions of one
/// frame size that one function calls look like one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReleasePlace(NonZeroU64);

impl ReleasePlace {
    /// This place; none on processors of which it is not known.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[allow(dead_code)] // Only some skins know whom an unlock wakes.
    #[inline(always)]
    pub(crate) fn here() -> Option<Self> {
        let (instruction, stack): (u64, u64);
        // SAFETY: copies two registers and changes nothing.
        unsafe {
            std::arch::asm!(
                "lea {}, [rip]",
                "mov {}, rsp",
                out(reg) instruction,
                out(reg) stack,
                options(nomem, nostack, preserves_flags),
            );
        }
        NonZeroU64::new(instruction ^ stack.rotate_left(32)).map(Self)
    }

    #[cfg(any(not(target_arch = "x86_64"), miri))]
    #[allow(dead_code)] // As above.
    #[inline(always)]
    pub(crate) fn here() -> Option<Self> {
        None
    }

    #[cfg(test)]
    pub(super) fn numbered(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }
}

thread_local! {
    /// A signal handler that takes locks may change it between two lines: the times of a few rounds
    /// are then wrong.
    static ROUNDS: Rounds = const { Rounds::new() };
}

/// Whether the calling thread has acquired the lock in a stretch of its own. Nothing is left to do
/// then.
#[inline]
pub(crate) fn goes_on(flag: &Flag) -> bool {
    let own = own_word();
    let stopwatch = flag.stopwatch();
    stopwatch.is_quick() && stopwatch.word() == own
}

/// PERF: not inlined. A library finds its thread-locals by a call, as far as the compiler knows,
/// around which the caller would have to save its registers; the linker makes one instruction of
/// it.
#[inline(never)]
fn own_word() -> u64 {
    ROUNDS.with(|rounds| rounds.word.get())
}

/// The calling thread has acquired a lock whose flag is busy. `now` is called if the time matters.
#[inline]
pub(crate) fn acquired(flag: &Flag, now: impl FnOnce() -> u64) {
    match flag.is_free() {
        true => ROUNDS.with(|rounds| rounds.acquired(flag, now)),
        false => flag.acquired_at(now),
    }
}

/// Whether the unlock is all that is left to do for a release from this place, as of a quick round.
/// Asked where the flag is busy; the unlock wakes nobody.
#[allow(dead_code)] // Only some skins know whom an unlock wakes.
#[inline]
pub(crate) fn is_untimed(flag: &Flag, place: ReleasePlace) -> bool {
    ROUNDS.with(|rounds| rounds.is_untimed(flag, place))
}

/// The calling thread is about to release the lock, whose flag is busy, at `now`: from a place
/// from which rounds may be quick, if there is one. If it is captured, that takes as long as many
/// quick rounds.
#[inline]
pub(crate) fn released(flag: &Flag, place: Option<ReleasePlace>, now: u64, is_captured: bool) {
    if place.is_some() || flag.is_quick() {
        ROUNDS.with(|rounds| rounds.released(flag, place, now, is_captured, random));
    } else {
        flag.released_at(now);
    }
}

/// The rounds of one thread at the lock that it has released last.
#[derive(Debug)]
pub(super) struct Rounds {
    /// The lock's stopwatch as this thread has left it. If there is another one, another thread has
    /// held the lock since, or it is another lock: while it is free or quick it has a time in it.
    word: Cell<u64>,
    place: Cell<Option<ReleasePlace>>,
    /// When it last released the lock, timed.
    since: Cell<u64>,
    /// The time between a release and the next acquisition, when it was last measured; and that
    /// round's.
    gap_nanos: Cell<u64>,
    round_nanos: Cell<u64>,
    /// The length of the stretch that is going on, and what is left of it.
    stretch: Cell<u32>,
    left: Cell<u32>,
    /// Whether its last release was captured.
    is_captured: Cell<bool>,
    /// The quick rounds in succession, a stretch for one.
    quick: Cell<u32>,
}

impl Rounds {
    pub(super) const fn new() -> Self {
        Self {
            word: Cell::new(0),
            place: Cell::new(None),
            since: Cell::new(0),
            gap_nanos: Cell::new(0),
            round_nanos: Cell::new(0),
            stretch: Cell::new(0),
            left: Cell::new(0),
            is_captured: Cell::new(false),
            quick: Cell::new(0),
        }
    }

    #[inline]
    pub(super) fn is_own(&self, stopwatch: Stopwatch) -> bool {
        self.word.get() == stopwatch.word()
    }

    /// The lock was free, and timed.
    #[inline]
    pub(super) fn acquired(&self, flag: &Flag, now: impl FnOnce() -> u64) {
        let is_own = self.is_own(flag.stopwatch());
        let now = now();
        flag.acquired_at(|| now);
        if is_own {
            self.word.set(flag.stopwatch().word());
            self.gap_nanos.set(now.saturating_sub(self.since.get()));
        }
    }

    #[inline]
    pub(super) fn is_untimed(&self, flag: &Flag, place: ReleasePlace) -> bool {
        let left = self.left.get();
        let is_untimed = left > 0
            && self.place.get() == Some(place)
            && self.is_own(flag.stopwatch())
            && !flag.times_next();
        if is_untimed {
            self.left.set(left - 1);
        }
        is_untimed
    }

    pub(super) fn released(
        &self,
        flag: &Flag,
        place: Option<ReleasePlace>,
        now: u64,
        is_captured: bool,
        random: impl FnOnce() -> u64,
    ) {
        let before = flag.stopwatch();
        let is_own = self.is_own(before);
        let untimed = self.stretch.get().saturating_sub(self.left.get());
        let rounds = u64::from(untimed) + 1;
        let elapsed = now.saturating_sub(self.since.replace(now));
        let is_same = place.is_some() && self.place.replace(place) == place;
        // The time of a capture is in the round after it.
        let was_captured = self.is_captured.replace(is_captured);
        let is_quick = is_own && is_same && elapsed <= rounds * QUICK_NANOS;
        let quick = match is_quick {
            true => self.quick.get().saturating_add(1),
            false if is_own && is_same && was_captured => self.quick.get(),
            false => 0,
        };
        let mut after = before.free_at(now);
        if before.is_quick() {
            // Not its own: the thread has released another lock in this hold, or the guard came
            // from another thread.
            after = Stopwatch::held_until(now);
            if is_own {
                after = before.free_after(elapsed, self.free_of(rounds, elapsed, is_same));
            }
        } else {
            self.round_nanos.set(elapsed);
        }
        let mut stretch = 0;
        if quick >= ENOUGH_ROUNDS && !is_captured && !was_captured {
            let pace = (elapsed / rounds).max(STRETCH_NANOS / 64);
            let most = (STRETCH_NANOS / pace) as u32;
            stretch = most / 2 + (random() as u32) % (most / 2 + 1);
            after = after.quick();
        }
        flag.set_stopwatch(after);
        // Not own while the rest is written: a signal handler may come in between.
        self.word.set(0);
        self.stretch.set(stretch);
        self.left.set(stretch);
        self.quick.set(quick);
        self.word.set(after.word());
    }

    /// For how long the lock was free in a stretch of so many rounds, the last of which is timed
    /// and may be of the `same` place.
    fn free_of(&self, rounds: u64, elapsed: u64, is_same: bool) -> u64 {
        let (gap, round) = (self.gap_nanos.get(), self.round_nanos.get().max(1));
        let longer = elapsed as i64 - (rounds * round) as i64;
        let bound = (rounds * 2 * READING_NANOS) as i64;
        // Where untimed rounds are longer than timed ones, by chance, that counts as much.
        let by_readings = longer.clamp(-bound, bound) / 2;
        let excess = if is_same { longer - bound } else { 0 };
        let free = (rounds * gap).saturating_add_signed(by_readings);
        free.saturating_add(excess.max(0) as u64 * gap / round)
    }
}
