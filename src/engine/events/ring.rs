//! A ring of chunks that many threads append to, and that is read beside them.
//!
//! A thread appends to one of a few shards, each of which has a chunk of its own. A shard is
//! guarded by a flag that is only ever tried: whoever finds it up takes the next shard, and who
//! finds all of them up gives up. So a signal handler that comes in the middle of an append appends
//! elsewhere, a thread may end anywhere, and nobody waits.
//!
//! ```text
//!   shards   0        1        2 …             a flag, and the chunk that it fills
//!            │        │        │
//!   chunks   ▓▓▓░  ▓▓▓▓  ▓▓░░  ▓▓▓▓  ▓▓▓▓ …    a full shard takes the oldest one
//! ```
//!
//! **Reading.** A chunk is begun with: number ← 0 (relaxed), fence (release), filled ← 0, number ←
//! n (release). An append stores the words (relaxed), then `filled` (release). A reader loads the
//! number and `filled` (acquire), copies that many words (relaxed), and after a fence (acquire)
//! loads the number again. If it read a word of a later use of the chunk, or a later `filled`, then
//! that use's release fence comes before the word in the writer, the acquire fence after it in the
//! reader, and the second load sees the 0 or what came after: the copy is left out. If the number
//! is that of one use throughout, `filled` was stored in it, and its acquire shows the words before
//! it.

use crossbeam_utils::CachePadded;

use crate::engine::primitives::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use crate::engine::store::zeroed_words;

/// As many threads can append at the same moment without one looking for another shard.
const SHARDS: usize = if cfg!(loom) { 2 } else { 16 };

/// Words of a chunk. 4 KiB: the unit in which the ring becomes resident, and in which it forgets.
const CHUNK: usize = if cfg!(loom) { HEADER + 2 } else { 512 };

/// Bytes of a chunk.
#[cfg_attr(loom, allow(dead_code))]
pub(super) const CHUNK_BYTES: usize = CHUNK * size_of::<u64>();

/// The words of a chunk before its content, one for each of these.
const HEADER: usize = 4;
/// 0: empty, or being begun. Else different for each use.
const NUMBER: usize = 0;
/// Words that are written, and in the upper half the events that they are.
const FILLED: usize = 1;
/// The latest first word of an event: its time.
const LAST_TIME: usize = 2;
/// The [epoch](Ring::epoch) in which a shard began to fill it, while it does: then nobody may begin
/// it. Else [`FREE`], or of an epoch that is over.
const TAKEN_IN: usize = 3;

/// In `TAKEN_IN`. No epoch.
const FREE: u64 = 0;

const CONTENT: usize = CHUNK - HEADER;

/// The longest event.
pub(super) const MAX_WORDS: usize = if cfg!(loom) { 2 } else { 48 };

/// Fewer chunks could all be taken by shards.
const MIN_CHUNKS: usize = if cfg!(loom) { 3 } else { 4 * SHARDS };

#[derive(Debug)]
pub(super) struct Ring {
    shards: [CachePadded<Shard>; SHARDS],
    words: Box<[AtomicU64]>,
    /// The chunks that are filled in turn: the first so many. Relaxed: a writer that sees an old
    /// value takes a chunk that it could take a moment ago.
    limit: AtomicUsize,
    /// Counts the chunks that were begun. Relaxed: `TAKEN_IN` decides whose a chunk is.
    begun: AtomicU64,
    /// Counts the forks that made this process, from 1: chunks that were taken in another epoch are
    /// those of threads that are not here. Relaxed: written while a child has one thread.
    epoch: AtomicU64,
    /// Chunks that were begun when it was last [emptied](Self::empty): what stands in them is
    /// forgotten. Relaxed: nobody reads meanwhile, and whoever begins a chunk by an old value takes
    /// one more or less for forgotten in a count.
    first: AtomicU64,
    /// Events in chunks that shards have left. Relaxed: a statistic.
    left: AtomicU64,
    /// Events in chunks that were begun again, and the time of the last of them. Relaxed: read
    /// after a copy, they are at least those that are missing in it.
    overwritten: AtomicU64,
    overwritten_until: AtomicU64,
}

#[derive(Debug)]
struct Shard {
    /// Swapped with `Acquire`, stored with `Release`: the next holder sees `chunk`, and what was
    /// written into it.
    is_busy: AtomicBool,
    /// The number of its chunk plus one; 0: none yet. Used by the holder of the flag.
    chunk: AtomicUsize,
}

