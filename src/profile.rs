//! A profile: what was recorded up to one moment, as plain data that owns everything.
//!
//! Names are looked up when the profile is made, so it stays true after libraries are unloaded
//! or the profiler is reset. Nothing here is global.

pub(crate) mod address;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod amount;
mod diff;
mod frame;
pub(crate) mod kind;
pub(crate) mod labels;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod lock_name;
pub(crate) mod lock_waits;
pub(crate) mod lost;
#[cfg(any(test, feature = "profiling", loom))]
pub(crate) mod names;
pub(crate) mod owner;
mod sample;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod waited;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub(crate) use diff::difference;
pub use diff::{Change, ChangeStatus, Diff};
pub use frame::Frame;
pub(crate) use frame::{Location, Mapping};
pub use kind::ProfileKind;
pub use sample::Sample;
#[cfg(any(feature = "profiling", test))]
pub(crate) use sample::Stack;
#[cfg(feature = "profiling")]
pub(crate) use sample::ThreadRole;
pub(crate) use sample::{mean_delay, std_error};

use crate::text::escape::OneLine;
use crate::text::units::percent;
use labels::Tags;
use lost::Lost;

/// A snapshot of the mutex or the block profile.
///
/// `println!("{profile}")` shows the costliest call sites. [`save`](Profile::save) writes the
/// file that `go tool pprof`, flame graph pages and profile stores read.
#[derive(Clone, Debug)]
pub struct Profile {
    kind: ProfileKind,
    /// The fraction (mutex) or the nanoseconds (block); 0 is off.
    rate: u64,
    samples: Vec<Sample>,
    lost: Lost,
    time: SystemTime,
    /// The same moment as `time`, on the clock that nobody sets.
    taken: Instant,
    pub(crate) duration: Option<Duration>,
    /// How often there had been a reset.
    resets: u64,
    /// The program first.
    mappings: Arc<[Arc<Mapping>]>,
    /// Waits that went on when it was taken, each with a stack of its own, that are in `samples`
    /// too.
    ongoing: Vec<Ongoing>,
    in_progress: InProgress,
    /// The files with code on its stacks that no name could be read from.
    unread: Vec<Unread>,
}

/// A file that no name could be read from: it cannot be opened, or is another build.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    /// As the mappings have it; empty where it is not known.
    pub(crate) file: Box<str>,
    pub(crate) why: String,
}

/// A wait that went on when a profile was taken.
#[derive(Clone, Debug)]
pub(crate) struct Ongoing {
    pub(crate) began: Instant,
    pub(crate) sample: Sample,
}

/// The waits that a profile may have had, if they had been over when it was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InProgress {
    pub(crate) count: usize,
    pub(crate) longest: Duration,
}

impl Profile {
    /// A profile of these samples, taken now; `rate_in_force` is the fraction or rate at this
    /// moment.
    #[cfg(feature = "profiling")]
    pub(crate) fn of(kind: ProfileKind, rate_in_force: u64, resets: u64, lost: Lost) -> Profile {
        Profile {
            lost,
            resets,
            ..Profile::with_rate(kind, rate_in_force)
        }
    }

    /// Gives a profile without samples those that it has, in any order, and the mappings of their
    /// code.
    #[cfg(feature = "profiling")]
    pub(crate) fn with_samples(
        mut self,
        samples: Vec<Sample>,
        mappings: Arc<[Arc<Mapping>]>,
    ) -> Profile {
        self.samples = samples;
        self.mappings = mappings;
        self.sort();
        self
    }

    /// A profile without samples, as of a program that was built without the profiler.
    #[cfg(not(feature = "profiling"))]
    pub(crate) fn empty(kind: ProfileKind) -> Profile {
        Profile::with_rate(kind, 0)
    }

    fn with_rate(kind: ProfileKind, rate: u64) -> Profile {
        Profile {
            kind,
            rate,
            samples: Vec::new(),
            lost: Lost::default(),
            time: SystemTime::now(),
            taken: Instant::now(),
            duration: None,
            resets: 0,
            mappings: Arc::new([]),
            ongoing: Vec::new(),
            in_progress: InProgress::default(),
            unread: Vec::new(),
        }
    }

    /// The waits in progress when it was taken, of which it has nothing.
    #[cfg(feature = "profiling")]
    pub(crate) fn with_in_progress(self, in_progress: InProgress) -> Profile {
        Profile {
            in_progress,
            ..self
        }
    }

    pub(crate) fn in_progress(&self) -> InProgress {
        self.in_progress
    }

    /// The files with code on its stacks that no name could be read from.
    #[cfg_attr(not(feature = "profiling"), allow(dead_code))] // Made where code is looked up.
    pub(crate) fn with_unread(self, unread: Vec<Unread>) -> Profile {
        Profile { unread, ..self }
    }

