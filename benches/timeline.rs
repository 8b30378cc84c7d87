//! The cost of recording a timeline: of one event, and of a contended lock with a flight recorder.
//!
//! ```text
//! cargo bench --bench timeline
//! cargo bench --bench timeline -- --rounds 51
//! ```
//!
//! **Events.** A log and a region, in one thread and in two at a time: what each of them spends. An
//! event that is a wait needs no clock of its own, but a stack, which `record` measures.
//!
//! **Labels.** What a thread has when it has none, a scope of a set that was made before, and one
//! whose set is looked up by its texts.
//!
//! **Uncontended.** A lock that nobody waits for, with a recorder and without.
//!
//! **Contended.** Threads do nothing but take one lock, for a critical section of about so long.
//! Off and on take turns, and each pair is measured side by side, so that whatever else the machine
//! does falls on both. The ratio is the median of the pairs.

use std::hint::{black_box, spin_loop};
use std::ops::DerefMut;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use contend::Labels;
use contend::trace::{self, FlightRecorder, Recording};
use contend::{parking_lot, sync::Mutex};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let rounds: usize = if is_test {
        1
    } else {
        after("--rounds").unwrap_or(21)
    };
    let scale = if is_test { 100 } else { 1 };
    // A part of it, by its name: `events`, `labels`, `uncontended`, `contended`, `covered`.
    let parts = ["events", "labels", "uncontended", "contended", "covered"];
    let wanted = |part: &str| {
        let mut named = arguments
            .iter()
            .filter(|argument| parts.contains(&argument.as_str()));
        let is_any_named = named.clone().next().is_some();
        !is_any_named || named.any(|named| named == part)
    };
    if wanted("events") {
        events(rounds, 100_000 / scale);
    }
    if wanted("labels") {
        labels(rounds, 1_000_000 / scale);
    }
    if wanted("uncontended") {
        uncontended(rounds, 1_000_000 / scale);
    }
    if wanted("contended") {
        contended(rounds, 100_000 / scale);
    }
    if wanted("covered") {
        covered(Duration::from_millis(2_000 / u64::from(scale)));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Calls `work` in so many threads at once, and returns the time of all.
fn at_once(threads: usize, work: impl Fn() + Sync) -> Duration {
    let start = Barrier::new(threads + 1);
    let mut begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                work();
            });
        }
        start.wait();
        begin = Instant::now();
    });
    begin.elapsed()
}

fn events(rounds: usize, count: u32) {
    println!("events: ns each");
    for threads in [1, 2] {
        let time = |work: &(dyn Fn() + Sync)| {
            let rounds = (0..rounds).map(|_| {
                let time = at_once(threads, || (0..count).for_each(|_| work()));
                time.as_nanos() as f64 / f64::from(count)
            });
            median(rounds.collect())
        };
        let log = || trace::log("bench", black_box("one event"));
        let region = || drop(trace::region(black_box("one event")));
        let off = time(&log);
        let recording = Recording::start().expect("nobody else records");
        let (log, region) = (time(&log), time(&region));
        drop(recording);
        println!(
            "  threads: {threads}  log {log:6.1}   region {region:6.1} (two events)   log, off {off:5.2}"
        );
    }
}

/// The median of the rounds, in nanoseconds for each call.
fn each(rounds: usize, count: u32, mut work: impl FnMut()) -> f64 {
    let rounds = (0..rounds).map(|_| {
        let begin = Instant::now();
        (0..count).for_each(|_| work());
        begin.elapsed().as_nanos() as f64 / f64::from(count)
    });
    median(rounds.collect())
}

fn labels(rounds: usize, count: u32) {
    let set = Labels::new([("endpoint", "/cart")]);
    let other = Labels::new([("tenant", "blue")]);
    let name = String::from("/cart");
    let none = each(rounds, count, || {
        black_box(Labels::current());
    });
    let scope = each(rounds, count, || {
        let _scope = black_box(set).enter();
    });
    let looked_up = each(rounds, count, || {
        let _scope = contend::labels! {"endpoint" => black_box(&name)};
    });
    let _outer = set.enter();
    let inner = each(rounds, count, || {
        let _scope = black_box(other).enter();
    });
    println!(
        "labels: ns each\n  none {none:5.2}   scope of a set {scope:5.2}   within another {inner:5.2}   \
         looked up by its texts {looked_up:5.1}"
    );
}

