//! Takes profiles: the engine's numbers at one moment, then their names.
#![forbid(unsafe_code)]

#[cfg(feature = "http")]
pub(crate) mod moment;
pub(crate) mod timeline;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::recorder::{self, Numbers};
use crate::engine::{clock, registry};
use crate::profile::kind::{EndedBy, Kind, ProfileKind};
use crate::profile::{InProgress, Profile, Sample};
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
    with_stacks(numbers, Names::LookedUp)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    LookedUp,
    /// Addresses and mappings alone, for who names elsewhere.
    #[allow(dead_code)] // Asked for by HTTP, which is a feature.
    LeftOut,
}

fn with_stacks(numbers: Numbers, names: Names) -> Profile {
    // Made before the names are looked up: its time is that of the numbers.
    let profile = Profile::of(numbers.which, numbers.rate, numbers.resets, numbers.lost);
    let in_progress = in_progress(numbers.which);
    let mut symbolizer = symbols::symbolizer();
    if names == Names::LookedUp {
        let stacks = numbers.totals.iter().map(|totals| &*totals.addresses);
        symbolizer.prepare(stacks.flatten().copied());
    }
    let samples = numbers.totals.into_iter().map(|totals| Sample {
        kind: totals.tags.kind,
        labels: totals.tags.labels,
        contentions: totals.amount.contentions,
        delay_nanos: totals.amount.delay_nanos,
        variance: totals.amount.variance,
        stack: Arc::new(match names {
            Names::LookedUp => symbolizer.stack(totals.addresses),
            Names::LeftOut => symbolizer.nameless_stack(totals.addresses),
        }),
    });
    let samples = merged(samples);
    let unread = match names {
        Names::LookedUp => symbolizer.unread(&samples),
        Names::LeftOut => Vec::new(),
    };
    profile
        .with_samples(samples, symbolizer.mappings())
        .with_unread(unread)
        .with_in_progress(in_progress)
}

/// The waits of now that such a profile will have when they are over: for the mutex profile those
/// for locks, for the wake profile those that somebody is to end.
fn in_progress(which: ProfileKind) -> InProgress {
    let now = clock::monotonic();
    let of_locks = |wait: &registry::Wait| wait.subject != 0 && wait.kind != Kind::JOIN;
    let waits = registry::waits().map(|published| published.wait);
    let waits = waits.filter(|wait| match which {
        ProfileKind::Block => true,
        ProfileKind::Mutex | ProfileKind::Pairs => of_locks(wait),
        ProfileKind::Wake => wait.kind.ended_by() == EndedBy::Notifier,
    });
    waits.fold(InProgress::default(), |sum, wait| {
        let waited = Duration::from_nanos(now.saturating_sub(wait.since));
        InProgress {
            count: sum.count + 1,
            longest: sum.longest.max(waited),
        }
    })
}

/// One sample for each kind, set of labels and stack: those of a task differ in the executor's part
/// alone, which is cut off.
fn merged(samples: impl Iterator<Item = Sample>) -> Vec<Sample> {
    let mut places: HashMap<_, usize> = HashMap::new();
    let mut merged: Vec<Sample> = Vec::new();
    for sample in samples {
        // No other stack was cut.
        if !sample.stack.is_tasks {
            merged.push(sample);
            continue;
        }
        let key = (sample.kind, sample.labels, sample.stack.addresses.clone());
        match places.entry(key) {
            Entry::Occupied(place) => merged[*place.get()].add(&sample),
            Entry::Vacant(place) => {
                place.insert(merged.len());
                merged.push(sample);
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::StackTotals;
    use crate::profile::amount::Amount;
    use crate::profile::lost::Lost;

    #[test]
    fn totals_become_a_profile() {
        let totals = |address, nanos, weight| StackTotals {
            tags: Kind::CONDVAR.into(),
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
