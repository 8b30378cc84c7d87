//! The last release of each lock that others wait for: one note with the thread and the time.
//!
//! A release that finds its flag busy leaves a note under the lock's address, before it unlocks;
//! the waiter that acquires the lock next reads it. The lock itself orders the two. Notes of two
//! locks may share a place, and be written at the same moment: a third word tells a mixture, and a
//! note of another lock, from a note.

use std::sync::atomic::{AtomicU64, Ordering};

/// Places for notes. Each holds the last release of one contended lock; two locks that share one
/// make each other's wakers unknown.
const PLACES: usize = 1024;

static NOTES: [Note; PLACES] = [const { Note::new() }; PLACES];

#[derive(Debug)]
#[repr(align(32))]
struct Note {
    time: AtomicU64,
    thread: AtomicU64,
    /// The address, the time and the thread, folded. Relaxed throughout: see the module.
    check: AtomicU64,
}

impl Note {
    const fn new() -> Self {
        Self {
            time: AtomicU64::new(0),
            thread: AtomicU64::new(0),
            check: AtomicU64::new(0),
        }
    }

    fn of(lock: usize) -> &'static Self {
        // Fibonacci hashing, as in `blame`.
        let hash = (lock as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &NOTES[(hash >> 32) as usize % PLACES]
    }
}

fn check(lock: usize, time: u64, thread: u64) -> u64 {
    // Not 0 for a note that was never written, as no lock is at address 0.
    (lock as u64) ^ time.rotate_left(17) ^ thread.rotate_left(43)
}

/// By a thread that is about to release `lock`.
#[inline]
pub(super) fn note(lock: usize, time: u64, thread: u32) {
    let note = Note::of(lock);
    let thread = u64::from(thread);
    note.time.store(time, Ordering::Relaxed);
    note.thread.store(thread, Ordering::Relaxed);
    note.check
        .store(check(lock, time, thread), Ordering::Relaxed);
}

/// The time and the thread of the last release of `lock`, if it is known.
#[inline]
pub(super) fn last(lock: usize) -> Option<(u64, u32)> {
    let note = Note::of(lock);
    let time = note.time.load(Ordering::Relaxed);
    let thread = note.thread.load(Ordering::Relaxed);
    let is_whole = note.check.load(Ordering::Relaxed) == check(lock, time, thread);
    (is_whole && time > 0).then_some((time, thread as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_under_its_lock_alone() {
        // Addresses that no lock of another test has.
        let (one, other) = (11, 13);
        assert_eq!(last(one), None);
        note(one, 500, 3);
        note(other, 600, 4);
        assert_eq!((last(one), last(other)), (Some((500, 3)), Some((600, 4))));
    }

    #[test]
    fn a_mixture_is_no_note() {
        let lock = 17;
        note(lock, 500, 3);
        Note::of(lock).thread.store(4, Ordering::Relaxed);
        assert_eq!(last(lock), None);
        // Another lock's note in the same place.
        let place = std::ptr::from_ref(Note::of(lock));
        let shares = |other: &usize| std::ptr::eq(Note::of(*other), place);
        let other = (100_000..).find(shares).unwrap();
        note(other, 700, 5);
        assert_eq!((last(lock), last(other)), (None, Some((700, 5))));
    }
}
