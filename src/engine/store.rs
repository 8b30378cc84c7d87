//! The recorded totals: per stack the contentions, the delay and the variance of the delay.
//!
//! A [`Store`] is a row of shards; a thread always adds to the same one, so threads rarely share
//! a cache line. A shard is two arrays of atomic words, allocated once and never grown:
//!
//! ```text
//!   index  [ tag | offset ] [ 0 ] [ tag | offset ] …      open addressing, 0 = free
//!                    │
//!   arena  … [ header | contentions | delay | variance | wake-up | address × depth ] …
//! ```
//!
//! Finding a stack is a probe of the index. Adding a new one reserves words of the arena, fills
//! them, and publishes their offset with one compare-and-swap; whoever loses that race uses the
//! winner's entry (its own words stay unused: a few per lost race, within the bound). No step
//! leaves something half done that another thread would have to wait for, so a thread may die
//! or a process fork anywhere in here.
//!
//! `reset` is the exception: it closes a shard, waits until the threads inside have left, and
//! empties it. An event that meets a closed shard is forgotten, as if it had come just before.

mod words;

use std::collections::HashMap;

use crate::engine::primitives::Backoff;
use crate::engine::primitives::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::profile::address::{self, MAX_DEPTH};
use crate::profile::amount::Amount;
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::labels::Tags;
#[cfg(not(loom))]
pub(crate) use words::Plan;
use words::Words;
pub(crate) use words::zeroed_words;

/// The totals of one stack, as a snapshot hands them on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StackTotals {
    pub(crate) tags: Tags,
    /// Return addresses, leaf first, or one of the synthetic ones of `stack`.
    pub(crate) addresses: Box<[usize]>,
    pub(crate) amount: Amount,
}

/// Where a stack is kept, to add to it again without another search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackId {
    shard: u32,
    /// The generation of the shard when the id was made; a reset makes the id void.
    generation: u32,
    offset: u32,
}

impl StackId {
    /// Nobody's.
    pub(crate) const ZERO: Self = Self {
        shard: 0,
        generation: 0,
        offset: 0,
    };

    /// The id as one number that is never 0, for a store of at most 256 shards of 2^24 words that
    /// is never reset.
    #[cfg(not(loom))]
    pub(crate) fn to_number(self) -> u32 {
        debug_assert!(self.shard < 256 && self.offset < 1 << 24 && self.generation == 0);
        // The offset is not 0: there the overflow stacks are.
        (self.shard << 24) | self.offset
    }

    /// The inverse; `None` for 0.
    #[cfg(not(loom))]
    pub(crate) fn of_number(number: u32) -> Option<Self> {
        (number != 0).then_some(Self {
            shard: number >> 24,
            generation: 0,
            offset: number & 0x00ff_ffff,
        })
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    shards: Box<[Shard]>,
}

/// The result of [`Store::add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    To(StackId),
    /// The table was full: the amount is under `contend::overflow`, at this id.
    Overflowed(StackId),
    /// The shard was being reset: the amount is forgotten.
    Forgotten,
}

impl Store {
    /// A store of `shards` parts that takes at most about `bytes`. The memory is reserved at
    /// once, but the system hands it out page by page as stacks come in.
    pub(crate) fn new(shards: usize, bytes: usize) -> Self {
        let shards = shards.max(1);
        let words = bytes / size_of::<u64>() / shards;
        Self {
            shards: (0..shards).map(|_| Shard::new(words)).collect(),
        }
    }

    /// The store in `memory`, which other processes have mapped too: what each of them records is
    /// there for all. With `is_new` the memory is all zeros and nobody has it yet.
    ///
    /// Such a store must not be reset: a gate closes it for this process alone.
    #[cfg(not(loom))]
    #[allow(dead_code)] // Where programs are profiled from outside.
    pub(crate) fn shared(plan: Plan, memory: &'static [AtomicU64], is_new: bool) -> Option<Self> {
        let shards = memory.chunks_exact(plan.words_per_shard());
        let shards: Box<[Shard]> = shards
            .take(plan.shards)
            .map(|words| Shard::shared(plan, words, is_new))
            .collect();
        (shards.len() == plan.shards && plan.shards > 0).then_some(Self { shards })
    }

