//! The ring that events go into, while somebody wants them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

use super::record::{self, Event};
use super::ring::{CHUNK_BYTES, Overwritten, Ring};
use super::threads::{self, ThreadInfo, ThreadNumber};
use super::{stacks, wakers};
use crate::engine::published::Published;
use crate::engine::spin_lock::SpinLock;
use crate::engine::{recorder, thread_state};
use crate::profile::kind::Kind;

/// The most that a recording can keep. Reserved at the first one, resident as it fills.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// Recordings at the same time: a trace and a flight recorder, one each, and some room.
const RECORDINGS: usize = 8;

static RING: Published<Ring> = Published::new();

/// Whether anybody wants events. Relaxed: a hint; the ring publishes itself.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// The bytes that each recording asks for; 0: free. Plain numbers, so that a holder of the lock
/// that does not exist in a forked child has left valid ones.
static HELD: SpinLock<[usize; RECORDINGS]> = SpinLock::new([0; RECORDINGS]);

/// Events that found all shards busy. Relaxed: a statistic.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Counts forks. Relaxed: a child has one thread when it is written.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Waits of so many nanoseconds are [long](take_long_wait).
static LONG_NANOS: AtomicU64 = AtomicU64::new(u64::MAX);

/// The longest of them since somebody asked. Relaxed: a hint to look at the events.
static LONGEST: AtomicU64 = AtomicU64::new(0);

/// Whether events are recorded now.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Events are recorded while this lives.
#[derive(Debug)]
pub(crate) struct Hold {
    place: usize,
    /// [`FORKS`] at its beginning: in a child it holds nothing.
    forks: u32,
    /// Counts at its beginning.
    lost: u64,
    /// Events that came before it.
    before: u64,
}

/// Records events into a ring of at least so many bytes, at most [`MAX_BYTES`]. `None`: too many
/// recordings.
pub(crate) fn hold(bytes: usize) -> Option<Hold> {
    recorder::start();
    stacks::start();
    let ring = RING.get_or_publish(|| Ring::new(MAX_BYTES / CHUNK_BYTES));
    let mut held = HELD.lock();
    let place = held.iter().position(|bytes| *bytes == 0)?;
    // Nobody reads then.
    if held.iter().all(|bytes| *bytes == 0) {
        ring.empty();
    }
    held[place] = bytes.clamp(1, MAX_BYTES);
    follow(&held);
    Some(Hold {
        place,
        forks: FORKS.load(Ordering::Relaxed),
        lost: LOST.load(Ordering::Relaxed),
        before: ring.cut(),
    })
}

fn follow(held: &[usize; RECORDINGS]) {
    let bytes = held.iter().copied().max().unwrap_or_default();
    if let Some(ring) = RING.get() {
        ring.set_limit(bytes.div_ceil(CHUNK_BYTES));
    }
    IS_ON.store(bytes > 0, Ordering::Relaxed);
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.forks != FORKS.load(Ordering::Relaxed) {
            return;
        }
        let mut held = HELD.lock();
        held[self.place] = 0;
        follow(&held);
    }
}

