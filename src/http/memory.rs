//! The memory that requests may make the process keep, bounded in bytes.
//!
//! A scraper leaves behind what it was told, a window what was there when it began: numbers of
//! every stack, without names, 32 bytes each. Whoever may ask can invent scrapers without end, so
//! the sum has a bound; what was not asked for longest is forgotten first.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Twelve times what a full store of the default size takes, and a thousand times what most
/// programs need.
const DEFAULT_MAX: usize = 64 << 20;

/// The bound, and how much is in use. Clones share the latter.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) max: usize,
    /// Relaxed: nothing else is read or written by what this says.
    used: Arc<AtomicUsize>,
}

/// A part of the memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Reserved {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(DEFAULT_MAX)
    }
}

impl Memory {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            used: Arc::default(),
        }
    }

    /// `None`: there is not as much left.
    pub(super) fn reserve(&self, bytes: usize) -> Option<Reserved> {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.max);
        let added = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        added.ok().map(|_| Reserved {
            used: Arc::clone(&self.used),
            bytes,
        })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_had_again() {
        let memory = Memory::new(100);
        let first = memory.reserve(60).expect("there is room");
        assert!(memory.reserve(41).is_none());
        assert!(memory.reserve(usize::MAX).is_none());
        let second = memory.clone().reserve(40).expect("there is room");
        assert!(memory.reserve(1).is_none());
        drop(first);
        assert!(memory.reserve(60).is_some());
        drop(second);
        assert!(memory.reserve(100).is_some());
    }
}
