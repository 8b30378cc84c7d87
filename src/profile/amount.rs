//! The numbers that events add to a stack: contentions, delay, and the uncertainty of the delay.
#![forbid(unsafe_code)]

/// The numbers that one or several events add to a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Amount {
    /// Each event counts with its weight 1/p. Fractional, because p may be any ratio.
    pub(crate) contentions: f64,
    pub(crate) delay_nanos: u64,
    /// The variance of the delay, in ns²: Σ w(w−1)d² estimates the variance that sampling added
    /// (Horvitz and Thompson, 1952, for independent draws).
    pub(crate) variance: f64,
}

impl Amount {
    pub(crate) const ZERO: Self = Self {
        contentions: 0.0,
        delay_nanos: 0,
        variance: 0.0,
    };

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.contentions += other.contentions;
        self.delay_nanos = self.delay_nanos.saturating_add(other.delay_nanos);
        self.variance += other.variance;
    }
}

/// The term of one wait in [`Amount::variance`].
pub(crate) fn variance_of_wait(nanos: u64, weight: f64) -> f64 {
    weight * (weight - 1.0) * (nanos as f64) * (nanos as f64)
}
