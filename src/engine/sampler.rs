//! Which events are recorded, and how many each one stands for.
//!
//! Pure arithmetic on rates that the caller has read, with the thread's own random numbers.
//! An event recorded with probability p gets the weight 1/p, so that sums of weights and of
//! weighted delays are unbiased whatever the rates were and however they change.

use std::num::NonZeroU64;

use crate::engine::thread_state::random;
use crate::profile::amount::{Amount, variance_of_wait};

/// Mutex profile: draws a contention with probability 1/`fraction`. Returns the weight, which
/// is `fraction`; 0 stands for "not sampled", and fraction 0 samples nothing.
#[inline]
pub(crate) fn draw_contention(fraction: u32) -> u32 {
    match fraction {
        0 => 0,
        1 => 1,
        // The upper half of random × fraction is uniform over 0..fraction, up to 2^-64.
        _ if (u128::from(random()) * u128::from(fraction)) >> 64 == 0 => fraction,
        _ => 0,
    }
}

/// Block profile: whether to record a wait, decided before its length is known.
///
/// A wait of d ns is to be recorded with p = min(1, d/T), T being the rate. A number drawn
/// uniformly from 0..T is below d with that probability; so the number is drawn when the wait
/// begins, and the wait is recorded as soon as it has lasted longer than that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockDraw {
    /// Never 0, so that futures, which have an `Option` of this, are a word smaller.
    rate: NonZeroU64,
    threshold: u64,
}

impl BlockDraw {
    /// `None` when `rate` is 0: the block profile is off.
    #[inline]
    pub(crate) fn new(rate: u64) -> Option<Self> {
        let nonzero = NonZeroU64::new(rate)?;
        let threshold = match rate {
            1 => 0,
            _ => ((u128::from(random()) * u128::from(rate)) >> 64) as u64,
        };
        Some(Self {
            rate: nonzero,
            threshold,
        })
    }

    /// Whether a wait that has lasted `nanos` is recorded however long it still takes. A wait
    /// that the clock cannot tell from 0 counts as 1 ns, as in Go.
    #[inline]
    pub(crate) fn is_sampled(&self, nanos: u64) -> bool {
        nanos.max(1) > self.threshold
    }

    /// The numbers that a sampled wait of `nanos` adds: contentions 1/p, delay d/p. For d < T that
    /// is T/d and exactly T.
    #[inline]
    pub(crate) fn amount(&self, nanos: u64) -> Amount {
        let (nanos, rate) = (nanos.max(1), self.rate.get());
        if nanos >= rate {
            return Amount {
                contentions: 1.0,
                delay_nanos: nanos,
                variance: 0.0,
            };
        }
        let weight = rate as f64 / nanos as f64;
        Amount {
            contentions: weight,
            delay_nanos: rate,
            variance: variance_of_wait(nanos, weight),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fraction_1_takes_everything_and_0_nothing() {
        assert!((0..1000).all(|_| draw_contention(1) == 1));
        assert!((0..1000).all(|_| draw_contention(0) == 0));
    }

    #[test]
    fn weights_of_contentions_sum_to_their_number() {
        // 200,000 draws of p = 1/100: the sum of weights has mean 200,000 and standard
        // deviation 100·√(200,000·0.01·0.99) ≈ 4,450. The bound is 6 of them: a false alarm in
        // about 1 of 500 million runs.
        let sum: u64 = (0..200_000).map(|_| u64::from(draw_contention(100))).sum();
        assert!((173_300..=226_700).contains(&sum), "{sum}");
    }

    #[test]
    fn the_largest_fraction_still_draws() {
        assert!((0..1000).all(|_| [0, u32::MAX].contains(&draw_contention(u32::MAX))));
    }

    #[test]
    fn rate_0_is_off_and_1_takes_everything() {
        assert!(BlockDraw::new(0).is_none());
        let draw = BlockDraw::new(1).unwrap();
        assert!(draw.is_sampled(0) && draw.is_sampled(1));
        assert_eq!(draw.amount(0).delay_nanos, 1);
    }

    #[test]
    fn waits_of_at_least_the_rate_are_always_taken_as_they_are() {
        for _ in 0..1000 {
            let draw = BlockDraw::new(500).unwrap();
            assert!(draw.is_sampled(500));
            assert_eq!(draw.amount(700).delay_nanos, 700);
            assert_eq!(draw.amount(700).contentions, 1.0);
        }
    }

    /// Go's `TestBlockProfileBias`: many short and some long events, rate between them.
    #[test]
    fn short_waits_are_not_lost() {
        const RATE: u64 = 1_000;
        let sum = |count: u64, nanos: u64| {
            let mut total = Amount::default();
            for _ in 0..count {
                let draw = BlockDraw::new(RATE).unwrap();
                if draw.is_sampled(nanos) {
                    total.add(draw.amount(nanos));
                }
            }
            total
        };
        let short = sum(100_000, RATE / 10);
        let long = sum(10_000, RATE);
        // Both waited 10 ms in all. Standard deviation of the short sum: √(100,000·0.1·0.9)·1000
        // ≈ 95 µs, under 1 %; Go allows 20 %, this 6 standard deviations.
        let bias = (short.delay_nanos as f64 - 1e7) / 1e7;
        assert!(bias.abs() < 0.06, "{bias}");
        assert_eq!(long.delay_nanos, 10_000_000);
        assert!((short.contentions / 1e5 - 1.0).abs() < 0.06);
        // The estimate of the variance is within a factor of the truth: N·(w−1)·d²·… = (95 µs)².
        let deviation = short.variance.sqrt();
        assert!((85e3..105e3).contains(&deviation), "{deviation}");
    }
}
