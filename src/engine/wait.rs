//! One wait, from its first failed try to its end; and one release, before and after the unlock.
//!
//! Skins call [`acquire`] when their `try_…` has failed, [`blocking`] around an operation that has
//! no try form, and [`Release`] when a flag is not idle. All of it is off the path of a program
//! in which nobody waits.
//!
//! A [`Waiting`] is the wait itself; it may live anywhere, also in a future on the heap. Code that
//! records a stack takes a [`FrameMarker`] besides, a local variable of the function at which the
//! captured stack is to begin (see `stack::capture`). A [`Wait`] is a `Waiting` on the stack of the
//! skin's outlined function, which ends when it is dropped and brings the marker with it, as a
//! [`Release`] does.
//!
//! Work is done where it hurts least. A waiter does what it can before it sleeps (drawing,
//! capturing a stack that is sure to be needed), since it has nothing better to do then; after the
//! acquisition, when it holds the lock and others wait for it, two or three additions are left, and
//! a capture only where the wait's length decided about it.

mod blocked;
mod condvar;
mod notify;
mod once;
mod release;
#[allow(dead_code)] // What of it is used, is a matter of features.
mod share;
mod sleep;
#[allow(dead_code)] // What of it is used, is a matter of features.
mod task;

use std::hint;

use crate::engine::blame::{LockRef, Outcome, Waiter};
use crate::engine::clock;
use crate::engine::events::record::{self, Event, What};
use crate::engine::events::{self, stacks, threads};
use crate::engine::lock_names;
use crate::engine::lost::{self, Cause};
use crate::engine::rates;
use crate::engine::recorder::{self, BLAME};
use crate::engine::sampler::{self, BlockDraw};
use crate::engine::store::StackId;
use crate::engine::thread_state::{Recording, thread_pointer};
use crate::engine::waited;
use crate::profile::amount::Amount;
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::labels::{LabelSet, Tags};
use crate::profile::lock_name::LockName;

pub(crate) use blocked::{Blocked, in_progress, member_of};
pub(crate) use condvar::WaitWhile;
pub(crate) use notify::{confirm, notify, notify_early, thread_ends};
pub(crate) use once::{Turn, once};
#[cfg(feature = "parking_lot")]
pub(crate) use release::release_from;
pub(crate) use release::{Access, Release, acquired, begin_release, release, release_early};
#[allow(unused_imports)]
pub(crate) use share::{let_in, release_share, take_share};
use sleep::Sleeper;
#[allow(unused_imports)] // As above.
pub(crate) use sleep::{Wakes, perhaps_sleeping, selecting, sleeping};
#[allow(unused_imports)]
pub(crate) use task::{
    NamedWait, RepeatedWait, TaskWait, Tried, acquire_in_task, try_in_task, wait_in_task,
};

/// Comes after a call that is not inlined, to make it not the last thing that its caller does.
///
/// The optimiser turns a call in last place into a jump. Then the function of the user's, into
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

/// Calls `call` in a frame below the caller's: for an original that calls back, where the callback
/// records something with a marker of the caller's.
///
/// Otherwise the original may be inlined into the frame that holds the marker. Then the stack would
/// begin with the original's functions, between the skin's method and itself, and not with those
/// that it has when it is captured after the call.
#[inline(never)]
pub(crate) fn apart<R>(call: impl FnOnce() -> R) -> R {
    not_last(call())
}