    pub(crate) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Adds `amount` to the stack in shard number `shard`.
    #[inline]
    pub(crate) fn add(
        &self,
        shard: usize,
        which: ProfileKind,
        tags: impl Into<Tags>,
        addresses: &[usize],
        amount: Amount,
    ) -> Added {
        let tags = tags.into();
        let number = shard as u32;
        let shard = &self.shards[shard];
        let Some(entered) = shard.enter() else {
            return Added::Forgotten;
        };
        let id = |offset| StackId {
            shard: number,
            generation: entered.generation(),
            offset,
        };
        match shard.find_or_insert(which, tags, addresses) {
            Some(offset) => {
                shard.add(offset, amount);
                Added::To(id(offset))
            }
            None => {
                let offset = shard.overflow(which, tags.kind);
                shard.add(offset, amount);
                Added::Overflowed(id(offset))
            }
        }
    }

    /// Adds `amount` to a stack that `add` returned. False: a reset has forgotten the stack.
    pub(crate) fn add_to(&self, id: StackId, amount: Amount) -> bool {
        let shard = &self.shards[id.shard as usize];
        let Some(entered) = shard.enter() else {
            return false;
        };
        if entered.generation() != id.generation {
            return false;
        }
        shard.add(id.offset, amount);
        true
    }

    /// As [`add_to`](Self::add_to), to the same stack of this kind. False: a reset has forgotten
    /// it, or there is no room.
    #[cfg(not(loom))]
    pub(crate) fn add_with_kind(
        &self,
        id: StackId,
        which: ProfileKind,
        kind: Kind,
        amount: Amount,
    ) -> bool {
        let shard = &self.shards[id.shard as usize];
        let Some(entered) = shard.enter() else {
            return false;
        };
        if entered.generation() != id.generation {
            return false;
        }
        let Some(other) = shard.with_kind(id.offset, which, kind) else {
            return false;
        };
        shard.add(other, amount);
        true
    }

    /// Adds to a release that `add` returned. False: a reset has forgotten it.
    #[cfg_attr(loom, allow(dead_code))] // Not modelled.
    pub(crate) fn charge(&self, id: StackId, amount: Amount, wakeup_nanos: u64) -> bool {
        let shard = &self.shards[id.shard as usize];
        let Some(entered) = shard.enter() else {
            return false;
        };
        if entered.generation() != id.generation {
            return false;
        }
        shard.charge(id.offset, amount, wakeup_nanos);
        true
    }

    /// Adds to the pair of a release that `add` returned and of one who waited for it; `None`: it
    /// is not known who. `Forgotten`: a reset has forgotten the release.
    #[cfg(not(loom))]
    pub(crate) fn charge_pair(
        &self,
        release: StackId,
        waiter: Option<StackId>,
        amount: Amount,
        wakeup_nanos: u64,
    ) -> Added {
        let shard = &self.shards[release.shard as usize];
        let Some(entered) = shard.enter() else {
            return Added::Forgotten;
        };
        if entered.generation() != release.generation {
            return Added::Forgotten;
        }
        let Some((_, tags, _)) = shard.parse_entry(release.offset, ProfileKind::Mutex) else {
            return Added::Forgotten;
        };
        let id = |offset| StackId { offset, ..release };
        let pair = Pair {
            release: release.offset,
            waiter,
        };
        let found = shard.find_or_insert(ProfileKind::Pairs, tags, &pair.to_words());
        let offset = found.unwrap_or_else(|| shard.overflow(ProfileKind::Pairs, tags.kind));
        shard.charge(offset, amount, wakeup_nanos);
        match found {
            Some(_) => Added::To(id(offset)),
            None => Added::Overflowed(id(offset)),
        }
    }

