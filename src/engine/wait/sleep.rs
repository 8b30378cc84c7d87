//! The part of a wait that the wake profile wants: where it sleeps, and who wakes it.

use std::time::Duration;

use super::{Blocked, PASSES_NANOS, Wait, Waiting, in_progress};
use crate::engine::blame::Outcome;
use crate::engine::events;
use crate::engine::lost::{self, Cause};
use crate::engine::rates;
use crate::engine::recorder::{self, SLEEPERS};
use crate::engine::sampler::BlockDraw;
use crate::engine::thread_state::Recording;
use crate::engine::wakes::{Sleep, WakeKey, WakeRef, Woken, weighted};
use crate::profile::address;
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::lock_name::LockName;

/// By whose notifications a wait can end; by default they are not seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wakes<'a> {
    /// `None`: they are not seen.
    at: Option<WakeRef<'a>>,
    is_timer: bool,
}

impl<'a> From<WakeRef<'a>> for Wakes<'a> {
    #[inline(always)]
    fn from(at: WakeRef<'a>) -> Self {
        Self {
            at: Some(at),
            is_timer: false,
        }
    }
}

impl From<WakeKey> for Wakes<'static> {
    #[inline(always)]
    fn from(key: WakeKey) -> Self {
        Self {
            at: key.known(),
            is_timer: key.is_timer(),
        }
    }
}

/// A wait that somebody is to end.
#[derive(Debug)]
pub(super) struct Sleeper<'a> {
    at: At<'a>,
    /// For a wait whose notification is not seen. `None`: only a timeline wants it.
    draw: Option<BlockDraw>,
    /// The first so many places that it sleeps at are in the table.
    listed: usize,
}

/// Where a wait sleeps.
#[derive(Clone, Copy, Debug)]
enum At<'a> {
    One([Wakes<'a>; 1]),
    /// At all of these, of which one will have ended it.
    Any(&'a [Wakes<'a>], Option<usize>),
}

impl<'a> At<'a> {
    fn all(&self) -> &[Wakes<'a>] {
        match self {
            Self::One(one) => one,
            Self::Any(all, _) => all,
        }
    }

    /// The one that has ended the wait.
    fn chosen(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Any(_, chosen) => chosen.unwrap_or(usize::MAX),
        }
    }
}

impl Sleeper<'_> {
    fn arrive(&mut self, waiting: &mut Waiting<'_>) {
        let Some(_recording) = Recording::enter() else {
            lost::count(Cause::Reentrant);
            return;
        };
        for wakes in self.at.all() {
            if let Some(at) = wakes.at
                && !SLEEPERS.arrive(at, waiting.kind, waiting.begin)
            {
                lost::count(Cause::LockTableFull);
                return;
            }
            self.listed += 1;
        }
        if waiting.is_traced
            && let At::One([Wakes { at: Some(at), .. }]) = self.at
        {
            waiting.see_releases_from_here(at.key());
        }
    }

    /// The wait ends at `now`, and is charged. Returns what a timeline knows its notifications by.
    pub(super) fn end(
        &mut self,
        waiting: &Waiting<'_>,
        now: u64,
        least_nanos: u64,
        outcome: Outcome,
    ) -> usize {
        let recording = Recording::enter();
        let elapsed = now.saturating_sub(waiting.begin);
        // As the block profile counts it.
        let nanos = elapsed.max(1);
        let is_event = outcome != Outcome::Cancelled && elapsed >= least_nanos;
        let sleep = match outcome {
            Outcome::LetGo if is_event => Sleep::Notified(nanos),
            _ => Sleep::Over,
        };
        // Also while already recording: the table must not keep a sleeper that is gone.
        let mut woken = Woken::Unseen;
        let chosen = self.at.chosen();
        for (index, wakes) in self.at.all()[..self.listed].iter().enumerate() {
            let Some(at) = wakes.at else { continue };
            match index == chosen {
                true => woken = SLEEPERS.leave(at, waiting.begin, sleep),
                false => _ = SLEEPERS.leave(at, waiting.begin, Sleep::Over),
            }
        }
        let wakes = self.at.all().get(chosen).copied().unwrap_or_default();
        if is_event && recording.is_some() {
            let is_notified = outcome == Outcome::LetGo && !wakes.is_timer;
            self.charge(waiting.kind, nanos, woken, is_notified);
        }
        wakes.at.map_or(0, WakeRef::key)
    }

    fn charge(&self, kind: Kind, nanos: u64, woken: Woken, is_notified: bool) {
        match woken {
            Woken::By(stack, weight) => {
                recorder::charge_notifier(kind, Some(stack), weighted(nanos, weight));
            }
            Woken::Settled => {}
            Woken::Unseen => {
                let nobody = match is_notified {
                    true => address::UNATTRIBUTED,
                    false => address::TIMEOUT,
                };
                if let Some(draw) = self.draw.filter(|draw| draw.is_sampled(nanos)) {
                    recorder::add(ProfileKind::Wake, kind, &[nobody], draw.amount(nanos));
                }
            }
        }
    }
}

