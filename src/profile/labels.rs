//! Sets of labels of the user's, each known by a small number.
//!
//! A set is kept for the life of the process, in memory of a fixed size: what was recorded under
//! its number can be read at any time. Nothing here allocates or waits, so a set may be made
//! anywhere: in an allocator, in a signal handler, while a thread is torn down, in a child of
//! `fork`.
//!
//! ```text
//!   places  [ hash | offset + 1 ] [ 0 ] [ hash | offset + 1 ] …    open addressing, 0 = free
//!                       │
//!   texts   … [ labels | key's length | value's length | key | value | … ] …
//! ```
//!
//! A new set takes bytes of the texts, writes them, and publishes their offset with one
//! compare-and-swap. Whoever loses that race uses the winner's set, and its own bytes stay unused.

use std::cell::UnsafeCell;
use std::str;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::profile::kind::Kind;
use crate::text::floor_char_boundary;

/// A set of labels: a number that stands for it while the process lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LabelSet(u16);

/// The kind and the labels of an event: with its stack all that the store knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Tags {
    pub(crate) kind: Kind,
    pub(crate) labels: LabelSet,
}

/// Without labels.
impl From<Kind> for Tags {
    #[inline]
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            labels: LabelSet::NONE,
        }
    }
}

impl Tags {
    /// As one number, below 2³².
    #[cfg_attr(not(any(feature = "profiling", loom)), allow(dead_code))]
    pub(crate) fn to_bits(self) -> u64 {
        self.kind.index() as u64 | (u64::from(self.labels.0) << 16)
    }

    /// The inverse; `None` where there is no such kind.
    #[cfg(any(feature = "profiling", loom))]
    pub(crate) fn from_bits(bits: u32) -> Option<Self> {
        Some(Self {
            kind: Kind::from_index(bits as u16)?,
            labels: LabelSet((bits >> 16) as u16),
        })
    }
}

/// Labels of one set: as Go's `pprof.Labels` they are few.
pub(crate) const MAX_LABELS: usize = 10;

/// Longer keys and values are cut, at a character.
pub(crate) const MAX_KEY_BYTES: usize = 64;
pub(crate) const MAX_VALUE_BYTES: usize = 200;

/// Sets that are kept. Labels have few values: each set multiplies the stacks of a profile.
pub(crate) const MAX_SETS: usize = 4096;

/// Twice as many, so that a search is short also when all sets are there.
const PLACES: usize = 2 * MAX_SETS;

/// Bytes of all sets together: 256 for each.
const TEXT_BYTES: usize = MAX_SETS * 256;

/// The numbers below this have no place.
const FIRST: u16 = 2;

/// Stored once with `Release`, after the bytes at the offset were written; whoever finds it by an
/// `Acquire` load may read them.
static SETS: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];

/// How many of them are taken, and bytes of the texts. Relaxed: each hands out what it counts once.
static SETS_TAKEN: AtomicU32 = AtomicU32::new(0);
static BYTES_TAKEN: AtomicU32 = AtomicU32::new(0);

static TEXTS: Texts = Texts(UnsafeCell::new([0; TEXT_BYTES]));

struct Texts(UnsafeCell<[u8; TEXT_BYTES]>);

// SAFETY: a thread writes only to bytes that it has reserved (`reserve`), which no other one gets,
// and before it publishes them; from then on they are only read.
unsafe impl Sync for Texts {}

