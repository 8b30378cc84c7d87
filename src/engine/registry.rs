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
//! **Totals** of each thread's waiting stand beside its record, see `totals`.
//!
//! **Threads that end** leave their record behind, for the next thread with the same pointer (the
//! C library uses a thread's memory again); a dump frees those of threads that it does not find.
//! The next thread may claim the record while a dump is about to free it. So the dump first marks
//! the owner's word (`IN_DOUBT`), looks for the owner once more, and frees the record only if the
//! mark is still there: a thread that claims it takes the mark away.
//!
//! **Two records of one pointer** come about where a record nearer to the start of a search was
//! freed meanwhile. The nearer one is that of the thread that lives; nobody sees the other one, and
//! the next dump frees it.

#[cfg(not(loom))]
mod totals;

use crate::engine::blame::Holder;
use crate::engine::primitives::atomic::{AtomicU64, Ordering};
use crate::engine::seq_lock::SeqLock;
use crate::profile::kind::Kind;
use crate::profile::lock_name::LockName;

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
    /// The name of the lock that it is for.
    pub(crate) name: LockName,
    /// The address that the wait is known by: a flag's, or a scope's, or 0.
    pub(crate) subject: u64,
    /// When it began: [`monotonic`](crate::engine::clock::monotonic) then.
    pub(crate) since: u64,
    /// Whether it ends by itself after a time.
    pub(crate) is_timed: bool,
    /// Whether the thread holds the lock already, for reading, and waits to be its only holder.
    pub(crate) is_upgrade: bool,
    /// Whether it is for all threads of the scope that `subject` is the address of.
    pub(crate) is_scope_end: bool,
    /// The holder of the lock when the wait began.
    pub(crate) holder_then: Holder,
    pub(crate) registers: Registers,
}

/// The words of a [`Wait`]. All zeros: no wait.
type Words = [u64; WORDS];
const WORDS: usize = 6;
const NO_WAIT: Words = [0; WORDS];
/// In the word of the kind, whose lowest 16 bits are the kind: the wait ends by itself.
const TIMED: u64 = 1 << 16;
/// In the same word: see [`Wait::is_upgrade`].
const UPGRADE: u64 = 1 << 17;
/// In the same word: see [`Wait::is_scope_end`].
const SCOPE_END: u64 = 1 << 18;
/// In the same word: where the 12 bits of the lock's name begin.
const NAME_SHIFT: u32 = 20;
const NAME_MASK: u64 = 0xfff;
const _: () = assert!(LockName::COUNT - 1 <= NAME_MASK as usize);
/// In the same word: where the holder's bits begin.
const HOLDER_SHIFT: u32 = 32;

impl Wait {
    fn to_words(self) -> Words {
        // Plus one, so that no wait is all zeros.
        let kind = self.kind.index() as u64 + 1;
        let timed = if self.is_timed { TIMED } else { 0 };
        let upgrade = if self.is_upgrade { UPGRADE } else { 0 };
        let scope_end = if self.is_scope_end { SCOPE_END } else { 0 };
        let name = (self.name.index() as u64) << NAME_SHIFT;
        let holder = u64::from(self.holder_then.bits()) << HOLDER_SHIFT;
        [
            kind | timed | upgrade | scope_end | name | holder,
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
            kind: Kind::from_index((kind as u16).checked_sub(1)?)?,
            name: LockName::from_index((kind >> NAME_SHIFT & NAME_MASK) as u16),
            subject,
            since,
            is_timed: kind & TIMED != 0,
            is_upgrade: kind & UPGRADE != 0,
            is_scope_end: kind & SCOPE_END != 0,
            holder_then: Holder::from_bits((kind >> HOLDER_SHIFT) as u32),
            registers: Registers {
                instruction_pointer,
                stack_pointer,
                frame_pointer,
            },
        })
    }
}

/// In the word of an owner. No thread pointer has it: it is that of the kernel's addresses.
const IN_DOUBT: u64 = 1 << 63;

/// One thread's record. On a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Record {
    /// The owner's thread pointer, which no other living thread has; 0: nobody. It is known without
    /// a call. With [`IN_DOUBT`] while a dump makes sure that the owner has ended. Changed by a
    /// compare-and-swap, so that a record has one owner.
    owner: AtomicU64,
    wait: SeqLock<WORDS>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Record>() == 64, "a record is one cache line");

/// A wait as a dump reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// The thread pointer of the thread that waits.
    pub(crate) owner: u64,
    pub(crate) wait: Wait,
    /// Changes with every wait of the thread.
    sequence: u32,
    index: u32,
}

impl Record {
    #[cfg(not(loom))]
    const fn new() -> Self {
        Self {
            owner: AtomicU64::new(0),
            wait: SeqLock::new(),
        }
    }

