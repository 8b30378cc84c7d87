//! Everything at once, for as long as it is told: rates toggled, a full store, forks, resets,
//! scrapers with new names, windows abandoned, libraries loaded and unloaded, threads that come and
//! go, signals, panics, dumps of threads, timelines, CPU profiles.
//!
//! The ledger is looked at all the time, and closed each second, when all stand still: waits begun
//! are recorded, forgotten, owed or in progress, to the last one. Resident memory stays within 10
//! %. Nothing panics that is not meant to, no child hangs, and none of the workers does.
//!
//! ```text
//! CONTEND_SOAK_SECS=1800 cargo test --all-features --test soak -- --ignored --nocapture
//! ```
#![cfg(all(
    target_os = "linux",
    target_env = "gnu",
    feature = "profiling",
    feature = "server",
    feature = "parking_lot",
    feature = "crossbeam-channel",
    feature = "tokio"
))]

mod asks;
mod books;
mod harms;
mod waits;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{RwLock, RwLockReadGuard};
use std::thread;
use std::time::{Duration, Instant};

use contend::bench_support::ledger;

/// Workers go through a gate at each round, and stand still while it is closed.
pub(crate) struct Soak {
    gate: RwLock<()>,
    is_over: AtomicBool,
    rounds: AtomicU64,
}

impl Soak {
    /// `None` at the end.
    pub(crate) fn enter(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let inside = self.gate.read().unwrap();
        self.rounds.fetch_add(1, Ordering::Relaxed);
        (!self.is_over()).then_some(inside)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Until the end, in a thread of its own: a round, and a rest, so that all of it together is
    /// the work of two processors.
    fn work(&self, rest: Duration, mut round: impl FnMut()) {
        while let Some(inside) = self.enter() {
            round();
            drop(inside);
            thread::sleep(rest);
        }
    }
}

/// So long may a round take, on a machine that does other things as well. Beyond it something
/// hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

fn run(length: Duration) {
    books::have_few_arenas();
    contend::set_memory_limit(1 << 20).unwrap();
    harms::count_panics();
    harms::handle_signals();
    let soak = &Soak {
        gate: RwLock::new(()),
        is_over: AtomicBool::new(false),
        rounds: AtomicU64::new(0),
    };
    let asks = asks::Asks::new();
    thread::scope(|scope| {
        let ms = Duration::from_millis;
        let spawn = |name: &str, rest: Duration, mut round: Box<dyn FnMut() + Send>| {
            let thread = thread::Builder::new().name(name.to_owned());
            thread
                .spawn_scoped(scope, move || soak.work(rest, &mut round))
                .unwrap();
        };
        for number in 0..3 {
            let mut waits = waits::Waits::new(number);
            spawn("waits", ms(1), Box::new(move || waits.round()));
        }
        spawn("stacks", ms(10), Box::new(waits::many_stacks()));
        spawn("churn", ms(20), Box::new(waits::threads_that_come_and_go));
        spawn("leaks", ms(20), Box::new(waits::leaked_guards()));
        spawn("tasks", ms(5), Box::new(waits::tasks()));
        spawn("long", ms(100), Box::new(waits::long_waits(scope)));
        spawn("rates", ms(30), Box::new(harms::toggle_rates()));
        spawn("resets", ms(2000), Box::new(contend::reset));
        spawn("loader", ms(50), Box::new(harms::load_and_unload));
        spawn("signals", ms(2), Box::new(harms::send_signals()));
        spawn("panics", ms(100), Box::new(harms::panic_with_a_lock));
        spawn("forks", ms(700), Box::new(harms::fork_once));
        spawn("scrapes", ms(20), Box::new(asks.scrape()));
        spawn("pages", ms(200), Box::new(asks.pages()));
        spawn("profiles", ms(100), Box::new(asks::profiles));
        spawn("dumps", ms(400), Box::new(asks::dumps));
        spawn("timelines", ms(300), Box::new(asks::timelines));
        // These take their time, and record nothing for the mutex profile: outside of the gate.
        scope.spawn(|| asks.abandon_windows(soak));
        scope.spawn(|| asks.cpu_profiles(soak));
        scope.spawn(|| {
            while !soak.is_over() {
                let book = ledger();
                assert_eq!(book.missing(), 0.0, "{book:?}");
                assert!(book.in_the_recorder() >= 0.0, "{book:?}");
                thread::sleep(Duration::from_millis(10));
            }
        });
        let result = std::panic::catch_unwind(|| control(soak, length));
        soak.is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
    assert_eq!(harms::unexpected_panics(), 0);
}

/// Closes the gate each second, and the books.
fn control(soak: &Soak, length: Duration) {
    let _watchdog = contend::watchdog(length + HANGS_AFTER);
    let begin = Instant::now();
    let mut books = books::Books::new(length);
    while begin.elapsed() < length {
        thread::sleep(Duration::from_secs(1).min(length / 3));
        let _watchdog = contend::watchdog(HANGS_AFTER);
        let _all_stand_still = soak.gate.write().unwrap();
        assert_eq!(harms::unexpected_panics(), 0);
        books.close(begin.elapsed(), soak.rounds.load(Ordering::Relaxed));
    }
    books.conclude();
}

/// Half an hour, or `CONTEND_SOAK_SECS`.
#[test]
#[ignore = "half an hour of everything at once: the ledger holds, memory stays flat, nothing hangs; see the head of the file"]
fn half_an_hour() {
    let secs = std::env::var("CONTEND_SOAK_SECS").map_or(1800, |secs| secs.parse().unwrap());
    run(Duration::from_secs(secs));
}
