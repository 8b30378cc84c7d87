//! Which site is to blame, in programs where nobody planned who meets whom.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::ground_truth::*;
use crate::locks::{Lock, for_each_lock};

for_each_lock!(
    contend::sync::Mutex<()>,
    contend::parking_lot::Mutex<()>:
    three_to_one_at_fraction_1,
    three_to_one_at_fraction_10,
    rare_and_long_at_fraction_1,
    rare_and_long_at_fraction_10,
);

/// In percentage points. At fraction 10 some hundred waits are sampled, whose shares have a
/// standard error of two to three points.
const POINTS_AT_FRACTION_1: f64 = 5.0;
const POINTS_AT_FRACTION_10: f64 = 8.0;

#[inline(never)]
fn long_site<L: Lock>(lock: &L, hold: Duration) -> Turn {
    turn(lock, "long_site", || work(hold))
}

#[inline(never)]
fn short_site<L: Lock>(lock: &L, hold: Duration) -> Turn {
    turn(lock, "short_site", || work(hold))
}

/// Runs `program` in some threads until the time is up, and compares shares.
fn check<L: Lock>(
    fraction: u32,
    tolerance_points: f64,
    program: impl Fn(&L, usize) -> Turn + Sync,
) {
    let _recording = recording(fraction, 0);
    let lock = L::default();
    let stop = AtomicBool::new(false);
    let turns = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (lock, stop, program) = (&lock, &stop, &program);
                scope.spawn(move || {
                    let mut turns = Vec::new();
                    // Threads start at different points of the program.
                    for step in thread * 37.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        turns.push(program(lock, step));
                        // A thread that asks again at once mostly gets the lock: few waits, and
                        // long ones. This makes them many, which sampling needs.
                        nap(Duration::from_micros(100 + (step * 7919 % 400) as u64));
                    }
                    turns
                })
            })
            .collect();
        nap(ms(1500) * if fraction == 1 { 1 } else { 3 });
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let log = Log::new(turns);
    let profile = contend::mutex_profile();
    let truth_long = log.blame("long_site");
    let truth = 100.0 * share(truth_long, truth_long + log.blame("short_site"));
    let long = delay_of(&profile, "long_site");
    let measured = 100.0 * share(long, long + delay_of(&profile, "short_site"));
    println!("share of the long site: {measured:.1} %, in truth {truth:.1} %");
    println!(
        "all: {:?}, in truth {:?}",
        profile.total_delay(),
        log.waited()
    );
    assert!(
        (measured - truth).abs() <= tolerance_points,
        "the long site has {measured:.1} % of the blame, in truth {truth:.1} %"
    );
    assert!(unattributed_share(&profile) < 0.02);
    if fraction == 1 {
        assert_close("all", profile.total_delay(), log.waited(), 0.05);
    }
}

fn three_to_one<L: Lock>(lock: &L, step: usize) -> Turn {
    if step.is_multiple_of(2) {
        long_site(lock, Duration::from_micros(300))
    } else {
        short_site(lock, Duration::from_micros(100))
    }
}

fn three_to_one_at_fraction_1<L: Lock>() {
    check(1, POINTS_AT_FRACTION_1, three_to_one::<L>);
}

fn three_to_one_at_fraction_10<L: Lock>() {
    check(10, POINTS_AT_FRACTION_10, three_to_one::<L>);
}

/// One section of 2 ms among two hundred of 10 µs: the case that counting releases gets wrong.
fn rare_and_long<L: Lock>(lock: &L, step: usize) -> Turn {
    if step.is_multiple_of(200) {
        long_site(lock, Duration::from_millis(2))
    } else {
        short_site(lock, Duration::from_micros(10))
    }
}

fn rare_and_long_at_fraction_1<L: Lock>() {
    check(1, POINTS_AT_FRACTION_1, rare_and_long::<L>);
}

fn rare_and_long_at_fraction_10<L: Lock>() {
    check(10, POINTS_AT_FRACTION_10, rare_and_long::<L>);
}