impl Texts {
    /// Bytes for this thread alone. `None`: there are not as many left.
    fn reserve(&self, bytes: usize) -> Option<u32> {
        let with_more = |taken: u32| {
            let end = taken as usize + bytes;
            (end <= TEXT_BYTES).then_some(end as u32)
        };
        let reserved = BYTES_TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with_more);
        reserved.ok()
    }

    /// # Safety
    ///
    /// - `offset..offset + bytes.len()` is part of what this thread has reserved and not published.
    unsafe fn write(&self, offset: usize, bytes: &[u8]) {
        debug_assert!(offset + bytes.len() <= TEXT_BYTES);
        // SAFETY: within the array, as `reserve` has checked; nobody else has these bytes, by this
        // function's duty; and the two do not overlap: a caller's text is no reserved part.
        unsafe {
            let to = self.0.get().cast::<u8>().add(offset);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// # Safety
    ///
    /// - The bytes from `offset` on are those of a set that was found in [`SETS`].
    unsafe fn read(&self, offset: usize, len: usize) -> &'static [u8] {
        debug_assert!(offset + len <= TEXT_BYTES);
        // SAFETY: within the array, in a static; written before they were published, which the
        // caller has seen, and never again.
        unsafe {
            let from = TEXTS.0.get().cast::<u8>().add(offset);
            std::slice::from_raw_parts(from, len)
        }
    }
}

/// The labels of a set, in the order of their keys. Of two with one key the later one counts; an
/// empty value takes a label away.
#[derive(Clone, Copy)]
struct Sorted<'l> {
    labels: [(&'l str, &'l str); MAX_LABELS],
    len: usize,
}

impl<'l> Sorted<'l> {
    const EMPTY: Self = Self {
        labels: [("", ""); MAX_LABELS],
        len: 0,
    };

    fn as_slice(&self) -> &[(&'l str, &'l str)] {
        &self.labels[..self.len]
    }

    /// False: there is no room for another key.
    fn put(&mut self, key: &'l str, value: &'l str) -> bool {
        let key = &key[..floor_char_boundary(key, MAX_KEY_BYTES)];
        let value = &value[..floor_char_boundary(value, MAX_VALUE_BYTES)];
        let at = self.as_slice().partition_point(|(other, _)| *other < key);
        let is_there = self
            .as_slice()
            .get(at)
            .is_some_and(|(other, _)| *other == key);
        match (is_there, value.is_empty()) {
            (true, false) => self.labels[at].1 = value,
            (true, true) => {
                self.labels.copy_within(at + 1..self.len, at);
                self.len -= 1;
            }
            (false, true) => {}
            (false, false) if self.len == MAX_LABELS => return false,
            (false, false) => {
                self.labels.copy_within(at..self.len, at + 1);
                self.labels[at] = (key, value);
                self.len += 1;
            }
        }
        true
    }

    /// Eight bytes at a time, by the mixing step of wyhash, as in the table of stacks.
    #[inline]
    fn hash(&self) -> u64 {
        const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
        let fold = |state: u64, word: u64| {
            let product = u128::from(state ^ word) * u128::from(MULTIPLIER);
            product as u64 ^ (product >> 64) as u64
        };
        let text = |state: u64, text: &str| {
            let chunks = text.as_bytes().chunks(8);
            let words = chunks.map(|chunk| {
                let mut bytes = [0; 8];
                bytes[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(bytes)
            });
            fold(words.fold(state, fold), text.len() as u64)
        };
        let labels = self.as_slice().iter();
        labels.fold(MULTIPLIER, |state, (key, value)| {
            text(text(state, key), value)
        })
    }

    fn bytes(&self) -> usize {
        let labels = self.as_slice().iter();
        1 + labels.map(|(k, v)| 2 + k.len() + v.len()).sum::<usize>()
    }

    /// Writes the set into the texts. `None`: there is no room.
    fn write(&self) -> Option<u32> {
        let offset = TEXTS.reserve(self.bytes())?;
        let mut at = offset as usize;
        let mut write = |bytes: &[u8]| {
            // SAFETY: goes on within the `self.bytes()` that were just reserved.
            unsafe { TEXTS.write(at, bytes) };
            at += bytes.len();
        };
        write(&[self.len as u8]);
        for (key, value) in self.as_slice() {
            // Both lengths fit a byte, as they were cut.
            write(&[key.len() as u8, value.len() as u8]);
            write(key.as_bytes());
            write(value.as_bytes());
        }
        Some(offset)
    }
}

const _: () = assert!(MAX_KEY_BYTES <= 255 && MAX_VALUE_BYTES <= 255);
const _: () = assert!(PLACES + FIRST as usize <= 1 << 16 && TEXT_BYTES < 1 << 32);

#[cfg_attr(not(feature = "profiling"), allow(dead_code))]
impl LabelSet {
    /// The set without labels.
    pub(crate) const NONE: Self = Self(0);

