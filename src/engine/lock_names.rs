//! A lock's name where it stands beside the lock, and where waits for the lock are counted by it.
//!
//! A name is looked at only by who has to wait, so it costs a lock nothing but its place. All
//! memory is there from the start, some 800 KB, of which the system makes resident what is used:
//! nothing is kept for a lock.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use crate::engine::labels;
use crate::engine::lost::{self, Cause};
use crate::engine::waited::Cells;
use crate::profile::amount::Amount;
use crate::profile::kind::Kind;
use crate::profile::labels::LabelSet;
use crate::profile::lock_name::LockName;
use crate::profile::lock_waits::LOCK_LABEL;
use crate::profile::waited::Waited;

/// Stands beside a lock, and says its name if it has one.
///
/// One word: a `&'static str` would take two. What it refers to is a constant of the program's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name(Option<&'static &'static str>);

const _: () = assert!(size_of::<Name>() == size_of::<usize>());

impl Name {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) const fn new(name: &'static &'static str) -> Self {
        Self(Some(name))
    }

    /// Its number.
    #[inline]
    pub(crate) fn number(self) -> LockName {
        match self.0 {
            None => LockName::NONE,
            Some(name) => number(name),
        }
    }
}

/// Not inlined: off the path of locks without a name.
#[inline(never)]
fn number(name: &'static str) -> LockName {
    LockName::of(name)
}

/// The set with the label of each name alone; 0: not asked for yet. Relaxed: a number says all of
/// it.
static LABELS: [AtomicU16; LockName::COUNT] = [const { AtomicU16::new(0) }; LockName::COUNT];

/// The labels of this thread, and that of the lock. A name for which there was no room is counted
/// as lost, here or where it had got no number.
#[inline]
pub(crate) fn current_labels(name: LockName) -> LabelSet {
    match name {
        LockName::NONE => labels::current(),
        name => labels::current_with(label_of(name)),
    }
}

#[inline(never)]
fn label_of(name: LockName) -> LabelSet {
    let (Some(place), Some(text)) = (LABELS.get(name.index()), name.text()) else {
        return LabelSet::NONE;
    };
    if name == LockName::OVERFLOW {
        lost::count(Cause::LabelTableFull);
    }
    let known = LabelSet::from_index(place.load(Ordering::Relaxed));
    if !known.is_none() {
        return known;
    }
    let set = labels::set_of([(LOCK_LABEL, text)]);
    if set != LabelSet::OVERFLOW {
        place.store(set.index(), Ordering::Relaxed);
    }
    set
}

/// The kinds of waits for a lock, each of which has numbers of its own.
const KINDS: [Kind; 3] = [Kind::MUTEX, Kind::RWLOCK_READ, Kind::RWLOCK_WRITE];

struct LockCells {
    waited: Cells,
    /// Relaxed, as what `waited` has.
    longest_nanos: AtomicU64,
}

impl LockCells {
    const fn new() -> Self {
        Self {
            waited: Cells::new(),
            longest_nanos: AtomicU64::new(0),
        }
    }
}

/// By name, and by kind.
static CELLS: [[LockCells; KINDS.len()]; LockName::COUNT] =
    [const { [const { LockCells::new() }; KINDS.len()] }; LockName::COUNT];

/// Counts a wait for a lock of this name that took `nanos`.
pub(crate) fn count(name: LockName, kind: Kind, nanos: u64, amount: Amount) {
    let of_name = CELLS.get(name.index());
    let index = KINDS.iter().position(|one| *one == kind);
    let Some((cells, index)) = of_name.zip(index) else {
        return;
    };
    cells[index].waited.add(nanos, amount);
    cells[index]
        .longest_nanos
        .fetch_max(nanos, Ordering::Relaxed);
}

/// The waits for the locks of one name, of one kind.
#[derive(Clone, Debug)]
pub(crate) struct OfLock {
    pub(crate) name: &'static str,
    pub(crate) waited: Waited,
    pub(crate) longest_nanos: u64,
}

/// The names and kinds that have waited since the process started. A reset of the profiles does not
/// reset them, so they never go down.
pub(crate) fn all() -> impl Iterator<Item = (LockName, OfLock)> {
    LockName::all().flat_map(|name| {
        let kinds = KINDS.into_iter().zip(&CELLS[name.index()]);
        kinds.filter_map(move |(kind, cells)| {
            let of_lock = OfLock {
                name: name.text()?,
                waited: cells.waited.read(kind)?,
                longest_nanos: cells.longest_nanos.load(Ordering::Relaxed),
            };
            Some((name, of_lock))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_counted_by_name_and_kind() {
        let name = LockName::of("engine: counted by name");
        let amount = |delay_nanos| Amount {
            contentions: 2.0,
            delay_nanos,
            ..Amount::ZERO
        };
        count(name, Kind::RWLOCK_READ, 5_000, amount(10_000));
        count(name, Kind::RWLOCK_WRITE, 7_000, amount(14_000));
        count(name, Kind::RWLOCK_WRITE, 6_000, amount(12_000));
        // Not a lock.
        count(name, Kind::CONDVAR, 9_000, amount(18_000));
        let own: Vec<_> = all().filter(|(one, _)| *one == name).collect();
        let seen = own.iter().map(|(_, of_lock)| {
            let waited = &of_lock.waited;
            (
                waited.kind,
                waited.count(),
                waited.nanos,
                of_lock.longest_nanos,
            )
        });
        let expected = [
            (Kind::RWLOCK_READ, 2.0, 10_000, 5_000),
            (Kind::RWLOCK_WRITE, 4.0, 26_000, 7_000),
        ];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_name_is_a_label_besides_those_of_the_thread() {
        let name = LockName::of("engine: label");
        let _scope = labels::enter(labels::set_of([("engine lock", "x")]));
        let labels: Vec<_> = current_labels(name).labels().collect();
        assert_eq!(labels, [("engine lock", "x"), ("lock", "engine: label")]);
        assert_eq!(current_labels(LockName::NONE), labels::current());
    }
}
