//! One wait, from its first failed try to its end; and one release, before and after the unlock.
//!
//! Skins call [`acquire`] when their `try_…` has failed, [`blocking`] around an operation that has
//! no try form, and [`Release`] when a flag is not idle. All of it is off the path of a program
//! in which nobody waits.
//!
//! A [`Wait`] and a [`Release`] live on the stack of the skin's outlined function, and their own
//! address marks that frame: captured stacks begin there (see `stack::capture`).
//!
//! Work is done where it hurts least. What a waiter can do before it sleeps (drawing,
//! capturing a stack that is sure to be needed) it does before, since it has nothing better to
//! do; what is left for after the acquisition, when it holds the lock and others wait for it,
//! is two or three additions, and a capture only where the wait's length decided about it.

use std::hint;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::engine::blame::{ChargeTo, Flag, Outcome, Taken};
use crate::engine::clock;
use crate::engine::lost::{self, Cause};
use crate::engine::rates;
use crate::engine::recorder::{self, BLAME};
use crate::engine::sampler::{self, BlockDraw};
use crate::engine::store::StackId;
use crate::engine::thread_state::Recording;
use crate::profile::amount::Amount;
use crate::profile::kind::{Kind, Which};

/// Comes after a call that is not inlined, to make it not the last thing that its caller does.
///
/// Of a call in last place an optimised build makes a jump. Then the function of the user's, into
/// which that of the skin was inlined, has left the stack before it is captured, and its caller is
/// shown in its place: `fn add(&self) { *self.total.lock().unwrap() += 1 }` ends with a release.
#[inline(always)]
pub(crate) fn keep_frame() {
    // Makes no instruction, but the compiler must not know that.
    hint::black_box(());
}

/// Passes on what such a call has returned, as [`keep_frame`] after it.
#[inline(always)]
pub(crate) fn not_last<R>(result: R) -> R {
    keep_frame();
    result
}

/// Waits for a lock: `block` after `try_acquire` has failed.
///
/// `acquired` says whether the result of `block` holds the lock (a timed try may not). A wait
/// that is sampled for the mutex profile spins on `try_acquire` first, and is no contention if
/// that succeeds (Go's rule); it counts for the block profile all the same.
#[inline(always)]
pub(crate) fn acquire<R>(
    kind: Kind,
    flag: &Flag,
    mut try_acquire: impl FnMut() -> Option<R>,
    block: impl FnOnce() -> R,
    acquired: impl FnOnce(&R) -> bool,
) -> R {
    let Some(mut wait) = Wait::begin(kind, Some(flag)) else {
        return block();
    };
    wait.capture_if_certain();
    if wait.is_contention() {
        for _ in 0..SPIN_TRIES {
            for _ in 0..SPIN_PAUSES {
                hint::spin_loop();
            }
            if let Some(result) = try_acquire() {
                // Not arrived: only the block profile hears of it.
                return result;
            }
        }
        wait.arrive();
    }
    let result = block();
    if acquired(&result) {
        wait.outcome = Outcome::Acquired;
    }
    result
}

/// Waits in `block`, an operation without a try form: for the block profile only.
#[inline(always)]
pub(crate) fn blocking<R>(kind: Kind, block: impl FnOnce() -> R) -> R {
    let Some(mut wait) = Wait::begin(kind, None) else {
        return block();
    };
    wait.capture_if_certain();
    block()
}

/// Waits in `block`, of which cannot be said whether it blocks: for the block profile, if it did.
///
/// The stack is captured afterwards: before, it would be part of the time that tells.
#[inline(always)]
pub(crate) fn perhaps_blocking<R>(kind: Kind, block: impl FnOnce() -> R) -> R {
    let _wait = Wait::begin(kind, None).map(|wait| wait.unless_shorter(PASSES_NANOS));
    block()
}

/// What takes less than this did not block. To sleep and be woken takes two changes of context,
/// which are several times as long; to pass takes tens of nanoseconds.
const PASSES_NANOS: u64 = 1_000;

/// Tries, with so many pauses before each. Go's `active_spin` is 4 tries too, with 30 pauses each
/// (`active_spin_cnt`). A pause took 24 ns on the development machine, so this spins for 0.8 µs.
const SPIN_TRIES: u32 = 4;
const SPIN_PAUSES: u32 = 8;

/// A wait in progress. Ends when it is dropped, so that a panic inside the operation ends it too.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    kind: Kind,
    /// The lock that is waited for. `None` where nobody's release is to be blamed.
    flag: Option<&'a Flag>,
    begin: u64,
    /// How many contentions this one stands for in the mutex profile; 0: not sampled.
    weight: u32,
    block_draw: Option<BlockDraw>,
    /// What takes less than this is no block event.
    least_nanos: u64,
    /// Where the block event will be recorded, if that is certain already.
    block_stack: Option<StackId>,
    /// Whether `BLAME` knows of this wait.
    arrived: bool,
    /// Given up unless the skin says otherwise: so a panic on the way counts as that.
    outcome: Outcome,
    /// When it ended, if that was before this is dropped.
    ended: Option<u64>,
}

