//! A profile summed up by spot: the first line of the program's own code.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::time::Duration;

use crate::pprof::decoded::{DecodedFrame, DecodedProfile};
use crate::pprof::proto::Sample;
use crate::profile::owner::is_of_library;
use crate::text::sources::clean;
use crate::text::units::{human, percent};

/// The key of a row.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Spot {
    /// The kind of thing that was waited for; empty where the profile does not say.
    pub(super) kind: String,
    pub(super) function: String,
    pub(super) file: String,
    pub(super) line: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Amount {
    pub(super) contentions: i64,
    pub(super) delay_nanos: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Spots(HashMap<Spot, Amount>);

impl Spots {
    /// # Errors
    ///
    /// If it is not a contention profile.
    pub(super) fn of(profile: &DecodedProfile) -> Result<Self, String> {
        let value = |name| profile.value_index(Some(name));
        let (contentions, delay) = (value("contentions")?, value("delay")?);
        let mut spots = HashMap::<Spot, Amount>::new();
        for sample in &profile.tables.sample {
            let amount = spots.entry(spot(profile, sample)).or_default();
            amount.add(Amount {
                contentions: sample.value[contentions],
                delay_nanos: sample.value[delay],
            });
        }
        Ok(Self(spots))
    }

    /// The amounts that were added since `earlier`. Where something became less the program was
    /// started anew, or its profile was reset: then all of it is new.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let now = |spot| self.0.get(spot).copied().unwrap_or_default();
        let is_less = |(spot, then): (_, &Amount)| now(spot).contentions < then.contentions;
        if earlier.0.iter().any(is_less) {
            return self.clone();
        }
        let added = self.0.iter().map(|(spot, now)| {
            let then = earlier.0.get(spot).copied().unwrap_or_default();
            (spot.clone(), now.less(then))
        });
        Self(
            added
                .filter(|(_, amount)| *amount != Amount::default())
                .collect(),
        )
    }

    pub(super) fn total(&self) -> Amount {
        let mut total = Amount::default();
        self.0.values().for_each(|amount| total.add(*amount));
        total
    }

    /// Largest first, then by place.
    pub(super) fn sorted_by(&self, value: impl Fn(&Amount) -> i64) -> Vec<(&Spot, &Amount)> {
        let mut spots: Vec<_> = self.0.iter().collect();
        spots.sort_by(|a, b| value(b.1).cmp(&value(a.1)).then_with(|| a.0.cmp(b.0)));
        spots
    }
}

impl Spot {
    /// Whether a part of it is `text`, in letters of either case.
    pub(super) fn has(&self, text: &str) -> bool {
        let parts = [&self.kind, &self.function, &self.file];
        let text = text.to_lowercase();
        parts.iter().any(|part| part.to_lowercase().contains(&text))
    }
}

/// The titles of [`Amount::cells`].
pub(super) const AMOUNT_TITLES: [&str; 4] = ["delay", "share", "contentions", "mean"];

impl Amount {
    /// The amount in a table: delay, its share of a total, contentions, their mean.
    pub(super) fn cells(&self, total_nanos: u64) -> [String; 4] {
        let mean = self.delay_nanos.checked_div(self.contentions);
        [
            time(self.delay_nanos),
            percent(self.delay_nanos.unsigned_abs(), total_nanos),
            self.contentions.to_string(),
            mean.map_or_else(|| "-".to_owned(), time),
        ]
    }

    pub(super) fn add(&mut self, other: Self) {
        self.contentions = self.contentions.saturating_add(other.contentions);
        self.delay_nanos = self.delay_nanos.saturating_add(other.delay_nanos);
    }

    pub(super) fn less(self, other: Self) -> Self {
        Self {
            contentions: self.contentions.saturating_sub(other.contentions),
            delay_nanos: self.delay_nanos.saturating_sub(other.delay_nanos),
        }
    }
}

/// A row of a table: the cells of the amount, then those of what it is of.
pub(super) fn joined(amount: [String; 4], of: [String; 3]) -> [String; 7] {
    let mut cells = amount.into_iter().chain(of);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// A time in a table.
pub(super) fn time(nanos: i64) -> String {
    human(Duration::from_nanos(nanos.unsigned_abs()))
}

pub(super) fn spot(profile: &DecodedProfile, sample: &Sample) -> Spot {
    let frame = own_frame(|| {
        let ids = sample.location_id.iter();
        ids.flat_map(|id| profile.frames(*id))
    });
    Spot {
        kind: profile.label(sample, "kind").to_owned(),
        function: frame.map_or("-", |frame| frame.name_or_object()).to_owned(),
        file: frame.map_or_else(String::new, |frame| clean(frame.file)),
        line: frame.map_or(0, |frame| frame.line),
    }
}

/// The first frame of the program's own code, else the first of all.
pub(super) fn own_frame<'p, I: Iterator<Item = DecodedFrame<'p>>>(
    frames: impl Fn() -> I,
) -> Option<DecodedFrame<'p>> {
    let own = frames().find(|frame| !is_of_library(frame.function, Some(frame.file)));
    own.or_else(|| frames().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(amounts: &[(&str, i64, i64)]) -> Spots {
        let spot = |function: &str| Spot {
            kind: String::new(),
            function: function.to_owned(),
            file: String::new(),
            line: 0,
        };
        let amounts = amounts.iter();
        let amounts = amounts.map(|&(function, contentions, delay_nanos)| {
            (
                spot(function),
                Amount {
                    contentions,
                    delay_nanos,
                },
            )
        });
        Spots(amounts.collect())
    }

    fn rows(spots: &Spots) -> Vec<(&str, i64, i64)> {
        let sorted = spots.sorted_by(|amount| amount.delay_nanos);
        sorted
            .into_iter()
            .map(|(spot, amount)| (&*spot.function, amount.contentions, amount.delay_nanos))
            .collect()
    }

    #[test]
    fn what_was_added_is_the_difference() {
        let before = spots(&[("a", 1, 10), ("b", 2, 20)]);
        let now = spots(&[("a", 1, 10), ("b", 5, 25), ("c", 1, 99)]);
        assert_eq!(rows(&now.since(&before)), [("c", 1, 99), ("b", 3, 5)]);
        assert_eq!(
            now.since(&before).total(),
            Amount {
                contentions: 4,
                delay_nanos: 104
            }
        );
    }

    #[test]
    fn after_a_restart_all_is_new() {
        let before = spots(&[("a", 9, 90), ("b", 2, 20)]);
        for now in [
            spots(&[("a", 3, 30), ("b", 3, 30)]),
            spots(&[("a", 10, 99)]),
        ] {
            assert_eq!(rows(&now.since(&before)), rows(&now));
        }
    }
}