impl<'a> Wait<'a> {
    /// As [`begin`](Self::begin), for a wait that somebody is to end.
    #[inline]
    pub(crate) fn begin_at(kind: Kind, wakes: impl Into<Wakes<'a>>) -> Option<Self> {
        Self::begin_sleep(kind, At::One([wakes.into()]))
    }

    #[inline]
    fn begin_sleep(kind: Kind, at: At<'a>) -> Option<Self> {
        let draw = BlockDraw::new(rates::wake_rate());
        let waiting = Waiting::begin_if(kind, LockName::NONE, None, draw.is_some())?;
        let is_wanted = draw.is_some() || events::is_on();
        let mut wait = Self::of(waiting);
        wait.sleeper = is_wanted.then_some(Sleeper {
            at,
            draw,
            listed: 0,
        });
        Some(wait)
    }

    /// From now on notifications are for this wait, too.
    #[inline(never)]
    pub(crate) fn fall_asleep(&mut self) {
        if let Some(sleeper) = &mut self.sleeper {
            sleeper.arrive(&mut self.waiting);
        }
    }

    /// It was notified, and goes on waiting.
    #[inline(never)]
    pub(super) fn pass_notification(&self) {
        if let Some(sleeper) = &self.sleeper
            && let At::One([Wakes { at: Some(at), .. }]) = sleeper.at
            && sleeper.listed > 0
            && let Some(_recording) = Recording::enter()
        {
            SLEEPERS.pass(at);
        }
    }

    /// Somebody has ended it.
    #[inline(always)]
    pub(crate) fn is_notified(&mut self) {
        self.outcome = Outcome::LetGo;
    }
}

/// Waits in `block` for a notification. `is_notified` says whether one has come, or time has ended
/// it.
#[inline(always)]
pub(crate) fn sleeping<'a, R>(
    blocked: impl Into<Blocked>,
    wakes: impl Into<Wakes<'a>>,
    block: impl FnOnce() -> R,
    is_notified: impl FnOnce(&R) -> bool,
) -> R {
    let blocked = blocked.into();
    let Some(mut wait) = Wait::begin_at(blocked.kind, wakes) else {
        let _in_progress = in_progress(blocked);
        return block();
    };
    wait.capture_if_certain();
    wait.fall_asleep();
    let _in_progress = in_progress(blocked);
    let result = block();
    if is_notified(&result) {
        wait.is_notified();
    }
    result
}

/// As [`sleeping`], for the first of several notifications: `chosen` says which it was.
#[allow(dead_code)] // Only some skins wait for several.
#[inline(always)]
pub(crate) fn selecting<R>(
    blocked: impl Into<Blocked>,
    wakes: &[Wakes<'_>],
    block: impl FnOnce() -> R,
    chosen: impl FnOnce(&R) -> Option<usize>,
) -> R {
    let blocked = blocked.into();
    let Some(mut wait) = Wait::begin_sleep(blocked.kind, At::Any(wakes, None)) else {
        let _in_progress = in_progress(blocked);
        return block();
    };
    wait.capture_if_certain();
    wait.fall_asleep();
    let _in_progress = in_progress(blocked);
    let result = block();
    let chosen = chosen(&result);
    if let Some(sleeper) = &mut wait.sleeper {
        sleeper.at = At::Any(wakes, chosen);
    }
    if chosen.is_some() {
        wait.is_notified();
    }
    result
}

/// As [`sleeping`], where only its time tells whether `block` has waited.
///
/// `is_notified` is asked for how long it has: one that has slept for all of its time was not.
///
/// The stack is captured afterwards: before, it would be part of the time that tells.
#[inline(always)]
pub(crate) fn perhaps_sleeping<'a, R>(
    blocked: impl Into<Blocked>,
    wakes: impl Into<Wakes<'a>>,
    block: impl FnOnce() -> R,
    is_notified: impl FnOnce(Duration) -> bool,
) -> R {
    let blocked = blocked.into();
    let wait = Wait::begin_at(blocked.kind, wakes);
    let mut wait = wait.map(|wait| wait.unless_shorter(PASSES_NANOS));
    if let Some(wait) = &mut wait {
        wait.fall_asleep();
    }
    let _in_progress = in_progress(blocked);
    let result = block();
    if let Some(wait) = &mut wait
        && is_notified(Duration::from_nanos(wait.waiting.nanos_until_now()))
    {
        wait.is_notified();
    }
    result
}