/// Waits for a lock: `block` after `try_acquire` has failed.
///
/// `acquired` says whether the result of `block` holds the lock (a timed try may not). A wait
/// that is sampled for the mutex profile spins on `try_acquire` first, and is no contention if
/// that succeeds (Go's rule); it counts for the block profile all the same.
#[inline(always)]
pub(crate) fn acquire<'a, R>(
    blocked: impl Into<Blocked>,
    lock: impl Into<LockRef<'a>>,
    mut try_acquire: impl FnMut() -> Option<R>,
    block: impl FnOnce() -> R,
    acquired: impl FnOnce(&R) -> bool,
) -> R {
    let lock = lock.into();
    let blocked = blocked.into().at(lock);
    let Some(mut wait) = Wait::begin_named(blocked.kind, blocked.name, lock) else {
        let _in_progress = in_progress(blocked);
        return block();
    };
    wait.watch();
    wait.capture_if_certain();
    if wait.is_contention() {
        for _ in 0..SPIN_TRIES {
            for _ in 0..SPIN_PAUSES {
                hint::spin_loop();
            }
            if let Some(result) = try_acquire() {
                // Not arrived with its weight: only the block profile and a timeline hear of it.
                wait.outcome = Outcome::Acquired;
                return result;
            }
        }
        wait.arrive();
    }
    let _in_progress = in_progress(blocked);
    let result = block();
    if acquired(&result) {
        wait.outcome = match blocked.kind {
            // Nobody holds an initialisation after its end.
            Kind::ONCE => Outcome::LetGo,
            _ => Outcome::Acquired,
        };
    }
    result
}

/// Waits in `block` for something that no other thread brings: for the block profile only.
#[inline(always)]
pub(crate) fn blocking<R>(blocked: impl Into<Blocked>, block: impl FnOnce() -> R) -> R {
    let blocked = blocked.into();
    let Some(mut wait) = Wait::begin(blocked.kind, None) else {
        let _in_progress = in_progress(blocked);
        return block();
    };
    wait.capture_if_certain();
    let _in_progress = in_progress(blocked);
    block()
}

/// See [`crate::blocking`].
#[inline(always)]
pub(crate) fn blocking_named<T>(name: &'static str, operation: impl FnOnce() -> T) -> T {
    blocking(Kind::named(name), operation)
}

/// A wait for the block profile that is one only if it takes its time.
#[allow(dead_code)] // Where programs are profiled from outside.
#[inline(always)]
pub(crate) fn perhaps(kind: Kind) -> Option<Wait<'static>> {
    Wait::begin(kind, None).map(|wait| wait.unless_shorter(PASSES_NANOS))
}

/// An operation that takes less than this did not block. To sleep and be woken takes two changes of
/// context, which are several times as long; to pass takes tens of nanoseconds.
const PASSES_NANOS: u64 = 1_000;

/// Tries, with so many pauses before each. Go's `active_spin` is 4 tries too, with 30 pauses each
/// (`active_spin_cnt`). A pause took 24 ns on the development machine, so this spins for 0.8 µs.
const SPIN_TRIES: u32 = 4;
const SPIN_PAUSES: u32 = 8;

/// No release is known to have ended the wait.
const NEVER: u32 = u32::MAX;

/// A wait in progress, wherever it is kept. Its owner ends it by [`end`](Self::end), once.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    kind: Kind,
    /// The lock's.
    name: LockName,
    /// The thread's that has begun it, and that of the lock's name.
    labels: LabelSet,
    /// The lock that is waited for. `None` where nobody's release is to be blamed.
    lock: Option<LockRef<'a>>,
    begin: u64,
    /// How many contentions this one stands for in the mutex profile; 0: not sampled.
    weight: u32,
    block_draw: Option<BlockDraw>,
    /// Its stack, if the store has that already: where the block event will be recorded.
    stack: Option<StackId>,
    /// The weight with which `BLAME` knows of this wait.
    arrived: Arrived,
    /// Whether it becomes an event of the timeline.
    is_traced: bool,
    /// For a timeline: a release ends this wait only if it was noted more than so many nanoseconds
    /// after `begin`, for `BLAME` did not know of it before. [`NEVER`]: it does not know of it.
    known_after: u32,
    /// Whether it is a task that waits, whose thread goes on meanwhile.
    is_of_task: bool,
    /// The stack that the event will have; 0: not captured yet.
    event_stack: stacks::StackNumber,
}

/// How the table of blame knows of a wait. Not its weight, which would take a word of every future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrived {
    No,
    /// With a weight of 0.
    Watched,
    /// With the wait's own.
    Counted,
    /// With that and its stack, for the pairs profile.
    Named,
}

