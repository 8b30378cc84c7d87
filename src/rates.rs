//! The two knobs, and the memory bound. Everything is off until one of them is turned.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Sample one contention in so many for the mutex profile; 0 is off.
///
/// Relaxed, like `BLOCK_RATE`: an event uses the value it happens to see, and stores its weight
/// with the sample. What must be ready before the first event (the store, the clock) publishes
/// itself.
static MUTEX_FRACTION: AtomicU32 = AtomicU32::new(0);

/// Nanoseconds of waiting per sampled event of the block profile; 0 is off.
static BLOCK_RATE: AtomicU64 = AtomicU64::new(0);

pub(crate) fn set_mutex_fraction(fraction: u32) -> u32 {
    MUTEX_FRACTION.swap(fraction, Ordering::Relaxed)
}

#[inline]
pub(crate) fn mutex_fraction() -> u32 {
    MUTEX_FRACTION.load(Ordering::Relaxed)
}

pub(crate) fn set_block_rate(nanos: u64) -> u64 {
    BLOCK_RATE.swap(nanos, Ordering::Relaxed)
}

#[inline]
pub(crate) fn block_rate() -> u64 {
    BLOCK_RATE.load(Ordering::Relaxed)
}