    /// The stack that a pair stands for, leaf first: the release's, the frame between them, the
    /// waiter's. `shard` is that of the pair.
    #[cfg(not(loom))]
    fn joined(&self, shard: usize, words: &[usize]) -> Option<Box<[usize]>> {
        let pair = Pair::from_words(words)?;
        let release = StackId {
            shard: shard as u32,
            // Relaxed: the caller is inside, so it does not change.
            generation: self.shards[shard].generation.load(Ordering::Relaxed),
            offset: pair.release,
        };
        let release = self.addresses(release)?;
        // A reset may have come while it waited.
        let waiter = pair.waiter.and_then(|waiter| self.addresses(waiter));
        let waiter = waiter.unwrap_or_else(|| [address::UNKNOWN_WAITER].into());
        let between = std::iter::once(address::BLOCKED_BY);
        Some(release.into_iter().chain(between).chain(waiter).collect())
    }

    /// The addresses of a stack that `add` returned, whatever was added to it. `None`: a reset has
    /// forgotten it.
    #[cfg(not(loom))]
    pub(crate) fn addresses(&self, id: StackId) -> Option<Box<[usize]>> {
        let shard = self.shards.get(id.shard as usize)?;
        let entered = shard.enter()?;
        if entered.generation() & Pair::GENERATION != id.generation & Pair::GENERATION {
            return None;
        }
        let header = shard.entry(id.offset)?[HEADER].load(Ordering::Relaxed);
        let (_, _, depth) = parse_header(header)?;
        let from = id.offset as usize + ADDRESSES;
        let words = shard.arena.get(from..from + depth)?;
        let address = |word: &AtomicU64| word.load(Ordering::Relaxed) as usize;
        Some(words.iter().map(address).collect())
    }

    /// The totals of every stack of `which`, in no particular order. Stops nobody: an event
    /// recorded meanwhile is in it or not.
    pub(crate) fn snapshot(&self, which: ProfileKind) -> Vec<StackTotals> {
        let mut merged: HashMap<(Tags, Box<[usize]>), Amount> = HashMap::new();
        for (number, shard) in self.shards.iter().enumerate() {
            shard.for_each(which, |mut totals| {
                if let Some(joined) = self.joined_totals(number, &totals, which) {
                    totals.addresses = joined;
                }
                merged
                    .entry((totals.tags, totals.addresses))
                    .or_default()
                    .add(totals.amount);
            });
        }
        merged
            .into_iter()
            .map(|((tags, addresses), amount)| StackTotals {
                tags,
                addresses,
                amount,
            })
            .collect()
    }

    /// The addresses of a pair, for which its shard has words; `None`: it is a stack.
    #[cfg(not(loom))]
    fn joined_totals(
        &self,
        shard: usize,
        totals: &StackTotals,
        which: ProfileKind,
    ) -> Option<Box<[usize]>> {
        if which != ProfileKind::Pairs {
            return None;
        }
        match &*totals.addresses {
            [address::WAKEUP, words @ ..] => {
                let joined = self.joined(shard, words)?;
                let wakeup = std::iter::once(address::WAKEUP);
                Some(wakeup.chain(joined).collect())
            }
            words => self.joined(shard, words),
        }
    }

    /// Models have no pairs.
    #[cfg(loom)]
    fn joined_totals(&self, _: usize, _: &StackTotals, _: ProfileKind) -> Option<Box<[usize]>> {
        None
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        for shard in &self.shards {
            shard.reset(|_| ());
        }
    }

    /// As [`reset`](Self::reset). Returns how many contentions of `which` there were. Takes longer,
    /// as all entries are looked at, and what comes in meanwhile is forgotten.
    pub(crate) fn reset_and_count(&self, which: ProfileKind) -> f64 {
        let mut count = 0.0;
        for shard in &self.shards {
            shard.reset(|shard| count += shard.contentions(which));
        }
        count
    }

    /// How many contentions of `which` there are.
    pub(crate) fn contentions(&self, which: ProfileKind) -> f64 {
        let of_shard = |shard: &Shard| {
            let _entered = shard.enter()?;
            Some(shard.contentions(which))
        };
        self.shards.iter().filter_map(of_shard).sum()
    }

    /// Forgets who was inside the shards: in a forked child, they are not there any more.
    #[cfg(not(loom))]
    pub(crate) fn open_after_fork(&self) {
        for shard in &self.shards {
            shard.gate.store(0, Ordering::Relaxed);
        }
    }
}

/// A release and one who waited for it, as the words of an entry in the place of addresses: no
/// stack is kept twice. The release is in the shard of the entry.
#[cfg(not(loom))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    release: u32,
    waiter: Option<StackId>,
}

