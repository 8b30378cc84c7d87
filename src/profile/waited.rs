//! The lengths of the waits of a kind, as plain data.
#![forbid(unsafe_code)]

use crate::profile::kind::Kind;

/// How many buckets have a bound: 1 µs, 4 µs and so on, each four times the one before, to 16.8 s.
/// Shorter waits cost less than the switch to another thread; longer ones are waits for work.
pub(crate) const BOUNDS: usize = 13;

const FIRST_NANOS: u64 = 1_000;

/// The waits of a kind since the process started.
#[derive(Clone, Debug)]
#[allow(dead_code)] // Without the profiler there are none.
pub(crate) struct Waited {
    pub(crate) kind: Kind,
    /// By [`bucket`]; fractional, because a sampled wait stands for others.
    pub(crate) buckets: [f64; BOUNDS + 1],
    pub(crate) nanos: u64,
}

impl Waited {
    pub(crate) fn count(&self) -> f64 {
        self.buckets.iter().sum()
    }
}

/// The longest wait of a bucket that has a bound.
pub(crate) fn bound_nanos(index: usize) -> u64 {
    FIRST_NANOS << (2 * index)
}

/// The number of the bucket of a wait. The bound itself belongs to it; the last one has no bound.
#[allow(dead_code)] // Without the profiler nobody waits.
pub(crate) fn bucket(nanos: u64) -> usize {
    match nanos.saturating_sub(1) / FIRST_NANOS {
        0 => 0,
        times => (times.ilog2() as usize / 2 + 1).min(BOUNDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        for index in 0..BOUNDS {
            let bound = bound_nanos(index);
            assert_eq!((bucket(bound), bucket(bound + 1)), (index, index + 1));
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BOUNDS));
    }
}
