//! The knobs, one for each kind of profile: what the program has set, and what recordings ask for
//! while they last.
//!
//! The finest of these is in force, so that of two recordings at once each gets at least what it
//! asked for, and none has to know what to restore. Everything is off until somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::spin_lock::SpinLock;
use crate::profile::kind::ProfileKind;

static KNOBS: [Knob; ProfileKind::COUNT] = [const { Knob::new() }; ProfileKind::COUNT];

struct Knob {
    /// One contention in so many for the mutex profile, nanoseconds of waiting per event for the
    /// others; 0 is off.
    ///
    /// Relaxed: an event uses the value it happens to see, and stores its weight with the sample.
    /// The parts that must be ready before the first event (store, clock) publish themselves.
    /// Written under the lock of `settings`, so that it is of the last change.
    in_force: AtomicU64,
    settings: SpinLock<Settings>,
}

/// Plain numbers, so that a holder of the lock that does not exist in a forked child has left
/// valid ones at any point.
struct Settings {
    set: u64,
    /// The rate of the profile that is made of this one's events, if there is one.
    of_other: u64,
    held: [Held; Settings::ROOM],
    /// Holds that found no room. Each gets rate 1, which is at least what it asked for.
    held_beyond: u32,
}

/// Those who ask for one rate. Free while `holders` is 0.
#[derive(Clone, Copy)]
struct Held {
    rate: u64,
    holders: u32,
}

impl Settings {
    /// Different rates that are asked for at one moment.
    const ROOM: usize = 32;

    const NOBODY: [Held; Settings::ROOM] = [Held {
        rate: 0,
        holders: 0,
    }; Settings::ROOM];

    fn in_force(&self) -> u64 {
        let held = self.held.iter().filter(|held| held.holders > 0);
        let beyond = (self.held_beyond > 0).then_some(1);
        let rates = held
            .map(|held| held.rate)
            .chain(beyond)
            .chain([self.set, self.of_other]);
        rates.filter(|rate| *rate > 0).min().unwrap_or(0)
    }

    fn hold(&mut self, rate: u64) {
        let is_same = |held: &Held| held.holders > 0 && held.rate == rate;
        let index = self.held.iter().position(is_same);
        let index = index.or_else(|| self.held.iter().position(|held| held.holders == 0));
        match index.map(|index| &mut self.held[index]) {
            Some(held) => {
                held.rate = rate;
                held.holders += 1;
            }
            None => self.held_beyond += 1,
        }
    }

    fn release(&mut self, rate: u64) {
        // Where some found room and others did not, it does not matter whose place is given up:
        // what stays is as fine.
        let mut held = self.held.iter_mut();
        let found = held.find(|held| held.holders > 0 && held.rate == rate);
        let holders = found.map_or(&mut self.held_beyond, |held| &mut held.holders);
        *holders = holders.saturating_sub(1);
    }
}

impl Knob {
    const fn new() -> Self {
        Self {
            in_force: AtomicU64::new(0),
            settings: SpinLock::new(Settings {
                set: 0,
                of_other: 0,
                held: Settings::NOBODY,
                held_beyond: 0,
            }),
        }
    }

    fn of(which: ProfileKind) -> &'static Self {
        &KNOBS[which as usize]
    }

    fn change<R>(&self, change: impl FnOnce(&mut Settings) -> R) -> R {
        let mut settings = self.settings.lock();
        let result = change(&mut settings);
        self.in_force.store(settings.in_force(), Ordering::Relaxed);
        result
    }
}

/// Changes a knob, and with it that of the profile whose events this one is made of.
///
/// Lock order: the knob's own settings, then those of the other.
fn change<R>(which: ProfileKind, change: impl FnOnce(&mut Settings) -> R) -> R {
    let knob = Knob::of(which);
    let mut settings = knob.settings.lock();
    let result = change(&mut settings);
    let in_force = settings.in_force();
    knob.in_force.store(in_force, Ordering::Relaxed);
    let sampled = which.sampled_as();
    if sampled != which {
        Knob::of(sampled).change(|settings| settings.of_other = in_force);
    }
    result
}

/// Sets the program's own rate. Returns the one that it set before.
pub(crate) fn set(which: ProfileKind, rate: u64) -> u64 {
    change(which, |settings| std::mem::replace(&mut settings.set, rate))
}

