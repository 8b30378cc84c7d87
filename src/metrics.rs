//! The numbers of the process for a time series database, as text that Prometheus reads.
#![forbid(unsafe_code)]

mod family;
#[cfg(feature = "profiling")]
mod now;
#[cfg(not(feature = "profiling"))]
#[path = "metrics/off.rs"]
mod now;

use std::io;

use crate::ask::locks::locks;
use crate::monitor;
use crate::profile::kind::{ProfileKind, RateUnit};
use crate::profile::lock_waits::LockWaits;
use crate::profile::lost::Lost;
use crate::profile::waited::{BOUNDS, Waited, bound_nanos};
pub(crate) use family::MetricsForm;
use family::{Family, Type};

/// Writes the metrics of the process in Prometheus' text format 0.0.4: for a program that has a
/// metrics endpoint of its own already, to be appended to what that answers.
///
/// The same is served at `/debug/pprof/metrics`, with the feature `http`; there also as OpenMetrics
/// 1.0, for whoever accepts that.
///
/// | metric | type | what it counts |
/// |---|---|---|
/// | `contend_waits_total{kind}` | counter | waits that are over |
/// | `contend_wait_seconds_total{kind}` | counter | the time that they took |
/// | `contend_wait_duration_seconds{kind}` | histogram | the same waits by their length: bounds from 1 µs to 16.8 s, each four times the one before |
/// | `contend_lock_waits_total{lock,kind}`, `contend_lock_wait_seconds_total{lock,kind}`, `contend_lock_wait_duration_seconds{lock,kind}` | counter, counter, histogram | the same of the waits for locks that have a name, see [`locks`](crate::locks) |
/// | `contend_lock_waiting_threads{lock,kind}` | gauge | threads that wait for these locks now |
/// | `contend_contentions_total{kind}` | counter | waits that the mutex profile has charged to a release; `kind` is the release's |
/// | `contend_contention_seconds_total{kind}` | counter | the time that releases made others wait |
/// | `contend_waiting_threads{kind}` | gauge | threads that wait now |
/// | `contend_oldest_wait_seconds{kind}` | gauge | how long the longest of these waits has lasted; 0 if there is none |
/// | `contend_deadlocks` | gauge | what the program's [`Monitor`](crate::Monitor) has found; missing without one |
/// | `contend_monitor_look_cpu_seconds` | gauge | the time on a processor of a look of the monitor; missing without one |
/// | `contend_mutex_profile_fraction`, `contend_pairs_profile_fraction` | gauge | one contention in so many is sampled; 0: off |
/// | `contend_block_profile_rate_seconds`, `contend_wake_profile_rate_seconds` | gauge | one event per so much waiting is sampled; 0: off |
/// | `contend_lost_total{cause}` | counter | events that were not recorded in full, see [`Lost`](crate::Lost) |
/// | `contend_build_info{version}` | gauge | always 1; the version of this crate |
///
/// Waits and their lengths are those of the block profile: each that is sampled stands for as many
/// as its chance was small, so counts are unbiased at any rate, and exact at rate 1. At rate 0
/// nothing is counted. The other two counters are the mutex profile's sums.
///
/// **When counters begin again.** [`reset`](crate::reset) sets `contend_contentions_total`,
/// `contend_contention_seconds_total` and `contend_lost_total` to 0, as a new start of the program
/// would; Prometheus' `rate` and `increase` know that. What waits are made of goes on. A child of
/// `fork` goes on from the numbers of its parent.
///
/// A kind appears with its first wait, and so does a lock's name. Each name has some 20 lines, and
/// twice as many at a readers-writer lock: give the locks of a kind one name. Without the feature
/// `profiling` there are no kinds, and all rates and losses are 0.
///
/// # Overhead
///
/// No thread is stopped and no name is looked up. Time goes with the number of different stacks in
/// the mutex profile. An event that is sampled adds to two numbers more; others pay nothing.
///
/// # Errors
///
/// Those of `writer`.
///
/// # Examples
///
/// ```
/// let mut answer = b"# The metrics of the program itself.\n".to_vec();
/// contend::write_metrics(&mut answer)?;
/// let answer = String::from_utf8(answer).unwrap();
/// assert!(answer.contains("\ncontend_mutex_profile_fraction 0\n"), "{answer}");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_metrics(mut writer: impl io::Write) -> io::Result<()> {
    writer.write_all(text(MetricsForm::Prometheus).as_bytes())
}

/// All metrics of this moment.
pub(crate) fn text(form: MetricsForm) -> String {
    let mut families = Vec::from(of_waits(&now::waited()));
    families.extend(of_locks(&locks()));
    families.extend(of_contentions(&now::charged()));
    families.extend(of_threads(&now::waiting()));
    families.extend(of_monitor());
    families.extend(rates());
    families.extend([losses(&now::lost()), build()]);
    form.write(&families)
}

/// The sums of a kind of wait in the mutex profile.
pub(crate) struct Charged {
    pub(crate) kind: &'static str,
    pub(crate) contentions: f64,
    pub(crate) nanos: u64,
}

