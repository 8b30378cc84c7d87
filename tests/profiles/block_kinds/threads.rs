//! Joins, parks, sleeps, and the user's own names.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use contend::thread::{self, JoinHandle, ScopedJoinHandle};

use super::events::{Event, HELD, parked_until, timed};
use crate::ground_truth::*;

#[inline(never)]
fn block_join(handle: JoinHandle<()>) -> Duration {
    timed!(handle.join())
}

#[inline(never)]
fn block_join_scoped(handle: ScopedJoinHandle<'_, ()>) -> Duration {
    timed!(assert!(handle.join().is_ok()))
}

#[inline(never)]
fn block_scope(end: mpsc::Receiver<()>) -> Duration {
    let mut left = Instant::now();
    thread::scope(|scope| {
        // Three threads that nobody joins are one event.
        scope.spawn(move || end.recv());
        scope.spawn(|| ());
        scope.spawn(|| ());
        left = Instant::now();
    });
    left.elapsed()
}

#[inline(never)]
fn block_park(own: mpsc::Sender<thread::Thread>) -> Duration {
    own.send(thread::current()).unwrap();
    timed!(thread::park())
}

#[inline(never)]
fn block_park_timeout(timeout: Duration) -> Duration {
    timed!(thread::park_timeout(timeout))
}

#[inline(never)]
fn block_sleep(duration: Duration) -> Duration {
    timed!(thread::sleep(duration))
}

#[allow(deprecated)]
#[inline(never)]
fn block_sleep_ms(ms: u32) -> Duration {
    timed!(thread::sleep_ms(ms))
}

#[inline(never)]
fn block_named(name: &'static str, operation: impl FnOnce()) -> Duration {
    timed!(contend::blocking(name, operation))
}

#[test]
fn join() {
    let event = Event {
        kind: "join",
        leaf: "contend::thread::JoinHandle::join",
        caller: "block_join",
    };
    let (end, ended) = mpsc::channel::<()>();
    let handle = thread::spawn(move || assert!(ended.recv().is_err()));
    event.expect(|| block_join(handle), || drop(end));
}

#[test]
fn join_of_a_thread_that_panics() {
    let event = Event {
        kind: "join",
        leaf: "contend::thread::JoinHandle::join",
        caller: "block_join",
    };
    let (end, ended) = mpsc::channel::<()>();
    let handle = thread::spawn(move || ended.recv().unwrap());
    event.expect(|| block_join(handle), || drop(end));
}

#[test]
fn join_in_a_scope() {
    let event = Event {
        kind: "join",
        leaf: "contend::thread::ScopedJoinHandle::join",
        caller: "block_join_scoped",
    };
    let (end, ended) = mpsc::channel::<()>();
    let _recording = recording(1, 1);
    parked_until(
        || {
            thread::scope(|scope| {
                let waited = block_join_scoped(scope.spawn(move || assert!(ended.recv().is_err())));
                // Before the scope's end, of which a preemption makes a wait.
                event.check(waited, 1);
            });
        },
        || drop(end),
    );
}

#[test]
fn end_of_a_scope() {
    let event = Event {
        kind: "join",
        leaf: "contend::thread::scope",
        caller: "block_scope",
    };
    let (end, ended) = mpsc::channel::<()>();
    event.expect(|| block_scope(ended), || drop(end));
}

#[test]
fn park() {
    let event = Event {
        kind: "park",
        leaf: "contend::thread::park",
        caller: "block_park",
    };
    let (own, parked) = mpsc::channel();
    event.expect(|| block_park(own), || parked.recv().unwrap().unpark());
}

#[test]
fn park_timeout_that_expires() {
    let event = Event {
        kind: "park",
        leaf: "contend::thread::park_timeout",
        caller: "block_park_timeout",
    };
    event.expect(|| block_park_timeout(HELD), || ());
}

#[test]
fn sleep() {
    let event = Event {
        kind: "sleep",
        leaf: "contend::thread::sleep",
        caller: "block_sleep",
    };
    event.expect(|| block_sleep(HELD), || ());
}

#[test]
fn sleep_in_milliseconds() {
    let event = Event {
        kind: "sleep",
        leaf: "contend::thread::sleep_ms",
        caller: "block_sleep_ms",
    };
    event.expect(|| block_sleep_ms(100), || ());
}

#[test]
fn a_kind_of_the_users() {
    let event = Event {
        kind: "file lock",
        leaf: "contend::blocking",
        caller: "block_named",
    };
    event.expect(|| block_named("file lock", || nap(HELD)), || ());
}

#[test]
fn a_kind_of_the_users_that_panics() {
    let event = Event {
        kind: "database",
        leaf: "contend::blocking",
        caller: "block_named",
    };
    let run = || {
        let fails = || {
            nap(HELD);
            panic!("on purpose");
        };
        timed!(catch_unwind(AssertUnwindSafe(|| block_named("database", fails))).is_err())
    };
    event.expect(run, || ());
}

/// The root frame is the user's: neither start-up code nor the wrapper's.
#[test]
fn the_root_of_a_spawned_thread_is_its_closure() {
    let _recording = recording(1, 1);
    thread::spawn(|| block_sleep(ms(20))).join().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| block_sleep(ms(20)));
    });
    let profile = contend::block_profile();
    let sleeps = samples_of(&profile, "block_sleep");
    assert_eq!(sleeps.len(), 2, "{profile}");
    for sample in sleeps {
        let root = sample.frames().last().unwrap().function();
        assert!(root.contains("the_root_of_a_spawned_thread"), "{sample:?}");
    }
}

/// The event of a scope is its waiting, not what its closure does.
#[test]
fn the_closure_of_a_scope_is_no_wait() {
    let _recording = recording(1, 1);
    thread::scope(|scope| {
        let handle = scope.spawn(|| nap(ms(20)));
        nap(ms(60));
        assert!(handle.is_finished());
    });
    let profile = contend::block_profile();
    assert!(profile.total_delay() < ms(5), "{profile}");
}

/// As the standard library's: the panic goes on after the threads have ended.
#[test]
fn a_scope_whose_closure_panics_waits_and_counts() {
    let _recording = recording(1, 1);
    let start = Instant::now();
    let result = catch_unwind(|| {
        thread::scope(|scope| {
            scope.spawn(|| nap(HELD));
            if start.elapsed() > Duration::ZERO {
                panic!("on purpose");
            }
        });
    });
    assert!(result.is_err());
    let profile = contend::block_profile();
    assert_eq!(profile.total_contentions(), 1);
    assert_eq!(profile.samples()[0].label("kind"), Some("join"));
    assert!(profile.total_delay() > HELD.mul_f64(0.8), "{profile}");
}
