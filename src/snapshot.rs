//! Takes profiles: the engine's numbers at one moment, then their names.
#![forbid(unsafe_code)]

#[cfg(feature = "http")]
pub(crate) mod moment;
pub(crate) mod timeline;

use std::sync::Arc;

use crate::engine::recorder::{self, Numbers};
use crate::profile::kind::ProfileKind;
use crate::profile::{Profile, Sample};
use crate::symbols;

/// A snapshot, with names.
pub(crate) fn profile(which: ProfileKind) -> Profile {
    let [profile] = profiles([which]);
    profile
}

/// Snapshots of one moment: all numbers are taken before the first name is looked up, which can
/// take long.
pub(crate) fn profiles<const N: usize>(wanted: [ProfileKind; N]) -> [Profile; N] {
    recorder::numbers(wanted).map(named)
}

fn named(numbers: Numbers) -> Profile {
    // Made before the names are looked up: its time is that of the numbers.
    let profile = Profile::of(numbers.which, numbers.rate, numbers.resets, numbers.lost);
    let mut symbolizer = symbols::symbolizer();
    let samples = numbers.totals.into_iter().map(|totals| Sample {
        kind: totals.kind,
        contentions: totals.amount.contentions,
        delay_nanos: totals.amount.delay_nanos,
        variance: totals.amount.variance,
        stack: Arc::new(symbolizer.stack(totals.addresses)),
    });
    let samples = samples.collect();
    profile.with_samples(samples, symbolizer.mappings())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::store::StackTotals;
    use crate::profile::amount::Amount;
    use crate::profile::kind::Kind;
    use crate::profile::lost::Lost;

    #[test]
    fn totals_become_a_profile() {
        let totals = |address, nanos, weight| StackTotals {
            kind: Kind::CONDVAR,
            addresses: [address].into(),
            amount: Amount {
                contentions: weight,
                delay_nanos: nanos * weight as u64,
                variance: weight * (weight - 1.0) * (nanos * nanos) as f64,
            },
        };
        let profile = named(Numbers {
            which: ProfileKind::Block,
            rate: 1000,
            totals: vec![
                totals(0x1001, 10, 2.0),
                totals(crate::profile::address::OVERFLOW, 30, 1.0),
            ],
            lost: Lost::default(),
            resets: 0,
        });
        assert_eq!((profile.kind(), profile.rate()), (ProfileKind::Block, 1000));
        let delays: Vec<_> = profile
            .samples()
            .iter()
            .map(|sample| (sample.contentions(), sample.delay_nanos))
            .collect();
        assert_eq!(delays, [(1, 30), (2, 20)]);
        assert_eq!(
            profile.samples()[0].frames()[0].function(),
            "contend::overflow"
        );
        // w(w-1)d² = 200.
        assert_eq!(
            profile.samples()[1].delay_std_error(),
            Duration::from_nanos(14)
        );
    }
}