#[cfg(not(loom))]
impl Pair {
    const WORDS: usize = 3;

    /// The bits of a generation that are kept, so that a word of 32 bits has room for the shard
    /// too: of 16 million resets in a row one is not seen.
    const GENERATION: u32 = 0x00ff_ffff;

    /// In the place of the waiter.
    const UNKNOWN: usize = u32::MAX as usize;

    fn to_words(self) -> [usize; Self::WORDS] {
        let (shard, waiter) = match self.waiter {
            Some(id) => {
                debug_assert!(id.shard < 0xff);
                let generation = id.generation & Self::GENERATION;
                ((id.shard << 24 | generation) as usize, id.offset as usize)
            }
            None => (Self::UNKNOWN, 0),
        };
        [self.release as usize, shard, waiter]
    }

    /// `None`: they are none, but those of an overflow stack.
    fn from_words(words: &[usize]) -> Option<Self> {
        let [release, shard, waiter] = *words else {
            return None;
        };
        let id = || StackId {
            shard: (shard >> 24) as u32,
            generation: shard as u32 & Self::GENERATION,
            offset: waiter as u32,
        };
        Some(Self {
            release: release as u32,
            waiter: (shard != Self::UNKNOWN).then(id),
        })
    }
}

/// Bit 31 of the gate: closed for a reset. Below: how many threads are inside.
const CLOSED: u32 = 1 << 31;

/// Words of an entry before its addresses.
const HEADER: usize = 0;
const CONTENTIONS: usize = 1;
const DELAY: usize = 2;
const VARIANCE: usize = 3;
/// Delay after this release in which nobody held the lock. A snapshot shows it as a stack of its
/// own, this one with `contend::wakeup` as the leaf.
const WAKEUP: usize = 4;
const ADDRESSES: usize = 5;

/// The arena begins with the overflow stacks, of a single frame each. They are not in the index, so
/// that there is room for them however full it is. First those of the built-in kinds, one for each
/// profile; then some for kinds that users name, each taken by the first that needs one.
const BUILT_IN_OVERFLOWS: usize = ProfileKind::COUNT * Kind::BUILT_IN;

/// Kinds of the user's that have an overflow stack of their own. Later ones share that of
/// [`Kind::OTHER`]: with thousands of names the reserve must not outgrow the table.
const NAMED_OVERFLOWS: usize = if cfg!(loom) { 1 } else { 64 };

const OVERFLOWS: usize = BUILT_IN_OVERFLOWS + NAMED_OVERFLOWS;
const OVERFLOW_WORDS: usize = OVERFLOWS * OVERFLOW_ENTRY;

/// Words of an overflow stack.
const OVERFLOW_ENTRY: usize = ADDRESSES + 1;

/// The arena has room for some stacks whatever bound was asked for. Tables shrink under loom.
const MIN_WORDS: usize = OVERFLOW_WORDS + if cfg!(loom) { 12 } else { 1024 };

/// Index slots per arena word. An entry is seldom under 16 words (12 frames), so the index is
/// then at most half full; shorter stacks fill the index first, which [`MAX_PROBES`] bounds.
const WORDS_PER_SLOT: usize = 8;

/// After so many slots in use the index counts as full. At a load of 1/2 linear probing passes
/// 32 with a probability far below one in a million.
const MAX_PROBES: usize = 64;

/// Slots of the index that share a bit of `Shard::regions`.
const REGION: usize = 64;

/// Words of the arrays of a shard.
struct Lengths {
    index: usize,
    regions: usize,
    arena: usize,
}

impl Lengths {
    /// For an arena of about so many words.
    fn of_arena(words: usize) -> Self {
        // The offset + 1 must fit the lower half of an index word.
        let arena = words.clamp(MIN_WORDS, u32::MAX as usize - 1);
        let index = (arena / WORDS_PER_SLOT).next_power_of_two();
        Self {
            index,
            regions: index.div_ceil(REGION * u64::BITS as usize),
            arena,
        }
    }
}

