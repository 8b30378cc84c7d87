//! A part of the program's run, recorded: rates raised for its time, and profiles of it alone.
//!
//! A recording takes nothing away from anybody. It asks for its rates and gives them back, and what
//! it returns is a difference of two snapshots; so recordings may overlap each other, and
//! everything else.
#![forbid(unsafe_code)]

mod profiles;

use std::time::{Duration, Instant};

pub use profiles::Profiles;

use crate::ask::control::{Hold, hold, profiles};
use crate::profile::Profile;
use crate::profile::kind::ProfileKind;

/// Records contention from [`start`](Recording::start) to [`finish`](Recording::finish).
///
/// While it lasts, contention is profiled at least as finely as it asks for, whatever the program
/// has set; afterwards, also when it is dropped instead of finished, what the program has set
/// counts again. Recordings may be nested or run in parallel: each gets at least the rates it asked
/// for, and each its own profiles.
///
/// The profiles are of the whole process: what other threads waited meanwhile is in them, in tests
/// that run in parallel the other tests' waits, too. [`Profiles::focus`] keeps the code that you
/// ask about. A wait belongs to the recording in which it ends, and with all of its time, also that
/// before the recording; one that began before the rates were raised counts as they were.
///
/// After a [`reset`](crate::reset) in between, the profiles hold what was recorded since that.
///
/// # Overhead
///
/// The overhead of the rates, see
/// [`set_mutex_profile_fraction`](crate::set_mutex_profile_fraction). Starting and finishing take a
/// snapshot of all profiles each, as [`mutex_profile`](crate::mutex_profile) does.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// use contend::Recording;
/// use contend::sync::Mutex;
///
/// let counter = Mutex::new(0);
/// let recording = Recording::start();
/// thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             let mut counter = counter.lock().unwrap();
///             thread::sleep(Duration::from_millis(10));
///             *counter += 1;
///         });
///     }
/// });
/// let profiles = recording.finish();
/// println!("{profiles}");
/// // None, if the second thread has started after the first one had ended.
/// assert!(profiles.mutex.total_contentions() <= 1);
/// assert_eq!(contend::mutex_profile_fraction(), 0);
/// ```
#[derive(Debug)]
#[must_use = "a recording ends when it is dropped, and only `finish` returns what it has recorded"]
pub struct Recording {
    /// All profiles at the start.
    base: [Profile; ProfileKind::COUNT],
    start: Instant,
    /// Given back when this is dropped.
    _rates: [Hold; ProfileKind::COUNT],
}

impl Recording {
    /// Starts recording every contention and every wait, but not their pairs, as
    /// [`builder`](Recording::builder) does unless it is told otherwise.
    pub fn start() -> Recording {
        Recording::builder().start()
    }

    /// For a recording at other rates.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let recording = contend::Recording::builder()
    ///     .mutex_fraction(100) // one contention in 100
    ///     .block_rate(Duration::from_millis(1)) // one sample per ms of waiting
    ///     .start();
    /// # #[cfg(feature = "profiling")]
    /// assert_eq!(contend::mutex_profile_fraction(), 100);
    /// let profiles = recording.finish();
    /// assert!(profiles.wall > Duration::ZERO);
    /// ```
    pub fn builder() -> RecordingBuilder {
        RecordingBuilder {
            rates: ProfileKind::ALL.map(|kind| u64::from(kind.sampled_as() == kind)),
        }
    }

    /// Ends the recording and returns what was recorded.
    pub fn finish(self) -> Profiles {
        let wall = self.start.elapsed();
        let mut base = self.base.iter();
        let profiles = profiles(ProfileKind::ALL).map(|now| match base.next() {
            Some(base) => now.since(base).lasting(wall),
            None => now,
        });
        Profiles::new(profiles, wall)
    }
}

/// The rates of a [`Recording`] that is about to start. Unless told otherwise it records
/// everything but pairs.
#[derive(Clone, Debug)]
#[must_use = "records nothing until `start`"]
pub struct RecordingBuilder {
    /// By the number of their kind; 0 asks for nothing.
    rates: [u64; ProfileKind::COUNT],
}

impl RecordingBuilder {
    /// One contention in `fraction` is sampled, or more if somebody else asks for more. 1, the
    /// default: every one. 0: asks for nothing, so that the mutex profile is recorded only as far
    /// as it is on anyway.
    pub fn mutex_fraction(self, fraction: u32) -> Self {
        self.rate(ProfileKind::Mutex, fraction.into())
    }

    /// One event is sampled per `rate` of waiting, or more if somebody else asks for more. 1 ns,
    /// the default: every wait. Zero: asks for nothing, so that the block profile is recorded only
    /// as far as it is on anyway.
    pub fn block_rate(self, rate: Duration) -> Self {
        let nanos = u64::try_from(rate.as_nanos()).unwrap_or(u64::MAX);
        self.rate(ProfileKind::Block, nanos)
    }

    /// One event of the wake profile is sampled per `rate` of waiting, or more if somebody else
    /// asks for more. 1 ns, the default: every wait that somebody ends. Zero: asks for nothing.
    pub fn wake_rate(self, rate: Duration) -> Self {
        let nanos = u64::try_from(rate.as_nanos()).unwrap_or(u64::MAX);
        self.rate(ProfileKind::Wake, nanos)
    }

    /// One contention in `fraction` is sampled for the pairs profile, and with it for the mutex
    /// profile, or more if somebody else asks for more. 1: every one. 0, the default: asks for
    /// nothing.
    pub fn pairs_fraction(self, fraction: u32) -> Self {
        self.rate(ProfileKind::Pairs, fraction.into())
    }

    /// A rate of 0 asks for nothing.
    pub(crate) fn rate(mut self, kind: ProfileKind, rate: u64) -> Self {
        self.rates[kind as usize] = rate;
        self
    }

    /// Starts the recording.
    pub fn start(self) -> Recording {
        // The rates first: what the base has is not in the result, so the base is where it begins.
        let rates = ProfileKind::ALL.map(|kind| hold(kind, self.rates[kind as usize]));
        Recording {
            base: profiles(ProfileKind::ALL),
            start: Instant::now(),
            _rates: rates,
        }
    }
}

/// Runs `operation` while recording every contention and every wait; returns its result and the
/// [profiles](Profiles).
///
/// The remark on other threads at [`Recording`] holds here, too.
///
/// # Examples
///
/// ```
/// let (answer, profiles) = contend::measure(|| 6 * 7);
/// assert_eq!(answer, 42);
/// assert_eq!(profiles.mutex.total_contentions(), 0, "{profiles}");
/// ```
pub fn measure<R>(operation: impl FnOnce() -> R) -> (R, Profiles) {
    let recording = Recording::start();
    let result = operation();
    (result, recording.finish())
}
