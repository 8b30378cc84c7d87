//! The cost of the recorder itself: of one event, and of the decision not to record one.
//!
//! ```text
//! cargo bench --bench record
//! cargo bench --bench record -- --json record.json
//! ```
//!
//! An event is recorded at a stack that was recorded before, of exactly 16 or 40 frames (as the
//! profile counts them: from the function that waits out to the thread's first), by one thread
//! and by two at a time. The time is what each of them spends per event; with two it tells whether
//! they get in each other's way. The bars hold for captures with framehop.

mod common;

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use common::options::Options;
use common::profiling::Profiling;
use common::report::{Report, Row};
use contend::bench_support;

const ROUNDS: usize = 51;

fn main() {
    let options = Options::from_args();
    let mut report = Report::begin("cost of recording", &options);
    record(&options, &mut report);
    draw(&options, &mut report);
    report.end(&options);
}

fn record(options: &Options, report: &mut Report) {
    const EVENTS: u64 = 20_000;
    let own_depth = own_depth();
    report.section("one recorded event");
    for depth in [16, 40] {
        for threads in [1, 2] {
            let case = format!("{depth} frames, threads: {threads}");
            if !options.wants(&case) {
                continue;
            }
            let events = options.scaled(EVENTS);
            let rounds = options.rounds(ROUNDS);
            Profiling::ALL.begin();
            let nanos = record_rounds(threads, depth - own_depth, rounds, events);
            check_recorded(depth, threads as u64 * (rounds as u64 + 1) * events);
            let mut row = Row::of_value(case, "ns", nanos);
            if depth == 16 {
                row = row.with_bar(250.0);
            }
            report.add(row);
        }
    }
    Profiling::OFF.begin();
}

/// Nanoseconds per event in each round of each thread, with `extra` frames more than need be. The
/// first round, in which the stack is not known yet, is left out.
fn record_rounds(threads: usize, extra: usize, rounds: usize, events: u64) -> Vec<f64> {
    on_threads(threads, || {
        let mut nanos = Vec::new();
        for _ in 0..=rounds {
            nanos.push(at_depth(extra, &|| record_events(events)));
        }
        nanos.split_off(1)
    })
}

/// How many frames an event has with no extra ones.
fn own_depth() -> usize {
    Profiling::ALL.begin();
    record_rounds(1, 0, 0, 1);
    depths()[0].0
}

/// The measured loop. Returns nanoseconds per event.
#[inline(never)]
fn record_events(events: u64) -> f64 {
    let start = Instant::now();
    for _ in 0..events {
        bench_support::record_wait(100);
    }
    start.elapsed().as_nanos() as f64 / events as f64
}

/// Calls `body` with `extra` frames more on the stack.
#[inline(never)]
fn at_depth(extra: usize, body: &dyn Fn() -> f64) -> f64 {
    let result = match extra {
        0 => body(),
        _ => at_depth(extra - 1, body),
    };
    // Something to do after the call, or it would be a jump.
    black_box(result)
}

/// How many frames the stacks of the profile have, with the contentions of each. From the text
/// form, "delay contentions @ address address …", since samples have inlined calls as frames, too.
fn depths() -> Vec<(usize, u64)> {
    let mut text = Vec::new();
    contend::block_profile()
        .write_text(&mut text)
        .expect("writing to memory does not fail");
    let text = String::from_utf8(text).expect("text is UTF-8");
    text.lines()
        .filter_map(|line| line.split_once(" @ "))
        .map(|(numbers, addresses)| {
            let contentions = numbers.split(' ').nth(1).and_then(|n| n.parse().ok());
            let depth = addresses.split_whitespace().count();
            (depth, contentions.expect("the second number is the count"))
        })
        .collect()
}

fn check_recorded(depth: usize, events: u64) {
    assert_eq!(depths(), [(depth, events)], "{}", contend::block_profile());
}

fn draw(options: &Options, report: &mut Report) {
    const DRAWS: u64 = 1_000_000;
    /// A draw of the mutex or block profile that says no with a probability of 99 %.
    type Draw = (&'static str, fn(u64) -> u64);
    let draws: [Draw; 2] = [
        ("contention, 1 in 100", |draws| {
            (0..draws)
                .map(|_| u64::from(bench_support::draw_contention(black_box(100))))
                .sum()
        }),
        ("wait, 10 us of 1 ms", |draws| {
            (0..draws)
                .map(|_| {
                    u64::from(bench_support::draw_wait(
                        black_box(1_000_000),
                        black_box(10_000),
                    ))
                })
                .sum()
        }),
    ];
    report.section("the decision about an event that is not recorded");
    for (name, measured_loop) in draws {
        for threads in [1, 2] {
            let case = format!("{name}, threads: {threads}");
            if !options.wants(&case) {
                continue;
            }
            let draws = options.scaled(DRAWS);
            let rounds = options.rounds(ROUNDS);
            let nanos = on_threads(threads, || {
                (0..=rounds)
                    .map(|_| {
                        let start = Instant::now();
                        let sampled = measured_loop(black_box(draws));
                        let elapsed = start.elapsed();
                        // 8 standard deviations of a binomial with p = 1/100.
                        let (mean, bound) =
                            (draws as f64 * 0.01, 8.0 * (draws as f64 * 0.0099).sqrt());
                        assert!(
                            (sampled as f64 - mean).abs() < bound,
                            "{sampled} of {draws}"
                        );
                        elapsed.as_nanos() as f64 / draws as f64
                    })
                    .skip(1)
                    .collect()
            });
            report.add(Row::of_value(case, "ns", nanos).with_bar(5.0));
        }
    }
}

/// The results of `measure` on so many threads, which start together.
fn on_threads(threads: usize, measure: impl Fn() -> Vec<f64> + Sync) -> Vec<f64> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    measure()
                })
            })
            .collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().expect("no measuring thread panics"))
            .collect()
    })
}