#[derive(Debug)]
struct Shard {
    /// See [`CLOSED`]. Threads enter with `Acquire` and leave with `Release`, so that a reset
    /// that has seen them leave (`Acquire`) empties the arrays after their last access, and
    /// whoever enters after it (its `Release` store opens the gate) sees them empty.
    gate: AtomicU32,
    /// Counts resets. Written only while the gate is closed and nobody is inside.
    generation: AtomicU32,
    /// Words of the arena that are taken. One word, beside the arrays: whoever shares them shares
    /// it.
    used: Words,
    /// `tag << 32 | offset + 1`. Stored once per generation with `Release`, after the entry is
    /// filled; the `Acquire` load that finds it makes the entry's words visible.
    index: Words,
    /// A bit for each [`REGION`] of the index: 0 where no slot is in use. Set before the slot is
    /// published, so that whoever has found a stack, or heard of it, sees its bit: Relaxed will do.
    ///
    /// PERF: a snapshot of a few stacks took 0.2 ms, all of it to look at half a million free
    /// slots.
    regions: Words,
    arena: Words,
}

/// Proof that a shard stays open. Leaves on drop.
struct Entered<'a>(&'a Shard);

impl Entered<'_> {
    fn generation(&self) -> u32 {
        // Relaxed: does not change while somebody is inside.
        self.0.generation.load(Ordering::Relaxed)
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.gate.fetch_sub(1, Ordering::Release);
    }
}

impl Shard {
    fn new(words: usize) -> Self {
        let lengths = Lengths::of_arena(words);
        let shard = Self {
            gate: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            used: Words::zeroed(1),
            index: Words::zeroed(lengths.index),
            regions: Words::zeroed(lengths.regions),
            arena: Words::zeroed(lengths.arena),
        };
        shard.fill_overflows();
        shard.used[0].store(OVERFLOW_WORDS as u64, Ordering::Relaxed);
        shard
    }

    /// A shard in `memory`, which has the words that the plan says.
    #[cfg(not(loom))]
    fn shared(plan: Plan, memory: &'static [AtomicU64], is_new: bool) -> Self {
        let lengths = Lengths::of_arena(plan.arena_words);
        let (used, memory) = memory.split_at(1);
        let (index, memory) = memory.split_at(lengths.index);
        let (regions, memory) = memory.split_at(lengths.regions);
        let shard = Self {
            gate: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            used: Words::Shared(used),
            index: Words::Shared(index),
            regions: Words::Shared(regions),
            arena: Words::Shared(&memory[..lengths.arena]),
        };
        if is_new {
            shard.fill_overflows();
            shard.used[0].store(OVERFLOW_WORDS as u64, Ordering::Relaxed);
        }
        shard
    }

    fn fill_overflows(&self) {
        for which in ProfileKind::ALL {
            for kind in Kind::built_in() {
                let offset = overflow_offset(which, kind);
                self.fill(offset, header(which, kind, 1), &[address::OVERFLOW]);
            }
        }
        for number in BUILT_IN_OVERFLOWS..OVERFLOWS {
            let offset = (number * OVERFLOW_ENTRY) as u32;
            self.fill(offset, FREE_HEADER, &[address::OVERFLOW]);
        }
    }

    /// The overflow stack of a kind.
    fn overflow(&self, which: ProfileKind, kind: Kind) -> u32 {
        if kind.is_built_in() {
            return overflow_offset(which, kind);
        }
        let header = header(which, kind, 1);
        for number in BUILT_IN_OVERFLOWS..OVERFLOWS {
            let offset = number * OVERFLOW_ENTRY;
            let word = &self.arena[offset + HEADER];
            // Relaxed: the address and the counters are there since the shard was made or reset,
            // and whoever is inside the gate has seen that.
            let taken =
                word.compare_exchange(FREE_HEADER, header, Ordering::Relaxed, Ordering::Relaxed);
            if taken.is_ok() || taken == Err(header) {
                return offset as u32;
            }
        }
        overflow_offset(which, Kind::OTHER)
    }

