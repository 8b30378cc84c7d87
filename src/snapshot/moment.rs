//! Numbers without names: what a later profile is compared with.
//!
//! A profile of a full store has 130,000 stacks and takes 70 MB, most of it for stacks and their
//! names. Two moments are compared by their numbers alone, and names are looked up for the
//! difference.
#![forbid(unsafe_code)]

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::{Duration, Instant};

use super::{Names, with_stacks};
use crate::engine::recorder::{self, Numbers};
use crate::engine::store::StackTotals;
use crate::profile::Profile;
use crate::profile::amount::Amount;
use crate::profile::kind::ProfileKind;
use crate::profile::lost::Lost;

/// The numbers of one moment, or of the time between two.
#[derive(Debug)]
pub(crate) struct Moment {
    numbers: Numbers,
    at: Instant,
    duration: Option<Duration>,
}

/// A moment, kept small.
#[derive(Debug)]
pub(crate) struct Mark {
    which: ProfileKind,
    at: Instant,
    resets: u64,
    lost: Lost,
    /// In the order of their keys.
    totals: Box<[(Key, Amount)]>,
}

/// Stands for a stack and its kind. Among 130,000 stacks two share one with a probability of 5 in
/// 10,000,000,000; the difference of one of them is then wrong.
type Key = u64;

/// The moment of now.
pub(crate) fn moments<const N: usize>(wanted: [ProfileKind; N]) -> [Moment; N] {
    let at = Instant::now();
    recorder::numbers(wanted).map(|numbers| Moment {
        numbers,
        at,
        duration: None,
    })
}

impl Moment {
    pub(crate) fn mark(&self) -> Mark {
        let totals = self.numbers.totals.iter();
        let mut totals: Vec<_> = totals.map(|totals| (key(totals), totals.amount)).collect();
        totals.sort_unstable_by_key(|(key, _)| *key);
        Mark {
            which: self.numbers.which,
            at: self.at,
            resets: self.numbers.resets,
            lost: self.numbers.lost,
            totals: totals.into_boxed_slice(),
        }
    }

    /// The numbers recorded after `earlier`, as [`Profile::since`] has it. All, if there was a
    /// reset in between.
    pub(crate) fn since(&self, earlier: &Mark) -> Moment {
        let numbers = &self.numbers;
        let added = match numbers.resets == earlier.resets {
            true => earlier.added(&numbers.totals),
            false => None,
        };
        Moment {
            numbers: Numbers {
                which: numbers.which,
                rate: numbers.rate,
                totals: added.unwrap_or_else(|| numbers.totals.clone()),
                lost: numbers.lost.since(&earlier.lost),
                resets: numbers.resets,
            },
            at: self.at,
            duration: self.at.checked_duration_since(earlier.at),
        }
    }

    /// Delays by the label of their kind.
    pub(crate) fn delays(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let totals = self.numbers.totals.iter();
        totals.map(|totals| (totals.tags.kind.label(), totals.amount.delay_nanos))
    }

    /// The profile of these numbers. Looks names up.
    pub(crate) fn named(self) -> Profile {
        self.profile(Names::LookedUp)
    }

    /// The same with addresses and mappings alone.
    pub(crate) fn nameless(self) -> Profile {
        self.profile(Names::LeftOut)
    }

    fn profile(self, names: Names) -> Profile {
        let profile = with_stacks(self.numbers, names);
        match self.duration {
            Some(duration) => profile.lasting(duration),
            None => profile,
        }
    }
}

impl Mark {
    pub(crate) fn which(&self) -> ProfileKind {
        self.which
    }

    /// The bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.totals)
    }

    /// The excess of the numbers of `now` over this. `None` if they cannot have come after it
    /// without a reset in between, which shows also one that came while numbers were taken: sums
    /// only grow.
    fn added(&self, now: &[StackTotals]) -> Option<Vec<StackTotals>> {
        let mut added = Vec::new();
        let mut known = 0;
        for totals in now {
            let key = key(totals);
            let Ok(index) = self.totals.binary_search_by_key(&key, |(key, _)| *key) else {
                added.push(totals.clone());
                continue;
            };
            known += 1;
            let (before, now) = (self.totals[index].1, totals.amount);
            if now.contentions < before.contentions || now.delay_nanos < before.delay_nanos {
                return None;
            }
            let amount = Amount {
                contentions: now.contentions - before.contentions,
                delay_nanos: now.delay_nanos - before.delay_nanos,
                variance: (now.variance - before.variance).max(0.0),
            };
            if amount.contentions > 0.0 || amount.delay_nanos > 0 {
                added.push(StackTotals {
                    amount,
                    ..totals.clone()
                });
            }
        }
        (known == self.totals.len()).then_some(added)
    }
}

fn key(totals: &StackTotals) -> Key {
    let hasher: BuildHasherDefault<DefaultHasher> = BuildHasherDefault::new();
    hasher.hash_one((totals.tags, &totals.addresses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::kind::Kind;

    fn moment(resets: u64, stacks: &[(usize, u64)]) -> Moment {
        let totals = stacks.iter().map(|(address, nanos)| StackTotals {
            tags: Kind::MUTEX.into(),
            addresses: [*address, 7].into(),
            amount: Amount {
                contentions: *nanos as f64 / 10.0,
                delay_nanos: *nanos,
                variance: *nanos as f64,
            },
        });
        Moment {
            numbers: Numbers {
                which: ProfileKind::Mutex,
                rate: 1,
                totals: totals.collect(),
                lost: Lost::default(),
                resets,
            },
            at: Instant::now(),
            duration: None,
        }
    }

    /// The slow and obvious way is that of whole profiles.
    fn assert_as_profiles(earlier: &Moment, later: &Moment) {
        let clone = |moment: &Moment| Moment {
            numbers: Numbers {
                totals: moment.numbers.totals.clone(),
                ..moment.numbers
            },
            ..*moment
        };
        let rows = |profile: Profile| -> Vec<_> {
            let rows = profile.samples().iter();
            rows.map(|sample| {
                let numbers = (sample.contentions, sample.delay_nanos, sample.variance);
                (sample.stack.addresses.clone(), numbers)
            })
            .collect()
        };
        let (before, after) = (clone(earlier).named(), clone(later).named());
        let ours = later.since(&earlier.mark());
        assert!(ours.duration.is_some());
        assert_eq!(rows(ours.named()), rows(after.since(&before)));
    }

    #[test]
    fn a_difference_is_that_of_the_profiles() {
        let nothing = moment(1, &[]);
        let before = moment(1, &[(0x10, 100), (0x20, 200), (0x30, 300)]);
        for later in [
            moment(1, &[(0x10, 100), (0x20, 200), (0x30, 300)]),
            moment(1, &[(0x30, 310), (0x20, 200), (0x10, 150)]),
            moment(1, &[(0x10, 100), (0x20, 200), (0x30, 300), (0x40, 9)]),
            // A reset, counted or not.
            moment(2, &[(0x10, 100), (0x20, 200), (0x30, 300)]),
            moment(1, &[(0x10, 100), (0x20, 200)]),
            moment(1, &[(0x10, 100), (0x20, 50), (0x30, 300)]),
            moment(1, &[]),
        ] {
            assert_as_profiles(&before, &later);
        }
        assert_as_profiles(&nothing, &before);
    }

    #[test]
    fn a_mark_takes_few_bytes_for_a_stack() {
        let stacks: Vec<_> = (1..=1000).map(|number| (number * 16, 10)).collect();
        let bytes = moment(1, &stacks).mark().bytes();
        assert!(bytes <= 1000 * 32 + 200, "{bytes}");
    }
}