fn uncontended(rounds: usize, count: u32) {
    let mutex = Mutex::new(0_u64);
    let run = || {
        each(1, count, || {
            *mutex.lock().expect("nobody panics") += 1;
        })
    };
    let (mut off, mut on) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        off.push(run());
        let _recorder = FlightRecorder::builder().start().expect("there is room");
        on.push(run());
    }
    println!(
        "uncontended lock + unlock: ns\n  off {:.2}   with a flight recorder {:.2}",
        median(off),
        median(on)
    );
}

/// How much time 16 MiB have, at how many waits: of two threads that take one lock in turn, and of
/// those that sleep for a moment.
fn covered(time: Duration) {
    println!("16 MiB cover");
    let mutex = Mutex::new(0_u64);
    let in_turn = || {
        let mut guard = mutex.lock().expect("nobody panics");
        *guard += 1;
        (0..40).for_each(|_| spin_loop());
    };
    let sleeping = || contend::thread::sleep(Duration::from_micros(100));
    let ways: [&(dyn Fn() + Sync); 2] = [&in_turn, &sleeping];
    for work in ways {
        let recorder = FlightRecorder::builder()
            .max_bytes(16 << 20)
            .min_age(2 * time)
            .start()
            .expect("there is room");
        let end = Instant::now() + time;
        at_once(2, || {
            while Instant::now() < end {
                work();
            }
        });
        let timeline = recorder.timeline();
        let waits = timeline.waits().len();
        let first = timeline.waits().next().map(|wait| wait.begin());
        let span = timeline.duration() - first.unwrap_or_default();
        println!(
            "  {:9.0} waits/s: {waits} waits in {span:.2?} of {time:?}; {} events were too old",
            waits as f64 / span.as_secs_f64(),
            timeline.missing_events()
        );
    }
}

fn contended(rounds: usize, count: u32) {
    println!("contended: time with a flight recorder, of that without");
    let (std, parking_lot) = (Mutex::new(0_u64), parking_lot::Mutex::new(0_u64));
    contended_lock("std", rounds, count, || std.lock().expect("nobody panics"));
    contended_lock("parking_lot", rounds, count, || parking_lot.lock());
}

fn contended_lock<G: DerefMut<Target = u64>>(
    name: &str,
    rounds: usize,
    count: u32,
    lock: impl Fn() -> G + Sync,
) {
    for (threads, nanos) in [(2, 20), (8, 20), (2, 600), (8, 600), (2, 3000), (8, 3000)] {
        // Some tens of milliseconds: a start of threads is not to be seen in it.
        let count = 8 * count / (1 + nanos / 100) / threads as u32;
        let run = || {
            at_once(threads, || {
                for _ in 0..count {
                    let mut guard = lock();
                    *guard += 1;
                    let end = Instant::now() + Duration::from_nanos(nanos.into());
                    while nanos > 20 && Instant::now() < end {
                        spin_loop();
                    }
                }
            })
            .as_secs_f64()
        };
        run();
        let mut ratios = Vec::new();
        for round in 0..rounds {
            let recorder = || {
                FlightRecorder::builder()
                    .start()
                    .expect("nobody else records")
            };
            let on = || {
                let _recorder = recorder();
                run()
            };
            let (off, on) = match round % 2 {
                0 => (run(), on()),
                _ => {
                    let on = on();
                    (run(), on)
                }
            };
            ratios.push(on / off);
        }
        ratios.sort_by(f64::total_cmp);
        let at = |part: usize| ratios[(ratios.len() - 1) * part / 100];
        println!(
            "  {name:12} {threads} threads, {nanos:4} ns: {:.3} ({:.2}..{:.2})",
            at(50),
            at(10),
            at(90)
        );
    }
}