impl Arrived {
    /// The weight with which it is known, of a wait with this one.
    fn weight(self, own: u32) -> Option<u32> {
        match self {
            Self::No => None,
            Self::Watched => Some(0),
            Self::Counted | Self::Named => Some(own),
        }
    }
}

impl<'a> Waiting<'a> {
    /// `None` when neither a profile nor a timeline wants to know of this wait; then no clock was
    /// read.
    #[inline]
    pub(crate) fn begin(kind: Kind, lock: Option<LockRef<'a>>) -> Option<Self> {
        Self::begin_if(kind, LockName::NONE, lock, false)
    }

    /// As [`begin`](Self::begin), also where only somebody else `is_interested`.
    #[inline]
    fn begin_if(
        kind: Kind,
        name: LockName,
        lock: Option<LockRef<'a>>,
        is_interested: bool,
    ) -> Option<Self> {
        let weight = match lock {
            Some(_) => sampler::draw_contention(rates::mutex_fraction()),
            None => 0,
        };
        let block_draw = BlockDraw::new(rates::block_rate());
        let is_traced = events::is_on();
        if weight == 0 && block_draw.is_none() && !is_traced && !is_interested {
            return None;
        }
        Some(Self {
            kind,
            name,
            labels: lock_names::current_labels(name),
            lock,
            begin: clock::now(),
            weight,
            block_draw,
            stack: None,
            arrived: Arrived::No,
            is_traced,
            known_after: NEVER,
            is_of_task: false,
            event_stack: 0,
        })
    }

    fn nanos_until_now(&self) -> u64 {
        clock::now().saturating_sub(self.begin)
    }

    fn tags(&self) -> Tags {
        Tags {
            kind: self.kind,
            labels: self.labels,
        }
    }

    /// Whether the table of blame is to know of it. A timeline wants to know who released what
    /// it waits for, also with a weight of 0: then nobody is charged.
    #[inline]
    pub(crate) fn is_contention(&self) -> bool {
        self.weight > 0 || self.is_traced && self.lock.is_some()
    }

    /// Whether the stack is sure to be needed.
    #[inline]
    fn needs_stack(&self) -> bool {
        self.is_certain() || self.is_traced
    }

    /// Whether the block event is sure to be recorded, however long the wait takes.
    #[inline]
    fn is_certain(&self) -> bool {
        self.block_draw.is_some_and(|draw| draw.is_sampled(0))
    }

    /// Finds the block event's place in the store now if the event is sure to be recorded, and the
    /// stack of the timeline's.
    ///
    /// Not inlined: `frame` must be in a frame further out than this one's.
    #[inline(never)]
    pub(crate) fn capture_if_certain(&mut self, frame: &FrameMarker) {
        if !self.needs_stack() {
            return;
        }
        let Some(_recording) = Recording::enter() else {
            return;
        };
        if self.is_traced {
            // Lets a timeline that is taken during the wait know whose it is.
            threads::own_number();
        }
        if !self.is_certain() {
            self.event_stack = stacks::capture(frame);
            return;
        }
        let (which, amount) = (ProfileKind::Block, Amount::ZERO);
        self.stack = recorder::record_and(which, self.tags(), frame, amount, |stack| {
            if self.is_traced {
                self.event_stack = stacks::add(stack);
            }
        });
    }

    /// Lets the releases of the lock be seen from here on, for a timeline, whether or not this
    /// becomes a contention: a waiter of weight 0 is in the table.
    #[inline(never)]
    pub(crate) fn watch(&mut self) {
        if self.is_traced
            && let Some(lock) = self.lock
            && let Some(_recording) = Recording::enter()
            && let Some(arrival) = BLAME.arrive(lock, clock::now(), self.waiter(Arrived::Watched))
        {
            self.arrived = Arrived::Watched;
            self.begin = arrival.begin;
            self.see_releases_from_here(lock.key());
            if let Some(debt) = arrival.evicted {
                recorder::charge_nobody(self.kind, debt);
            }
        }
    }