    #[inline]
    fn enter(&self) -> Option<Entered<'_>> {
        let before = self.gate.fetch_add(1, Ordering::Acquire);
        let entered = Entered(self);
        (before & CLOSED == 0).then_some(entered)
    }

    /// The entry of the stack, made if need be. `None`: no room. The caller is inside the gate.
    fn find_or_insert(&self, which: ProfileKind, tags: Tags, addresses: &[usize]) -> Option<u32> {
        let header = header(which, tags, addresses.len());
        let hash = hash(header, addresses);
        let tag = hash >> 32;
        let mask = self.index.len() - 1;
        let mut mine = None;
        for probe in 0..MAX_PROBES.min(self.index.len()) {
            let place = (hash as usize).wrapping_add(probe) & mask;
            let slot = &self.index[place];
            let mut found = slot.load(Ordering::Acquire);
            if found == 0 {
                let offset = match mine {
                    Some(offset) => offset,
                    None => *mine.insert(self.write_entry(header, addresses)?),
                };
                let published = (tag << 32) | (u64::from(offset) + 1);
                let (word, bit) = region(place / REGION);
                self.regions[word].fetch_or(bit, Ordering::Relaxed);
                match slot.compare_exchange(0, published, Ordering::Release, Ordering::Acquire) {
                    Ok(_) => return Some(offset),
                    Err(theirs) => found = theirs,
                }
            }
            let offset = (found as u32).wrapping_sub(1);
            if found >> 32 == tag && self.is_entry(offset, header, addresses) {
                return Some(offset);
            }
        }
        None
    }

    /// The entry of the same stack with this kind, made if need be.
    #[cfg(not(loom))]
    fn with_kind(&self, offset: u32, which: ProfileKind, kind: Kind) -> Option<u32> {
        let (_, tags, addresses) = self.parse_entry(offset, which)?;
        if tags.kind == kind {
            return Some(offset);
        }
        let mut copy = [0; MAX_DEPTH];
        for (copied, word) in copy.iter_mut().zip(addresses) {
            *copied = word.load(Ordering::Relaxed) as usize;
        }
        let tags = Tags { kind, ..tags };
        self.find_or_insert(which, tags, &copy[..addresses.len()])
    }

    /// Takes words of the arena and makes an entry of them.
    fn write_entry(&self, header: u64, addresses: &[usize]) -> Option<u32> {
        let offset = self.reserve(ADDRESSES + addresses.len())?;
        self.fill(offset, header, addresses);
        Some(offset)
    }

    /// Takes so many words for good. `None`: there are not as many left.
    ///
    /// A compare-exchange, so that `used` never counts words that nobody got. An addition that is
    /// taken back where it was too much does: an entry that another thread made in between stands
    /// behind the words that are given back, and the next one is written over it.
    ///
    /// Relaxed: hands out disjoint ranges; `Release` on the index publishes their content.
    fn reserve(&self, words: usize) -> Option<u32> {
        let with_more = |used: u64| {
            let end = used.checked_add(words as u64)?;
            (end <= self.arena.len() as u64).then_some(end)
        };
        let reserved = self.used[0].fetch_update(Ordering::Relaxed, Ordering::Relaxed, with_more);
        // Fits, as the arena's length does.
        reserved.ok().map(|start| start as u32)
    }

    /// Writes an entry with counters of 0. Relaxed: nobody else sees it until its offset is
    /// published.
    fn fill(&self, offset: u32, header: u64, addresses: &[usize]) {
        let entry = &self.arena[offset as usize..];
        entry[HEADER].store(header, Ordering::Relaxed);
        for counter in &entry[CONTENTIONS..=WAKEUP] {
            counter.store(0, Ordering::Relaxed);
        }
        for (word, address) in entry[ADDRESSES..].iter().zip(addresses) {
            word.store(*address as u64, Ordering::Relaxed);
        }
    }

    /// The words from an entry on: at least those before its addresses.
    ///
    /// Offsets in the index and in ids are right by construction. They are checked all the same,
    /// here and for the length in the header, because a table that something else wrote into must
    /// not make the program panic: an entry that cannot be one is passed over.
    #[inline]
    fn entry(&self, offset: u32) -> Option<&[AtomicU64]> {
        let entry = self.arena.get(offset as usize..)?;
        (entry.len() >= ADDRESSES).then_some(entry)
    }

    fn is_entry(&self, offset: u32, header: u64, addresses: &[usize]) -> bool {
        let Some((head, rest)) = self
            .entry(offset)
            .and_then(|entry| entry.split_at_checked(ADDRESSES))
        else {
            return false;
        };
        head[HEADER].load(Ordering::Relaxed) == header
            && rest.get(..addresses.len()).is_some_and(|words| {
                let mut pairs = words.iter().zip(addresses);
                pairs.all(|(word, address)| word.load(Ordering::Relaxed) == *address as u64)
            })
    }

    /// Relaxed throughout: statistics, each exact by itself; a snapshot may see the delay of an
    /// event before its contention.
    #[inline]
    fn add(&self, offset: u32, amount: Amount) {
        let Some(entry) = self.entry(offset) else {
            return;
        };
        add_float(&entry[CONTENTIONS], amount.contentions);
        if amount.delay_nanos > 0 {
            // Wraps after 584 years of delay on one stack.
            entry[DELAY].fetch_add(amount.delay_nanos, Ordering::Relaxed);
        }
        add_float(&entry[VARIANCE], amount.variance);
    }

    #[cfg_attr(loom, allow(dead_code))] // Not modelled.
    fn charge(&self, offset: u32, amount: Amount, wakeup_nanos: u64) {
        self.add(offset, amount);
        if wakeup_nanos > 0
            && let Some(entry) = self.entry(offset)
        {
            entry[WAKEUP].fetch_add(wakeup_nanos, Ordering::Relaxed);
        }
    }

    /// Visits the stacks of `which` that have something.
    fn for_each(&self, which: ProfileKind, mut visit: impl FnMut(StackTotals)) {
        let Some(_entered) = self.enter() else {
            return;
        };
        self.offsets()
            .flat_map(|offset| self.totals(offset, which))
            .flatten()
            .for_each(&mut visit);
    }

    fn contentions(&self, which: ProfileKind) -> f64 {
        let entries = self
            .offsets()
            .filter_map(|offset| self.parse_entry(offset, which));
        entries
            .map(|(entry, ..)| f64::from_bits(entry[CONTENTIONS].load(Ordering::Relaxed)))
            .sum()
    }

    /// Where the entries are. The caller is inside the gate, or has closed it.
    fn offsets(&self) -> impl Iterator<Item = u32> {
        let overflows = (0..OVERFLOWS).map(|number| (number * OVERFLOW_ENTRY) as u32);
        let regions = self.index.chunks(REGION).enumerate();
        let in_use = regions.filter(|(number, _)| {
            let (word, bit) = region(*number);
            self.regions[word].load(Ordering::Relaxed) & bit != 0
        });
        let slots = in_use.flat_map(|(_, slots)| slots);
        let indexed = slots.filter_map(|slot| {
            // Acquire: see `index`.
            let found = slot.load(Ordering::Acquire);
            (found as u32).checked_sub(1)
        });
        overflows.chain(indexed)
    }

    /// The words of an entry of `which`, its kind and labels, and its addresses.
    fn parse_entry(
        &self,
        offset: u32,
        which: ProfileKind,
    ) -> Option<(&[AtomicU64], Tags, &[AtomicU64])> {
        let entry = self.entry(offset)?;
        let (entry_which, tags, depth) = parse_header(entry[HEADER].load(Ordering::Relaxed))?;
        if entry_which != which || depth > MAX_DEPTH {
            return None;
        }
        let addresses = entry.get(ADDRESSES..ADDRESSES + depth)?;
        Some((entry, tags, addresses))
    }

    /// Those of the stack, and those of the wake-ups after it, as far as there are any.
    fn totals(&self, offset: u32, which: ProfileKind) -> [Option<StackTotals>; 2] {
        let Some((entry, tags, addresses)) = self.parse_entry(offset, which) else {
            return [None, None];
        };
        let load = |word: usize| entry[word].load(Ordering::Relaxed);
        let amount = Amount {
            contentions: f64::from_bits(load(CONTENTIONS)),
            delay_nanos: load(DELAY),
            variance: f64::from_bits(load(VARIANCE)),
        };
        let wakeup = Amount {
            delay_nanos: load(WAKEUP),
            ..Amount::ZERO
        };
        let address = |word: &AtomicU64| word.load(Ordering::Relaxed) as usize;
        let addresses = || addresses.iter().map(address);
        let stack = (!amount.is_zero()).then(|| StackTotals {
            tags,
            addresses: addresses().collect(),
            amount,
        });
        let wakeup = (!wakeup.is_zero()).then(|| StackTotals {
            tags,
            addresses: std::iter::once(address::WAKEUP)
                .chain(addresses())
                .collect(),
            amount: wakeup,
        });
        [stack, wakeup]
    }

    /// Empties the shard, after `look` at it: then nobody is inside.
    fn reset(&self, look: impl FnOnce(&Self)) {
        let mut backoff = Backoff::default();
        while self.gate.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED != 0 {
            // Another thread is resetting; when it is done the shard is empty, but events may
            // have come in before our caller's call: reset once more.
            backoff.snooze();
        }
        while self.gate.load(Ordering::Acquire) != CLOSED {
            backoff.snooze();
        }
        look(self);
        // The rest of the arena needs no clearing: an entry is filled when its words are taken.
        self.fill_overflows();
        for slot in self.index.iter() {
            // Looks before it writes: pages that were never used stay untouched.
            if slot.load(Ordering::Relaxed) != 0 {
                slot.store(0, Ordering::Relaxed);
            }
        }
        for word in self.regions.iter() {
            word.store(0, Ordering::Relaxed);
        }
        self.used[0].store(OVERFLOW_WORDS as u64, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Relaxed);
        // Clears only the bit: threads that were refused may be on their way out.
        self.gate.fetch_and(!CLOSED, Ordering::Release);
    }
}

