//! The block profile has the thread that waits for an initialiser, the mutex profile the one that
//! runs it, and both have the same time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use contend::sync::{LazyLock, OnceLock};

use super::events::{Event, leaf, without_parameters};
use crate::common::Sleeper;
use crate::ground_truth::*;

#[inline(never)]
fn initialise(cell: &OnceLock<u8>, run: impl FnOnce()) {
    let value = cell.get_or_init(|| {
        run();
        7
    });
    // Not the last call: this function is to be on the stack during it.
    std::hint::black_box(value);
}

#[inline(never)]
fn find_it_running(cell: &OnceLock<u8>) -> Between {
    timed!(assert_eq!(cell.get_or_init(|| unreachable!()), &7)).0
}

#[inline(never)]
fn set_while_running(cell: &OnceLock<u8>) -> Between {
    timed!(assert_eq!(cell.set(1), Err(1))).0
}

#[inline(never)]
fn wait_for_it(cell: &OnceLock<u8>) -> Between {
    timed!(assert_eq!(cell.wait(), &7)).0
}

#[inline(never)]
fn force_it<F: FnOnce() -> u8>(lazy: &LazyLock<u8, F>) -> Between {
    timed!(catch_unwind(AssertUnwindSafe(|| LazyLock::force(lazy))).is_ok()).0
}

#[inline(never)]
fn deref_it<F: FnOnce() -> u8>(lazy: &LazyLock<u8, F>) -> Between {
    timed!(**lazy).0
}

/// Runs `initialise` on a thread of its own, which is to call the function that it is given, and,
/// while that is under way, `wait` on another: how long it waited.
fn while_running(
    initialise: impl FnOnce(&dyn Fn()) + Send,
    wait: impl FnOnce() -> Between + Send,
) -> Between {
    let runs = Barrier::new(2);
    let sleeper = Sleeper::new();
    thread::scope(|scope| {
        let (runs, sleeper) = (&runs, &sleeper);
        scope.spawn(move || {
            initialise(&|| {
                runs.wait();
                sleeper.await_sleep();
                nap(HELD);
            });
        });
        let waiter = scope.spawn(move || {
            runs.wait();
            sleeper.about_to_wait();
            wait()
        });
        waiter.join().unwrap()
    })
}

/// One wait of this time, and the initialiser's end is charged with it.
#[track_caller]
fn check(leaf_of_waiter: &'static str, waiter: &'static str, initialiser: &str, waited: Between) {
    let event = Event {
        kind: "once",
        leaf: leaf_of_waiter,
        caller: waiter,
    };
    event.check(waited, 1);
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(mutex.total_delay(), block.total_delay());
    assert_eq!(mutex.total_contentions(), 1);
    let releases = samples_of(&mutex, initialiser);
    assert_eq!(releases.len(), 1, "{mutex}");
    assert_eq!(releases[0].label("kind"), Some("once"));
    let leaf = without_parameters(leaf(releases[0]));
    assert!(leaf.starts_with("contend::sync::"), "{leaf}");
    let all = releases[0].delay() + delay_of_nobody(&mutex);
    assert_eq!(all, mutex.total_delay());
}

#[test]
fn get_or_init_of_a_once_lock() {
    let _recording = recording(1, 1);
    let cell = OnceLock::new();
    let waited = while_running(|run| initialise(&cell, run), || find_it_running(&cell));
    check(
        "contend::sync::OnceLock::get_or_init",
        "find_it_running",
        "initialise",
        waited,
    );
}

#[test]
fn set_of_a_once_lock() {
    let _recording = recording(1, 1);
    let cell = OnceLock::new();
    let waited = while_running(|run| initialise(&cell, run), || set_while_running(&cell));
    check(
        "contend::sync::OnceLock::set",
        "set_while_running",
        "initialise",
        waited,
    );
}

#[test]
fn wait_of_a_once_lock() {
    let _recording = recording(1, 1);
    let cell = OnceLock::new();
    let waited = while_running(|run| initialise(&cell, run), || wait_for_it(&cell));
    check(
        "contend::sync::OnceLock::wait",
        "wait_for_it",
        "initialise",
        waited,
    );
}

/// An initialiser runs this.
type Run = Box<dyn FnOnce() + Send>;

