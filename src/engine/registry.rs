//! Waits in progress: one record per thread, written by that thread and read by a dump.
//!
//! A thread claims a record at its first wait and keeps it. To publish a wait is a few plain
//! stores, so it is done at every wait, also with all rates at 0: a program that is stuck can be
//! asked what it waits for without having been prepared.
//!
//! **Reading.** A record is a sequence lock (see `seq_lock`): what a reader gets is of one moment,
//! and nobody waits for anybody.
//!
//! **Nested waits** (an initialiser that locks, a Condvar that takes its mutex again): the inner
//! wait keeps the outer one's values on its own stack, and puts them back.
//!
//! **Threads that end** leave their record behind. A thread that finds no free one takes that of a
//! thread which the system says is gone.

use crate::engine::primitives::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::engine::seq_lock::SeqLock;
use crate::profile::kind::Kind;

/// Threads that can wait at the same time. Each has 64 bytes, which become resident as they are
/// used.
const RECORDS: usize = if cfg!(loom) { 2 } else { 4096 };

/// Where a thread is, as the walker of a copied stack wants to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registers {
    pub(crate) instruction_pointer: u64,
    pub(crate) stack_pointer: u64,
    pub(crate) frame_pointer: u64,
}

impl Registers {
    /// Those of the function that this is inlined into. Its frame must stay for as long as they are
    /// used.
    #[cfg(all(target_arch = "x86_64", not(loom)))]
    #[inline(always)]
    pub(crate) fn here() -> Self {
        let (instruction_pointer, stack_pointer, frame_pointer);
        // SAFETY: reads three registers and writes nothing but its outputs.
        unsafe {
            std::arch::asm!(
                "lea {ip}, [rip]",
                "mov {sp}, rsp",
                "mov {bp}, rbp",
                ip = out(reg) instruction_pointer,
                sp = out(reg) stack_pointer,
                bp = out(reg) frame_pointer,
                options(nomem, nostack, preserves_flags),
            );
        }
        Self {
            instruction_pointer,
            stack_pointer,
            frame_pointer,
        }
    }

    /// Elsewhere copied stacks are not walked.
    #[cfg(not(all(target_arch = "x86_64", not(loom))))]
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Self::default()
    }
}

/// A wait, as its thread publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) kind: Kind,
    /// The address that the wait is known by: a lock's, or 0.
    pub(crate) subject: u64,
    /// When it began: [`now`] then.
    pub(crate) since: u64,
    /// Whether it ends by itself after a time.
    pub(crate) is_timed: bool,
    pub(crate) registers: Registers,
}

/// The words of a [`Wait`]. All zeros: no wait.
type Words = [u64; WORDS];
const WORDS: usize = 6;
const NO_WAIT: Words = [0; WORDS];
/// In the word of the kind: the wait ends by itself.
const TIMED: u64 = 1 << 32;

impl Wait {
    fn to_words(self) -> Words {
        // Plus one, so that no wait is all zeros.
        let kind = self.kind.index() as u64 + 1;
        [
            kind | if self.is_timed { TIMED } else { 0 },
            self.subject,
            self.since,
            self.registers.instruction_pointer,
            self.registers.stack_pointer,
            self.registers.frame_pointer,
        ]
    }

    fn from_words(words: Words) -> Option<Self> {
        let [
            kind,
            subject,
            since,
            instruction_pointer,
            stack_pointer,
            frame_pointer,
        ] = words;
        Some(Self {
            kind: Kind::from_index(((kind & !TIMED) as u32).checked_sub(1)?.try_into().ok()?)?,
            subject,
            since,
            is_timed: kind & TIMED != 0,
            registers: Registers {
                instruction_pointer,
                stack_pointer,
                frame_pointer,
            },
        })
    }
}

/// One thread's record. On a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Record {
    /// The owner; 0: nobody. Changed by a compare-and-swap, so that a record has one owner.
    tid: AtomicU32,
    wait: SeqLock<WORDS>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Record>() == 64, "a record is one cache line");

/// A record as a dump reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) tid: u32,
    pub(crate) thread_pointer: u64,
    pub(crate) wait: Wait,
    /// Changes with every wait of the thread.
    sequence: u32,
    index: u32,
}