impl<'a> Wait<'a> {
    /// `None` when neither profile wants to know of this wait; then no clock was read.
    #[inline]
    pub(crate) fn begin(kind: Kind, flag: Option<&'a Flag>) -> Option<Self> {
        let weight = match flag {
            Some(_) => sampler::draw_contention(rates::mutex_fraction()),
            None => 0,
        };
        let block_draw = BlockDraw::new(rates::block_rate());
        if weight == 0 && block_draw.is_none() {
            return None;
        }
        Some(Self {
            kind,
            flag,
            begin: clock::now(),
            weight,
            block_draw,
            least_nanos: 0,
            block_stack: None,
            arrived: false,
            outcome: Outcome::GaveUp,
            ended: None,
        })
    }

    /// The wait ends with what it waited for.
    pub(crate) fn succeed(mut self) {
        self.outcome = Outcome::Acquired;
    }

    /// The wait ends now with what it waited for, but is recorded when it is dropped: for where the
    /// stack is not that of the skin's function.
    fn succeed_for_now(&mut self) {
        self.outcome = Outcome::Acquired;
        let now = clock::now();
        let _recording = Recording::enter();
        let flag = self.flag.filter(|_| std::mem::take(&mut self.arrived));
        self.ended = Some(flag.map_or(now, |flag| self.leave(flag, now)));
    }

    /// There was nothing to wait for after all: neither profile hears of it.
    pub(crate) fn cancel(mut self) {
        self.outcome = Outcome::Cancelled;
        self.block_draw = None;
    }

    /// For an operation of which only its time tells whether it waited.
    pub(crate) fn unless_shorter(mut self, least_nanos: u64) -> Self {
        self.least_nanos = least_nanos;
        self
    }

    #[inline]
    pub(crate) fn is_contention(&self) -> bool {
        self.weight > 0
    }

    /// Finds the block event's place in the store now if the event is sure to be recorded.
    ///
    /// Not inlined: `self` must be in a frame further out than this one's.
    #[inline(never)]
    pub(crate) fn capture_if_certain(&mut self) {
        if !self.block_draw.is_some_and(|draw| draw.is_sampled(0)) {
            return;
        }
        if let Some(_recording) = Recording::enter() {
            self.block_stack = recorder::record(Which::Block, self.kind, self, Amount::ZERO);
        }
    }

    /// Tells the table of blame that this wait is a contention.
    #[inline(never)]
    pub(crate) fn arrive(&mut self) {
        let Some(flag) = self.flag else { return };
        let Some(_recording) = Recording::enter() else {
            lost::count(Cause::Reentrant);
            return;
        };
        match BLAME.arrive(flag, clock::now(), self.begin, self.weight) {
            Some(arrival) => {
                self.arrived = true;
                self.begin = arrival.begin;
                if let Some(debt) = arrival.evicted {
                    recorder::record_unattributed(self.kind, debt);
                }
            }
            None => lost::count(Cause::LockTableFull),
        }
    }

    fn leave(&mut self, flag: &Flag, now: u64) -> u64 {
        let departure = BLAME.leave(flag, now, self.begin, self.weight, self.outcome);
        if let Some((to, amount)) = departure.charge {
            let is_recorded = match to {
                ChargeTo::Stack(id) => recorder::add_to(id, amount),
                ChargeTo::Unattributed => false,
            };
            if !is_recorded {
                recorder::record_unattributed(self.kind, amount);
            }
        }
        departure.end
    }

    fn record_block(&self, end: u64) {
        let Some(draw) = self.block_draw else { return };
        let nanos = end.saturating_sub(self.begin);
        if nanos < self.least_nanos || !draw.is_sampled(nanos) {
            return;
        }
        let amount = draw.amount(nanos);
        let is_recorded = self
            .block_stack
            .is_some_and(|stack| recorder::add_to(stack, amount));
        if !is_recorded {
            recorder::record(Which::Block, self.kind, self, amount);
        }
    }
}

impl Drop for Wait<'_> {
    #[inline(never)]
    fn drop(&mut self) {
        let mut end = self.ended.unwrap_or_else(clock::now);
        let recording = Recording::enter();
        if let Some(flag) = self.flag.filter(|_| self.arrived) {
            // Also while already recording: the table must not keep a waiter that is gone.
            // `arrive` was not refused, so no table is being worked on further out.
            end = self.leave(flag, end);
        }
        if recording.is_some() {
            self.record_block(end);
        } else if self.block_draw.is_some() {
            lost::count(Cause::Reentrant);
        }
    }
}

/// A release that others wait for: begun before the unlock, ended after it.
#[derive(Debug)]
#[must_use]
pub(crate) struct Release {
    kind: Kind,
    taken: Taken,
}

impl Release {
    /// Decides, with the lock still held, whether this release is charged. Called when the flag is
    /// not idle. Costs a reading of the clock, and a few instructions more every 5 µs.
    #[inline]
    pub(crate) fn begin(kind: Kind, flag: &Flag) -> Option<Self> {
        let now = clock::now();
        if !flag.is_due(now) {
            return None;
        }
        Self::take(kind, flag, now)
    }