    /// This wait, as the table of blame is told of it.
    fn waiter(&self, arrived: Arrived) -> Waiter {
        Waiter {
            begin: self.begin,
            weight: arrived.weight(self.weight).unwrap_or(0),
            stack: self.stack.filter(|_| arrived == Arrived::Named),
            name: self.name,
        }
    }

    /// Whether the pairs profile is to know of it.
    #[inline]
    pub(crate) fn is_paired(&self) -> bool {
        self.weight > 0 && rates::pairs_are_on()
    }

    /// Finds the place of the stack in the store for the pairs profile, before the wait sleeps.
    ///
    /// Not inlined, as [`capture_if_certain`](Self::capture_if_certain).
    #[inline(never)]
    pub(crate) fn capture_for_pair(&mut self, frame: &FrameMarker) {
        if self.stack.is_none()
            && let Some(_recording) = Recording::enter()
        {
            let (which, amount) = (ProfileKind::Block, Amount::ZERO);
            self.stack = recorder::record(which, self.tags(), frame, amount);
        }
    }

    /// Tells the table of blame that this wait is a contention.
    #[inline(never)]
    pub(crate) fn arrive(&mut self) {
        let Some(lock) = self.lock else { return };
        if self.arrived.weight(self.weight) == Some(self.weight) {
            return;
        }
        let Some(_recording) = Recording::enter() else {
            lost::count(Cause::Reentrant);
            return;
        };
        let now = clock::now();
        let arrived = match self.stack {
            Some(_) if self.is_paired() => Arrived::Named,
            _ => Arrived::Counted,
        };
        match BLAME.arrive(lock, now, self.waiter(arrived)) {
            Some(arrival) => {
                let before = std::mem::replace(&mut self.arrived, arrived);
                self.begin = arrival.begin;
                if self.is_traced && before == Arrived::No {
                    self.see_releases_from_here(lock.key());
                }
                if let Some(debt) = arrival.evicted {
                    recorder::charge_nobody(self.kind, debt);
                }
                if arrival.is_unnamed {
                    lost::count(Cause::WaiterTableFull);
                }
                if before != Arrived::No {
                    // It has come a second time. The entry stays, as this wait is in it.
                    BLAME.leave(lock, now, self.waiter(before), Outcome::Cancelled);
                }
            }
            None => lost::count(Cause::LockTableFull),
        }
    }

    /// Releases that were noted before were for other waiters.
    fn see_releases_from_here(&mut self, subject: usize) {
        let seen = events::last_release(subject, self.kind);
        // In four seconds without the processor it becomes `NEVER`, and the waker stays unknown.
        self.known_after = u32::try_from(seen.saturating_sub(self.begin)).unwrap_or(NEVER);
    }

    /// The wait ends now for the table of blame, but its stack cannot be captured yet. Returns the
    /// time.
    fn end_for_blame(&mut self, outcome: Outcome) -> u64 {
        let now = clock::now();
        let _recording = Recording::enter();
        self.leave_if_arrived(now, outcome)
    }

    /// Ends the wait and records it; the stack is that from `frame` on.
    #[inline(never)]
    pub(crate) fn end(&mut self, frame: &FrameMarker, outcome: Outcome) {
        let lock = self.lock.map_or(0, |lock| lock.key());
        self.end_at(clock::now(), 0, frame, outcome, lock);
    }

