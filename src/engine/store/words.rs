//! The memory of a store: the allocator's, or a piece that several processes have mapped.

use std::ops::Deref;

use crate::engine::primitives::atomic::AtomicU64;

/// An array of words that is never grown.
#[derive(Debug)]
pub(super) enum Words {
    Own(Box<[AtomicU64]>),
    #[cfg(not(loom))]
    #[allow(dead_code)] // Where programs are profiled from outside.
    Shared(&'static [AtomicU64]),
}

/// PERF: both variants have pointer and length at the same place, so this makes no branch.
impl Deref for Words {
    type Target = [AtomicU64];

    #[inline(always)]
    fn deref(&self) -> &[AtomicU64] {
        match self {
            Self::Own(words) => words,
            #[cfg(not(loom))]
            Self::Shared(words) => words,
        }
    }
}

impl Words {
    pub(super) fn zeroed(count: usize) -> Self {
        Self::Own(zeroed_words(count))
    }
}

/// How a store is laid out in memory that is shared: the same for all who have it.
#[cfg(not(loom))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)] // Where programs are profiled from outside.
pub(crate) struct Plan {
    pub(crate) shards: usize,
    pub(crate) arena_words: usize,
}

#[cfg(not(loom))]
#[allow(dead_code)] // Where programs are profiled from outside.
impl Plan {
    /// So many shards with arenas of about `bytes` in all.
    pub(crate) fn new(shards: usize, bytes: usize) -> Self {
        let shards = shards.max(1);
        Self {
            shards,
            arena_words: bytes / size_of::<u64>() / shards,
        }
    }

    pub(super) fn words_per_shard(self) -> usize {
        let lengths = super::Lengths::of_arena(self.arena_words);
        1 + lengths.index + lengths.regions + lengths.arena
    }

    /// All words that the store needs; `None` if they are more than an address space has.
    pub(crate) fn words(self) -> Option<usize> {
        self.words_per_shard().checked_mul(self.shards)
    }
}

/// Zeroed atomic words straight from the allocator, which takes large ones from the system
/// untouched: only the pages that are used ever become resident.
#[cfg(not(loom))]
pub(crate) fn zeroed_words(count: usize) -> Box<[AtomicU64]> {
    use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};

    let layout = Layout::array::<AtomicU64>(count).expect("a table's size fits the address space");
    assert!(layout.size() > 0, "a table has words");
    // SAFETY: the layout has a size over 0, and it is the layout of the slice that the box is
    // made of; all-zero bytes are a valid `AtomicU64`; the allocation is owned by the box alone.
    unsafe {
        let words = alloc_zeroed(layout).cast::<AtomicU64>();
        if words.is_null() {
            handle_alloc_error(layout);
        }
        Box::from_raw(std::ptr::slice_from_raw_parts_mut(words, count))
    }
}

#[cfg(loom)]
pub(crate) fn zeroed_words(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}
