//! The difference of two profiles, whatever runs and builds they are from.
//!
//! Addresses differ from run to run (the system loads programs at random places) and from build to
//! build. So stacks are the same here if their names are: the kind, and the function, file and line
//! of each frame. A line that moved makes a new stack, and its old one is gone; the table of call
//! sites gets over that, see there.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use super::Profile;
use super::sample::Sample;
use crate::profile::labels::Tags;

/// The changes from one profile to another: the result of [`Profile::diff`].
///
/// `println!("{diff}")` shows the call sites that changed most; [`save`](Diff::save) writes what
/// `go tool pprof` shows as it shows `-diff_base`.
#[derive(Clone, Debug)]
pub struct Diff {
    base: Profile,
    current: Profile,
    changes: Vec<Change>,
}

/// One stack of a [`Diff`], with what it had before and has now.
#[derive(Clone, Debug)]
pub struct Change {
    base: Option<Sample>,
    current: Option<Sample>,
}

/// How a delay has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeStatus {
    /// Less delay than in the base.
    Better,
    /// More delay than in the base.
    Worse,
    /// There is none in the base.
    New,
    /// There is only one in the base.
    Gone,
    /// As much delay as in the base, or no further from it than twice the standard error of
    /// sampling. Variation from run to run for other reasons is not known here, so where everything
    /// was recorded any difference counts.
    Same,
}

impl Profile {
    /// The changes from `base` to this profile, for runs of the same load before and after a
    /// change of the program.
    ///
    /// Stacks are matched by their [kind](Sample::label) and the functions, files and lines of
    /// their frames, so the two profiles may come from different runs and different builds. Numbers
    /// are compared as they are: the runs should be of the same length, or of the same number of
    /// operations. (For what one process recorded between two moments there is
    /// [`since`](Profile::since).)
    ///
    /// # Panics
    ///
    /// If the two are not of the same [kind](Profile::kind).
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::measure;
    ///
    /// let (_, before) = measure(|| { /* one big lock */ });
    /// let (_, after) = measure(|| { /* sharded */ });
    /// let diff = after.mutex.diff(&before.mutex);
    /// println!("{diff}");
    /// assert!(diff.delay_nanos() <= 0, "it has become worse");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn diff(&self, base: &Profile) -> Diff {
        self.assert_same_kind(base);
        let mut changes: Vec<Change> = Vec::new();
        let mut index_of = HashMap::new();
        for (samples, side) in [(&base.samples, Side::Base), (&self.samples, Side::Current)] {
            for sample in samples {
                let next = changes.len();
                let index = *index_of.entry(names(sample)).or_insert(next);
                if index == next {
                    changes.push(Change::NONE);
                }
                changes[index].add(side, sample);
            }
        }
        // Stable, and both profiles come in a fixed order.
        changes.sort_by_key(|change| Reverse(change.delay_nanos().unsigned_abs()));
        Diff {
            base: base.clone(),
            current: self.clone(),
            changes,
        }
    }
}

/// A frame as other runs know it: function, file and line, or, where the program carries
/// no names, the mapped file and the address within it.
type Name<'p> = (&'p str, Option<&'p str>, u64);

fn names(sample: &Sample) -> (Tags, Vec<Name<'_>>) {
    let locations = sample.stack.locations.iter();
    let names = locations.flat_map(|location| {
        let frames = location.frames.iter();
        frames.map(|frame| match (&location.mapping, location.symbolized) {
            (Some(mapping), false) => {
                let within = location.address.wrapping_sub(mapping.bias);
                ("", Some(&*mapping.file), within)
            }
            _ => {
                let line = frame.line().unwrap_or_default();
                (frame.function(), frame.file(), line.into())
            }
        })
    });
    (sample.tags(), names.collect())
}

#[derive(Clone, Copy)]
enum Side {
    Base,
    Current,
}

impl Diff {
    /// The profile that was compared with.
    pub fn base(&self) -> &Profile {
        &self.base
    }

    /// The profile that was compared.
    pub fn current(&self) -> &Profile {
        &self.current
    }

    /// All stacks of both profiles, those whose delay changed most first.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// By how many nanoseconds the delay of all stacks has grown; negative: it has shrunk.
    pub fn delay_nanos(&self) -> i64 {
        difference(
            self.current.total_delay_nanos(),
            self.base.total_delay_nanos(),
        )
    }

    /// By how many the contentions of all stacks have grown; negative: there are fewer.
    pub fn contentions(&self) -> i64 {
        difference(
            self.current.total_contentions(),
            self.base.total_contentions(),
        )
    }
}

impl Change {
    const NONE: Change = Change {
        base: None,
        current: None,
    };

    /// The stack in the base; `None`: it is [new](ChangeStatus::New).
    pub fn base(&self) -> Option<&Sample> {
        self.base.as_ref()
    }

    /// The stack in the current profile; `None`: it is [gone](ChangeStatus::Gone).
    pub fn current(&self) -> Option<&Sample> {
        self.current.as_ref()
    }

    /// By how many nanoseconds the delay has grown; negative: it has shrunk.
    pub fn delay_nanos(&self) -> i64 {
        let delay =
            |sample: &Option<Sample>| sample.as_ref().map_or(0, |sample| sample.delay_nanos);
        difference(delay(&self.current), delay(&self.base))
    }

    /// By how many the contentions have grown; negative: there are fewer.
    pub fn contentions(&self) -> i64 {
        let contentions = |sample: &Option<Sample>| sample.as_ref().map_or(0, Sample::contentions);
        difference(contentions(&self.current), contentions(&self.base))
    }

    /// How the stack has changed.
    pub fn status(&self) -> ChangeStatus {
        let numbers = |sample: &Sample| (sample.delay_nanos, sample.variance);
        ChangeStatus::of(self.base().map(numbers), self.current().map(numbers))
    }

    /// Several stacks of one profile can have the same names: copies that the compiler made.
    fn add(&mut self, side: Side, sample: &Sample) {
        let sum = match side {
            Side::Base => &mut self.base,
            Side::Current => &mut self.current,
        };
        match sum {
            Some(sum) => sum.add(sample),
            None => *sum = Some(sample.clone()),
        }
    }
}

impl ChangeStatus {
    /// From delays with their variances.
    pub(crate) fn of(base: Option<(u64, f64)>, new: Option<(u64, f64)>) -> Self {
        match (base, new) {
            (None, None) => Self::Same,
            (None, Some(_)) => Self::New,
            (Some(_), None) => Self::Gone,
            (Some((base, base_variance)), Some((new, new_variance))) => {
                // Variances of independent samples add up.
                let error = (base_variance + new_variance).max(0.0).sqrt();
                match base.abs_diff(new) as f64 <= 2.0 * error {
                    true => Self::Same,
                    false if new < base => Self::Better,
                    false => Self::Worse,
                }
            }
        }
    }
}

/// `better`, `worse`, `new`, `gone`, `same`.
impl fmt::Display for ChangeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::New => "new",
            Self::Gone => "gone",
            Self::Same => "same",
        })
    }
}

/// A difference beyond the range of signed numbers is cut.
pub(crate) fn difference(new: u64, base: u64) -> i64 {
    let difference = i128::from(new) - i128::from(base);
    difference.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

#[cfg(test)]
mod tests;