    #[cfg(loom)]
    fn new() -> Self {
        Self {
            owner: AtomicU64::new(0),
            wait: SeqLock::new(),
        }
    }

    /// The thread pointer of the owner; 0: nobody.
    fn owner(&self) -> u64 {
        // Relaxed: of this moment, for a dump.
        self.owner.load(Ordering::Relaxed) & !IN_DOUBT
    }

    /// Makes a thread the owner, if nobody is, or if an earlier thread with its pointer was: a
    /// living thread's pointer is its own.
    fn claim(&self, owner: u64) -> bool {
        let mut word = self.owner.load(Ordering::Relaxed);
        while word == 0 || word & !IN_DOUBT == owner {
            // Also where the word stays the same. Acquire: sees the last writes of the owner
            // before. Release: a dump that doubts the owner after this finds that it lives.
            let (order, relaxed) = (Ordering::AcqRel, Ordering::Relaxed);
            match self.owner.compare_exchange(word, owner, order, relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Frees the record of a thread that seemed to have ended. False: it has not, or another thread
    /// has claimed the record.
    fn free_if(&self, owner: u64, has_ended: impl FnOnce(u64) -> bool) -> bool {
        let in_doubt = owner | IN_DOUBT;
        // Acquire: what is found next is not older than a claim that came before this. A claim that
        // comes after it takes the mark away.
        let (order, relaxed) = (Ordering::AcqRel, Ordering::Relaxed);
        let marked = self.owner.compare_exchange(owner, in_doubt, order, relaxed);
        if marked.is_err() {
            return false;
        }
        let next = if has_ended(owner) { 0 } else { owner };
        // Release: whoever claims it next sees what this owner wrote.
        let done = self.owner.compare_exchange(in_doubt, next, order, relaxed);
        next == 0 && done.is_ok()
    }

    /// By anybody. `None`: no wait, or one that is just beginning or ending.
    fn read(&self) -> Option<(u64, Wait, u32)> {
        let owner = self.owner();
        if owner == 0 {
            return None;
        }
        let (words, sequence) = self.wait.read()?;
        Some((owner, Wait::from_words(words)?, sequence))
    }
}

/// Where a record for the thread with this pointer is looked for. The places begin at one that the
/// pointer gives, so a search is short until the table fills.
fn places(owner: u64) -> impl Iterator<Item = usize> {
    // Fibonacci hashing, as in `unwind_rules`.
    let first = (owner.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
    (0..RECORDS).map(move |probe| (first + probe) % RECORDS)
}

/// All records.
#[derive(Debug)]
pub(crate) struct Registry {
    records: [Record; RECORDS],
}

impl Registry {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            records: [const { Record::new() }; RECORDS],
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            records: std::array::from_fn(|_| Record::new()),
        }
    }

    /// The index of a record for the thread with this pointer: the one that an earlier thread left
    /// behind under the same pointer, or a free one. `None`: there is none.
    fn claim(&self, owner: u64) -> Option<usize> {
        let index = places(owner).find(|index| self.records[*index].claim(owner))?;
        // The owner before may have ended in a wait, or in the middle of a write.
        self.records[index].wait.take_over(NO_WAIT);
        Some(index)
    }

    /// Frees the records of threads that have ended, and returns how many. Called by one dump at a
    /// time; `has_ended` is asked twice of a thread before its record is freed.
    #[allow(dead_code)] // Asked where threads can be listed.
    pub(crate) fn forget_if(&self, has_ended: impl Fn(u64) -> bool) -> usize {
        let records = self.records.iter().enumerate();
        let freed = records.filter(|(index, record)| {
            let owner = record.owner();
            if owner == 0 {
                return false;
            }
            // Nobody claims a record behind the one of a living thread with the same pointer.
            let is_left_over = self.is_left_over(*index, owner);
            let may_go = is_left_over || has_ended(owner);
            may_go && record.free_if(owner, |owner| is_left_over || has_ended(owner))
        });
        freed.count()
    }

    /// Whether a later thread with the same pointer has another record.
    fn is_left_over(&self, index: usize, owner: u64) -> bool {
        let mut nearer = places(owner).take_while(|place| *place != index);
        nearer.any(|place| self.records[place].owner() == owner)
    }

    /// The waits that are in progress now.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Published> {
        let records = self.records.iter().enumerate();
        records.filter_map(|(index, record)| {
            let (owner, wait, sequence) = record.read()?;
            (!self.is_left_over(index, owner)).then_some(Published {
                owner,
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
            if record.owner.load(Ordering::Relaxed) != 0 {
                record.owner.store(0, Ordering::Relaxed);
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
pub(crate) use of_this_process::{
    InProgress, Member, after_fork, forget_if, is_going_on, join_scope, labels, members, owners,
    place_of_labels, publish, refused, waited, waits,
};
#[cfg(not(loom))]
#[allow(unused_imports)] // Asked where threads can be listed.
pub(crate) use totals::{Counting, KINDS};

/// The registry of the process, and each thread's way to its record.
#[cfg(not(loom))]
mod of_this_process {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

    use crossbeam_utils::CachePadded;

    use super::totals::{self, KINDS, Totals};
    use super::{Published, RECORDS, Record, Registry, Wait, Words};
    use crate::engine::{clock, thread_state};
    use crate::profile::labels::LabelSet;

    static REGISTRY: Registry = Registry::new();

    /// The totals of the owner of each record.
    static TOTALS: [Totals; RECORDS] = [const { Totals::new() }; RECORDS];

    /// The scope that each record's thread was spawned in, by its address; 0: none. Relaxed: read
    /// by a dump, of this moment.
    static SCOPES: [AtomicU64; RECORDS] = [const { AtomicU64::new(0) }; RECORDS];

    /// The labels of each record's thread. Relaxed, as `SCOPES`. A line for each: a thread writes
    /// its own at every scope.
    static LABELS: [CachePadded<AtomicU16>; RECORDS] =
        [const { CachePadded::new(AtomicU16::new(0)) }; RECORDS];

    /// Counts forks: a thread's record is void in a child. Relaxed: a child has one thread.
    static FORKS: AtomicU32 = AtomicU32::new(0);

    /// How often a thread looked for a record and there was none. Relaxed: a statistic.
    static REFUSED: AtomicU64 = AtomicU64::new(0);

    /// Counts dumps that freed records. Relaxed: a thread that misses one tries again later.
    static FREED: AtomicU32 = AtomicU32::new(0);

    thread_local! {
        /// The record of this thread: its index plus one, and [`FORKS`] when it was claimed. Index
        /// 0: none was claimed yet; `u32::MAX`: there was none.
        ///
        /// A plain cell without a destructor: it works while the thread is torn down.
        static OWN: Cell<(u32, u32)> = const { Cell::new((0, 0)) };

        /// [`FREED`] when there was no record for this thread.
        static REFUSED_AT: Cell<u32> = const { Cell::new(0) };
    }

    /// A wait that is in the registry. When it is dropped, what was there before is there again.
    #[derive(Debug)]
    pub(crate) struct InProgress {
        record: &'static Record,
        totals: &'static Totals,
        outer: Words,
    }

    impl Drop for InProgress {
        #[inline]
        fn drop(&mut self) {
            if totals::is_counting() {
                replace_and_count(self.record, self.totals, self.outer, clock::monotonic());
            } else {
                self.record.wait.replace(self.outer);
            }
        }
    }

    /// Publishes a wait of this thread, until the result is dropped. `None`: there is no record
    /// left (see [`refused`]), or a signal handler has come in the middle of a write.
    #[inline]
    pub(crate) fn publish(wait: Wait) -> Option<InProgress> {
        let (record, totals) = own_record()?;
        let outer = match totals::is_counting() {
            true => replace_and_count(record, totals, wait.to_words(), wait.since),
            false => record.wait.replace(wait.to_words()),
        }?;
        Some(InProgress {
            record,
            totals,
            outer,
        })
    }

    /// Counts the wait that was there, if there was one.
    #[cold]
    #[inline(never)]
    fn replace_and_count(
        record: &Record,
        totals: &Totals,
        words: Words,
        now: u64,
    ) -> Option<Words> {
        record.wait.replace_with(words, |before| {
            if let Some(wait) = Wait::from_words(*before) {
                totals.count(&wait, now);
            }
        })
    }

    #[inline]
    fn own_record() -> Option<(&'static Record, &'static Totals)> {
        record(own_index()?).or_else(record_after_refusal)
    }

    /// Tries again, once for each dump that has freed records.
    #[cold]
    #[inline(never)]
    fn record_after_refusal() -> Option<(&'static Record, &'static Totals)> {
        if REFUSED_AT.get() == FREED.load(Ordering::Relaxed) {
            return None;
        }
        record(claim()?)
    }

    #[inline]
    fn own_index() -> Option<usize> {
        let (index, forks) = OWN.get();
        if index == 0 || forks != FORKS.load(Ordering::Relaxed) {
            return claim();
        }
        Some(index as usize - 1)
    }

    #[inline]
    fn record(index: usize) -> Option<(&'static Record, &'static Totals)> {
        Some((REGISTRY.records.get(index)?, TOTALS.get(index)?))
    }

    #[cold]
    #[inline(never)]
    fn claim() -> Option<usize> {
        let index = REGISTRY.claim(thread_state::thread_pointer() as u64);
        let number = index.map_or(u32::MAX, |index| index as u32 + 1);
        OWN.set((number, FORKS.load(Ordering::Relaxed)));
        if index.is_none() {
            REFUSED.fetch_add(1, Ordering::Relaxed);
            REFUSED_AT.set(FREED.load(Ordering::Relaxed));
        }
        if let Some(index) = index {
            TOTALS[index].clear();
            // The owner before may have ended without leaving its scope: in a child of `fork`.
            SCOPES[index].store(0, Ordering::Relaxed);
            LABELS[index].store(0, Ordering::Relaxed);
        }
        index
    }

    /// This thread is one of a scope's, until this is dropped.
    #[derive(Debug)]
    pub(crate) struct Member {
        index: Option<usize>,
    }

    /// This thread was spawned in the scope at this address.
    pub(crate) fn join_scope(scope: u64) -> Member {
        let index = own_index().filter(|index| *index < RECORDS);
        if let Some(index) = index {
            SCOPES[index].store(scope, Ordering::Relaxed);
        }
        Member { index }
    }

    impl Drop for Member {
        fn drop(&mut self) {
            if let Some(index) = self.index {
                SCOPES[index].store(0, Ordering::Relaxed);
            }
        }
    }

    /// Where a dump looks for the labels of this thread. `None`: there is no record left.
    pub(crate) fn place_of_labels() -> Option<&'static AtomicU16> {
        LABELS.get(own_index()?).map(|place| &**place)
    }

    /// The threads that have labels now, by their pointers.
    #[allow(dead_code)] // Asked where threads can be listed.
    pub(crate) fn labels() -> impl Iterator<Item = (u64, LabelSet)> {
        owners().filter_map(|(owner, index)| {
            let labels = LabelSet::from_index(LABELS[index].load(Ordering::Relaxed));
            (!labels.is_none()).then_some((owner, labels))
        })
    }

    /// The thread pointers of the threads that were spawned in this scope and run.
    #[allow(dead_code)] // Asked where threads can be listed.
    pub(crate) fn members(scope: u64) -> impl Iterator<Item = u64> {
        let records = REGISTRY.records.iter().zip(&SCOPES);
        records.filter_map(move |(record, of)| {
            let owner = record.owner();
            (of.load(Ordering::Relaxed) == scope && owner != 0 && scope != 0).then_some(owner)
        })
    }

    /// The threads that have a record: their pointers, and the record's number for [`waited`].
    #[allow(dead_code)] // Asked where threads can be listed.
    pub(crate) fn owners() -> impl Iterator<Item = (u64, usize)> {
        let records = REGISTRY.records.iter().enumerate();
        records.filter_map(|(index, record)| {
            let owner = record.owner();
            (owner != 0 && !REGISTRY.is_left_over(index, owner)).then_some((owner, index))
        })
    }

    /// How long the owner of that record has waited up to now while it was counted, by kind. Only
    /// the difference of two says something.
    #[allow(dead_code)] // Asked where threads can be listed.
    pub(crate) fn waited(index: usize) -> Option<[u64; KINDS]> {
        /// A thread that begins and ends waits all the time is met in the middle of a write, now
        /// and then.
        const TRIES: usize = 100;
        let (record, totals) = record(index)?;
        let consistent = (0..TRIES).find_map(|_| {
            let (words, sequence) = record.wait.read()?;
            let waited = totals.read(Wait::from_words(words).as_ref(), clock::monotonic());
            record.wait.is_unchanged(sequence).then_some(waited)
        });
        // Not if a write was interrupted for good, by a signal handler that does not return.
        Some(consistent.unwrap_or_else(|| totals.read(None, 0)))
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

    /// Frees the records of threads that have ended.
    #[allow(dead_code)] // Asked where threads can be listed.
    pub(crate) fn forget_if(has_ended: impl Fn(u64) -> bool) {
        if REGISTRY.forget_if(has_ended) > 0 {
            FREED.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A note for a reader of [`waits`] who does not get all of them.
    pub(crate) fn refused() -> Option<String> {
        let refused = REFUSED.load(Ordering::Relaxed);
        (refused > 0).then(|| {
            format!(
                "some waits of contend's types may be missing: there is room for those of {RECORDS} \
                 threads, and since the program began a thread found none {refused} times"
            )
        })
    }

    /// In a child of `fork`.
    pub(crate) fn after_fork() {
        FORKS.fetch_add(1, Ordering::Relaxed);
        REFUSED.store(0, Ordering::Relaxed);
        REGISTRY.forget_after_fork();
    }
}

#[cfg(test)]
mod tests;
