//! Helpers named by what they are for.
#![allow(dead_code)] // Not every set of features uses all of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Threads of a stress test: more than the cores of most machines that run it share a lock.
pub(crate) const THREADS: usize = 4;

/// Rounds per thread of a stress test.
pub(crate) const ROUNDS: usize = if cfg!(miri) { 20 } else { 2_000 };

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Time for a thread that is about to block to be parked. Nothing fails if it is not: then the
/// test has seen the easy case only.
pub(crate) fn let_park() {
    thread::sleep(ms(20));
}

/// Whether `run` panics. Its borrows are looked at afterwards, broken or not.
pub(crate) fn panics(run: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

/// Runs `run` on a thread of its own and returns its result.
pub(crate) fn on_other_thread<R: Send>(run: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(run).join().unwrap())
}

/// Returns the result of `run`, and asserts that it took at least `least`.
///
/// The bound is a little low: clocks of different sources differ by rounding.
pub(crate) fn takes_at_least<R>(least: Duration, run: impl FnOnce() -> R) -> R {
    let begin = Instant::now();
    let result = run();
    let taken = begin.elapsed();
    assert!(taken + ms(1) >= least, "{taken:?}, not {least:?}");
    result
}

/// Returns the result of `run`, and asserts that it did not wait for anything.
pub(crate) fn returns_at_once<R>(run: impl FnOnce() -> R) -> R {
    let begin = Instant::now();
    let result = run();
    let taken = begin.elapsed();
    // Far below the timeouts of the callers, far above what a busy machine takes.
    assert!(taken < Duration::from_secs(5), "{taken:?}");
    result
}

/// Does `step` until it says that what should happen has happened.
#[allow(dead_code)] // Two binaries share this file; not each needs it with every feature.
pub(crate) fn eventually(what: &str, mut step: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !step() {
        assert!(Instant::now() < deadline, "never happened: {what}");
    }
}

/// Calls `step` [`ROUNDS`] times on each of [`THREADS`] threads that start together.
pub(crate) fn contend<L: Sync + ?Sized>(lock: &L, step: impl Fn(&L) + Sync) {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..ROUNDS {
                    step(lock);
                }
            });
        }
    });
}

/// Adds one as two steps with time in between, so that an addition is lost without exclusion.
pub(crate) fn add_one_slowly(total: &mut usize) {
    let before = *total;
    for _ in 0..10 {
        std::hint::spin_loop();
    }
    *total = std::hint::black_box(before + 1);
}

/// Counts how often it is dropped.
pub(crate) struct CountsDrops<'a>(pub(crate) &'a std::cell::Cell<u32>);

impl Drop for CountsDrops<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}
