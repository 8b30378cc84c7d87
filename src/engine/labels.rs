//! The labels of a thread: which set of the user's is in force.
//!
//! One number in a thread-local says it, so an event reads it for the price of a load, also in a
//! signal handler and while the thread is torn down. What a dump of other threads has to see stands
//! besides in the registry, at the thread's record.

use std::cell::Cell;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::engine::lost::{self, Cause};
use crate::engine::registry;
use crate::profile::kind::Kind;
use crate::profile::labels::{LabelSet, Tags};

thread_local! {
    /// Plain cells without a destructor: they work while the thread is torn down.
    static CURRENT: Cell<LabelSet> = const { Cell::new(LabelSet::NONE) };
    /// Where a dump sees it; `None`: the thread has asked for no place yet.
    static SHOWN: Cell<Option<&'static AtomicU16>> = const { Cell::new(None) };
}

/// For threads that have no place where a dump could look.
static UNSEEN: AtomicU16 = AtomicU16::new(0);

/// The labels of this thread.
#[inline(always)]
pub(crate) fn current() -> LabelSet {
    CURRENT.get()
}

/// With the labels of this thread.
#[inline(always)]
pub(crate) fn tags(kind: Kind) -> Tags {
    Tags {
        kind,
        labels: current(),
    }
}

/// From here on this thread has these labels alone, until the result is dropped.
#[inline]
pub(crate) fn enter(labels: LabelSet) -> Scope {
    let before = CURRENT.get();
    if before != labels {
        set(labels);
    }
    Scope {
        before,
        _not_send: PhantomData,
    }
}

/// Labels in force. It stays with its thread.
#[derive(Debug)]
pub(crate) struct Scope {
    before: LabelSet,
    _not_send: PhantomData<*const ()>,
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        if CURRENT.get() != self.before {
            set(self.before);
        }
    }
}

#[inline]
fn set(labels: LabelSet) {
    CURRENT.set(labels);
    let place = match SHOWN.get() {
        Some(place) => place,
        None => find_place(),
    };
    // Relaxed: read by a dump, of this moment.
    place.store(labels.index(), Ordering::Relaxed);
}

#[cold]
#[inline(never)]
fn find_place() -> &'static AtomicU16 {
    let place = registry::place_of_labels().unwrap_or(&UNSEEN);
    SHOWN.set(Some(place));
    place
}

/// In a child of `fork`, in its only thread: the records of the registry are free there. The thread
/// has the labels that it had.
pub(crate) fn after_fork() {
    SHOWN.set(None);
    if !current().is_none() {
        set(current());
    }
}

/// The set of these labels alone.
pub(crate) fn set_of<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> LabelSet {
    LabelSet::NONE.with(labels).unwrap_or_else(no_room)
}

/// The set with these labels besides its own.
#[cfg(feature = "tracing")]
pub(crate) fn set_with<'l>(
    set: LabelSet,
    added: impl IntoIterator<Item = (&'l str, &'l str)>,
) -> LabelSet {
    set.with(added).unwrap_or_else(no_room)
}

/// The labels of this thread, and these.
#[inline]
pub(crate) fn current_with(added: LabelSet) -> LabelSet {
    match current() {
        LabelSet::NONE => added,
        current => merged(current, added),
    }
}

/// As [`current_with`], for labels that may not be a set yet.
pub(crate) fn current_and<'l>(added: impl IntoIterator<Item = (&'l str, &'l str)>) -> LabelSet {
    current().with(added).unwrap_or_else(no_room)
}

#[cold]
fn no_room() -> LabelSet {
    lost::count(Cause::LabelTableFull);
    LabelSet::OVERFLOW
}

/// Results of [`merged`]: `current | added << 16 | both << 32`, each where its key hashes to. A
/// later one takes the place. Relaxed: a word says all of it.
static MERGED: [AtomicU64; 256] = [const { AtomicU64::new(0) }; 256];

fn merged(current: LabelSet, added: LabelSet) -> LabelSet {
    if added.is_none() {
        return current;
    }
    if added == LabelSet::OVERFLOW {
        return added;
    }
    let key = u32::from(current.index()) | (u32::from(added.index()) << 16);
    // Fibonacci hashing, as in `registry`.
    let hash = key.wrapping_mul(0x9e37_79b9) >> 24;
    let place = &MERGED[hash as usize];
    let known = place.load(Ordering::Relaxed);
    // No set in it is `NONE`, so a key is not 0.
    if known as u32 == key {
        return LabelSet::from_index((known >> 32) as u16);
    }
    let both = current.with(added.labels()).unwrap_or_else(no_room);
    place.store(
        u64::from(key) | (u64::from(both.index()) << 32),
        Ordering::Relaxed,
    );
    both
}

pin_project! {
    /// A future that has its labels whenever it is polled: the result of
    /// [`Labels::instrument`](crate::Labels::instrument).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Labelled<F> {
        labels: LabelSet,
        #[pin]
        future: F,
    }
}

/// A future with these labels besides those of the thread that polls it.
pub(crate) fn instrument<F>(labels: LabelSet, future: F) -> Labelled<F> {
    Labelled { labels, future }
}

impl<F: Future> Future for Labelled<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _scope = enter(current_with(*this.labels));
        this.future.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, value: &str) -> LabelSet {
        set_of([(key, value)])
    }

    #[test]
    fn a_scope_is_over_when_it_is_dropped_also_by_a_panic() {
        let outer = set("engine scope", "outer");
        let inner = set("engine scope", "inner");
        let scope = enter(outer);
        let panicked = std::panic::catch_unwind(|| {
            let _scope = enter(inner);
            assert_eq!(current(), inner);
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panicked.is_err());
        assert_eq!(current(), outer);
        drop(scope);
        assert_eq!(current(), LabelSet::NONE);
    }

    #[test]
    fn labels_are_added_to_those_of_the_thread() {
        let (outer, inner) = (set("engine outer", "1"), set("engine inner", "2"));
        let both = set_of([("engine outer", "1"), ("engine inner", "2")]);
        let _scope = enter(outer);
        // Twice: then it is known.
        assert_eq!([current_with(inner), current_with(inner)], [both, both]);
        assert_eq!(current_and([("engine inner", "2")]), both);
        assert_eq!(current_with(LabelSet::NONE), outer);
        assert_eq!(current_with(LabelSet::OVERFLOW), LabelSet::OVERFLOW);
    }

    #[test]
    fn a_dump_sees_the_labels_of_a_thread() {
        let labels = set("engine dump", "seen");
        let pointer = crate::engine::thread_state::thread_pointer() as u64;
        let seen = || registry::labels().find(|(owner, _)| *owner == pointer);
        let scope = enter(labels);
        assert_eq!(seen(), Some((pointer, labels)));
        drop(scope);
        assert_eq!(seen(), None);
    }
}
