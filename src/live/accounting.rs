//! Where the time of each thread goes, between two moments.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::imp;
use super::thread_times::{ThreadTime, ThreadTimes};

/// Accounts for the time of every thread from [`start`](Self::start) to [`finish`](Self::finish):
/// on a processor, ready to run without one, in which kind of wait, elsewhere. It is what
/// `go tool trace` shows as its analysis of goroutines.
///
/// Also for threads that no type of this crate has met, and with all rates at 0. No thread is
/// stopped, woken or signalled.
///
/// On other systems than x86-64 Linux, and without the features `framehop` and `profiling`, there
/// are no rows, and [`ThreadTimes::notes`] says so.
///
/// # Overhead
///
/// `start` and `finish` read four files of `/proc` for each thread. Meanwhile each wait of this
/// crate's types reads the clock when it ends.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// let accounting = contend::Accounting::start();
/// thread::sleep(Duration::from_millis(20));
/// let times = accounting.finish();
/// println!("{times}");
/// for thread in times.threads() {
///     let waits: Duration = thread.waits().map(|(_, time)| time).sum();
///     let parts = thread.on_cpu() + thread.runnable() + waits + thread.elsewhere();
///     assert_eq!(parts + thread.not_started(), thread.window());
/// }
/// ```
#[derive(Debug)]
#[must_use = "an accounting says what it has seen when it is finished"]
pub struct Accounting {
    start: Instant,
    before: imp::Clocks,
}

impl Accounting {
    /// Notes what every thread has done so far.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            before: imp::Clocks::read(),
        }
    }

    /// The time of every thread since the [`start`](Self::start).
    pub fn finish(self) -> ThreadTimes {
        let after = imp::Clocks::read();
        let window = self.start.elapsed();
        let mut ended = self.before.by_tid.len();
        let rows = after.by_tid.iter().map(|(tid, after)| {
            let before = self.before.by_tid.get(tid);
            // The kernel gives numbers again.
            let before = before.filter(|before| before.started == after.started);
            ended -= usize::from(before.is_some());
            spent(*tid, before, after, self.before.taken)
        });
        let rows = rows.collect();
        let mut notes = after.notes;
        if ended > 0 {
            notes.push(format!(
                "{ended} threads have ended meanwhile and are not shown"
            ));
        }
        ThreadTimes::new(window, rows, notes)
    }
}

/// The times of a thread so far.
#[derive(Clone, Debug, Default)]
pub(in crate::live) struct Clock {
    pub(in crate::live) taken: Duration,
    pub(in crate::live) name: String,
    /// On the same clock as `taken`, to 10 ms.
    pub(in crate::live) started: Duration,
    pub(in crate::live) on_cpu: Duration,
    pub(in crate::live) runnable: Duration,
    /// By kind of wait.
    pub(in crate::live) waits: Vec<(&'static str, Duration)>,
}

/// The row of a thread. `start` is when the first look began, for threads that were not there.
fn spent(tid: u32, before: Option<&Clock>, after: &Clock, start: Duration) -> ThreadTime {
    let from = before.map_or(start, |before| before.taken);
    let window = after.taken.saturating_sub(from);
    let not_started = match before {
        Some(_) => Duration::ZERO,
        None => after.started.saturating_sub(from).min(window),
    };
    let alive = window - not_started;
    let zero = Clock::default();
    let before = before.unwrap_or(&zero);
    let on_cpu = after.on_cpu.saturating_sub(before.on_cpu).min(alive);
    let runnable = after.runnable.saturating_sub(before.runnable);
    let runnable = runnable.min(alive - on_cpu);
    let blocked = alive - on_cpu - runnable;
    let of_kind = |(kind, after): &(&'static str, Duration)| {
        let mut before = before.waits.iter();
        let before = before.find(|(other, _)| other == kind);
        let time = after.saturating_sub(before.map_or(Duration::ZERO, |(_, time)| *time));
        (!time.is_zero()).then_some((*kind, time))
    };
    let mut waits: Vec<_> = after.waits.iter().filter_map(of_kind).collect();
    cut_to(blocked, &mut waits);
    waits.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let waited: Duration = waits.iter().map(|(_, time)| *time).sum();
    ThreadTime {
        tid,
        name: after.name.clone(),
        window,
        on_cpu,
        runnable,
        waits,
        elsewhere: blocked - waited,
        not_started,
    }
}

/// A wait has in it what its thread spins before it sleeps, and the time from its being woken until
/// it runs; these are on a processor and runnable already. So where the waits are more than the
/// time that is left for them, each gives up its share.
fn cut_to(blocked: Duration, waits: &mut [(&'static str, Duration)]) {
    let waited: Duration = waits.iter().map(|(_, time)| *time).sum();
    if waited <= blocked {
        return;
    }
    let share = blocked.as_secs_f64() / waited.as_secs_f64();
    let mut left = blocked;
    for (_, time) in waits {
        // Rounding must not make the sum more than there is.
        *time = time.mul_f64(share).min(left);
        left -= *time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn clock(taken: u64, on_cpu: u64, runnable: u64, waits: &[(&'static str, u64)]) -> Clock {
        let waits = waits.iter().map(|(kind, millis)| (*kind, ms(*millis)));
        Clock {
            taken: ms(taken),
            on_cpu: ms(on_cpu),
            runnable: ms(runnable),
            waits: waits.collect(),
            ..Clock::default()
        }
    }

    fn sum(row: &ThreadTime) -> Duration {
        let waits: Duration = row.waits().map(|(_, time)| time).sum();
        row.on_cpu() + row.runnable() + waits + row.elsewhere() + row.not_started()
    }

    #[test]
    fn the_parts_are_the_differences() {
        let before = clock(1_000, 10, 5, &[("mutex", 100)]);
        let after = clock(2_000, 110, 55, &[("mutex", 400), ("sleep", 50)]);
        let row = spent(7, Some(&before), &after, ms(990));
        assert_eq!((row.window(), sum(&row)), (ms(1_000), ms(1_000)));
        assert_eq!((row.on_cpu(), row.runnable()), (ms(100), ms(50)));
        let waits: Vec<_> = row.waits().collect();
        assert_eq!(waits, [("mutex", ms(300)), ("sleep", ms(50))]);
        assert_eq!(row.elsewhere(), ms(500));
    }

    #[test]
    fn a_thread_that_is_new_has_a_part_before_its_start() {
        let after = Clock {
            started: ms(1_600),
            ..clock(2_000, 100, 0, &[])
        };
        let row = spent(7, None, &after, ms(1_000));
        assert_eq!((row.not_started(), row.elsewhere()), (ms(600), ms(300)));
        assert_eq!(sum(&row), row.window());
    }

    #[test]
    fn waits_give_way_to_what_the_kernel_has_counted() {
        let before = clock(0, 0, 0, &[]);
        let after = clock(1_000, 100, 400, &[("mutex", 600), ("condvar", 300)]);
        let row = spent(7, Some(&before), &after, ms(0));
        let waits: Vec<_> = row.waits().map(|(_, time)| time.as_millis()).collect();
        assert!(matches!(waits[..], [333, 166 | 167]), "{waits:?}");
        assert_eq!(sum(&row), ms(1_000));
        let after = clock(1_000, 5_000, 5_000, &[("mutex", 5_000)]);
        let row = spent(7, Some(&before), &after, ms(0));
        assert_eq!((row.on_cpu(), sum(&row)), (ms(1_000), ms(1_000)));
    }
}
