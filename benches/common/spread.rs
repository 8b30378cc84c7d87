//! Order statistics of the rounds of a contest.

/// The middle of some numbers, and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) p10: f64,
    pub(crate) median: f64,
    pub(crate) p90: f64,
    /// The true median is in between with 95 % confidence, if rounds are independent.
    pub(crate) median_low: f64,
    pub(crate) median_high: f64,
}

impl Spread {
    pub(crate) fn of(mut numbers: Vec<f64>) -> Self {
        assert!(!numbers.is_empty(), "a spread of nothing");
        numbers.sort_by(f64::total_cmp);
        let last = (numbers.len() - 1) as f64;
        let at_rank = |rank: f64| numbers[rank.clamp(0.0, last).round() as usize];
        // How many of n numbers lie below the true median is binomial(n, 1/2): standard deviation
        // √n/2.
        let half_width = 1.96 * (numbers.len() as f64).sqrt() / 2.0;
        Self {
            p10: at_rank(0.1 * last),
            median: at_rank(0.5 * last),
            p90: at_rank(0.9 * last),
            median_low: at_rank((0.5 * last - half_width).floor()),
            median_high: at_rank((0.5 * last + half_width).ceil()),
        }
    }
}