/// A lazy value whose initialiser does what a test wants, and panics if that does.
fn lazy() -> (mpsc::Sender<Run>, LazyLock<u8, impl FnOnce() -> u8>) {
    let (run, to_run) = mpsc::channel::<Run>();
    let lazy = LazyLock::new(move || {
        to_run.recv().unwrap()();
        7
    });
    (run, lazy)
}

#[inline(never)]
fn initialise_lazy<F: FnOnce() -> u8>(lazy: &LazyLock<u8, F>) {
    let _ = catch_unwind(AssertUnwindSafe(|| LazyLock::force(lazy)));
}

/// Runs the lazy value's initialiser, which lasts until `wait` has been parked, then `end`.
fn while_lazy_runs<F: FnOnce() -> u8 + Send>(
    run: &mpsc::Sender<Run>,
    lazy: &LazyLock<u8, F>,
    end: fn(),
    wait: impl FnOnce() -> Between + Send,
) -> Between {
    let (runs, running) = mpsc::channel();
    let waiter = Arc::new(Sleeper::new());
    let sleeper = Arc::clone(&waiter);
    run.send(Box::new(move || {
        runs.send(()).unwrap();
        sleeper.await_sleep();
        nap(HELD);
        end();
    }))
    .unwrap();
    thread::scope(|scope| {
        scope.spawn(|| initialise_lazy(lazy));
        let thread = scope.spawn(move || {
            running.recv().unwrap();
            waiter.about_to_wait();
            wait()
        });
        thread.join().unwrap()
    })
}

#[test]
fn force_of_a_lazy_lock() {
    let _recording = recording(1, 1);
    let (run, lazy) = lazy();
    let waited = while_lazy_runs(&run, &lazy, || (), || force_it(&lazy));
    // The closure under `catch_unwind` is the caller.
    let event = "force_it::{{closure}}";
    check(
        "contend::sync::LazyLock::force",
        event,
        "initialise_lazy",
        waited,
    );
}

#[test]
fn deref_of_a_lazy_lock() {
    let _recording = recording(1, 1);
    let (run, lazy) = lazy();
    let waited = while_lazy_runs(&run, &lazy, || (), || deref_it(&lazy));
    check(
        "contend::sync::LazyLock::deref",
        "deref_it",
        "initialise_lazy",
        waited,
    );
}

/// The waiter panics too, and what it waited counts.
#[test]
fn a_lazy_lock_whose_initialiser_panics() {
    let _recording = recording(1, 1);
    let (run, lazy) = lazy();
    let waited = while_lazy_runs(&run, &lazy, || panic!("on purpose"), || force_it(&lazy));
    let event = "force_it::{{closure}}";
    check(
        "contend::sync::LazyLock::force",
        event,
        "initialise_lazy",
        waited,
    );
}

#[inline(never)]
fn panics_in(cell: &OnceLock<u8>, run: impl FnOnce()) {
    let panics = || {
        cell.get_or_init(|| {
            run();
            panic!("on purpose")
        });
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
}

#[inline(never)]
fn runs_after_waiting(cell: &OnceLock<u8>) -> Between {
    timed!(assert_eq!(cell.get_or_init(|| 3), &3)).0
}

/// A thread that waited for a run that panicked, and then runs its own, has waited.
#[test]
fn a_once_lock_whose_initialiser_panics() {
    let _recording = recording(1, 1);
    let cell = OnceLock::new();
    let waited = while_running(|run| panics_in(&cell, run), || runs_after_waiting(&cell));
    check(
        "contend::sync::OnceLock::get_or_init",
        "runs_after_waiting",
        "panics_in::{{closure}}",
        waited,
    );
}

#[test]
fn many_waiters_are_conserved() {
    const WAITERS: usize = 8;
    let _recording = recording(1, 1);
    let cell = OnceLock::new();
    let start = Barrier::new(WAITERS + 1);
    thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                start.wait();
                find_it_running(&cell);
            });
        }
        initialise(&cell, || {
            start.wait();
            nap(ms(50));
        });
    });
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(block.total_contentions(), WAITERS as u64);
    assert_eq!(mutex.total_contentions(), WAITERS as u64);
    assert_eq!(mutex.total_delay(), block.total_delay());
    assert_eq!(contentions_of(&mutex, "initialise"), WAITERS as u64);
}
