//! Numbers of threads that are never used again, and what is known of each thread.
//!
//! A thread gets its number at its first event, and writes down then who it is. There is room for
//! some thousands; with more the newest ones take the places of the oldest.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::engine::seq_lock::SeqLock;
use crate::engine::{clock, thread_state};

/// The number of a thread; 0: none.
pub(crate) type ThreadNumber = u32;

/// Threads that are known at a time. Each has 64 bytes, which become resident as they are used.
const PLACES: usize = 4096;

static PLACES_OF_THREADS: [Place; PLACES] = [const { Place::new() }; PLACES];

/// The number that was given last. Relaxed: only has to differ.
static LAST: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Plain, without a destructor: it works while the thread is torn down.
    static OWN: Cell<ThreadNumber> = const { Cell::new(0) };
}

/// The kernel keeps as many bytes of a thread's name, with the zero at its end.
const NAME_BYTES: usize = 16;

/// number, tid, thread pointer, time, name, name.
const WORDS: usize = 6;

#[derive(Debug)]
struct Place {
    /// Only tried: two threads whose numbers share the place may come at the same moment.
    /// `Acquire` and `Release`, so that the words are written by one thread after the other.
    is_busy: AtomicBool,
    words: SeqLock<WORDS>,
}

impl Place {
    const fn new() -> Self {
        Self {
            is_busy: AtomicBool::new(false),
            words: SeqLock::new(),
        }
    }

    fn of(number: ThreadNumber) -> &'static Self {
        &PLACES_OF_THREADS[number as usize % PLACES]
    }

    fn write(&self, words: [u64; WORDS]) {
        if self.is_busy.swap(true, Ordering::Acquire) {
            return;
        }
        self.words.replace(words);
        self.is_busy.store(false, Ordering::Release);
    }
}

/// A thread as it was at its first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadInfo {
    pub(crate) number: ThreadNumber,
    /// The kernel's number; 0 where it has none.
    pub(crate) tid: u32,
    pub(crate) pointer: u64,
    /// When it was first seen.
    pub(crate) since: u64,
    pub(crate) name: String,
}

/// The number of this thread.
#[inline]
pub(crate) fn own_number() -> ThreadNumber {
    match OWN.get() {
        0 => take_number(),
        number => number,
    }
}

#[cold]
#[inline(never)]
fn take_number() -> ThreadNumber {
    let number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
    OWN.set(number);
    let (tid, name) = who();
    let [first, second] = name;
    let pointer = thread_state::thread_pointer() as u64;
    let since = clock::now();
    Place::of(number).write([number.into(), tid.into(), pointer, since, first, second]);
    number
}

/// All threads that are known.
pub(crate) fn all() -> Vec<ThreadInfo> {
    let read = |place: &Place| {
        let ([number, tid, pointer, since, name @ ..], _) = place.words.read()?;
        let number = number as ThreadNumber;
        (number != 0).then(|| ThreadInfo {
            number,
            tid: tid as u32,
            pointer,
            since,
            name: text_of(name),
        })
    };
    PLACES_OF_THREADS.iter().filter_map(read).collect()
}

fn text_of(words: [u64; NAME_BYTES / 8]) -> String {
    let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
    let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// The kernel's number and name of this thread: two system calls, once in a thread's life.
#[cfg(target_os = "linux")]
fn who() -> (u32, [u64; NAME_BYTES / 8]) {
    let mut name = [0_u8; NAME_BYTES];
    // SAFETY: `PR_GET_NAME` stores at most 16 bytes at the address given, which `name` has.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    // SAFETY: asks for a number, and always succeeds.
    let tid = unsafe { libc::syscall(libc::SYS_gettid) };
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| name[at + byte]));
    (tid as u32, [word(0), word(8)])
}

#[cfg(not(target_os = "linux"))]
fn who() -> (u32, [u64; NAME_BYTES / 8]) {
    (0, [0; NAME_BYTES / 8])
}

/// In a child of `fork`, in its only thread: that has another number of the kernel's there.
pub(super) fn forget_after_fork() {
    for place in &PLACES_OF_THREADS {
        place.is_busy.store(false, Ordering::Relaxed);
        if place.words.read().is_none_or(|(words, _)| words[0] != 0) {
            place.words.take_over([0; WORDS]);
        }
    }
    OWN.set(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_one_number_and_is_known_by_it() {
        let known = std::thread::Builder::new()
            .name("a-known-thread".into())
            .spawn(|| {
                let number = own_number();
                assert_eq!(own_number(), number);
                all().into_iter().find(|thread| thread.number == number)
            })
            .unwrap()
            .join()
            .unwrap()
            .unwrap();
        assert_ne!(known.number, own_number());
        if cfg!(target_os = "linux") {
            assert_eq!(known.name, "a-known-thread");
            assert_ne!(known.tid, 0);
        }
    }
}