    /// As [`end`](Self::end), at `now`. A wait that takes less than `least_nanos` is no block
    /// event. `subject` is what a timeline knows releases of it by.
    fn end_at(
        &mut self,
        now: u64,
        least_nanos: u64,
        frame: &FrameMarker,
        outcome: Outcome,
        subject: usize,
    ) {
        let recording = Recording::enter();
        // Also while already recording: the table must not keep a waiter that is gone.
        // `arrive` was not refused, so no table is being worked on further out.
        let is_contention = matches!(self.arrived, Arrived::Counted | Arrived::Named);
        let end = self.leave_if_arrived(now, outcome);
        if outcome == Outcome::Cancelled {
            return;
        }
        if !self.name.is_none() {
            self.count_for_lock(end, is_contention);
        }
        if recording.is_some() {
            self.record_block(frame, end, least_nanos);
            if self.is_traced && end.saturating_sub(self.begin) >= least_nanos {
                self.record_event(frame, end, outcome, subject);
            }
        } else if self.block_draw.is_some() || self.is_traced {
            lost::count(Cause::Reentrant);
        }
    }

    fn leave_if_arrived(&mut self, now: u64, outcome: Outcome) -> u64 {
        let arrived = std::mem::replace(&mut self.arrived, Arrived::No);
        match self.lock {
            Some(lock) if arrived != Arrived::No => self.leave(lock, arrived, now, outcome),
            _ => now,
        }
    }

    fn leave(&self, lock: LockRef<'_>, arrived: Arrived, now: u64, outcome: Outcome) -> u64 {
        let outcome = match (outcome, self.kind) {
            (Outcome::Acquired, Kind::RWLOCK_READ) => Outcome::Joined {
                thread: thread_pointer(),
            },
            (outcome, _) => outcome,
        };
        let departure = BLAME.leave(lock, now, self.waiter(arrived), outcome);
        if let Some((to, charge)) = departure.charge {
            recorder::charge(self.kind, to, charge);
        }
        if departure.has_shares {
            recorder::charge_readers(lock.key());
        }
        departure.end
    }

    /// Not inlined: off the path of a wait that no timeline wants.
    #[inline(never)]
    fn record_event(&self, frame: &FrameMarker, end: u64, outcome: Outcome, subject: usize) {
        let nanos = end.saturating_sub(self.begin);
        let release = match outcome {
            Outcome::Acquired | Outcome::LetGo if self.known_after != NEVER => events::release_of(
                subject,
                self.kind,
                self.begin + u64::from(self.known_after),
                end,
            ),
            _ => None,
        };
        let stack = match self.event_stack {
            0 => stacks::capture(frame),
            stack => stack,
        };
        if self.lock.is_some() {
            events::note_wait(nanos);
        }
        events::append(&Event {
            time: end,
            thread: threads::own_number(),
            what: What::Wait(record::Wait {
                kind: self.kind,
                is_of_task: self.is_of_task,
                // As the block profile counts it.
                nanos: nanos.max(1),
                lock: self.lock.map_or(0, |lock| lock.key() as u64),
                labels: self.labels,
                stack,
                waker: release.map(|(time, thread)| record::Waker {
                    thread,
                    latency_nanos: end - time,
                }),
            }),
        });
    }

    /// Counts it for the name of the lock: if the block profile is on, as that samples it, else as
    /// the mutex profile. Each of them is unbiased by itself; waits that both have seen would count
    /// twice.
    ///
    /// Not inlined: off the path of locks without a name.
    #[inline(never)]
    fn count_for_lock(&self, end: u64, is_contention: bool) {
        let nanos = end.saturating_sub(self.begin);
        let amount = match self.block_draw {
            Some(draw) if draw.is_sampled(nanos) => draw.amount(nanos),
            None if is_contention => Amount {
                contentions: f64::from(self.weight),
                delay_nanos: nanos.saturating_mul(u64::from(self.weight)),
                variance: 0.0,
            },
            _ => return,
        };
        lock_names::count(self.name, self.kind, nanos, amount);
    }

    fn record_block(&self, frame: &FrameMarker, end: u64, least_nanos: u64) {
        let Some(draw) = self.block_draw else { return };
        let nanos = end.saturating_sub(self.begin);
        if nanos < least_nanos || !draw.is_sampled(nanos) {
            return;
        }
        let amount = draw.amount(nanos);
        waited::count(self.kind, nanos, amount);
        let is_recorded = self
            .stack
            .is_some_and(|stack| recorder::add_to(stack, amount));
        if !is_recorded {
            recorder::record(ProfileKind::Block, self.tags(), frame, amount);
        }
    }
}

