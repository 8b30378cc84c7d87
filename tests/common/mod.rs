//! The common part of the tests: one test of a program at a time, everything profiled, and threads
//! that are known to be asleep.
#![allow(dead_code)] // Each test binary uses a part of it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use contend::Profile;

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Every event is profiled while this lives, and no other test of the binary runs.
pub(crate) struct Profiling {
    _watchdog: Watchdog,
    _turn: MutexGuard<'static, ()>,
}

/// While this lives no other test runs that takes a turn. Rates and profiles are the process's.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Profiles are empty at first. A test that takes a minute hangs; under valgrind
/// `CONTEND_TEST_LIMIT_SECS` grants it more.
pub(crate) fn profile_everything() -> Profiling {
    let turn = turn();
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    contend::set_wake_profile_rate(1);
    contend::reset();
    let limit = std::env::var("CONTEND_TEST_LIMIT_SECS").map_or(60, |secs| secs.parse().unwrap());
    Profiling {
        _watchdog: Watchdog::new(secs(limit)),
        _turn: turn,
    }
}

impl Drop for Profiling {
    fn drop(&mut self) {
        contend::set_mutex_profile_fraction(0);
        contend::set_block_profile_rate(0);
        contend::set_wake_profile_rate(0);
    }
}

/// Aborts the process unless it is dropped in time: a deadlock is a failure, not a hang.
pub(crate) struct Watchdog(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Watchdog {
    pub(crate) fn new(limit: Duration) -> Self {
        let test = thread::current().name().unwrap_or("main").to_owned();
        let (alive, wait) = mpsc::channel();
        let dog = thread::spawn(move || {
            if wait.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Not `eprintln!`, which the harness would keep to itself.
                let _ = writeln!(io::stderr(), "{test} hangs: not done after {limit:?}");
                std::process::abort();
            }
        });
        Self(Some((alive, dog)))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some((alive, dog)) = self.0.take() {
            drop(alive);
            let _ = dog.join();
        }
    }
}

/// Tells when a thread that is about to wait sleeps in its wait: long after it was recorded as
/// waiting, and too late for it to get the lock by spinning.
#[derive(Default)]
pub(crate) struct Sleeper(AtomicU64);

impl Sleeper {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Called by the thread right before the call that is to block.
    pub(crate) fn about_to_wait(&self) {
        self.0.store(this_thread(), Ordering::Release);
    }

    /// Returns when it sleeps. After that it can be used again.
    ///
    /// # Panics
    ///
    /// If it ends instead.
    pub(crate) fn await_sleep(&self) {
        let mut thread = self.0.swap(0, Ordering::Acquire);
        while thread == 0 {
            thread::sleep(Duration::from_micros(20));
            thread = self.0.swap(0, Ordering::Acquire);
        }
        // Twice, some time apart: the first could be a short nap on the way, in C's allocator.
        let mut seen = 0;
        while seen < 2 {
            seen = match is_asleep(thread) {
                Some(true) => seen + 1,
                Some(false) => 0,
                None => panic!("the thread did not have to wait"),
            };
            thread::sleep(Duration::from_micros(50));
        }
    }
}

#[cfg(target_os = "linux")]
fn this_thread() -> u64 {
    // SAFETY: has no preconditions.
    unsafe { libc::gettid() as u64 }
}

/// `None`: there is no such thread.
#[cfg(target_os = "linux")]
fn is_asleep(thread: u64) -> Option<bool> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    // The state stands behind the name, which is in parentheses.
    Some(stat.rsplit(") ").next()?.starts_with('S'))
}

#[cfg(not(target_os = "linux"))]
fn this_thread() -> u64 {
    1
}

/// Not told by the system: 25 ms must do.
#[cfg(not(target_os = "linux"))]
fn is_asleep(_: u64) -> Option<bool> {
    thread::sleep(ms(25));
    Some(true)
}

/// Runs `wait`, which blocks, on a thread of its own, and `release` here when it sleeps.
pub(crate) fn release_when_asleep<R: Send>(
    wait: impl FnOnce() -> R + Send,
    release: impl FnOnce(),
) -> R {
    let sleeper = Sleeper::new();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            sleeper.about_to_wait();
            wait()
        });
        sleeper.await_sleep();
        release();
        waiter.join().unwrap()
    })
}

/// Contentions and delay of the samples that have `function` on their stack.
pub(crate) fn at(profile: &Profile, function: &str) -> (u64, Duration) {
    let has_function = |sample: &&contend::Sample| {
        let mut frames = sample.frames().iter();
        frames.any(|frame| frame.function().contains(function))
    };
    let samples = profile.samples().iter().filter(has_function);
    samples.fold((0, Duration::ZERO), |(contentions, delay), sample| {
        (contentions + sample.contentions(), delay + sample.delay())
    })
}

/// The law of conservation, to the nanosecond: where all waits were for locks, and longer than a
/// spin, both profiles have the same totals. Returns their contentions.
#[track_caller]
pub(crate) fn assert_law() -> u64 {
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(mutex.total_delay(), block.total_delay(), "{mutex}\n{block}");
    let contentions = mutex.total_contentions();
    assert_eq!(contentions, block.total_contentions(), "{mutex}\n{block}");
    contentions
}

/// Runs the body of the test `name`, which is its path in the program, in a process of its own,
/// which it may crash. It takes a turn, so that the process disturbs no test that measures.
pub(crate) fn in_child(name: &str, body: impl FnOnce()) {
    in_child_by(name, std::process::Command::new, body);
}

/// As [`in_child`], with the process started by a command that `start` makes of the program's path.
pub(crate) fn in_child_by(
    name: &str,
    start: impl FnOnce(std::path::PathBuf) -> std::process::Command,
    body: impl FnOnce(),
) {
    const IN_CHILD: &str = "CONTEND_TEST_IN_CHILD";
    if std::env::var_os(IN_CHILD).is_some() {
        return body();
    }
    let _turn = turn();
    let output = start(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(IN_CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", output.status);
    assert!(text.contains("1 passed"), "no test of this name: {text}");
}
