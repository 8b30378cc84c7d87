//! A few words that one thread writes and others read, without waiting for each other.

use crate::engine::primitives::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Words of one writer, all of the same moment for whoever reads them.
///
/// The writer stores an odd number, then (after a `Release` fence) the words, then the next even
/// number with `Release`. A reader loads the number with `Acquire`, the words, then (after an
/// `Acquire` fence) the number again. If a word is one of a later write, the two fences order that
/// write's odd number before the reader's second load, which then finds another number.
///
/// The writer may be interrupted in the middle of a write, for ever if need be: then nobody can
/// read, and nobody waits.
#[derive(Debug)]
pub(crate) struct SeqLock<const N: usize> {
    sequence: AtomicU32,
    words: [AtomicU64; N],
}

impl<const N: usize> SeqLock<N> {
    /// All words are 0.
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            sequence: AtomicU32::new(0),
            words: [const { AtomicU64::new(0) }; N],
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            sequence: AtomicU32::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    fn load(&self) -> [u64; N] {
        std::array::from_fn(|index| self.words[index].load(Ordering::Relaxed))
    }

    /// By the writer alone. Returns what was there; `None`, and nothing is written, in the middle
    /// of a write (a signal handler of the writer's).
    #[inline]
    pub(crate) fn replace(&self, words: [u64; N]) -> Option<[u64; N]> {
        self.replace_with(words, |_| {})
    }

    /// As [`replace`](Self::replace), and calls `also` with what was there in the middle of the
    /// write: what it stores elsewhere is of the same moment for a reader that finds the number
    /// unchanged after it.
    #[inline]
    pub(crate) fn replace_with(
        &self,
        words: [u64; N],
        also: impl FnOnce(&[u64; N]),
    ) -> Option<[u64; N]> {
        let sequence = self.sequence.load(Ordering::Relaxed);
        if is_odd(sequence) {
            return None;
        }
        // The writer's own words: nobody else writes them.
        let before = self.load();
        self.sequence
            .store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        also(&before);
        for (place, word) in self.words.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        self.sequence
            .store(sequence.wrapping_add(2), Ordering::Release);
        Some(before)
    }

    /// By anybody: the words, and a number that changes with every write. `None` during a write.
    pub(crate) fn read(&self) -> Option<([u64; N], u32)> {
        let sequence = self.sequence.load(Ordering::Acquire);
        if is_odd(sequence) {
            return None;
        }
        let words = self.load();
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == sequence).then_some((words, sequence))
    }

    /// Whether nothing was written since [`read`](Self::read) returned this number.
    #[cfg(not(loom))]
    #[allow(dead_code)] // Asked where stacks can be copied.
    pub(crate) fn is_unchanged(&self, sequence: u32) -> bool {
        // Orders what was read in between, by whatever means, before the load.
        fence(Ordering::Acquire);
        self.sequence.load(Ordering::Relaxed) == sequence
    }

    /// By a new writer, whose predecessor is gone, perhaps in the middle of a write.
    pub(crate) fn take_over(&self, words: [u64; N]) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        if is_odd(sequence) {
            // The words may be a mixture, which nobody may see: the number stays odd until they
            // are written below.
            self.sequence
                .store(sequence.wrapping_add(2), Ordering::Relaxed);
            fence(Ordering::Release);
            for (place, word) in self.words.iter().zip(words) {
                place.store(word, Ordering::Relaxed);
            }
            self.sequence
                .store(sequence.wrapping_add(3), Ordering::Release);
        } else {
            self.replace(words);
        }
    }
}

fn is_odd(sequence: u32) -> bool {
    !sequence.is_multiple_of(2)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_was_interrupted_is_neither_read_nor_written_over() {
        let lock = SeqLock::<2>::new();
        assert_eq!(lock.replace([1, 2]), Some([0, 0]));
        let (words, number) = lock.read().unwrap();
        assert_eq!(words, [1, 2]);
        assert!(lock.is_unchanged(number));
        lock.sequence.fetch_add(1, Ordering::Relaxed);
        assert_eq!((lock.read(), lock.replace([3, 4])), (None, None));
        lock.take_over([5, 6]);
        assert_eq!(lock.read().map(|(words, _)| words), Some([5, 6]));
        assert!(!lock.is_unchanged(number));
        assert_eq!(lock.replace([7, 8]), Some([5, 6]));
    }
}

#[cfg(all(test, loom))]
mod tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn what_is_read_is_of_one_write() {
        loom::model(|| {
            let lock = Arc::new(SeqLock::<2>::new());
            let writer = Arc::clone(&lock);
            let writer = thread::spawn(move || {
                writer.replace([1, 1]);
                writer.replace([2, 2]);
            });
            if let Some(([first, second], _)) = lock.read() {
                assert_eq!(first, second, "a mixture of two writes");
            }
            writer.join().unwrap();
        });
    }
}
