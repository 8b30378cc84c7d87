//! The waker of each wait, next to what the program itself knows.

use std::hint::spin_loop;
use std::ops::DerefMut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Timeline;
use crate::trace::{self, Recording};

const THREADS: usize = 4;
const WAITS: usize = 10_000;

/// The wakers of waits, as they were told.
#[derive(Debug, Default)]
struct Found {
    right: usize,
    wrong: usize,
    unknown: usize,
}

/// Threads that take a lock, in which the last holder's number stands, until so many first tries
/// have failed. A thread whose try has failed logs who held the lock before it.
fn contend<G: DerefMut<Target = usize>>(
    name: &str,
    try_lock: impl Fn() -> Option<G> + Sync,
    lock: impl Fn() -> G + Sync,
) -> Found {
    let recording = Recording::start().unwrap();
    let name = |number: usize| format!("{name}-{number}");
    let failed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (try_lock, lock, failed) = (&try_lock, &lock, &failed);
            let work = move || {
                let mut round = 0;
                while failed.load(Ordering::Relaxed) < WAITS {
                    round += 1;
                    let guard = try_lock();
                    let has_failed = guard.is_none();
                    let mut holder = guard.unwrap_or_else(lock);
                    if has_failed {
                        failed.fetch_add(1, Ordering::Relaxed);
                        trace::log("before", holder.to_string());
                    }
                    *holder = number;
                    // Others come meanwhile, or soon after.
                    if round % 4 == 0 {
                        thread::yield_now();
                    }
                    (0..round % 8).for_each(|_| spin_loop());
                }
            };
            let thread = thread::Builder::new().name(name(number));
            thread.spawn_scoped(scope, work).unwrap();
        }
    });
    let timeline = recording.finish();
    assert_eq!(timeline.missing_events(), 0);
    let number_of =
        |thread: usize| (0..THREADS).find(|number| timeline.threads[thread].name == name(*number));
    compare(&timeline, number_of)
}

/// A thread logs right after it has waited, with the lock held.
fn compare(timeline: &Timeline, number_of: impl Fn(usize) -> Option<usize>) -> Found {
    let mut found = Found::default();
    for thread in 0..timeline.threads.len() {
        if number_of(thread).is_none() {
            continue;
        }
        let mut logs = timeline.logs.iter().filter(|log| log.thread == thread);
        for wait in timeline.waits.iter().filter(|wait| wait.thread == thread) {
            let log = logs.find(|log| log.at >= wait.end).unwrap();
            let holder: usize = log.text.parse().unwrap();
            match wait.waker.as_ref().map(|waker| number_of(waker.thread)) {
                None => found.unknown += 1,
                Some(waker) if waker == Some(holder) => found.right += 1,
                Some(_) => found.wrong += 1,
            }
        }
    }
    found
}

fn check(found: &Found) {
    let all = found.right + found.wrong + found.unknown;
    assert!(all >= WAITS / 2, "{found:?}");
    // A release that comes between the failed try and the moment in which the wait is known is not
    // seen: nobody is guessed then.
    assert!(found.wrong * 1_000 <= all, "{found:?}");
    assert!(found.unknown * 10 <= all, "{found:?}");
}

#[test]
fn wakers_are_those_who_released_a_mutex() {
    let mutex = crate::sync::Mutex::new(THREADS);
    check(&contend(
        "std",
        || mutex.try_lock().ok(),
        || mutex.lock().unwrap(),
    ));
}

#[test]
fn wakers_are_those_who_released_a_mutex_of_parking_lot() {
    let mutex = crate::parking_lot::Mutex::new(THREADS);
    check(&contend("lot", || mutex.try_lock(), || mutex.lock()));
}
