//! Where the time of each thread goes.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use contend::ThreadState;

use super::{compute_until, has_function, spawn, thread_when, turn};

fn time_of(times: &contend::ThreadTimes, name: &str) -> contend::ThreadTime {
    let mut threads = times.threads().iter();
    threads.find(|time| time.name() == name).unwrap().clone()
}

fn waited(time: &contend::ThreadTime, kind: &str) -> Duration {
    let mut waits = time.waits();
    let wait = waits.find(|(other, _)| *other == kind);
    wait.map_or(Duration::ZERO, |(_, time)| time)
}

#[test]
fn the_time_of_each_thread_adds_up_to_the_window() {
    let _turn = turn();
    let lock = Arc::new(contend::sync::Mutex::new(()));
    let guard = lock.lock().unwrap();
    let theirs = Arc::clone(&lock);
    let waiter = spawn("acc-waits", move || drop(theirs.lock()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = spawn("acc-elsewhere", move || drop(listener.accept()));
    let is_done = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&is_done);
    let computing = spawn("acc-runs", move || compute_until(&theirs));
    thread_when("acc-waits", |thread| thread.wait().is_some());
    thread_when("acc-elsewhere", |thread| {
        *thread.state() == ThreadState::IoWait
    });
    thread_when("acc-runs", |thread| has_function(thread, "compute_until"));
    let (ends, end) = mpsc::channel::<()>();
    let ending = spawn("acc-ends", move || assert!(end.recv().is_err()));
    thread_when("acc-ends", |thread| thread.state().is_blocked());

    let outer = Instant::now();
    let accounting = contend::Accounting::start();
    let inner = Instant::now();
    drop(ends);
    ending.join().unwrap();
    // Locks that change hands: the time is known to both sides.
    let handed = take_turns("acc-turns", 5);
    // It starts within the window, and waits at its end.
    let theirs = Arc::clone(&lock);
    let late = spawn("acc-late", move || drop(theirs.lock()));
    thread_when("acc-late", |thread| thread.wait().is_some());
    let inner = inner.elapsed();
    let times = accounting.finish();
    let outer = outer.elapsed();
    drop(guard);
    is_done.store(true, Ordering::Relaxed);
    drop(TcpStream::connect(address));
    for thread in [waiter, accepting, computing, late] {
        thread.join().unwrap();
    }

    let ended = "1 threads have ended meanwhile and are not shown";
    assert_eq!(times.notes(), [ended]);
    for time in times.threads() {
        let waits: Duration = time.waits().map(|(_, time)| time).sum();
        let parts = time.on_cpu() + time.runnable() + waits + time.elsewhere();
        assert_eq!(parts + time.not_started(), time.window(), "{time:?}");
        assert!(
            inner <= time.window() + TICK && time.window() <= outer,
            "{time:?}"
        );
    }
    let waits = time_of(&times, "acc-waits");
    let rest = waits.on_cpu() + waits.runnable();
    assert!(waited(&waits, "mutex") + rest + TICK >= inner, "{waits:?}");
    let runs = time_of(&times, "acc-runs");
    assert!(runs.on_cpu() > Duration::ZERO, "{runs:?}");
    assert_eq!(runs.waits().count(), 0);
    let elsewhere = time_of(&times, "acc-elsewhere");
    assert!(elsewhere.elsewhere() + TICK >= inner, "{elsewhere:?}");
    let late = time_of(&times, "acc-late");
    assert!(late.not_started() + TICK >= handed, "{late:?}");
    assert!(waited(&late, "mutex") > Duration::ZERO, "{late:?}");
    let text = times.to_string();
    let mut lines = text.lines();
    let line = lines.find(|line| line.contains("acc-waits")).unwrap();
    assert!(line.contains("  mutex "), "{text}");
}

/// The kernel tells the start of a thread to 10 ms.
const TICK: Duration = Duration::from_millis(10);

/// Lets a thread wait for a lock again and again, and compares with what both sides know. Returns
/// how long it waited at least, in sum.
fn take_turns(name: &str, rounds: u32) -> Duration {
    let lock = Arc::new(contend::sync::Mutex::new(()));
    let (next, wanted) = mpsc::sync_channel::<()>(0);
    let theirs = Arc::clone(&lock);
    let (sender, took) = mpsc::channel();
    let waiter = spawn(name, move || {
        let mut sum = Duration::ZERO;
        while wanted.recv().is_ok() {
            let start = Instant::now();
            drop(theirs.lock());
            sum += start.elapsed();
        }
        sender.send(sum).unwrap();
    });
    let accounting = contend::Accounting::start();
    let mut least = Duration::ZERO;
    for _ in 0..rounds {
        let guard = lock.lock().unwrap();
        next.send(()).unwrap();
        thread_when(name, |thread| thread.wait().is_some());
        let seen = Instant::now();
        while seen.elapsed() < Duration::from_millis(2) {
            thread::yield_now();
        }
        least += seen.elapsed();
        drop(guard);
        // It has the lock when it waits for the next turn.
        thread_when(name, |thread| {
            thread.wait().is_none() && thread.state().is_blocked()
        });
    }
    let times = accounting.finish();
    drop(next);
    waiter.join().unwrap();
    let most = took.recv().unwrap();
    let time = time_of(&times, name);
    let counted = waited(&time, "mutex");
    let rest = time.on_cpu() + time.runnable();
    assert!(counted <= most, "{counted:?} of {most:?}");
    assert!(counted + rest >= least, "{counted:?} of {least:?}");
    least
}
