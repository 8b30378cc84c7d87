//! The truth of who kept whom waiting, by the test's own clock; and what a profile says of a
//! function.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use contend::{Profile, Sample};

use crate::common::release_when_asleep;
use crate::locks::Lock;

/// Switches profiling on from nothing recorded; off again when dropped. One at a time.
pub(crate) struct Recording(#[allow(dead_code)] MutexGuard<'static, ()>);

pub(crate) fn recording(mutex_fraction: u32, block_rate_nanos: u64) -> Recording {
    let turn = crate::common::turn();
    contend::set_mutex_profile_fraction(mutex_fraction);
    contend::set_block_profile_rate(block_rate_nanos);
    contend::set_wake_profile_rate(block_rate_nanos);
    contend::reset();
    Recording(turn)
}

impl Drop for Recording {
    fn drop(&mut self) {
        contend::set_mutex_profile_fraction(0);
        contend::set_block_profile_rate(0);
        contend::set_wake_profile_rate(0);
    }
}

/// One hold of a lock, and the wait before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) site: &'static str,
    /// Just before the call that acquires.
    pub(crate) asked: Instant,
    /// Just after it.
    pub(crate) acquired: Instant,
    /// Just before the release.
    pub(crate) released: Instant,
    /// Just after it. The thread may have lost its processor between the two, on either side of the
    /// release.
    pub(crate) gone: Instant,
}

impl Turn {
    pub(crate) fn waited(&self) -> Duration {
        self.acquired - self.asked
    }
}

/// Takes a turn at the lock, holding it while `hold` runs. Inlined into the site.
#[inline(always)]
pub(crate) fn turn<L: Lock>(lock: &L, site: &'static str, hold: impl FnOnce()) -> Turn {
    let asked = Instant::now();
    let (acquired, released) = lock.with(|| {
        let acquired = Instant::now();
        hold();
        (acquired, Instant::now())
    });
    Turn {
        site,
        asked,
        acquired,
        released,
        gone: Instant::now(),
    }
}

/// A time that is known to lie between two others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Between {
    pub(crate) least: Duration,
    pub(crate) most: Duration,
}

/// All turns at one lock, in the order of their holds.
#[derive(Debug)]
pub(crate) struct Log(Vec<Turn>);

impl Log {
    pub(crate) fn new(mut turns: Vec<Turn>) -> Self {
        turns.sort_by_key(|turn| turn.acquired);
        Self(turns)
    }

    /// The time that all threads waited.
    pub(crate) fn waited(&self) -> Duration {
        self.0.iter().map(Turn::waited).sum()
    }

    /// The waiting that the holds at `site` caused: the overlap of every wait with them.
    pub(crate) fn blame(&self, site: &str) -> Between {
        self.blame_of(|turn| turn.site == site)
    }

    /// The waiting while nobody held the lock.
    pub(crate) fn nobody(&self) -> Between {
        let held = self.blame_of(|_| true);
        Between {
            least: self.waited().saturating_sub(held.most),
            most: self.waited().saturating_sub(held.least),
        }
    }

    fn blame_of(&self, is_meant: impl Fn(&Turn) -> bool) -> Between {
        let mut blame = Between::default();
        for (index, hold) in self.0.iter().enumerate().filter(|(_, turn)| is_meant(turn)) {
            // Nobody else can have had it before it was released.
            let next = self.0.get(index + 1);
            let end_at_most = next.map_or(hold.gone, |next| next.acquired.min(hold.gone));
            // Waits that overlap with this hold end with a later one, by not much: stop at the
            // first that was asked for after its end, after a good many such.
            let mut asked_later = 0;
            for wait in &self.0[index + 1..] {
                if wait.asked >= end_at_most {
                    asked_later += 1;
                    if asked_later > 200 {
                        break;
                    }
                    continue;
                }
                let from = wait.asked.max(hold.acquired);
                let overlap = |end: Instant| wait.acquired.min(end).saturating_duration_since(from);
                blame.least += overlap(hold.released);
                blame.most += overlap(end_at_most);
            }
        }
        blame
    }
}

/// The samples of a function's releases or waits; what nobody is to blame for is not among them.
pub(crate) fn samples_of<'a>(profile: &'a Profile, function: &str) -> Vec<&'a Sample> {
    let suffix = format!("::{function}");
    profile
        .samples()
        .iter()
        .filter(|sample| !is_wakeup(sample))
        .filter(|sample| {
            sample.frames().iter().any(|frame| {
                // Without the generic parameters that some name manglings show.
                let name = frame.function().split("::<").next().unwrap_or_default();
                name.ends_with(&suffix)
            })
        })
        .collect()
}

pub(crate) fn delay_of(profile: &Profile, function: &str) -> Duration {
    samples_of(profile, function)
        .iter()
        .map(|sample| sample.delay())
        .sum()
}

