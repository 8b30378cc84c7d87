//! How each thread spent a window of time, as plain data and as a table.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::text::columns;
use crate::text::units::{human, percent};

/// How every thread spent a window of time: the result of
/// [`Accounting::finish`](crate::Accounting::finish).
///
/// `println!("{times}")` shows a table, in which each row adds up to the window.
#[derive(Clone, Debug)]
pub struct ThreadTimes {
    window: Duration,
    threads: Vec<ThreadTime>,
    notes: Vec<String>,
}

/// How one thread spent a window of time. Its parts add up to [`window`](Self::window).
#[derive(Clone, Debug)]
pub struct ThreadTime {
    pub(in crate::live) tid: u32,
    pub(in crate::live) name: String,
    pub(in crate::live) window: Duration,
    pub(in crate::live) on_cpu: Duration,
    pub(in crate::live) runnable: Duration,
    pub(in crate::live) waits: Vec<(&'static str, Duration)>,
    pub(in crate::live) elsewhere: Duration,
    pub(in crate::live) not_started: Duration,
}

impl ThreadTimes {
    /// The busiest thread first.
    pub(in crate::live) fn new(
        window: Duration,
        mut threads: Vec<ThreadTime>,
        notes: Vec<String>,
    ) -> Self {
        threads.sort_by_key(|thread| {
            let busy = thread.on_cpu + thread.runnable;
            (std::cmp::Reverse((busy, thread.waited())), thread.tid)
        });
        Self {
            window,
            threads,
            notes,
        }
    }

    /// The threads that were there at the end of the window; the one that was on a processor, or
    /// waited for one, longest first.
    pub fn threads(&self) -> &[ThreadTime] {
        &self.threads
    }

    /// The length of the window. Threads are looked at one after the other, so their own windows
    /// differ from it by microseconds.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The things that could not be seen, and why, as sentences. Empty where everything was.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl ThreadTime {
    /// The kernel's number of the thread, as `top -H` and `perf` show it.
    pub fn tid(&self) -> u32 {
        self.tid
    }

    /// The thread's name at the end of the window.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time between the two looks at this thread.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// On a processor.
    pub fn on_cpu(&self) -> Duration {
        self.on_cpu
    }

    /// Ready to run, without a processor. The kernel counts it when the thread gets one. 0 where it
    /// does not count it.
    pub fn runnable(&self) -> Duration {
        self.runnable
    }

    /// In waits of this crate's types, by kind, as `mutex`; the longest first. Waits that the
    /// program has named count as `other`.
    ///
    /// A wait lasts until its thread has a processor again; where all parts together come to more
    /// than the window, these are less by as much.
    pub fn waits(&self) -> impl Iterator<Item = (&str, Duration)> {
        self.waits.iter().copied()
    }

    fn waited(&self) -> Duration {
        self.waits.iter().map(|(_, time)| *time).sum()
    }

    /// Blocked in something else: input and output, locks that are not swapped.
    pub fn elsewhere(&self) -> Duration {
        self.elsewhere
    }

    /// The part of the window before the thread was started, to 10 ms. 0 for a thread that was
    /// there at the start.
    pub fn not_started(&self) -> Duration {
        self.not_started
    }
}

/// A row per thread that adds up to its window, and one for all of them.
impl fmt::Display for ThreadTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = &self.threads;
        writeln!(f, "{} threads in {}", threads.len(), human(self.window))?;
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        if threads.is_empty() {
            return Ok(());
        }
        let sum = |part: fn(&ThreadTime) -> Duration| threads.iter().map(part).sum::<Duration>();
        let all = [
            sum(|thread| thread.on_cpu),
            sum(|thread| thread.runnable),
            sum(ThreadTime::waited),
            sum(|thread| thread.elsewhere),
            sum(|thread| thread.not_started),
            sum(|thread| thread.window),
        ];
        let mut rows = vec![
            [
                "on CPU",
                "runnable",
                "in waits",
                "elsewhere",
                "not started",
                "window",
                "tid",
                "thread",
                "waits",
            ]
            .map(str::to_owned),
        ];
        rows.extend(threads.iter().map(|thread| {
            let kinds = thread.waits.iter();
            let kinds = kinds.map(|(kind, time)| format!("{kind} {}", human(*time)));
            row(
                [
                    thread.on_cpu,
                    thread.runnable,
                    thread.waited(),
                    thread.elsewhere,
                    thread.not_started,
                    thread.window,
                ],
                [
                    thread.tid.to_string(),
                    thread.name.clone(),
                    kinds.collect::<Vec<_>>().join(", "),
                ],
            )
        }));
        let whole = all[5].as_nanos() as u64;
        let shares = all.map(|part| match part {
            Duration::ZERO => String::new(),
            part => percent(part.as_nanos() as u64, whole),
        });
        rows.push(row(all, ["".into(), "all".into(), String::new()]));
        let [a, b, c, d, e, g] = shares;
        rows.push([
            a,
            b,
            c,
            d,
            e,
            g,
            String::new(),
            String::new(),
            String::new(),
        ]);
        columns::write(&rows, 7, f)
    }
}

fn row(times: [Duration; 6], words: [String; 3]) -> [String; 9] {
    let times = times.map(|time| match time {
        // An empty cell is easier to skip than a 0.
        Duration::ZERO => String::new(),
        time => human(time),
    });
    let [a, b, c, d, e, g] = times;
    let [tid, name, waits] = words;
    [a, b, c, d, e, g, tid, name, waits]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_thread_and_one_for_all() {
        let ms = Duration::from_millis;
        let thread = |tid, name: &str, on_cpu| ThreadTime {
            tid,
            name: name.to_owned(),
            window: ms(1_000),
            on_cpu: ms(on_cpu),
            runnable: Duration::ZERO,
            waits: vec![("mutex", ms(250))],
            elsewhere: ms(750 - on_cpu),
            not_started: Duration::ZERO,
        };
        let threads = vec![thread(7, "idle", 0), thread(8, "busy\n", 500)];
        let times = ThreadTimes::new(ms(1_000), threads, vec!["a note".to_owned()]);
        assert_eq!(
            times.to_string(),
            "2 threads in 1.00s\n\
             note: a note\n\
             on CPU  in waits  elsewhere  window  tid  thread  waits\n \
              500ms     250ms      250ms   1.00s    8  busy\\n  mutex 250ms\n           \
                        250ms      750ms   1.00s    7  idle    mutex 250ms\n \
              500ms     500ms      1.00s   2.00s       all\n \
              25.0%     25.0%      50.0%  100.0%\n"
        );
    }
}
