//! The gain from a shorter section: the profile's prediction, and what comes of it.
//!
//! ```sh
//! cargo run --release --example could_win
//! ```
//!
//! Four threads take turns at one lock. `slow_update` does a millisecond of work with the lock
//! held, `quick_update` a tenth of that. The profile says how long all threads together waited for
//! each. Then `slow_update` does the same work, but before it takes the lock.
//!
//! You should see more turns than before, and more than estimated: the queue that `slow_update`
//! makes waits for `quick_update` as well, so that about all of the waiting at this lock goes. (The
//! work is a sleep, as if it were done by a disk or another machine, so that it does not need
//! processors which the machine may not have.)

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contend::sync::Mutex;

const THREADS: u32 = 4;
const RUN: Duration = Duration::from_secs(2);

fn work(micros: u64) {
    thread::sleep(Duration::from_micros(micros));
}

#[inline(never)]
fn slow_update(total: &Mutex<u64>, is_work_outside: bool) {
    if is_work_outside {
        work(1_000);
        *total.lock().unwrap() += 1;
    } else {
        let mut total = total.lock().unwrap();
        work(1_000);
        *total += 1;
    }
}

#[inline(never)]
fn quick_update(total: &Mutex<u64>) {
    let mut total = total.lock().unwrap();
    work(100);
    *total += 1;
}

/// Turns per second of all threads, and the mutex profile of the run.
fn run(is_work_outside: bool) -> (f64, contend::Profile) {
    let (total, turns, is_over) = (Mutex::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let before = contend::mutex_profile();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    slow_update(&total, is_work_outside);
                    quick_update(&total);
                    work(1_000);
                    turns.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(RUN);
        is_over.store(true, Ordering::Relaxed);
    });
    let rate = turns.into_inner() as f64 / start.elapsed().as_secs_f64();
    (rate, contend::mutex_profile().since(&before))
}

fn main() {
    contend::set_mutex_profile_fraction(1);
    let (before, profile) = run(false);
    println!("{}", profile.top(4));
    let window = profile.duration().expect("it is of a window").as_secs_f64();
    let is_of_slow = |frame: &contend::Frame| frame.function().ends_with("::slow_update");
    // The holds alone: the first frame of what nobody could help is `contend::wakeup`.
    let holds = profile.samples().iter().filter(|sample| {
        let frames = sample.frames();
        frames[0].function() != "contend::wakeup" && frames.iter().any(is_of_slow)
    });
    let kept: f64 = holds.map(|sample| sample.delay().as_secs_f64()).sum();
    let all = profile.total_delay().as_secs_f64();
    // If so many threads more ran.
    let with_more =
        |waited: f64| before * f64::from(THREADS) / (f64::from(THREADS) - waited / window);
    let (after, _) = run(true);
    println!(
        "slow_update keeps {:.2} of {THREADS} threads waiting, and all holds together {:.2}.",
        kept / window,
        all / window,
    );
    println!("Turns per second: {before:.0}.");
    println!("Without its holds, as estimated: {:.0}.", with_more(kept));
    println!("Without any waiting for this lock: {:.0}.", with_more(all));
    println!("Measured, with its work outside of the lock: {after:.0}.");
}