/// The threads that are in a kind of wait now.
pub(crate) struct Waiting {
    pub(crate) kind: &'static str,
    pub(crate) threads: u64,
    pub(crate) oldest_nanos: u64,
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

fn of_waits(all: &[Waited]) -> [Family; 3] {
    let helps = [
        "Waits that are over.",
        "The time that waits took.",
        "Waits by how long they took.",
    ];
    let all = all.iter();
    let all = all.map(|waited| ([("kind", waited.kind.label())], waited));
    of_waited("contend_wait", helps, all)
}

/// The numbers of waits, each with its labels.
fn of_waited<'a, const N: usize>(
    prefix: &str,
    helps: [&'static str; 3],
    all: impl Iterator<Item = ([(&'a str, &'a str); N], &'a Waited)>,
) -> [Family; 3] {
    let mut waits = Family::new(format!("{prefix}s"), Type::Counter, helps[0]);
    let mut time = Family::new(format!("{prefix}_seconds"), Type::Counter, helps[1]);
    let lengths = format!("{prefix}_duration_seconds");
    let mut lengths = Family::new(lengths, Type::Histogram, helps[2]);
    for (labels, waited) in all {
        // Rounded sums of what only grows only grow.
        waits.add(labels, waited.count().round());
        time.add(labels, seconds(waited.nanos));
        lengths.add_histogram(labels, cumulated(waited), seconds(waited.nanos));
    }
    [waits, time, lengths]
}

/// The bound of each bucket, and the waits up to it.
fn cumulated(waited: &Waited) -> impl Iterator<Item = (Option<f64>, f64)> {
    let mut sum = 0.0;
    waited
        .buckets
        .iter()
        .enumerate()
        .map(move |(index, count)| {
            sum += count;
            let bound = (index < BOUNDS).then(|| seconds(bound_nanos(index)));
            (bound, sum.round())
        })
}

/// As they are listed, which is the order of their delays; a series needs none.
fn of_locks(all: &[LockWaits]) -> [Family; 4] {
    let helps = [
        "Waits for locks that have a name that are over.",
        "The time that waits for locks that have a name took.",
        "Waits for locks that have a name by how long they took.",
    ];
    let mut threads = Family::new(
        "contend_lock_waiting_threads",
        Type::Gauge,
        "Threads that wait for locks that have a name now.",
    );
    let labels = |lock: &'_ LockWaits| [("lock", lock.name), ("kind", lock.waited.kind.label())];
    for lock in all {
        threads.add(labels(lock), lock.waiting() as f64);
    }
    let all = all.iter().map(|lock| (labels(lock), &lock.waited));
    let [waits, time, lengths] = of_waited("contend_lock_wait", helps, all);
    [waits, time, lengths, threads]
}

fn of_contentions(all: &[Charged]) -> [Family; 2] {
    let mut contentions = Family::new(
        "contend_contentions",
        Type::Counter,
        "Waits that were charged to a release.",
    );
    let mut time = Family::new(
        "contend_contention_seconds",
        Type::Counter,
        "The time that releases made others wait.",
    );
    for charged in all {
        let kind = [("kind", charged.kind)];
        contentions.add(kind, charged.contentions.round());
        time.add(kind, seconds(charged.nanos));
    }
    [contentions, time]
}

fn of_threads(all: &[Waiting]) -> [Family; 2] {
    let mut threads = Family::new(
        "contend_waiting_threads",
        Type::Gauge,
        "Threads that wait now.",
    );
    let mut oldest = Family::new(
        "contend_oldest_wait_seconds",
        Type::Gauge,
        "How long the longest wait in progress has lasted.",
    );
    for waiting in all {
        let kind = [("kind", waiting.kind)];
        threads.add(kind, waiting.threads as f64);
        oldest.add(kind, seconds(waiting.oldest_nanos));
    }
    [threads, oldest]
}

fn of_monitor() -> Vec<Family> {
    let Some(report) = monitor::last_report() else {
        return Vec::new();
    };
    let mut deadlocks = Family::new(
        "contend_deadlocks",
        Type::Gauge,
        "Deadlocks that the monitor has found.",
    );
    deadlocks.add([], report.deadlocks().len() as f64);
    let cost = report.cost().map(|cost| {
        let mut family = Family::new(
            "contend_monitor_look_cpu_seconds",
            Type::Gauge,
            "The time on a processor of a look of the monitor.",
        );
        family.add([], cost.as_secs_f64());
        family
    });
    [Some(deadlocks), cost].into_iter().flatten().collect()
}

fn rates() -> impl Iterator<Item = Family> {
    ProfileKind::ALL.into_iter().map(|which| {
        let name = which.rate().name;
        let in_force = now::rate(which);
        let (name, help, value) = match which.rate().unit {
            RateUnit::OneIn => (
                format!("contend_{name}"),
                "One contention in so many is sampled; 0: off.",
                in_force as f64,
            ),
            RateUnit::Nanoseconds => (
                format!("contend_{name}_seconds"),
                "One event per so much waiting is sampled; 0: off.",
                seconds(in_force),
            ),
        };
        let mut family = Family::new(name, Type::Gauge, help);
        family.add([], value);
        family
    })
}

fn losses(lost: &Lost) -> Family {
    let help = "Events that were not recorded in full.";
    let mut family = Family::new("contend_lost", Type::Counter, help);
    for (cause, count) in lost.causes() {
        family.add([("cause", &*cause.replace(' ', "_"))], count as f64);
    }
    family
}

fn build() -> Family {
    let mut family = Family::new("contend_build", Type::Info, "The version of contend.");
    family.add([("version", env!("CARGO_PKG_VERSION"))], 1.0);
    family
}
