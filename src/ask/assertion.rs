//! Assertions on contention, for tests.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::ask::recording::{Profiles, Recording};
use crate::profile::Profile;
use crate::text::units::human;

/// Runs a block, and panics if there was more contention meanwhile than the conditions allow. Its
/// value is that of the block.
///
/// | condition | what is measured |
/// |---|---|
/// | `delay < Duration` | the time that threads waited for locks, summed (mutex profile) |
/// | `contentions < u64` | how often they had to |
/// | `share("shop::cart") < f64` | the part, from 0 to 1, of that delay which functions with this text in their path are to blame for |
/// | `blocked < Duration` | the time that threads waited at all, for channels, conditions and sleep, too (block profile) |
///
/// `delay`, `contentions` and `blocked` take a text, too, `delay("shop::cart") < …`, and then count
/// only stacks with such a function on them, as [`Profile::focus`] does. Several conditions may
/// stand one after the other.
///
/// The block is no closure: `?`, `return` and `.await` mean in it what they mean around it (and, if
/// they leave it, nothing is asserted). Everything is recorded while it runs, as by a
/// [`Recording`].
///
/// # Panics
///
/// If a condition does not hold. The message has what was measured and the bound, and the table of
/// the costliest call sites with their lines.
///
/// If contend was built without its feature `profiling`: a test that measures nothing must not look
/// as if it had passed. For such builds, leave it out or mark it `#[cfg_attr(not(feature = "…"),
/// ignore)]`.
///
/// # Noise, and how to choose a bound
///
/// Delay is time, and time depends on the machine and on what else runs on it: a thread that is not
/// given a processor while it holds a lock makes others wait, by milliseconds on a busy machine. So
/// run the block long enough for contention to show by its size, measure it a few times with
/// [`measure`](crate::measure) before and after the mistake that the test is to find, and put the
/// bound between the two, some times what is usual. If these are less than ten times apart the test
/// will fail one day for no reason. `contentions` and `share` vary less than `delay`; whether
/// contention arises at all (`contentions < 1`) is a good bound where it cannot arise.
///
/// Tests that run in parallel in one process see each other's contention. Name a function of the
/// code under test (`delay("shop::cart")`), or give such tests a process of their own.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// use contend::assert_contention;
/// use contend::sync::Mutex;
///
/// # #[cfg(feature = "profiling")] {
/// let shards = [const { Mutex::new(0) }; 4];
/// let sum = assert_contention!(contentions < 1, delay < Duration::from_millis(1), {
///     thread::scope(|scope| {
///         for shard in &shards {
///             scope.spawn(|| *shard.lock().unwrap() += 1);
///         }
///     });
///     shards.iter().map(|shard| *shard.lock().unwrap()).sum::<i32>()
/// });
/// assert_eq!(sum, 4);
/// # }
/// ```
#[macro_export]
macro_rules! assert_contention {
    ($($measure:ident $(($function:expr))? < $bound:expr,)+ $body:block $(,)?) => {{
        let recording = $crate::__private::start_assertion();
        let value = $body;
        $crate::__private::assert(
            recording,
            &[$($crate::__private::Condition::$measure(
                $crate::assert_contention!(@function $($function)?),
                $bound,
            )),+],
        );
        value
    }};
    (@function) => { ::std::option::Option::None };
    (@function $function:expr) => { ::std::option::Option::Some($function) };
}

/// One condition of [`assert_contention!`](crate::assert_contention), with the function that it is
/// about.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'t> {
    function: Option<&'t str>,
    bound: Bound,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    Delay(Duration),
    Contentions(u64),
    Share(f64),
    Blocked(Duration),
}

/// Named as they are written.
impl<'t> Condition<'t> {
    /// The delay of the mutex profile is below this.
    pub fn delay(function: Option<&'t str>, bound: Duration) -> Self {
        let bound = Bound::Delay(bound);
        Self { function, bound }
    }

    /// The contentions of the mutex profile are fewer than this.
    pub fn contentions(function: Option<&'t str>, bound: u64) -> Self {
        let bound = Bound::Contentions(bound);
        Self { function, bound }
    }

    /// The function's part of the delay of the mutex profile is below this. Without a function that
    /// would be all of it.
    pub fn share(function: Option<&'t str>, bound: f64) -> Self {
        let bound = Bound::Share(bound);
        Self { function, bound }
    }

    /// The delay of the block profile is below this.
    pub fn blocked(function: Option<&'t str>, bound: Duration) -> Self {
        let bound = Bound::Blocked(bound);
        Self { function, bound }
    }

    /// `None`: it holds.
    fn violation(&self, profiles: &Profiles) -> Option<Violation<'t>> {
        let focused = |profile: &Profile| match self.function {
            Some(function) => profile.focus(function),
            None => profile.clone(),
        };
        let mutex = focused(&profiles.mutex);
        let (name, holds, measured, bound) = match self.bound {
            Bound::Delay(bound) => durations("delay", mutex.total_delay(), bound),
            Bound::Blocked(bound) => {
                durations("blocked", focused(&profiles.block).total_delay(), bound)
            }
            Bound::Contentions(bound) => {
                let count = mutex.total_contentions();
                let texts = (count.to_string(), bound.to_string());
                ("contentions", count < bound, texts.0, texts.1)
            }
            Bound::Share(bound) => {
                let share = share(&mutex, &profiles.mutex);
                let texts = (format!("{share:.3}"), bound.to_string());
                ("share", share < bound, texts.0, texts.1)
            }
        };
        (!holds).then_some(Violation {
            name,
            function: self.function,
            measured,
            bound,
        })
    }
}

fn durations(
    name: &'static str,
    measured: Duration,
    bound: Duration,
) -> (&'static str, bool, String, String) {
    (name, measured < bound, human(measured), human(bound))
}

/// 0 where nothing was waited for.
fn share(part: &Profile, whole: &Profile) -> f64 {
    let whole = whole.total_delay_nanos().max(1);
    part.total_delay_nanos() as f64 / whole as f64
}

struct Violation<'t> {
    name: &'static str,
    function: Option<&'t str>,
    measured: String,
    bound: String,
}

/// `delay("shop::cart") < 5.00ms does not hold: it is 40.1ms`
impl fmt::Display for Violation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(function) = self.function {
            write!(f, "({function:?})")?;
        }
        write!(
            f,
            " < {} does not hold: it is {}",
            self.bound, self.measured
        )
    }
}

/// The beginning of [`assert_contention!`](crate::assert_contention).
#[track_caller]
pub fn start_assertion() -> Recording {
    if cfg!(not(feature = "profiling")) {
        panic!("nothing is measured: contend was built without its feature `profiling`");
    }
    Recording::start()
}

/// The end of [`assert_contention!`](crate::assert_contention).
///
/// # Panics
///
/// If a condition does not hold.
#[track_caller]
pub fn assert(recording: Recording, conditions: &[Condition<'_>]) {
    let profiles = recording.finish();
    let violations = conditions
        .iter()
        .filter_map(|condition| condition.violation(&profiles));
    let violations: Vec<_> = violations.map(|violation| violation.to_string()).collect();
    if !violations.is_empty() {
        let is_blocked = |condition: &Condition<'_>| matches!(condition.bound, Bound::Blocked(_));
        let table: &dyn fmt::Display = match conditions.iter().any(is_blocked) {
            true => &profiles,
            false => &profiles.mutex,
        };
        panic!("too much contention: {}\n{table}", violations.join("; "));
    }
}
