//! One release that others wait for: before the unlock, and after it.

use crate::engine::blame::quick::{self, ReleasePlace};
use crate::engine::blame::{ChargeTo, Flag, LockRef, Taken};
use crate::engine::clock;
use crate::engine::events::record::{self, Event, What};
use crate::engine::events::{self, stacks, threads};
use crate::engine::lock_names;
use crate::engine::recorder::{self, BLAME};
use crate::engine::thread_state::{Recording, thread_pointer};
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::labels::{LabelSet, Tags};

/// A release that others wait for: begun before the unlock, ended after it.
#[derive(Debug)]
#[must_use]
pub(crate) struct Release {
    kind: Kind,
    taken: Taken,
    /// The address of the lock, for the timeline.
    lock: usize,
    at: u64,
}

impl Release {
    /// Notes, with the lock still held, when it becomes free, and decides whether this release is
    /// charged. Called when the flag is not idle. Costs a reading of the clock, and a few
    /// instructions more every 5 µs.
    #[inline]
    pub(crate) fn begin(kind: Kind, flag: &Flag) -> Option<Self> {
        Self::begin_from(None, kind, flag)
    }

    /// As [`begin`](Self::begin), and tells `quick` from which place.
    #[inline]
    fn begin_from(place: Option<ReleasePlace>, kind: Kind, flag: &Flag) -> Option<Self> {
        if place.is_some() {
            flag.begin_timed();
        }
        let now = clock::now();
        if events::is_on() {
            events::note_release(LockRef::beside(flag).key(), kind, now);
        }
        // Other readers may hold it still.
        let is_reader = kind == Kind::RWLOCK_READ;
        if !is_reader {
            let is_due = flag.is_due(now);
            quick::released(flag, place, now, is_due);
            if !is_due {
                return None;
            }
        }
        Self::take(kind, flag, now)
    }

    #[inline(never)]
    fn take(kind: Kind, flag: &Flag, now: u64) -> Option<Self> {
        // Refused inside the recorder: the blame stays for the next release.
        let _recording = Recording::enter()?;
        let lock = LockRef::beside(flag);
        let taken = match kind {
            Kind::RWLOCK_READ => BLAME.exit(lock, now, thread_pointer())?,
            _ => BLAME.take(lock, now)?,
        };
        Some(Self {
            kind,
            taken,
            lock: lock.key(),
            at: now,
        })
    }

    /// A release at `now` of a lock that several hold at once, if it is charged with anything.
    pub(super) fn of_shared(
        kind: Kind,
        lock: LockRef<'_>,
        now: u64,
        taken: Option<Taken>,
    ) -> Option<Self> {
        if events::is_on() {
            events::note_release(lock.key(), kind, now);
        }
        Some(Self {
            kind,
            taken: taken?,
            lock: lock.key(),
            at: now,
        })
    }

    /// Charges the stack from the frame that holds `self` on. The lock may be gone by now.
    #[inline(always)]
    pub(crate) fn end(&self) {
        self.end_at(self);
    }

    /// Charges the stack from the frame that holds `marker` on.
    #[inline(never)]
    pub(super) fn end_at<M>(&self, marker: &M) {
        let _recording = Recording::enter();
        if let Some((to, charge)) = self.taken.wakeup {
            recorder::charge(self.kind, to, charge);
        }
        let is_traced = events::is_on();
        let mut event_stack = 0;
        let (which, amount) = (ProfileKind::Mutex, self.taken.amount);
        let labels = lock_names::current_labels(self.taken.name);
        let tags = Tags {
            kind: self.kind,
            labels,
        };
        let stack = recorder::record_and(which, tags, marker, amount, |stack| {
            if is_traced {
                event_stack = stacks::add(stack);
            }
        });
        let deferred = BLAME.settle(&self.taken, stack);
        let to = stack.map_or(ChargeTo::Unattributed, ChargeTo::Stack);
        recorder::charge_besides(self.kind, to, amount, deferred);
        if self.taken.has_shares {
            recorder::charge_readers(self.lock);
        }
        if is_traced {
            self.record_event(labels, event_stack);
        }
    }