/// The program's own rate, whatever recordings ask for.
#[cfg(feature = "http")]
pub(crate) fn set_by_program(which: ProfileKind) -> u64 {
    Knob::of(which).settings.lock().set
}

/// The rate that counts: the finest of what is asked for.
#[inline]
pub(crate) fn in_force(which: ProfileKind) -> u64 {
    match asked_for(which) {
        0 => 0,
        _ => asked_for(which.sampled_as()),
    }
}

/// The finest rate that is asked for, of this profile.
#[inline]
fn asked_for(which: ProfileKind) -> u64 {
    Knob::of(which).in_force.load(Ordering::Relaxed)
}

/// Whether somebody asks who waited for whom.
#[inline]
pub(crate) fn pairs_are_on() -> bool {
    asked_for(ProfileKind::Pairs) > 0
}

/// [`in_force`] of the mutex profile, as the sampler takes it.
#[inline]
pub(crate) fn mutex_fraction() -> u32 {
    // Every fraction came as an u32.
    asked_for(ProfileKind::Mutex) as u32
}

/// [`in_force`] of the block profile.
#[inline]
pub(crate) fn block_rate() -> u64 {
    asked_for(ProfileKind::Block)
}

/// [`in_force`] of the wake profile.
#[inline]
pub(crate) fn wake_rate() -> u64 {
    asked_for(ProfileKind::Wake)
}

/// A rate that is asked for while this lives.
#[derive(Debug)]
pub(crate) struct Hold {
    which: ProfileKind,
    rate: u64,
}

/// Asks for a rate at least as fine as this. 0 asks for nothing.
pub(crate) fn hold(which: ProfileKind, rate: u64) -> Hold {
    if rate > 0 {
        change(which, |settings| settings.hold(rate));
    }
    Hold { which, rate }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.rate > 0 {
            change(self.which, |settings| settings.release(self.rate));
        }
    }
}

/// Opens the knobs in a forked child, and forgets who held rates: those are threads of the parent,
/// which will not give them back here. (A hold of the forking thread itself is forgotten, too.)
///
/// # Safety
///
/// As for [`SpinLock::force_unlock`]: this is the child's only thread, and is not itself changing
/// a rate.
pub(crate) unsafe fn open_after_fork() {
    for knob in &KNOBS {
        // SAFETY: by this function's duty no guard is alive. The settings are valid: see there.
        unsafe { knob.settings.force_unlock() };
    }
    for which in ProfileKind::ALL {
        change(which, |settings| {
            settings.held = Settings::NOBODY;
            settings.held_beyond = 0;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The knobs that count are other tests' too.
    fn knob() -> Knob {
        Knob::new()
    }

    fn in_force(knob: &Knob) -> u64 {
        knob.in_force.load(Ordering::Relaxed)
    }

    #[test]
    fn the_finest_is_in_force() {
        let knob = knob();
        knob.change(|settings| settings.set = 100);
        assert_eq!(in_force(&knob), 100);
        knob.change(|settings| settings.hold(10));
        knob.change(|settings| settings.hold(1000));
        assert_eq!(in_force(&knob), 10);
        knob.change(|settings| settings.set = 0);
        assert_eq!(in_force(&knob), 10, "off is not the finest");
        knob.change(|settings| settings.release(10));
        assert_eq!(in_force(&knob), 1000);
        knob.change(|settings| settings.release(1000));
        assert_eq!(in_force(&knob), 0);
    }

    #[test]
    fn equal_holds_are_counted() {
        let knob = knob();
        knob.change(|settings| settings.hold(5));
        knob.change(|settings| settings.hold(5));
        knob.change(|settings| settings.release(5));
        assert_eq!(in_force(&knob), 5, "one is left");
        knob.change(|settings| settings.release(5));
        assert_eq!(in_force(&knob), 0);
    }

    #[test]
    fn without_room_the_finest_rate_is_granted() {
        let knob = knob();
        let rates = 2..Settings::ROOM as u64 + 4;
        for rate in rates.clone() {
            knob.change(|settings| settings.hold(rate));
        }
        assert_eq!(in_force(&knob), 1);
        for rate in rates.rev() {
            knob.change(|settings| settings.release(rate));
        }
        assert_eq!(in_force(&knob), 0);
    }
}
