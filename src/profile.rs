//! A profile: what was recorded up to one moment, as plain data that owns everything.
//!
//! Names are looked up when the profile is made, so it stays true after libraries are unloaded
//! or the profiler is reset. Nothing here is global.

mod diff;
mod frame;
mod sample;
pub(crate) mod save;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub(crate) use diff::difference;
pub use diff::{Change, ChangeStatus, Diff};
pub use frame::Frame;
pub(crate) use frame::{Location, Mapping};
pub use sample::Sample;
#[cfg(any(feature = "profiling", test))]
pub(crate) use sample::Stack;
pub(crate) use sample::{mean, std_error};

use crate::export;
use crate::kind::{Kind, Which};
use crate::lost::Lost;

/// Rows of the table that [`Display`](fmt::Display) prints.
const DISPLAYED_ROWS: usize = 20;

/// A snapshot of the mutex or the block profile.
///
/// `println!("{profile}")` shows the costliest call sites. [`save`](Profile::save) writes the
/// file that `go tool pprof`, flame graph pages and profile stores read.
#[derive(Clone, Debug)]
pub struct Profile {
    which: Which,
    /// The fraction (mutex) or the nanoseconds (block); 0 is off.
    rate: u64,
    samples: Vec<Sample>,
    lost: Lost,
    time: SystemTime,
    /// The same moment as `time`, on the clock that nobody sets.
    taken: Instant,
    duration: Option<Duration>,
    /// How often there had been a reset.
    resets: u64,
    /// The program first.
    mappings: Arc<[Arc<Mapping>]>,
}

impl Profile {
    /// Looks up the names of `totals`; `rate_in_force` is the fraction or rate at this moment.
    #[cfg(feature = "profiling")]
    pub(crate) fn new(
        which: Which,
        rate_in_force: u64,
        totals: Vec<crate::store::StackTotals>,
        lost: Lost,
    ) -> Profile {
        // Before the names are looked up, which can take long: the numbers are of now.
        let mut profile = Profile::with_rate(which, rate_in_force);
        let mut symbolizer = crate::symbols::symbolizer();
        profile.mappings = symbolizer.mappings();
        profile.lost = lost;
        profile.samples = totals
            .into_iter()
            .map(|totals| Sample {
                kind: totals.kind,
                contentions: totals.amount.contentions,
                delay_nanos: totals.amount.delay_nanos,
                variance: totals.amount.variance,
                stack: Arc::new(symbolizer.stack(totals.addresses)),
            })
            .collect();
        profile.sort();
        profile
    }

    /// Tells how often there had been a reset when the profile was taken.
    #[cfg(feature = "profiling")]
    pub(crate) fn after_resets(self, resets: u64) -> Profile {
        Profile { resets, ..self }
    }

    /// A profile without samples, as of a program that was built without the profiler.
    #[cfg(not(feature = "profiling"))]
    pub(crate) fn empty(which: Which) -> Profile {
        Profile::with_rate(which, 0)
    }

    fn with_rate(which: Which, rate: u64) -> Profile {
        Profile {
            which,
            rate,
            samples: Vec::new(),
            lost: Lost::default(),
            time: SystemTime::now(),
            taken: Instant::now(),
            duration: None,
            resets: 0,
            mappings: Arc::new([]),
        }
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

    /// The time that the profile covers, known for the result of [`since`](Profile::since) and for what a
    /// [`Recording`](crate::Recording) or [`init`](crate::init) has recorded.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// What was recorded after `earlier` and up to this profile, with the time in between as
    /// its [`duration`](Profile::duration). Stacks with nothing new are left out.
    ///
    /// If [`reset`](crate::reset) was called in between, everything in this profile came
    /// after the reset, and is returned as it is.
    ///
    /// A profile of the other kind, or one that was taken after this one, has nothing to
    /// subtract: the result is this profile as it is, without a duration.
    pub fn since(&self, earlier: &Profile) -> Profile {
        let duration = self.taken.checked_duration_since(earlier.taken);
        let Some(duration) = duration.filter(|_| self.which == earlier.which) else {
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
            which: self.which,
            rate: self.rate,
            time: self.time,
            taken: self.taken,
        };
        delta.samples = if was_reset {
            self.samples.clone()
        } else {
            let added = |(stack, now): (_, &Sample)| match before.get(&stack) {
                Some(before) => now.since(before),
                None => Some(now.clone()),
            };
            self.by_stack().filter_map(added).collect()
        };
        delta.sort();
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
    pub fn focus(&self, text: &str) -> Profile {
        let mut focused = self.clone();
        focused.samples.retain(|sample| sample.has_function(text));
        focused
    }

    /// Writes the profile as pprof's protocol buffer, compressed with gzip: the form that
    /// `go tool pprof` and profile stores read.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_pprof(&self, writer: impl io::Write) -> io::Result<()> {
        export::pprof::write(self, writer)
    }

    /// Writes the profile as text, in the form that Go's `debug=1` has: `go tool pprof` reads
    /// it, and so do people. Delays are in nanoseconds.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_text(&self, writer: impl io::Write) -> io::Result<()> {
        export::text::write(self, writer)
    }

    /// Writes the profile as a flame graph: an SVG file for a browser, with zoom and search in
    /// itself. Roots are on top, and a frame is as wide as the delay of its stacks.
    ///
    /// A leaf carries its kind, as `contend::blocking [database]`. Frames narrower than a
    /// ten-thousandth of the whole are left out. An empty profile gives a picture that says why
    /// it is empty.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut svg = Vec::new();
    /// contend::block_profile().write_flamegraph(&mut svg)?;
    /// assert!(svg.ends_with(b"</svg>\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "flamegraph")]
    pub fn write_flamegraph(&self, writer: impl io::Write) -> io::Result<()> {
        export::flamegraph::write(self, writer)
    }

    /// Writes what [`write_pprof`](Profile::write_pprof) writes to a file, usually named
    /// `….pb.gz`.
    ///
    /// The file appears whole or not at all: it is written beside its place under another name
    /// and then renamed. A file that is replaced hands on its permissions; a symbolic link to a file is
    /// followed; what is no regular file, such as a pipe, is written to directly.
    ///
    /// # Errors
    ///
    /// The error's message begins with the path. A read-only file is not replaced.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        save::save(path.as_ref(), |file| self.write_pprof(file))
    }

    /// A table of the `n` call sites with the largest delay, for people.
    ///
    /// Samples are summed by [kind](Sample::label) and by the line that called the wrapper:
    /// the first frame that is neither this crate's nor the standard library's.
    pub fn top(&self, n: usize) -> impl fmt::Display + '_ {
        export::table::Table::new(self, n)
    }

    /// For one whose time is known better than from when its ends were taken.
    pub(crate) fn lasting(self, duration: Duration) -> Profile {
        Profile {
            duration: Some(duration),
            ..self
        }
    }

    pub(crate) fn which(&self) -> Which {
        self.which
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
                .then_with(|| a.kind.cmp(&b.kind))
                .then_with(|| a.stack.addresses.cmp(&b.stack.addresses))
        });
    }

    fn by_stack(&self) -> impl Iterator<Item = ((Kind, &[usize]), &Sample)> {
        let samples = self.samples.iter();
        samples.map(|sample| ((sample.kind, &*sample.stack.addresses), sample))
    }
}

/// The first lines of [`top`](Profile::top).
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.top(DISPLAYED_ROWS).fmt(f)
    }
}
