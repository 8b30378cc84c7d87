//! One unlock whose waiter has slept for milliseconds: what it takes when nothing of the profiler
//! is in a cache.
//!
//! ```text
//! cargo bench --bench cold
//! ```
//!
//! A thread holds a lock for 5 ms, another one waits for it, and the unlock is measured: with the
//! wake-up of the waiter, which is a call of the kernel. The holder sleeps, or reads 8 MB
//! meanwhile, which leaves nothing else in its processor's own caches. The settings take turns,
//! unlock by unlock. `record` measures the same work in a hot loop.

mod common;

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::options::Options;
use common::report::{Report, Row};
use contend::sync::Mutex;

const HOLD: Duration = Duration::from_millis(5);
/// The figures of each setting.
const ROUNDS: usize = 400;
/// More than the caches of one processor have.
const OTHER_WORK: usize = 8 << 20;

/// Mutex fraction and block rate; `None`: the standard library's own lock.
const SETTINGS: [(&str, Option<(u32, u64)>); 4] = [
    ("std's own", None),
    ("off", Some((0, 0))),
    ("100 + 1 ms", Some((100, 1_000_000))),
    ("1 + 1 ns", Some((1, 1))),
];

fn main() {
    let options = Options::from_args();
    let mut report = Report::begin("an unlock after 5 ms", &options);
    for (what, other_work) in [
        ("the holder sleeps", 0),
        ("the holder reads 8 MB", OTHER_WORK),
    ] {
        if !options.wants(what) {
            continue;
        }
        report.section(what);
        let micros = measured(options.rounds(ROUNDS), other_work);
        for ((name, _), micros) in SETTINGS.iter().zip(micros) {
            report.add(Row::of_value((*name).to_owned(), "µs", micros));
        }
    }
    report.end(&options);
}

/// The microseconds of each unlock, by setting.
fn measured(rounds: usize, other_work: usize) -> [Vec<f64>; SETTINGS.len()] {
    let mut micros = [const { Vec::new() }; SETTINGS.len()];
    let (ours, bare) = (Mutex::new(0_u64), std::sync::Mutex::new(0_u64));
    let work: Vec<u64> = (0..other_work as u64 / 8).collect();
    let (turns, turn) = mpsc::channel();
    let (held, waited) = (Barrier::new(2), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for is_bare in turn {
                held.wait();
                match is_bare {
                    true => *bare.lock().expect("nobody panics") += 1,
                    false => *ours.lock().expect("nobody panics") += 1,
                }
                waited.fetch_add(1, Ordering::Release);
            }
        });
        let mut turns_taken = 0;
        // The first round, in which stacks are not known yet, is left out.
        for round in 0..=rounds {
            for ((_, setting), micros) in SETTINGS.into_iter().zip(&mut micros) {
                let (fraction, rate) = setting.unwrap_or_default();
                contend::set_mutex_profile_fraction(fraction);
                contend::set_block_profile_rate(rate);
                let hold = || {
                    turns.send(setting.is_none()).expect("the waiter is there");
                    held.wait();
                    spend(&work);
                };
                let taken = match setting {
                    None => unlock_time(|| bare.lock().expect("nobody panics"), hold),
                    Some(_) => unlock_time(|| ours.lock().expect("nobody panics"), hold),
                };
                if round > 0 {
                    micros.push(taken.as_nanos() as f64 / 1e3);
                }
                turns_taken += 1;
                while waited.load(Ordering::Acquire) < turns_taken {
                    thread::yield_now();
                }
            }
        }
        drop(turns);
    });
    let recorded = contend::mutex_profile().total_contentions();
    assert!(recorded as usize >= rounds, "{recorded} of {rounds}");
    micros
}

#[inline(never)]
fn unlock_time<G>(lock: impl FnOnce() -> G, hold: impl FnOnce()) -> Duration {
    let guard = lock();
    hold();
    let start = Instant::now();
    drop(guard);
    start.elapsed()
}

/// Holds the lock for its time.
fn spend(work: &[u64]) {
    let start = Instant::now();
    if work.is_empty() {
        return thread::sleep(HOLD);
    }
    while start.elapsed() < HOLD {
        black_box(work.iter().sum::<u64>());
    }
}
