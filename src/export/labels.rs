//! How much of a profile has which label of the program's.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use crate::profile::Profile;

/// The delay of the samples that have this label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByLabel {
    pub(crate) key: &'static str,
    pub(crate) value: &'static str,
    pub(crate) delay_nanos: u64,
}

/// One for each label: by key, and of one key the largest first.
pub(crate) fn by_label(profile: &Profile) -> Vec<ByLabel> {
    let mut sums: HashMap<_, u64> = HashMap::new();
    for sample in profile.samples() {
        for label in sample.labels.labels() {
            let sum = sums.entry(label).or_default();
            *sum = sum.saturating_add(sample.delay_nanos);
        }
    }
    let mut rows: Vec<ByLabel> = sums
        .into_iter()
        .map(|((key, value), delay_nanos)| ByLabel {
            key,
            value,
            delay_nanos,
        })
        .collect();
    rows.sort_by_key(|row| (row.key, std::cmp::Reverse(row.delay_nanos), row.value));
    rows
}