    /// Stands for the sets that came when there was no room for more.
    pub(crate) const OVERFLOW: Self = Self(1);

    /// The number of this set's labels, and its way through events.
    #[inline]
    pub(crate) fn index(self) -> u16 {
        self.0
    }

    /// The inverse of [`index`](Self::index).
    #[inline]
    pub(crate) fn from_index(index: u16) -> Self {
        Self(index)
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// This set with these labels. `None`: there is no room for it.
    pub(crate) fn with<'l>(
        self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
    ) -> Option<Self> {
        if self == Self::OVERFLOW {
            return Some(self);
        }
        let mut sorted = Sorted::EMPTY;
        for (key, value) in self.labels() {
            sorted.put(key, value);
        }
        let mut labels = labels.into_iter();
        labels
            .all(|(key, value)| sorted.put(key, value))
            .then_some(())?;
        Self::of(&sorted)
    }

    fn of(sorted: &Sorted<'_>) -> Option<Self> {
        if sorted.len == 0 {
            return Some(Self::NONE);
        }
        let hash = sorted.hash();
        let tag = hash >> 32;
        let mut mine = None;
        for probe in 0..PLACES {
            let place = (hash as usize).wrapping_add(probe) % PLACES;
            let mut found = SETS[place].load(Ordering::Acquire);
            if found == 0 {
                let offset = match mine {
                    Some(offset) => offset,
                    None => *mine.insert(Self::make(sorted)?),
                };
                let published = (tag << 32) | (u64::from(offset) + 1);
                let (release, acquire) = (Ordering::Release, Ordering::Acquire);
                match SETS[place].compare_exchange(0, published, release, acquire) {
                    Ok(_) => return Some(Self::at(place)),
                    Err(theirs) => found = theirs,
                }
            }
            if found >> 32 == tag && Self::at(place).has(sorted) {
                return Some(Self::at(place));
            }
        }
        None
    }

    #[cold]
    fn make(sorted: &Sorted<'_>) -> Option<u32> {
        let is_room = |taken: u32| ((taken as usize) < MAX_SETS).then(|| taken + 1);
        let relaxed = Ordering::Relaxed;
        SETS_TAKEN.fetch_update(relaxed, relaxed, is_room).ok()?;
        sorted.write()
    }

    fn at(place: usize) -> Self {
        Self(place as u16 + FIRST)
    }

    /// Its labels, in the order of their keys.
    pub(crate) fn labels(self) -> Labels {
        let place = self.0.checked_sub(FIRST).map(usize::from);
        // Acquire: see `SETS`.
        let found = place.and_then(|place| Some(SETS.get(place)?.load(Ordering::Acquire)));
        let offset = found.and_then(|found| (found as u32).checked_sub(1));
        let is_overflow = self == Self::OVERFLOW;
        match offset.map(|offset| offset as usize) {
            // SAFETY: an offset that was found in `SETS`; a set begins with one byte.
            Some(offset) => match unsafe { TEXTS.read(offset, 1) } {
                [left] => Labels {
                    left: *left,
                    at: offset + 1,
                    is_overflow,
                },
                _ => Labels::default(),
            },
            None => Labels {
                is_overflow,
                ..Labels::default()
            },
        }
    }

    fn has(self, sorted: &Sorted<'_>) -> bool {
        let (mut ours, theirs) = (self.labels(), sorted.as_slice());
        theirs.iter().all(|label| ours.next() == Some(*label)) && ours.next().is_none()
    }