/// Marks the frame at which captured stacks begin: a local variable there, or a part of one. Has a
/// size, and so an address of its own.
#[derive(Debug, Default)]
pub(crate) struct FrameMarker(#[allow(dead_code)] u8); // Its address is all that it has to say.

/// A [`Waiting`] on the stack of a skin's function. Ends when it is dropped, so that a panic inside
/// the operation ends it too.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    waiting: Waiting<'a>,
    /// Given up unless the skin says otherwise: so a panic on the way counts as that.
    outcome: Outcome,
    /// A wait that takes less than this is no block event.
    least_nanos: u64,
    /// When it ended for `BLAME`, if that was before it ends altogether.
    ended: Option<u64>,
    /// Where somebody is to wake it.
    sleeper: Option<Sleeper<'a>>,
    frame: FrameMarker,
}

impl<'a> Wait<'a> {
    /// As [`Waiting::begin`].
    #[inline]
    pub(crate) fn begin(kind: Kind, lock: Option<LockRef<'a>>) -> Option<Self> {
        Waiting::begin(kind, lock).map(Self::of)
    }

    /// As [`begin`](Self::begin), for a lock that may have a name.
    #[inline]
    fn begin_named(kind: Kind, name: LockName, lock: LockRef<'a>) -> Option<Self> {
        Waiting::begin_if(kind, name, Some(lock), false).map(Self::of)
    }

    #[inline]
    fn of(waiting: Waiting<'a>) -> Self {
        Self {
            waiting,
            outcome: Outcome::GaveUp,
            least_nanos: 0,
            ended: None,
            sleeper: None,
            frame: FrameMarker::default(),
        }
    }

    /// The wait ends now with the lock, but is recorded when it is dropped: for where the stack is
    /// not that of the skin's function.
    fn succeed_for_now(&mut self) {
        self.outcome = Outcome::Acquired;
        self.ended = Some(self.waiting.end_for_blame(Outcome::Acquired));
    }

    /// How it ends when it is dropped.
    #[allow(dead_code)] // Where programs are profiled from outside.
    pub(crate) fn ends(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// There was nothing to wait for after all: neither profile hears of it.
    pub(crate) fn cancel(mut self) {
        self.outcome = Outcome::Cancelled;
    }

    /// For an operation of which only its time tells whether it waited.
    pub(crate) fn unless_shorter(mut self, least_nanos: u64) -> Self {
        self.least_nanos = least_nanos;
        self
    }

    #[inline]
    pub(crate) fn is_contention(&self) -> bool {
        self.waiting.is_contention()
    }

    /// See [`Waiting::watch`].
    #[inline(always)]
    pub(crate) fn watch(&mut self) {
        if self.waiting.is_traced {
            self.waiting.watch();
        }
    }

    /// See [`Waiting::capture_if_certain`].
    #[inline(always)]
    pub(crate) fn capture_if_certain(&mut self) {
        self.waiting.capture_if_certain(&self.frame);
    }

    /// See [`Waiting::arrive`].
    #[inline(always)]
    pub(crate) fn arrive(&mut self) {
        if self.waiting.is_paired() {
            self.waiting.capture_for_pair(&self.frame);
        }
        self.waiting.arrive();
    }
}

impl Drop for Wait<'_> {
    #[inline(never)]
    fn drop(&mut self) {
        let now = self.ended.unwrap_or_else(clock::now);
        let (least_nanos, outcome) = (self.least_nanos, self.outcome);
        let lock = self.waiting.lock.map_or(0, |lock| lock.key());
        let subject = match &mut self.sleeper {
            Some(sleeper) => sleeper.end(&self.waiting, now, least_nanos, outcome),
            None => lock,
        };
        self.waiting
            .end_at(now, least_nanos, &self.frame, outcome, subject);
    }
}

/// Calls the function when it is dropped, so also when a panic drops it.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
