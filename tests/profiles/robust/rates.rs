//! Rates change all the time while threads contend. Whatever happens meanwhile, what comes after is
//! exact.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex as StdMutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Sleeper, assert_law, at, ms, profile_everything, secs};
use contend::sync::Mutex;

const THREADS: usize = 8;
const ROUNDS: usize = 20;

/// `tick` is called every few milliseconds, with its number.
fn contend_while_rates_change(time: Duration, mut tick: impl FnMut(usize)) {
    let _profiling = profile_everything();
    let locks = [const { Mutex::new(0u64) }; 2];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (locks, is_over) = (&locks, &is_over);
            scope.spawn(move || {
                let mut round = number;
                while !is_over.load(Ordering::Relaxed) {
                    round += 1;
                    let mut held = locks[round % 2].lock().unwrap();
                    *held += 1;
                    match round % 50 {
                        // Sleeps with the lock held, so that others do, too.
                        0 => thread::sleep(Duration::from_micros(100)),
                        hold => (0..hold * 20).for_each(|_| std::hint::spin_loop()),
                    }
                }
            });
        }
        let begin = Instant::now();
        for number in 0.. {
            contend::set_mutex_profile_fraction([0, 1, 100][number % 3]);
            contend::set_block_profile_rate([1000, 0, 1, 0][number % 4]);
            thread::sleep(Duration::from_micros(500) * (number % 7) as u32);
            tick(number);
            // Long after the last reset, so that something is recorded for sure.
            if begin.elapsed() >= time && number % 50 == 49 {
                break;
            }
        }
        contend::set_mutex_profile_fraction(1);
        contend::set_block_profile_rate(1);
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(contend::mutex_profile().total_contentions() > 0);
    assert!(contend::block_profile().total_contentions() > 0);
    assert_exact(&locks);
}

/// The same locks, with nothing changing any more. Each round has a known number of waits, none of
/// which ends by spinning: one thread holds the lock until all others sleep.
fn assert_exact(locks: &[Mutex<u64>; 2]) {
    contend::reset();
    let sleepers = [const { Sleeper::new() }; THREADS];
    let waited = StdMutex::new(Duration::ZERO);
    let is_locked = Barrier::new(THREADS);
    let is_done = Barrier::new(THREADS);
    thread::scope(|scope| {
        for sleeper in &sleepers[1..] {
            let (waited, is_locked, is_done) = (&waited, &is_locked, &is_done);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    is_locked.wait();
                    sleeper.about_to_wait();
                    let begin = Instant::now();
                    let mut held = locks[round % 2].lock().unwrap();
                    let nanos = begin.elapsed();
                    *held += 1;
                    // The others go on waiting, for this one.
                    thread::sleep(ms(1));
                    drop(held);
                    *waited.lock().unwrap() += nanos;
                    is_done.wait();
                }
            });
        }
        for round in 0..ROUNDS {
            let held = locks[round % 2].lock().unwrap();
            is_locked.wait();
            sleepers[1..].iter().for_each(Sleeper::await_sleep);
            drop(held);
            is_done.wait();
        }
    });
    assert_eq!(assert_law(), (ROUNDS * (THREADS - 1)) as u64);
    let mutex = contend::mutex_profile();
    // Σ blame = Σ waits, by the test's clock: it runs a little longer than each wait, and differs
    // from the profile's by its calibration.
    let share = mutex.total_delay().as_secs_f64() / waited.into_inner().unwrap().as_secs_f64();
    assert!((0.95..1.001).contains(&share), "{share}");
    assert_eq!(at(&mutex, "contend::unattributed").0, 0, "{mutex}");
    assert_eq!(mutex.lost().total(), 0);
}

#[test]
fn rates_change_while_threads_contend() {
    contend_while_rates_change(secs(5), |_| ());
}

#[test]
fn rates_change_with_profiles_and_resets() {
    contend_while_rates_change(secs(3), |number| match number % 50 {
        10 => contend::reset(),
        20 => drop(contend::mutex_profile()),
        30 => drop(contend::block_profile()),
        _ => {}
    });
}