/// Where the bit of a region is: the word, and the bit in it.
fn region(number: usize) -> (usize, u64) {
    let bits = u64::BITS as usize;
    (number / bits, 1 << (number % bits))
}

/// Adds to a float kept as its bits. Relaxed, as [`Shard::add`] says.
#[inline]
fn add_float(word: &AtomicU64, value: f64) {
    if value == 0.0 {
        return;
    }
    let mut bits = word.load(Ordering::Relaxed);
    loop {
        let sum = (f64::from_bits(bits) + value).to_bits();
        match word.compare_exchange_weak(bits, sum, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => bits = now,
        }
    }
}

/// The offset of the overflow entry of a built-in kind.
fn overflow_offset(which: ProfileKind, kind: Kind) -> u32 {
    ((which as usize * Kind::BUILT_IN + kind.index()) * OVERFLOW_ENTRY) as u32
}

/// The header of an overflow stack that nobody has taken yet.
const FREE_HEADER: u64 = 0;

/// `depth | kind << 16 | labels << 32 | which << 48`: 16 bits each. Never 0 for a stack with
/// frames.
fn header(which: ProfileKind, tags: impl Into<Tags>, depth: usize) -> u64 {
    debug_assert!(depth <= MAX_DEPTH);
    depth as u64 | (tags.into().to_bits() << 16) | ((which as u64) << 48)
}

/// `None` for an entry of a kind that there is not: its numbers are nobody's, so they are passed
/// over rather than given to a profile by guess.
fn parse_header(header: u64) -> Option<(ProfileKind, Tags, usize)> {
    let which = ProfileKind::from_index((header >> 48) as usize);
    let tags = Tags::from_bits((header >> 16) as u32);
    debug_assert!(
        header == FREE_HEADER || which.is_some() && tags.is_some(),
        "an entry has a known kind: {header:#x}"
    );
    Some((which?, tags?, (header & 0xffff) as usize))
}

/// Multiplies and folds word by word (the mixing step of wyhash: 128-bit product, halves xored).
/// A table key of code addresses needs speed and spread, not resistance to an attacker.
#[inline]
fn hash(header: u64, addresses: &[usize]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(MULTIPLIER);
        product as u64 ^ (product >> 64) as u64
    };
    let seed = fold(MULTIPLIER, header);
    let state = addresses
        .iter()
        .fold(seed, |state, address| fold(state, *address as u64));
    fold(state, MULTIPLIER.rotate_left(32))
}

#[cfg(test)]
mod tests;