pub(crate) fn contentions_of(profile: &Profile, function: &str) -> u64 {
    samples_of(profile, function)
        .iter()
        .map(|sample| sample.contentions())
        .sum()
}

fn is_wakeup(sample: &Sample) -> bool {
    sample.frames()[0].function() == "contend::wakeup"
}

/// The delay in which nobody held the lock.
pub(crate) fn delay_of_nobody(profile: &Profile) -> Duration {
    let samples = profile.samples().iter();
    samples
        .filter(|sample| is_wakeup(sample))
        .map(Sample::delay)
        .sum()
}

/// The part of the delay that no release was charged with.
pub(crate) fn unattributed_share(profile: &Profile) -> f64 {
    let unattributed = profile
        .samples()
        .iter()
        .filter(|sample| sample.frames()[0].function() == "contend::unattributed")
        .map(Sample::delay)
        .sum();
    share(unattributed, profile.total_delay())
}

pub(crate) fn share(part: Duration, whole: Duration) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64().max(1e-9)
}

#[track_caller]
pub(crate) fn assert_close(what: &str, measured: Duration, truth: Duration, tolerance: f64) {
    let error = measured.as_secs_f64() / truth.as_secs_f64() - 1.0;
    println!(
        "{what}: {measured:?}, in truth {truth:?} ({:+.2} %)",
        error * 100.0
    );
    assert!(
        error.abs() <= tolerance,
        "{what}: {measured:?}, in truth {truth:?}: off by {:.1} %",
        error * 100.0
    );
}

/// As [`assert_close`], where the truth is known up to what preemptions hide.
#[track_caller]
pub(crate) fn assert_between(what: &str, measured: Duration, truth: Between, tolerance: f64) {
    println!("{what}: {measured:?}, in truth {truth:?}");
    assert!(
        measured >= truth.least.mul_f64(1.0 - tolerance)
            && measured <= truth.most.mul_f64(1.0 + tolerance),
        "{what}: {measured:?}, in truth {truth:?}"
    );
}

/// Threads that want a processor all the time, until this is dropped.
pub(crate) struct Busy(Arc<AtomicBool>, Vec<JoinHandle<()>>);

pub(crate) fn busy(threads: usize) -> Busy {
    let stop = Arc::new(AtomicBool::new(false));
    let threads = (0..threads).map(|_| {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    });
    let threads = threads.collect();
    Busy(stop, threads)
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        for thread in self.1.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl std::ops::AddAssign for Between {
    fn add_assign(&mut self, other: Self) {
        self.most += other.most;
        self.least += other.least;
    }
}

impl std::iter::Sum for Between {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, took| {
            sum += took;
            sum
        })
    }
}

/// Measures how long something takes on the thread that starts it, by a clock that is read around
/// it.
///
/// The profiler reads its own clock somewhat later and earlier. In between the thread may be
/// preempted, on a busy machine for milliseconds. The kernel says how long it was ready and did not
/// run: the profile may be short by so much.
pub(crate) struct Watch {
    kept_ready: Duration,
    start: Instant,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            kept_ready: kept_ready(),
            start: Instant::now(),
        }
    }

    pub(crate) fn took(&self) -> Between {
        let most = self.start.elapsed();
        let kept_ready = kept_ready() - self.kept_ready;
        Between {
            most,
            least: most.saturating_sub(kept_ready),
        }
    }
}

/// How long things take that are waited for.
pub(crate) const HELD: Duration = Duration::from_millis(60);

/// Runs `wait` on a thread, and `end_it` when that has been asleep for [`HELD`].
pub(crate) fn while_asleep<R: Send>(wait: impl FnOnce() -> R + Send, end_it: impl FnOnce()) -> R {
    release_when_asleep(wait, || {
        nap(HELD);
        end_it();
    })
}

/// Times a call, made by the function that this stands in: how long it took, and what it returned.
macro_rules! timed {
    ($call:expr) => {{
        let watch = $crate::ground_truth::Watch::start();
        let result = $call;
        (watch.took(), result)
    }};
}
pub(crate) use timed;

/// Whether an operation that began at `start` is a wait by its time alone. The profiler, whose
/// clock is read within these two, can only have seen less.
pub(crate) fn is_long(start: Instant) -> bool {
    start.elapsed() >= Duration::from_micros(1)
}

/// How long this thread has been ready in all while the processors ran others; zero where the
/// system does not tell.
fn kept_ready() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').nth(1).and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Waits without using the processor, so that holds of this kind do not disturb each other.
pub(crate) fn nap(duration: Duration) {
    thread::sleep(duration);
}

/// Keeps the processor busy.
pub(crate) fn work(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}
