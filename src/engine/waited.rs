//! How long the waits of each kind were: the sums and the histogram that metrics are made of.
//!
//! A wait that the block profile samples is counted here with the same weight. So the numbers are
//! unbiased at any rate, and who is not sampled, or does not wait, pays nothing. All memory is
//! there from the start: 120 bytes for each kind, of which there are at most
//! `Kind::BUILT_IN + Kind::NAMES`. The system makes resident what is used.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use crate::profile::amount::Amount;
use crate::profile::kind::Kind;
use crate::profile::waited::{BOUNDS, Waited, bucket};

/// Weights are kept in parts of this size, because processors add whole numbers alone at once.
///
/// A weight is 1 or more, and is rounded to the nearest part. So at rate 1 all counts are exact,
/// and else a wait counts for at most 1/131,072 of itself too much or too little. What 64 bits hold
/// is a million waits a second for nine years; then a count begins again at 0.
const PARTS: f64 = 65_536.0;

pub(super) struct Cells {
    /// In [`PARTS`], by [`bucket`].
    buckets: [AtomicU64; BOUNDS + 1],
    /// Wraps after 584 years of waiting, as all numbers of this kind.
    nanos: AtomicU64,
}

impl Cells {
    pub(super) const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BOUNDS + 1],
            nanos: AtomicU64::new(0),
        }
    }

    pub(super) fn add(&self, nanos: u64, amount: Amount) {
        let parts = (amount.contentions * PARTS).round() as u64;
        // Relaxed: each is a statistic of its own. Nothing is published by them, and a reader that
        // sees the one and not yet the other is wrong by a wait that ends at that moment.
        self.buckets[bucket(nanos)].fetch_add(parts, Ordering::Relaxed);
        self.nanos.fetch_add(amount.delay_nanos, Ordering::Relaxed);
    }

    pub(super) fn read(&self, kind: Kind) -> Option<Waited> {
        // Relaxed: as above.
        let count = |cell: &AtomicU64| cell.load(Ordering::Relaxed) as f64 / PARTS;
        let waited = Waited {
            kind,
            buckets: std::array::from_fn(|index| count(&self.buckets[index])),
            nanos: self.nanos.load(Ordering::Relaxed),
        };
        waited
            .buckets
            .iter()
            .any(|count| *count > 0.0)
            .then_some(waited)
    }
}

const KINDS: usize = Kind::BUILT_IN + Kind::NAMES;

static CELLS: [Cells; KINDS] = [const { Cells::new() }; KINDS];

/// Counts a sampled wait that took `nanos`.
pub(crate) fn count(kind: Kind, nanos: u64, amount: Amount) {
    if let Some(cells) = CELLS.get(kind.index()) {
        cells.add(nanos, amount);
    }
}

/// The kinds that have waited since the process started. A reset of the profiles does not reset
/// them, so they never go down.
pub(crate) fn all() -> impl Iterator<Item = Waited> {
    let kinds = (0..KINDS as u16).filter_map(Kind::from_index);
    kinds.filter_map(|kind| CELLS[kind.index()].read(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_counts_with_its_weight() {
        let cells = Cells::new();
        assert!(cells.read(Kind::MUTEX).is_none());
        let amount = |contentions, delay_nanos| Amount {
            contentions,
            delay_nanos,
            ..Amount::ZERO
        };
        cells.add(1_000, amount(1.0, 1_000));
        cells.add(1_001, amount(2.5, 2_502));
        cells.add(u64::MAX, amount(1.0, 3));
        let waited = cells.read(Kind::MUTEX).expect("it has waits");
        assert_eq!(waited.buckets[..2], [1.0, 2.5]);
        assert_eq!(waited.buckets[BOUNDS], 1.0);
        assert_eq!((waited.nanos, waited.count()), (3_505, 4.5));
    }
}