impl Record {
    #[cfg(not(loom))]
    const fn new() -> Self {
        Self {
            tid: AtomicU32::new(0),
            wait: SeqLock::new(),
        }
    }

    #[cfg(loom)]
    fn new() -> Self {
        Self {
            tid: AtomicU32::new(0),
            wait: SeqLock::new(),
        }
    }

    /// By anybody. `None`: no wait, or one that is just beginning or ending.
    fn read(&self) -> Option<(u32, Wait, u32)> {
        let tid = self.tid.load(Ordering::Relaxed);
        if tid == 0 {
            return None;
        }
        let (words, sequence) = self.wait.read()?;
        Some((tid, Wait::from_words(words)?, sequence))
    }
}

/// All records.
#[derive(Debug)]
pub(crate) struct Registry {
    records: [Record; RECORDS],
    /// By record: the owner's thread pointer, which a lock's holder is known by.
    thread_pointers: [AtomicU64; RECORDS],
}

impl Registry {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            records: [const { Record::new() }; RECORDS],
            thread_pointers: [const { AtomicU64::new(0) }; RECORDS],
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            records: std::array::from_fn(|_| Record::new()),
            thread_pointers: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// The index of a record for the thread of this number: the one that an earlier thread left
    /// behind under the same number, a free one, or one whose owner `is_gone`. `None`: there is
    /// none.
    ///
    /// The search begins at a place that the number gives, so it is short until the table fills.
    fn claim(&self, tid: u32, thread_pointer: u64, is_gone: impl Fn(u32) -> bool) -> Option<usize> {
        // Fibonacci hashing, as in `unwind_rules`.
        let first = (u64::from(tid).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
        let places = || (0..RECORDS).map(|probe| (first + probe) % RECORDS);
        let owner = |index: usize| self.records[index].tid.load(Ordering::Relaxed);
        let take = |index: usize, from: u32| {
            // Acquire: sees the last writes of the owner before.
            let (acquire, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
            let word = &self.records[index].tid;
            word.compare_exchange(from, tid, acquire, relaxed).is_ok()
        };
        // A number is given to one living thread at a time: an owner of this one is gone.
        let index = places()
            .find(|index| owner(*index) == tid || (owner(*index) == 0 && take(*index, 0)))
            .or_else(|| {
                places().find(|index| {
                    let owner = owner(*index);
                    is_gone(owner) && take(*index, owner)
                })
            })?;
        self.thread_pointers[index].store(thread_pointer, Ordering::Relaxed);
        // Whoever had it may have ended in a wait, or in the middle of a write.
        self.records[index].wait.take_over(NO_WAIT);
        Some(index)
    }

    /// The waits that are in progress now.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Published> {
        let records = self.records.iter().enumerate();
        records.filter_map(|(index, record)| {
            let (tid, wait, sequence) = record.read()?;
            Some(Published {
                tid,
                thread_pointer: self.thread_pointers[index].load(Ordering::Relaxed),
                wait,
                sequence,
                index: index as u32,
            })
        })
    }

    /// Whether that wait is still going on.
    #[cfg(not(loom))]
    #[allow(dead_code)] // Asked where stacks can be copied.
    pub(crate) fn is_going_on(&self, published: &Published) -> bool {
        let record = self.records.get(published.index as usize);
        record.is_some_and(|record| record.wait.is_unchanged(published.sequence))
    }

    /// Forgets all threads: in a child of `fork` there is none but the one that forked, and it has
    /// another number there.
    #[cfg(not(loom))]
    pub(crate) fn forget_after_fork(&self) {
        for record in &self.records {
            // Looks first, so that pages which were never used stay untouched.
            if record.tid.load(Ordering::Relaxed) != 0 {
                record.tid.store(0, Ordering::Relaxed);
                record.wait.take_over(NO_WAIT);
            }
        }
    }
}

#[cfg(not(loom))]
#[cfg_attr(
    not(all(feature = "framehop", target_os = "linux")),
    allow(unused_imports)
)]
pub(crate) use of_this_process::{InProgress, after_fork, is_going_on, now, publish, waits};