/// The events that are not there any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overwritten {
    pub(crate) events: u64,
    /// The time of the last of them.
    pub(crate) until: u64,
}

impl Ring {
    pub(super) fn new(chunks: usize) -> Self {
        let chunks = chunks.max(MIN_CHUNKS);
        Self {
            shards: std::array::from_fn(|_| {
                CachePadded::new(Shard {
                    is_busy: AtomicBool::new(false),
                    chunk: AtomicUsize::new(0),
                })
            }),
            words: zeroed_words(chunks * CHUNK),
            limit: AtomicUsize::new(chunks),
            begun: AtomicU64::new(0),
            epoch: AtomicU64::new(FREE + 1),
            first: AtomicU64::new(0),
            left: AtomicU64::new(0),
            overwritten: AtomicU64::new(0),
            overwritten_until: AtomicU64::new(0),
        }
    }

    #[cfg(not(loom))]
    pub(super) fn set_limit(&self, chunks: usize) {
        let chunks = chunks.clamp(MIN_CHUNKS, self.words.len() / CHUNK);
        self.limit.store(chunks, Ordering::Relaxed);
    }

    fn chunk(&self, index: usize) -> &[AtomicU64] {
        &self.words[index * CHUNK..(index + 1) * CHUNK]
    }

    /// Appends an event of at most [`MAX_WORDS`], whose first word is its time. False: it is lost.
    #[inline]
    pub(super) fn append(&self, first_shard: usize, event: &[u64]) -> bool {
        (0..SHARDS).any(|probe| {
            let shard = &self.shards[(first_shard + probe) % SHARDS];
            if shard.is_busy.swap(true, Ordering::Acquire) {
                return false;
            }
            let is_appended = self.append_in(shard, event);
            shard.is_busy.store(false, Ordering::Release);
            is_appended
        })
    }

    #[inline]
    fn append_in(&self, shard: &Shard, event: &[u64]) -> bool {
        let mut current = shard.chunk.load(Ordering::Relaxed).checked_sub(1);
        let mut filled = current.map_or(CONTENT as u64, |index| {
            self.chunk(index)[FILLED].load(Ordering::Relaxed)
        });
        if words_of(filled) + event.len() > CONTENT {
            let Some(next) = self.begin_chunk() else {
                return false;
            };
            if let Some(full) = current.replace(next) {
                self.leave(full);
            }
            shard.chunk.store(next + 1, Ordering::Relaxed);
            filled = 0;
        }
        let Some(index) = current else { return false };
        let chunk = self.chunk(index);
        let at = HEADER + words_of(filled);
        let Some(free) = chunk.get(at..at + event.len()) else {
            return false;
        };
        for (place, word) in free.iter().zip(event) {
            place.store(*word, Ordering::Relaxed);
        }
        if let [time, ..] = event {
            // Threads take their time before they come here, so it need not grow.
            let latest = match filled {
                0 => *time,
                _ => chunk[LAST_TIME].load(Ordering::Relaxed).max(*time),
            };
            chunk[LAST_TIME].store(latest, Ordering::Relaxed);
        }
        chunk[FILLED].store(filled + ONE_EVENT + event.len() as u64, Ordering::Release);
        true
    }

    /// By the shard that fills it.
    fn leave(&self, index: usize) {
        let chunk = self.chunk(index);
        let events = events_of(chunk[FILLED].load(Ordering::Relaxed));
        self.left.fetch_add(events, Ordering::Relaxed);
        // Release: whoever takes it sees `filled` as it is.
        chunk[TAKEN_IN].store(FREE, Ordering::Release);
    }

    /// From here on events are in chunks of their own. Returns how many came before.
    #[cfg(not(loom))]
    pub(super) fn cut(&self) -> u64 {
        /// A shard is busy for tens of nanoseconds, unless its thread has lost its processor. Then
        /// its chunk stays, and some events are counted on the wrong side.
        const TRIES: u32 = 1000;
        for shard in &self.shards {
            if (0..TRIES).any(|_| !shard.is_busy.swap(true, Ordering::Acquire)) {
                if let Some(index) = shard.chunk.swap(0, Ordering::Relaxed).checked_sub(1) {
                    self.leave(index);
                }
                shard.is_busy.store(false, Ordering::Release);
            }
        }
        self.left.load(Ordering::Relaxed)
    }