    /// A sentence for each file whose code has no names on stacks with some of the delay, because
    /// it could not be read.
    pub(crate) fn why_nameless(&self) -> impl Iterator<Item = String> {
        let total = self.total_delay_nanos();
        self.unread.iter().filter_map(move |unread| {
            let nanos = self.nameless_nanos(&unread.file);
            let share = percent(nanos, total);
            let file = match &*unread.file {
                "" => "the program",
                file => file,
            };
            (nanos > 0).then(|| {
                format!(
                    "code of {} has no names, on stacks with {share} of the delay: its file \
                     cannot be read ({}); turn profiling on while it can",
                    OneLine(file),
                    OneLine(&unread.why),
                )
            })
        })
    }

    /// The delay of the stacks that have code of this file without a name.
    fn nameless_nanos(&self, file: &str) -> u64 {
        let is_nameless = |location: &Arc<Location>| {
            let mapping = location.mapping.as_deref();
            !location.symbolized && mapping.is_some_and(|mapping| *mapping.file == *file)
        };
        let samples = self.samples.iter();
        let nameless = samples.filter(|sample| sample.stack.locations.iter().any(is_nameless));
        let delays = nameless.map(|sample| sample.delay_nanos);
        delays.fold(0, u64::saturating_add)
    }

    #[cfg(feature = "profiling")]
    pub(crate) fn has_ongoing(&self) -> bool {
        !self.ongoing.is_empty()
    }

    /// Adds waits that went on when it was taken, with the delay that they had then. The mappings
    /// are those of all code, the profile's too.
    #[cfg(feature = "profiling")]
    pub(crate) fn with_ongoing(
        mut self,
        ongoing: Vec<Ongoing>,
        mappings: Arc<[Arc<Mapping>]>,
    ) -> Profile {
        if !mappings.is_empty() {
            self.mappings = mappings;
        }
        self.ongoing = ongoing;
        self.add_ongoing(None);
        self
    }

    /// Makes samples of the waits that went on, which count from `start` on at the earliest.
    fn add_ongoing(&mut self, start: Option<Instant>) {
        let taken = self.taken;
        for Ongoing { began, sample } in &mut self.ongoing {
            let from = start.map_or(*began, |start| start.max(*began));
            let delay = taken.saturating_duration_since(from);
            sample.delay_nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        }
        self.ongoing.retain(|wait| wait.sample.delay_nanos > 0);
        let samples = self.ongoing.iter().map(|wait| wait.sample.clone());
        self.samples.extend(samples);
        self.sort();
    }

    /// Whether this is of a wait that went on.
    fn is_ongoing(&self, sample: &Sample) -> bool {
        let mut ongoing = self.ongoing.iter();
        ongoing.any(|wait| Arc::ptr_eq(&wait.sample.stack, &sample.stack))
    }

    /// Which profile it is.
    pub fn kind(&self) -> ProfileKind {
        self.kind
    }

    /// The stacks, largest delay first.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The contentions of all samples.
    pub fn total_contentions(&self) -> u64 {
        // Rounded once: a sum of rounded numbers would gather their errors.
        sample::round(self.samples.iter().map(|sample| sample.contentions).sum())
    }

    /// The delay of all samples.
    pub fn total_delay(&self) -> Duration {
        Duration::from_nanos(self.total_delay_nanos())
    }