/// The registry of the process, and each thread's way to its record.
#[cfg(not(loom))]
mod of_this_process {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Published, Record, Registry, Wait, Words};

    static REGISTRY: Registry = Registry::new();

    /// Counts forks: a thread's record is void in a child. Relaxed: a child has one thread.
    static FORKS: AtomicU32 = AtomicU32::new(0);

    thread_local! {
        /// The record of this thread: its index plus one, and [`FORKS`] when it was claimed. Index
        /// 0: none was claimed yet; `u32::MAX`: there was none.
        ///
        /// A plain cell without a destructor: it works while the thread is torn down.
        static OWN: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
    }

    /// A wait that is in the registry. When it is dropped, what was there before is there again.
    #[derive(Debug)]
    pub(crate) struct InProgress {
        record: &'static Record,
        outer: Words,
    }

    impl Drop for InProgress {
        #[inline]
        fn drop(&mut self) {
            self.record.wait.replace(self.outer);
        }
    }

    /// Publishes a wait of this thread, until the result is dropped. `None`: there is no record
    /// left, which the caller counts.
    #[inline]
    pub(crate) fn publish(wait: Wait) -> Option<InProgress> {
        let record = own_record()?;
        let outer = record.wait.replace(wait.to_words())?;
        Some(InProgress { record, outer })
    }

    #[inline]
    fn own_record() -> Option<&'static Record> {
        let (index, forks) = OWN.get();
        if index == 0 || forks != FORKS.load(Ordering::Relaxed) {
            return claim();
        }
        REGISTRY.records.get(index as usize - 1)
    }

    #[cold]
    #[inline(never)]
    fn claim() -> Option<&'static Record> {
        let index = REGISTRY.claim(system::tid(), system::thread_pointer(), system::is_gone);
        let number = index.map_or(u32::MAX, |index| index as u32 + 1);
        OWN.set((number, FORKS.load(Ordering::Relaxed)));
        REGISTRY.records.get(index?)
    }

    /// The waits in progress of the whole process.
    pub(crate) fn waits() -> impl Iterator<Item = Published> {
        REGISTRY.waits()
    }

    /// Whether that wait is still going on.
    #[allow(dead_code)] // Asked where stacks can be copied.
    pub(crate) fn is_going_on(published: &Published) -> bool {
        REGISTRY.is_going_on(published)
    }

    /// Nanoseconds on a clock that nobody sets. Not the engine's, which does not run before
    /// profiling is switched on.
    #[inline]
    pub(crate) fn now() -> u64 {
        system::now()
    }

    /// In a child of `fork`.
    pub(crate) fn after_fork() {
        FORKS.fetch_add(1, Ordering::Relaxed);
        REGISTRY.forget_after_fork();
    }

    #[cfg(target_os = "linux")]
    mod system {
        pub(super) fn tid() -> u32 {
            // SAFETY: takes nothing and cannot fail.
            unsafe { libc::gettid() }.unsigned_abs()
        }

        pub(super) fn thread_pointer() -> u64 {
            crate::engine::thread_state::thread_pointer() as u64
        }

        /// Read without a system call, in signal handlers too: 24 ns.
        pub(super) fn now() -> u64 {
            let mut time = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            // SAFETY: the answer goes to a live local of the right type.
            unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
            time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
        }

        /// Whether no thread of this process has that number. 0.6 µs.
        pub(super) fn is_gone(tid: u32) -> bool {
            // SAFETY: signal 0 is none: the system only says whether the thread is there.
            let failed = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, 0) } != 0;
            // SAFETY: the C library's own place of this thread's error number.
            failed && unsafe { *libc::__errno_location() } == libc::ESRCH
        }
    }

    /// Elsewhere a thread is known by a number that is counted here, and no thread is ever known to
    /// have ended.
    #[cfg(not(target_os = "linux"))]
    mod system {
        use std::sync::atomic::{AtomicU32, Ordering};

        pub(super) fn tid() -> u32 {
            static NEXT: AtomicU32 = AtomicU32::new(1);
            NEXT.fetch_add(1, Ordering::Relaxed)
        }

        pub(super) fn thread_pointer() -> u64 {
            crate::engine::thread_state::thread_pointer() as u64
        }

        /// Since the first wait.
        pub(super) fn now() -> u64 {
            static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
            let start = START.get_or_init(std::time::Instant::now);
            u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
        }

        pub(super) fn is_gone(_: u32) -> bool {
            false
        }
    }
}

#[cfg(test)]
mod tests;