    /// Forgets all events. Nobody must be reading; no page is touched.
    #[cfg(not(loom))]
    pub(super) fn empty(&self) {
        self.cut();
        self.forget();
    }

    #[cfg(not(loom))]
    fn forget(&self) {
        let begun = self.begun.load(Ordering::Relaxed);
        self.first.store(begun, Ordering::Relaxed);
        for count in [&self.left, &self.overwritten, &self.overwritten_until] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// Takes the oldest chunk that no shard fills, and forgets what is in it.
    #[cold]
    fn begin_chunk(&self) -> Option<usize> {
        let limit = self.limit.load(Ordering::Relaxed);
        let epoch = self.epoch.load(Ordering::Relaxed);
        // At most one chunk for each shard is taken, and a few may be by others in this moment.
        for _ in 0..2 * MIN_CHUNKS {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            let first = self.first.load(Ordering::Relaxed);
            let index = (number.wrapping_sub(first) % limit as u64) as usize;
            let chunk = self.chunk(index);
            // Acquire: see `append_in`.
            if chunk[TAKEN_IN].swap(epoch, Ordering::Acquire) == epoch {
                continue;
            }
            let forgotten = events_of(chunk[FILLED].load(Ordering::Relaxed));
            if forgotten > 0 && chunk[NUMBER].load(Ordering::Relaxed) > first {
                let until = chunk[LAST_TIME].load(Ordering::Relaxed);
                self.overwritten.fetch_add(forgotten, Ordering::Relaxed);
                self.overwritten_until.fetch_max(until, Ordering::Relaxed);
            }
            chunk[NUMBER].store(0, Ordering::Relaxed);
            fence(Ordering::Release);
            chunk[FILLED].store(0, Ordering::Relaxed);
            chunk[NUMBER].store(number + 1, Ordering::Release);
            return Some(index);
        }
        None
    }

    /// Visits the content of each chunk that has events from `since` on, a copy: whole events. What
    /// is overwritten meanwhile is left out, and is in what [`overwritten`](Self::overwritten) says
    /// afterwards.
    pub(super) fn copy(&self, since: u64, mut visit: impl FnMut(&[u64])) {
        let mut copy = [0; CONTENT];
        // Chunk n is nowhere but at one of the first n places: no page is touched that never was.
        let first = self.first.load(Ordering::Relaxed);
        let begun = self.begun.load(Ordering::Relaxed).wrapping_sub(first);
        let begun = usize::try_from(begun).unwrap_or(usize::MAX);
        for chunk in self.words.chunks_exact(CHUNK).take(begun) {
            let number = chunk[NUMBER].load(Ordering::Acquire);
            // Empty, or of before.
            if number <= first {
                continue;
            }
            let filled = words_of(chunk[FILLED].load(Ordering::Acquire)).min(CONTENT);
            // Stored before `filled`, by which it is seen.
            if chunk[LAST_TIME].load(Ordering::Relaxed) < since {
                continue;
            }
            for (to, from) in copy.iter_mut().zip(&chunk[HEADER..HEADER + filled]) {
                *to = from.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            if chunk[NUMBER].load(Ordering::Relaxed) == number {
                visit(&copy[..filled]);
            }
        }
    }

    #[cfg(not(loom))]
    pub(super) fn overwritten(&self) -> Overwritten {
        Overwritten {
            events: self.overwritten.load(Ordering::Relaxed),
            until: self.overwritten_until.load(Ordering::Relaxed),
        }
    }

    /// In a child of `fork`: who was appending is not there, and has perhaps left half an event,
    /// which nobody reads. What is in the chunks is the parent's. They are not touched, as each is
    /// a page, which the child would have to have for itself.
    #[cfg(not(loom))]
    pub(super) fn forget_after_fork(&self) {
        for shard in &self.shards {
            shard.is_busy.store(false, Ordering::Relaxed);
            shard.chunk.store(0, Ordering::Relaxed);
        }
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.forget();
    }
}

/// In `FILLED`.
const ONE_EVENT: u64 = 1 << 32;

fn words_of(filled: u64) -> usize {
    filled as u32 as usize
}

fn events_of(filled: u64) -> u64 {
    filled >> 32
}

#[cfg(test)]
mod tests;
