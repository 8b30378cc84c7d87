//! `OnceCell` and `Lazy` of once_cell.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use contend::once_cell::sync::{Lazy, OnceCell};

use super::{TOLERANCE, assert_nothing_recorded, assert_only_wait, assert_waits, samples_at};
use crate::common::Sleeper;
use crate::ground_truth::*;

const WAITERS: usize = 3;

/// Runs `make` on a thread and, once its initialiser has passed `started`, `wait` on several. The
/// initialiser passes it again when these have slept for [`HELD`]. Returns what they waited
/// together.
fn waiting_for(
    started: &Barrier,
    make: impl FnOnce() + Send,
    wait: impl Fn() -> Between + Sync,
) -> Between {
    let sleepers = [const { Sleeper::new() }; WAITERS];
    thread::scope(|scope| {
        scope.spawn(make);
        started.wait();
        let waiters = sleepers.each_ref().map(|sleeper| {
            let wait = &wait;
            scope.spawn(move || {
                sleeper.about_to_wait();
                wait()
            })
        });
        sleepers.iter().for_each(Sleeper::await_sleep);
        nap(HELD);
        started.wait();
        waiters
            .map(|waiter| waiter.join().unwrap())
            .into_iter()
            .sum()
    })
}

/// Asserts that the mutex profile charges all the waiting to this place, to the nanosecond.
#[track_caller]
fn assert_charged(leaf: &str, site: &str) {
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    let samples = samples_at(&mutex, leaf, site);
    let charged: Duration = samples.iter().map(|sample| sample.delay()).sum();
    let all = charged + crate::ground_truth::delay_of_nobody(&mutex);
    assert_eq!(all, block.total_delay(), "{}", super::names(&mutex));
    assert_eq!(mutex.total_delay(), block.total_delay());
    assert_eq!(mutex.total_contentions(), block.total_contentions());
    assert_eq!(samples[0].label("kind"), Some("once"));
}

#[test]
fn who_finds_an_initialiser_running_waits() {
    #[inline(never)]
    fn runner_site(cell: &OnceCell<u32>, started: &Barrier) {
        let value = cell.get_or_init(|| {
            started.wait();
            started.wait();
            1
        });
        assert_eq!(*value, 1);
    }
    #[inline(never)]
    fn waiter_site(cell: &OnceCell<u32>) -> Between {
        timed!(assert_eq!(*cell.get_or_init(|| 2), 1)).0
    }
    let _recording = recording(1, 1);
    let (cell, started) = (OnceCell::new(), Barrier::new(2));
    let make = || runner_site(&cell, &started);
    let truth = waiting_for(&started, make, || waiter_site(&cell));
    let leaf = "contend::once_cell::sync::OnceCell<T>::get_or_init";
    assert_waits(WAITERS as u64, "once", leaf, "waiter_site", truth);
    assert_charged(leaf, "runner_site");
}

#[test]
fn lazy_values_too() {
    static STARTED: Barrier = Barrier::new(2);
    static LAZY: Lazy<u32> = Lazy::new(|| {
        STARTED.wait();
        STARTED.wait();
        7
    });
    #[inline(never)]
    fn runner_site() {
        assert_eq!(*LAZY, 7);
    }
    #[inline(never)]
    fn waiter_site() -> Between {
        timed!(assert_eq!(*Lazy::force(&LAZY), 7)).0
    }
    let _recording = recording(1, 1);
    let truth = waiting_for(&STARTED, runner_site, waiter_site);
    let leaf = |method| format!("contend::once_cell::sync::Lazy<T,F>::{method}");
    assert_waits(WAITERS as u64, "once", &leaf("force"), "waiter_site", truth);
    assert_charged(&leaf("deref"), "runner_site");
}

#[test]
fn waiting_for_whoever_sets() {
    #[inline(never)]
    fn wait_site(cell: &OnceCell<u32>) -> Between {
        timed!(assert_eq!(*cell.wait(), 5)).0
    }
    #[inline(never)]
    fn set_site(cell: &OnceCell<u32>) {
        cell.set(5).unwrap();
    }
    let _recording = recording(1, 1);
    let cell = OnceCell::new();
    let truth = while_asleep(|| wait_site(&cell), || set_site(&cell));
    let leaf = |method| format!("contend::once_cell::sync::OnceCell<T>::{method}");
    assert_only_wait("once", &leaf("wait"), "wait_site", truth);
    assert_charged(&leaf("set"), "set_site");
}

/// An initialiser that fails lets the next one run: that one has waited, and then does not.
#[test]
fn a_failed_initialiser_is_a_release() {
    #[inline(never)]
    fn failing_site(cell: &OnceCell<u32>, started: &Barrier) {
        let result = cell.get_or_try_init(|| {
            started.wait();
            started.wait();
            Err(())
        });
        assert_eq!(result, Err(()));
    }
    #[inline(never)]
    fn next_site(cell: &OnceCell<u32>) -> Between {
        let (time, value) = timed!(cell.get_or_try_init(|| Ok::<u32, ()>(3)));
        assert_eq!(value, Ok(&3));
        time
    }
    let _recording = recording(1, 1);
    let (cell, started) = (OnceCell::new(), Barrier::new(2));
    let make = || failing_site(&cell, &started);
    let truth = waiting_for(&started, make, || next_site(&cell));
    let leaf = "contend::once_cell::sync::OnceCell<T>::get_or_try_init";
    assert_waits(WAITERS as u64, "once", leaf, "next_site", truth);
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    let charged = samples_at(&mutex, leaf, "failing_site")[0].delay();
    let charged = charged + crate::ground_truth::delay_of_nobody(&mutex);
    assert_between("failing_site", charged, truth, TOLERANCE);
    assert_eq!(mutex.total_delay(), block.total_delay());
    assert_eq!(mutex.total_contentions(), block.total_contentions());
}

#[test]
fn what_does_not_wait_is_not_recorded() {
    let _recording = recording(1, 1);
    let lazy = Lazy::new(|| 3);
    for _ in 0..100 {
        let cell = OnceCell::new();
        assert_eq!(cell.get_or_init(|| 1), &1);
        assert_eq!(cell.get_or_init(|| 2), &1);
        assert_eq!(cell.set(3), Err(3));
        assert_eq!((cell.get(), cell.wait(), *lazy), (Some(&1), &1, 3));
    }
    assert_nothing_recorded();
}