    #[inline(never)]
    fn take(kind: Kind, flag: &Flag, now: u64) -> Option<Self> {
        // Refused inside the recorder: the blame stays for the next release.
        let _recording = Recording::enter()?;
        let taken = BLAME.take(flag, now)?;
        Some(Self { kind, taken })
    }

    /// Charges the stack from the frame that holds `self` on. The lock may be gone by now.
    #[inline(never)]
    pub(crate) fn end(&self) {
        let _recording = Recording::enter();
        let stack = recorder::record(Which::Mutex, self.kind, self, self.taken.amount);
        let deferred = BLAME.settle(&self.taken, stack);
        let is_recorded = stack.is_some_and(|stack| recorder::add_to(stack, deferred));
        if !is_recorded && !deferred.is_zero() {
            recorder::record_unattributed(self.kind, deferred);
        }
    }
}

/// Unlocks with `unlock`, and charges the caller if its release is due.
///
/// NOTE: from the unlock on, the lock and the flag in it may be freed by the next holder. A
/// reference to them may stay in scope (they are interior mutable, so the compiler assumes
/// nothing about them, as for the reference in the standard library's own guards), but nothing
/// may read through it.
#[inline(always)]
pub(crate) fn release<R>(kind: Kind, flag: &Flag, unlock: impl FnOnce() -> R) -> R {
    let release = Release::begin(kind, flag);
    let result = unlock();
    if let Some(release) = &release {
        release.end();
    }
    result
}

/// A one-time initialisation, in which a thread either runs the initialiser or waits for the one
/// that does. `call` is to make the inner type do it, with [`Turn::run`] around the initialiser.
#[inline(always)]
pub(crate) fn once<R>(flag: &Flag, call: impl FnOnce(&mut Turn<'_>) -> R) -> R {
    let mut turn = Turn {
        flag,
        wait: Wait::begin(Kind::ONCE, Some(flag)),
        runs_before: runs_ended(flag).load(Ordering::Relaxed),
        release: None,
    };
    if let Some(wait) = &mut turn.wait {
        wait.capture_if_certain();
        // Also a waiter that then panics, because the initialiser did, was let go by its end.
        wait.outcome = Outcome::Acquired;
        if wait.is_contention() {
            wait.arrive();
        }
    }
    let result = call(&mut turn);
    if let Some(wait) = turn.wait.take() {
        wait.succeed();
    }
    result
}

/// What this thread does at a one-time initialisation: waits, until it turns out that it runs.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    flag: &'a Flag,
    wait: Option<Wait<'a>>,
    /// What [`runs_ended`] was when it came.
    runs_before: u32,
    release: Option<Release>,
}

/// Counts the initialisers that have ended, this flag's and by chance others'. Who finds the count
/// changed when it gets to run its own has waited for one, which failed.
///
/// Relaxed: the inner type orders the end of one initialiser before the next one.
fn runs_ended(flag: &Flag) -> &'static AtomicU32 {
    static ENDED: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];
    &ENDED[std::ptr::from_ref(flag).addr() / size_of::<Flag>() % ENDED.len()]
}

impl Turn<'_> {
    /// Runs the initialiser. Its end, also by a panic, is the release that others wait for; it
    /// is recorded when the turn ends, after they were let go.
    ///
    /// If another run has ended since this turn began, by a panic or an error, then this thread did
    /// wait.
    pub(crate) fn run<R>(&mut self, initialiser: impl FnOnce() -> R) -> R {
        if let Some(mut wait) = self.wait.take() {
            if runs_ended(self.flag).load(Ordering::Relaxed) == self.runs_before {
                wait.cancel();
            } else {
                wait.succeed_for_now();
                self.wait = Some(wait);
            }
        }
        let _end = OnDrop(|| {
            runs_ended(self.flag).fetch_add(1, Ordering::Relaxed);
            if !self.flag.is_idle() {
                self.release = Release::begin(Kind::ONCE, self.flag);
            }
        });
        initialiser()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            release.end();
        }
    }
}

/// Calls the function when it is dropped, so also when a panic drops it.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A release whose unlock happens inside the next call, as in a Condvar's wait: charged before.
#[inline(always)]
pub(crate) fn release_early(kind: Kind, flag: &Flag) {
    if !flag.is_idle() {
        release(kind, flag, || {});
    }
}

/// The condition of a Condvar's `wait_while`, watched.
///
/// That it holds means that the thread is about to release its mutex, whose flag this is, and, the
/// first time, that its wait begins. The wait ends with `wait`, which is in the frame of the
/// skin's method.
pub(crate) fn watch_condition<'a, T: ?Sized>(
    mut condition: impl FnMut(&mut T) -> bool + 'a,
    flag: &'a Flag,
    wait: &'a mut Option<Wait<'static>>,
) -> impl FnMut(&mut T) -> bool + 'a {
    let mut is_waiting = false;
    move |value| {
        let holds = condition(value);
        if holds {
            release_early(Kind::MUTEX, flag);
            if !is_waiting {
                is_waiting = true;
                *wait = Wait::begin(Kind::CONDVAR, None);
                if let Some(wait) = wait {
                    wait.capture_if_certain();
                }
            }
        }
        holds
    }
}