    /// Not inlined: off the path of a release that no timeline wants.
    #[inline(never)]
    fn record_event(&self, labels: LabelSet, stack: stacks::StackNumber) {
        events::append(&Event {
            time: self.at,
            thread: threads::own_number(),
            what: What::Release(record::Release {
                kind: self.kind,
                lock: self.lock as u64,
                labels,
                stack,
                blame_nanos: self.taken.amount.delay_nanos,
            }),
        });
    }
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// By one thread alone.
    Exclusive,
    /// By one thread that may become its only holder, and by readers.
    #[allow(dead_code)] // Only some skins have such locks.
    Upgradable,
    /// By readers.
    Shared,
    /// By whom a thread does not tell: a task, which may release it on another one.
    #[allow(dead_code)] // As above.
    Untold,
}

impl Access {
    /// The access of a guard whose release has this kind.
    #[inline(always)]
    pub(crate) fn of_guard(kind: Kind) -> Self {
        match kind == Kind::RWLOCK_READ {
            true => Self::Shared,
            false => Self::Exclusive,
        }
    }
}

/// Comes after every acquisition of a lock, however it came about. Notes who holds it; and while
/// somebody waits, the time from here to the release is the holder's, and what came before it
/// nobody's.
#[inline(always)]
pub(crate) fn acquired(access: Access, flag: &Flag) {
    match access {
        Access::Exclusive => flag.set_holder(),
        Access::Upgradable => flag.set_upgradable_holder(),
        // Readers share the line, and there are many.
        Access::Shared | Access::Untold => {}
    }
    if !flag.is_idle() {
        acquired_busy(access, flag);
    }
}

/// Comes before every release. True: nobody who is sampled waits, and the unlock is all that is
/// left to do. Else [`release`] does it.
#[inline(always)]
pub(crate) fn begin_release(access: Access, flag: &Flag) -> bool {
    if matches!(access, Access::Exclusive | Access::Upgradable) {
        flag.clear_holder();
    }
    flag.is_idle()
}

/// PERF: apart from [`acquired_contended`], which saves many registers, and not inlined, or methods
/// of locks grow so much that the compiler does not inline those.
#[cold]
#[inline(never)]
fn acquired_busy(access: Access, flag: &Flag) {
    if !quick::goes_on(flag) {
        acquired_contended(access, flag);
    }
}

#[inline(never)]
fn acquired_contended(access: Access, flag: &Flag) {
    let is_alone = matches!(access, Access::Exclusive | Access::Untold);
    if is_alone && !flag.is_shared() {
        quick::acquired(flag, clock::now);
        return;
    }
    let Some(_recording) = Recording::enter() else {
        return;
    };
    let (lock, now) = (LockRef::beside(flag), clock::now());
    if !is_alone {
        BLAME.enter(lock, now, thread_pointer());
    } else if BLAME.end_phase(lock, now) {
        recorder::charge_readers(lock.key());
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
    release_from(None, kind, flag, unlock)
}

/// [`release`] from a place from which rounds may be quick, if there is one.
#[allow(dead_code)] // As above.
#[inline(always)]
pub(crate) fn release_from<R>(
    place: Option<ReleasePlace>,
    kind: Kind,
    flag: &Flag,
    unlock: impl FnOnce() -> R,
) -> R {
    let release = Release::begin_from(place, kind, flag);
    let result = unlock();
    if let Some(release) = &release {
        release.end();
    }
    result
}

/// A release whose unlock happens inside the next call, as in a Condvar's wait: charged before.
#[inline(always)]
pub(crate) fn release_early(access: Access, kind: Kind, flag: &Flag) {
    if !begin_release(access, flag) {
        release(kind, flag, || {});
    }
}
