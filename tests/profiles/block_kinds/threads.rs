//! Joins, parks, sleeps, and the user's own names.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use contend::thread::{self, JoinHandle, ScopedJoinHandle};

use super::events::Event;
use crate::ground_truth::*;

#[inline(never)]
fn block_join(handle: JoinHandle<()>) -> Between {
    timed!(handle.join()).0
}

#[inline(never)]
fn block_join_scoped(handle: ScopedJoinHandle<'_, ()>) -> Between {
    timed!(assert!(handle.join().is_ok())).0
}

#[inline(never)]
fn block_scope(end: mpsc::Receiver<()>) -> Between {
    let mut end_of_closure = Watch::start();
    thread::scope(|scope| {
        // Three threads that nobody joins are one event.
        scope.spawn(move || end.recv());
        scope.spawn(|| ());
        scope.spawn(|| ());
        end_of_closure = Watch::start();
    });
    end_of_closure.took()
}

#[inline(never)]
fn block_park(own: mpsc::Sender<thread::Thread>) -> Between {
    own.send(thread::current()).unwrap();
    timed!(thread::park()).0
}

#[inline(never)]
fn block_park_timeout(timeout: Duration) -> Between {
    timed!(thread::park_timeout(timeout)).0
}

#[inline(never)]
fn block_sleep(duration: Duration) -> Between {
    timed!(thread::sleep(duration)).0
}

#[allow(deprecated)]
#[inline(never)]
fn block_sleep_ms(ms: u32) -> Between {
    timed!(thread::sleep_ms(ms)).0
}

#[inline(never)]
fn block_named(name: &'static str, operation: impl FnOnce()) -> Between {
    timed!(contend::blocking(name, operation)).0
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
    while_asleep(
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
    event.expect_alone(|| block_park_timeout(HELD));
}

#[test]
fn sleep() {
    let event = Event {
        kind: "sleep",
        leaf: "contend::thread::sleep",
        caller: "block_sleep",
    };
    event.expect_alone(|| block_sleep(HELD));
}

#[test]
fn sleep_in_milliseconds() {
    let event = Event {
        kind: "sleep",
        leaf: "contend::thread::sleep_ms",
        caller: "block_sleep_ms",
    };
    event.expect_alone(|| block_sleep_ms(60));
}

#[test]
fn a_kind_of_the_users() {
    let event = Event {
        kind: "file lock",
        leaf: "contend::blocking",
        caller: "block_named",
    };
    event.expect_alone(|| block_named("file lock", || nap(HELD)));
}

#[test]
fn a_kind_of_the_users_that_panics() {
    let event = Event {
        kind: "database",
        leaf: "contend::blocking",
        caller: "block_named",
    };
    event.expect_alone(|| {
        let until_panic = Cell::new(Between::default());
        let watch = Watch::start();
        let fails = || {
            nap(HELD);
            until_panic.set(watch.took());
            panic!("on purpose");
        };
        let run = AssertUnwindSafe(|| block_named("database", fails));
        assert!(catch_unwind(run).is_err());
        // It unwinds out of the wait somewhere in between.
        Between {
            least: until_panic.get().least,
            most: watch.took().most,
        }
    });
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
    let mut end_of_closure = Watch::start();
    thread::scope(|scope| {
        let handle = scope.spawn(|| nap(ms(20)));
        while !handle.is_finished() {
            nap(ms(1));
        }
        end_of_closure = Watch::start();
    });
    let left = end_of_closure.took();
    let profile = contend::block_profile();
    assert!(profile.total_delay() <= left.most, "{left:?}: {profile}");
}

/// As the standard library's: the panic goes on after the threads have ended.
#[test]
fn a_scope_whose_closure_panics_waits_and_counts() {
    let _recording = recording(1, 1);
    let (end, ended) = mpsc::channel::<()>();
    let panics = || {
        thread::scope(|scope| {
            scope.spawn(move || assert!(ended.recv().is_err()));
            panic!("on purpose");
        })
    };
    let result = while_asleep(|| catch_unwind(AssertUnwindSafe(panics)), || drop(end));
    assert!(result.is_err());
    let profile = contend::block_profile();
    assert_eq!(profile.total_contentions(), 1);
    assert_eq!(profile.samples()[0].label("kind"), Some("join"));
    assert!(profile.total_delay() > HELD.mul_f64(0.95), "{profile}");
}