    /// Events that were chosen but could not be recorded in full, by cause.
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    /// The rate in force when the profile was taken: for a mutex profile the fraction, for a
    /// block profile nanoseconds. 0: off.
    ///
    /// Samples carry the weight of the rate at which they were drawn, so numbers recorded
    /// under an earlier rate are right as they stand.
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// When the profile was taken.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// The time that the profile covers, known for the result of [`since`](Profile::since) and for
    /// what a [`Recording`](crate::Recording) or [`init`](crate::init) has recorded.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// The events recorded after `earlier` and up to this profile, with the time in between as
    /// its [`duration`](Profile::duration). Stacks with nothing new are left out.
    ///
    /// If [`reset`](crate::reset) was called in between, everything in this profile came
    /// after the reset, and is returned as it is.
    ///
    /// A profile that was taken after this one has nothing to subtract: the result is this
    /// profile as it is, without a duration.
    ///
    /// # Panics
    ///
    /// If the two are not of the same [kind](Profile::kind).
    #[must_use]
    #[track_caller]
    pub fn since(&self, earlier: &Profile) -> Profile {
        self.assert_same_kind(earlier);
        let Some(duration) = self.taken.checked_duration_since(earlier.taken) else {
            return self.clone();
        };
        let before: HashMap<_, _> = earlier.by_stack().collect();
        let was_reset = self.resets != earlier.resets || {
            // Sums only grow, so this shows also one that came while a profile was taken.
            let now: HashMap<_, _> = self.by_stack().collect();
            let is_less = |(stack, before): (_, &&Sample)| {
                now.get(stack).is_none_or(|now| now.is_less_than(before))
            };
            before.iter().any(is_less)
        };
        let mut delta = Profile {
            samples: Vec::new(),
            lost: self.lost.since(&earlier.lost),
            duration: Some(duration),
            resets: self.resets,
            mappings: Arc::clone(&self.mappings),
            kind: self.kind,
            rate: self.rate,
            time: self.time,
            taken: self.taken,
            ongoing: self.ongoing.clone(),
            in_progress: self.in_progress,
            unread: self.unread.clone(),
        };
        delta.samples = if was_reset {
            self.by_stack().map(|(_, sample)| sample.clone()).collect()
        } else {
            let added = |(stack, now): (_, &Sample)| match before.get(&stack) {
                Some(before) => now.since(before),
                None => Some(now.clone()),
            };
            self.by_stack().filter_map(added).collect()
        };
        delta.add_ongoing(Some(earlier.taken));
        delta
    }

    /// The samples whose stack has a function with `text` in its path, as `shop::cart` or
    /// `Cart<T>::add`. The rate, what was lost, the time and the duration stay.
    ///
    /// For a test that shares its process with others: their waits are in the profile, too,
    /// but not on stacks of the code that is asked about. An empty `text` keeps every sample
    /// that has a frame. As `go tool pprof -focus`, but with plain text.
    ///
    /// # Examples
    ///
    /// ```
    /// let profile = contend::mutex_profile();
    /// assert!(profile.focus("shop::checkout").total_delay() <= profile.total_delay());
    /// ```
    #[must_use]
    pub fn focus(&self, text: &str) -> Profile {
        let mut focused = self.clone();
        focused.samples.retain(|sample| sample.has_function(text));
        focused
    }

    /// The samples that have this [label](Sample::label). The rate, what was lost, the time and the
    /// duration stay.
    ///
    /// # Examples
    ///
    /// ```
    /// let profile = contend::block_profile();
    /// let of_cart = profile.with_label("endpoint", "/cart");
    /// assert!(of_cart.total_delay() <= profile.total_delay());
    /// ```
    #[must_use]
    pub fn with_label(&self, key: &str, value: &str) -> Profile {
        let mut with_label = self.clone();
        with_label
            .samples
            .retain(|sample| sample.label(key) == Some(value));
        with_label
    }

    /// This profile without the samples of which `is_apart` says so, and one of these alone.
    pub(crate) fn split(&self, is_apart: impl Fn(&Sample) -> bool) -> (Profile, Profile) {
        let (mut rest, mut apart) = (self.clone(), self.clone());
        rest.samples.retain(|sample| !is_apart(sample));
        apart.samples.retain(is_apart);
        (rest, apart)
    }

    /// For one whose time is known better than from when its ends were taken.
    pub(crate) fn lasting(self, duration: Duration) -> Profile {
        Profile {
            duration: Some(duration),
            ..self
        }
    }

    /// The stacks of two kinds have nothing in common, so a comparison would mislead.
    #[track_caller]
    fn assert_same_kind(&self, base: &Profile) {
        let (kind, other) = (self.kind, base.kind);
        assert!(
            kind == other,
            "a {kind} profile cannot be compared with a {other} profile"
        );
    }

    pub(crate) fn mappings(&self) -> &[Arc<Mapping>] {
        &self.mappings
    }

    pub(crate) fn total_delay_nanos(&self) -> u64 {
        let delays = self.samples.iter().map(|sample| sample.delay_nanos);
        delays.fold(0, u64::saturating_add)
    }

    /// Largest delay first; what is equal by contentions, then in an order that is at least
    /// the same every time.
    fn sort(&mut self) {
        self.samples.sort_by(|a, b| {
            let by_delay = b.delay_nanos.cmp(&a.delay_nanos);
            by_delay
                .then_with(|| b.contentions.total_cmp(&a.contentions))
                .then_with(|| a.tags().cmp(&b.tags()))
                .then_with(|| a.stack.addresses.cmp(&b.stack.addresses))
        });
    }

    /// The samples of waits that are over.
    fn by_stack(&self) -> impl Iterator<Item = ((Tags, &[usize]), &Sample)> {
        let samples = self
            .samples
            .iter()
            .filter(|sample| !self.is_ongoing(sample));
        samples.map(|sample| ((sample.tags(), &*sample.stack.addresses), sample))
    }
}