/// Appends an event, or counts it as lost.
#[inline]
pub(crate) fn append(event: &Event<'_>) {
    let Some(ring) = RING.get() else { return };
    // Sixteen shards; the ring takes the number modulo theirs.
    let shard = thread_state::shard(usize::MAX);
    if !event.with_words(|words| ring.append(shard, words)) {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// A wait for a lock has ended.
#[inline]
pub(crate) fn note_wait(nanos: u64) {
    if nanos >= LONG_NANOS.load(Ordering::Relaxed) {
        LONGEST.fetch_max(nanos, Ordering::Relaxed);
    }
}

/// From now on waits of so many nanoseconds are noted.
pub(crate) fn note_waits_from(nanos: u64) {
    LONG_NANOS.store(nanos, Ordering::Relaxed);
    LONGEST.store(0, Ordering::Relaxed);
}

/// The longest wait that has ended since the last call, if one was long.
pub(crate) fn take_long_wait() -> Option<u64> {
    Some(LONGEST.swap(0, Ordering::Relaxed)).filter(|nanos| *nanos > 0)
}

/// By a thread that is about to release `lock`, for which others wait. A shared release is that of
/// one reader of several.
#[inline]
pub(crate) fn note_release(lock: usize, kind: Kind, now: u64) {
    let lock = match kind {
        Kind::RWLOCK_READ | Kind::ASYNC_RWLOCK_READ => of_readers(lock),
        _ => lock,
    };
    wakers::note(lock, now, threads::own_number());
}

/// By a thread that is about to notify those who sleep at `key`.
#[inline]
pub(crate) fn note_notification(key: usize, now: u64) {
    wakers::note(key, now, threads::own_number());
}

/// The time of the last release of `lock` that a wait of this kind might take for the one that ends
/// it; 0: none.
///
/// The caller has set the lock's flag: somebody waits. A release may have been noted after
/// the wait had begun, for another waiter, and a later one that found the flag idle left no note.
pub(crate) fn last_release(lock: usize, kind: Kind) -> u64 {
    // SeqCst: the flag that the caller has set before is seen before the note is read. So whoever
    // does not see the flag, and leaves no note, had the lock after each release whose note is read
    // here; there is no such order between a store and a later load without it.
    fence(Ordering::SeqCst);
    notes(lock, kind).map_or(0, |(time, _)| time)
}

/// The time and the thread of the release that has let go on who waited for `lock` until `end`, if
/// it came later than `after`. `None`: it was not noted.
///
/// A reader waits for a writer alone: that other readers, who were let go with it, have released
/// meanwhile is not what it waited for. A writer waits for both.
pub(crate) fn release_of(
    lock: usize,
    kind: Kind,
    after: u64,
    end: u64,
) -> Option<(u64, ThreadNumber)> {
    notes(lock, kind).filter(|(time, _)| *time > after && *time <= end)
}

/// The last release, of those that a wait of this kind may be ended by.
fn notes(lock: usize, kind: Kind) -> Option<(u64, ThreadNumber)> {
    let last = wakers::last(lock);
    match kind {
        Kind::RWLOCK_WRITE | Kind::ASYNC_RWLOCK_WRITE => last.max(wakers::last(of_readers(lock))),
        _ => last,
    }
}

/// Locks are aligned, so that no other one has this address.
fn of_readers(lock: usize) -> usize {
    lock + 1
}

/// A copy of what the ring has.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Rows of events.
    chunks: Vec<Vec<u64>>,
    /// Events from here on are all there.
    pub(crate) since: u64,
    pub(crate) threads: Vec<ThreadInfo>,
    /// Events of the wanted time that are overwritten, and those that were not recorded since the
    /// recording began.
    pub(crate) overwritten: u64,
    pub(crate) lost: u64,
}

/// Copies the events from `since` on.
pub(crate) fn snapshot(hold: &Hold, since: u64) -> Snapshot {
    let mut chunks = Vec::new();
    let mut overwritten = Overwritten::default();
    if let Some(ring) = RING.get() {
        ring.copy(since, |words| chunks.push(words.to_vec()));
        // After the copy: counts what was overwritten beside it.
        overwritten = ring.overwritten();
    }
    // Those that came before the recording, or were too old to be wanted, are not missing.
    let missing = match overwritten.until >= since {
        true => overwritten.events.saturating_sub(hold.before),
        false => 0,
    };
    let complete_since = match missing {
        0 => since,
        _ => since.max(overwritten.until.saturating_add(1)),
    };
    // Chunks of other shards still have some that are as old. They are left out, too.
    let times = since..complete_since;
    let left_out = chunks
        .iter()
        .map(|words| record::count(words, times.clone()));
    let overwritten = missing + left_out.sum::<u64>();
    Snapshot {
        chunks,
        since: complete_since,
        threads: threads::all(),
        overwritten,
        lost: LOST.load(Ordering::Relaxed).saturating_sub(hold.lost),
    }
}

impl Snapshot {
    /// In no particular order.
    pub(crate) fn events(&self, mut visit: impl FnMut(&Event<'_>)) {
        for words in &self.chunks {
            record::visit(words, self.since, &mut visit);
        }
    }
}

/// In a child of `fork`: the recordings are the parent's, and so are the events.
///
/// # Safety
///
/// - Only in a child of `fork`, before another thread is started there.
pub(crate) unsafe fn forget_after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    IS_ON.store(false, Ordering::Relaxed);
    LONG_NANOS.store(u64::MAX, Ordering::Relaxed);
    // SAFETY: by this function's duty no guard is alive; the numbers in it are valid at any point.
    unsafe { HELD.force_unlock() };
    *HELD.lock() = [0; RECORDINGS];
    if let Some(ring) = RING.get() {
        ring.forget_after_fork();
    }
    threads::forget_after_fork();
}
