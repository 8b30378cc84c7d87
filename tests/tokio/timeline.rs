//! Tasks in a timeline: whose release let a task go on, and which task runs where.

use std::pin::pin;
use std::time::{Duration, Instant};

use contend::tokio::sync::{Mutex, RwLock, Semaphore};
use contend::tokio::task;
use contend::trace::{Recording, Timeline};
use contend::{Labels, with_labels};

use crate::by_hand::{assert_waits, done};
use crate::common::{profile_everything, turn};

/// The release is this thread's, whose labels say so.
fn release<G>(guard: G) {
    with_labels(Labels::new([("part", "releases")]), || drop(guard));
}

#[track_caller]
fn assert_waker(timeline: &Timeline, kind: &str) {
    let waits: Vec<_> = timeline
        .waits()
        .filter(|wait| wait.kind() == kind)
        .collect();
    let [wait] = waits[..] else {
        panic!("one wait of {kind}: {waits:?}")
    };
    assert!(wait.woken_by().is_some(), "{wait:?}");
    assert!(wait.wake_latency().unwrap() <= wait.duration());
    assert_eq!(wait.label("part"), Some("waits"));
    assert_eq!(wait.release_label("part"), Some("releases"));
}

/// Polls for the first time with labels, under which the wait is.
macro_rules! waits {
    ($future:expr) => {
        with_labels(Labels::new([("part", "waits")]), || assert_waits($future))
    };
}

/// Longer than the gate, within which a second release of a lock is not captured.
fn hold() {
    std::thread::sleep(Duration::from_micros(50));
}

#[test]
fn locks_of_tasks_tell_who_has_let_a_task_go_on() {
    let _profiling = profile_everything();
    let recording = Recording::start().unwrap();
    let (mutex, lock, semaphore) = (Mutex::new(()), RwLock::new(()), Semaphore::new(1));

    let guard = mutex.try_lock().unwrap();
    let mut waiter = pin!(mutex.lock());
    waits!(waiter.as_mut());
    hold();
    release(guard);
    drop(done(waiter));

    let guard = lock.try_write().unwrap();
    let mut reader = pin!(lock.read());
    waits!(reader.as_mut());
    hold();
    release(guard);
    let guard = done(reader);
    let mut writer = pin!(lock.write());
    waits!(writer.as_mut());
    hold();
    release(guard);
    drop(done(writer));

    let permit = semaphore.try_acquire().unwrap();
    let mut waiter = pin!(semaphore.acquire());
    waits!(waiter.as_mut());
    hold();
    release(permit);
    drop(done(waiter));

    let timeline = recording.finish();
    for kind in [
        "async_mutex",
        "async_rwlock_read",
        "async_rwlock_write",
        "async_semaphore",
    ] {
        assert_waker(&timeline, kind);
    }
}

async fn takes_its_time() {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_micros(100) {
        std::hint::spin_loop();
    }
}

#[test]
fn a_task_that_runs_for_long_is_a_region_of_its_thread() {
    let _turn = turn();
    let recording = Recording::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { task::spawn(takes_its_time()).await.unwrap() });
    let timeline = format!("{:?}", recording.finish());
    assert!(timeline.contains("takes_its_time\""), "{timeline}");
}