    /// The value of a label.
    pub(crate) fn get(self, key: &str) -> Option<&'static str> {
        let mut labels = self.labels();
        labels.find_map(|(other, value)| (other == key).then_some(value))
    }
}

/// The labels of a set, which live as long as the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    left: u8,
    at: usize,
    is_overflow: bool,
}

/// The label of what came when there was no room for more sets.
pub(crate) const OVERFLOW_LABEL: (&str, &str) = ("labels", "contend::overflow");

impl Iterator for Labels {
    type Item = (&'static str, &'static str);

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.is_overflow) {
            return Some(OVERFLOW_LABEL);
        }
        self.left = self.left.checked_sub(1)?;
        let mut text = |len: usize| {
            // SAFETY: `at` goes on through a set that was found in `SETS`, as it was written.
            let bytes = unsafe { TEXTS.read(self.at, len) };
            self.at += len;
            bytes
        };
        let [key, value] = *text(2) else { return None };
        let mut string = |len: u8| str::from_utf8(text(len.into())).unwrap_or_default();
        Some((string(key), string(value)))
    }
}

#[cfg(all(test, feature = "profiling", not(loom)))]
mod tests {
    use super::*;

    fn set<'l>(labels: &[(&'l str, &'l str)]) -> LabelSet {
        LabelSet::NONE.with(labels.iter().copied()).unwrap()
    }

    fn text(set: LabelSet) -> String {
        let labels: Vec<_> = set
            .labels()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        labels.join(",")
    }

    #[test]
    fn a_set_is_found_by_its_labels_in_any_order() {
        let one = set(&[("b", "2"), ("a", "1")]);
        assert_eq!(set(&[("a", "1"), ("b", "2")]), one);
        assert_eq!(text(one), "a=1,b=2");
        assert_ne!(set(&[("a", "1"), ("b", "3")]), one);
        assert_ne!(
            set(&[("a", "12"), ("b", "")]),
            set(&[("a", "1"), ("b", "2")])
        );
        assert_eq!(one.get("b"), Some("2"));
        assert_eq!(one.get("c"), None);
        assert_eq!(LabelSet::from_index(one.index()), one);
    }

    #[test]
    fn later_labels_count_and_empty_ones_go() {
        let one = set(&[("a", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(text(one), "a=3,b=2");
        assert_eq!(text(one.with([("a", ""), ("c", "")]).unwrap()), "b=2");
        assert_eq!(one.with([("a", ""), ("b", "")]), Some(LabelSet::NONE));
        assert_eq!(set(&[]), LabelSet::NONE);
        assert_eq!(text(LabelSet::OVERFLOW), "labels=contend::overflow");
    }

    #[test]
    fn long_texts_are_cut_and_keys_are_bounded() {
        let long = "\u{e4}".repeat(300);
        let (key, value) = set(&[(&long, &long)]).labels().next().unwrap();
        assert_eq!((key.len(), value.len()), (MAX_KEY_BYTES, MAX_VALUE_BYTES));
        let keys: Vec<String> = (0..=MAX_LABELS)
            .map(|number| format!("key {number}"))
            .collect();
        let labels = |count| keys[..count].iter().map(|key| (&**key, "x"));
        let ten = LabelSet::NONE.with(labels(MAX_LABELS)).unwrap();
        assert_eq!(ten.labels().count(), MAX_LABELS);
        assert_eq!(LabelSet::NONE.with(labels(MAX_LABELS + 1)), None);
    }

    #[test]
    fn tags_are_one_number() {
        let tags = Tags {
            kind: Kind::ASYNC_JOIN,
            labels: set(&[("tags", "one number")]),
        };
        assert_eq!(Tags::from_bits(tags.to_bits() as u32), Some(tags));
        assert_eq!(Tags::from_bits(u32::MAX), None);
    }

    #[test]
    fn threads_that_make_one_set_at_once_get_one_number() {
        let sets: Vec<LabelSet> = std::thread::scope(|scope| {
            let make = || set(&[("made", "at once"), ("by", "eight")]);
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
    }
}
