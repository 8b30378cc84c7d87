//! The waits for a lock that has a name, as plain data.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::profile::waited::{BOUNDS, Waited, bound_nanos};
use crate::text::escape::OneLine;
use crate::text::units::human;

/// The key of the label that a lock's name is the value of.
#[allow(dead_code)] // Without the profiler there are no names.
pub(crate) const LOCK_LABEL: &str = "lock";

/// The waits of one kind for the locks of one name, since the process started: see
/// [`locks`](crate::locks).
#[derive(Clone, Debug)]
pub struct LockWaits {
    pub(crate) name: &'static str,
    pub(crate) waited: Waited,
    pub(crate) longest_nanos: u64,
    pub(crate) waiting: usize,
}

impl LockWaits {
    /// The name that the locks were given, or `contend::overflow` for those whose name came when
    /// there was no room for more.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The kind of wait: the label `kind` that it has in a profile, as `mutex`, `rwlock_read` or
    /// `rwlock_write`.
    pub fn kind(&self) -> &str {
        self.waited.kind.label()
    }

    /// Waits that are over, rounded: one that was sampled stands for as many as its chance was
    /// small.
    pub fn contentions(&self) -> u64 {
        self.waited.count().round() as u64
    }

    /// The time that these waits took, in sum.
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(self.waited.nanos)
    }

    /// The longest of the waits that were sampled.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest_nanos)
    }

    /// Threads that are in such a wait now, sampled or not.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Waits by how long they took: for each bucket the longest wait that belongs to it, and how
    /// many there were. The first is up to 1 µs, and each four times as long as the one before, up
    /// to 16.8 s; the last has no bound (`None`).
    ///
    /// # Examples
    ///
    /// ```
    /// for lock in contend::locks() {
    ///     for (bound, waits) in lock.histogram() {
    ///         println!("{}: {waits} waits up to {bound:?}", lock.name());
    ///     }
    /// }
    /// ```
    pub fn histogram(&self) -> impl Iterator<Item = (Option<Duration>, f64)> + '_ {
        let buckets = self.waited.buckets.iter().enumerate();
        buckets.map(|(index, count)| {
            let bound = (index < BOUNDS).then(|| Duration::from_nanos(bound_nanos(index)));
            (bound, *count)
        })
    }

    /// The time that this part of the waits did not exceed: `quantile(0.5)` is the median. It is
    /// the bound of the bucket in which it lies, or [`longest`](Self::longest) if that is less: so
    /// at most four times too long from 1 µs on, and never too short.
    ///
    /// A part below 0 counts as 0, one above 1 or no number as 1. Without waits the result is 0.
    pub fn quantile(&self, part: f64) -> Duration {
        let part = if part < 1.0 { part.max(0.0) } else { 1.0 };
        let wanted = part * self.waited.count();
        let mut sum = 0.0;
        let reached = self.histogram().find(|(_, count)| {
            sum += count;
            *count > 0.0 && sum >= wanted
        });
        match reached {
            Some((Some(bound), _)) => bound.min(self.longest()),
            _ => self.longest(),
        }
    }
}

/// `cache (mutex): 12 contentions, 3.40ms, p50 ≤ 64.0µs, p99 ≤ 900µs, longest 900µs, 2 wait now`.
impl fmt::Display for LockWaits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {} contentions, {}, p50 ≤ {}, p99 ≤ {}, longest {}",
            OneLine(self.name),
            OneLine(self.kind()),
            self.contentions(),
            human(self.delay()),
            human(self.quantile(0.5)),
            human(self.quantile(0.99)),
            human(self.longest()),
        )?;
        match self.waiting {
            0 => Ok(()),
            waiting => write!(f, ", {waiting} wait now"),
        }
    }
}

#[cfg(all(test, feature = "profiling", not(loom)))]
mod tests {
    use super::*;
    use crate::profile::kind::Kind;
    use crate::profile::waited::bucket;

    fn of(waits: &[u64]) -> LockWaits {
        let mut buckets = [0.0; BOUNDS + 1];
        waits
            .iter()
            .for_each(|nanos| buckets[bucket(*nanos)] += 1.0);
        LockWaits {
            name: "cache",
            waited: Waited {
                kind: Kind::MUTEX,
                buckets,
                nanos: waits.iter().sum(),
            },
            longest_nanos: waits.iter().copied().max().unwrap_or_default(),
            waiting: 2,
        }
    }

    #[test]
    fn quantiles_are_bounds_of_buckets_and_at_most_the_longest() {
        let waits = of(&[500, 3_000, 3_500, 30_000]);
        let quantiles = [0.0, 0.25, 0.5, 0.75, 0.99, 1.0, 7.0, f64::NAN];
        let found = quantiles.map(|part| waits.quantile(part).as_nanos());
        let expected = [1_000, 1_000, 4_000, 4_000, 30_000, 30_000, 30_000, 30_000];
        assert_eq!(found, expected);
        let hour = 3_600_000_000_000;
        assert_eq!(of(&[hour]).quantile(0.5).as_nanos(), u128::from(hour));
        assert_eq!(of(&[]).quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn a_lock_is_shown_in_a_line() {
        assert_eq!(
            of(&[500, 3_000, 3_500, 30_000]).to_string(),
            "cache (mutex): 4 contentions, 37.0µs, p50 ≤ 4.00µs, p99 ≤ 30.0µs, longest 30.0µs, 2 wait now"
        );
    }
}
