//! The numbers of this moment, from the engine.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::{Charged, Waiting};
use crate::engine::{clock, lost, rates, recorder, registry, waited};
use crate::profile::amount::Amount;
use crate::profile::kind::ProfileKind;
use crate::profile::lost::Lost;
use crate::profile::waited::Waited;

pub(super) fn waited() -> Vec<Waited> {
    waited::all().collect()
}

pub(super) fn charged() -> Vec<Charged> {
    let [numbers] = recorder::numbers([ProfileKind::Mutex]);
    let mut by_kind: BTreeMap<_, Amount> = BTreeMap::new();
    for totals in numbers.totals {
        by_kind
            .entry(totals.tags.kind)
            .or_default()
            .add(totals.amount);
    }
    let charged = by_kind.into_iter().map(|(kind, amount)| Charged {
        kind: kind.label(),
        contentions: amount.contentions,
        nanos: amount.delay_nanos,
    });
    charged.collect()
}

/// By kind; also the kinds that have waited and do not now, so that a graph shows a 0 rather than
/// a gap.
pub(super) fn waiting() -> Vec<Waiting> {
    let known = waited::all().map(|waited| (waited.kind, (0, 0)));
    let mut by_kind: BTreeMap<_, (u64, u64)> = known.collect();
    let now = clock::monotonic();
    for published in registry::waits() {
        let (threads, oldest) = by_kind.entry(published.wait.kind).or_default();
        *threads += 1;
        *oldest = now.saturating_sub(published.wait.since).max(*oldest);
    }
    let waiting = by_kind
        .into_iter()
        .map(|(kind, (threads, oldest_nanos))| Waiting {
            kind: kind.label(),
            threads,
            oldest_nanos,
        });
    waiting.collect()
}

pub(super) fn rate(which: ProfileKind) -> u64 {
    rates::in_force(which)
}

pub(super) fn lost() -> Lost {
    lost::now()
}
