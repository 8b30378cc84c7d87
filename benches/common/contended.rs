//! Many threads that want one lock, and one that does not.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Padded;
use super::contest::Cost;
use super::locks::Exclusive;
use super::work::Work;

/// Threads run this long before anything is counted: all have started, and met the lock.
const WARM_UP: Duration = Duration::from_millis(4);

/// The work of each thread that wants the lock, and how long it goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) threads: usize,
    /// Done with the lock held.
    pub(crate) section: Work,
    /// Done between release and the next try.
    pub(crate) between: Work,
    /// The bystander does this over and over; `None`: there is no bystander.
    pub(crate) bystander: Option<Work>,
    pub(crate) window: Duration,
}

/// Operations so far, of one thread. Relaxed: a statistic, read while it runs; the exact sum
/// is compared with the lock's count after the threads have been joined.
#[derive(Default)]
struct Tally(Padded<AtomicU64>);

impl Tally {
    fn get(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Written by its own thread only.
    fn set(&self, operations: u64) {
        self.0.0.store(operations, Ordering::Relaxed);
    }
}

/// The measured loop.
#[inline(never)]
fn lock_until_stopped<L: Exclusive>(lock: &L, scene: Scene, stop: &AtomicBool, tally: &Tally) {
    let Scene {
        section, between, ..
    } = scene;
    let mut operations = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut counter = lock.acquire();
        *counter = section.run(*counter + 1);
        drop(counter);
        operations = between.run(operations + 1);
        tally.set(operations);
    }
}

#[inline(never)]
fn work_until_stopped(work: Work, stop: &AtomicBool, tally: &Tally) {
    let mut operations = 0;
    while !stop.load(Ordering::Relaxed) {
        operations = work.run(operations + 1);
        tally.set(operations);
    }
}

/// The lock of a contestant, for all its segments.
pub(crate) fn lock<L: Exclusive>() -> Box<Padded<L>> {
    Box::new(Padded(L::new(0)))
}

/// Lets the scene's threads run, and counts what they do within the window. The threads are new
/// each time, so that no contestant keeps the luck of where its threads happen to run.
pub(crate) fn run<L: Exclusive>(lock: &L, scene: Scene) -> Cost {
    let counted_before = *lock.acquire();
    let tallies: Vec<Tally> = (0..scene.threads).map(|_| Tally::default()).collect();
    let bystander_tally = Tally::default();
    let stop = Padded(AtomicBool::new(false));
    let stop = &stop.0;
    let start = Barrier::new(scene.threads + usize::from(scene.bystander.is_some()) + 1);
    let start = &start;

    let window = thread::scope(|scope| {
        for tally in &tallies {
            scope.spawn(move || {
                start.wait();
                lock_until_stopped(lock, scene, stop, tally);
            });
        }
        if let Some(work) = scene.bystander {
            let tally = &bystander_tally;
            scope.spawn(move || {
                start.wait();
                work_until_stopped(work, stop, tally);
            });
        }
        start.wait();
        let window = Window::watch(scene.window, &tallies, &bystander_tally);
        stop.store(true, Ordering::Relaxed);
        window
    });

    let operations = sum(&tallies);
    let counted = *lock.acquire() - counted_before;
    assert_eq!(counted, operations, "the lock lost operations");
    Cost {
        nanos: window.nanos_per(window.operations),
        bystander_nanos: scene
            .bystander
            .map(|_| window.nanos_per(window.bystander_operations)),
        operations,
    }
}

fn sum(tallies: &[Tally]) -> u64 {
    tallies.iter().map(Tally::get).sum()
}

/// The events between two moments in the middle of a run.
struct Window {
    elapsed: Duration,
    operations: u64,
    bystander_operations: u64,
}

impl Window {
    fn watch(length: Duration, tallies: &[Tally], bystander: &Tally) -> Self {
        thread::sleep(WARM_UP);
        let (start, operations, bystander_operations) =
            (Instant::now(), sum(tallies), bystander.get());
        thread::sleep(length);
        Self {
            elapsed: start.elapsed(),
            operations: sum(tallies) - operations,
            bystander_operations: bystander.get() - bystander_operations,
        }
    }

    fn nanos_per(&self, operations: u64) -> f64 {
        // At least one: a window of a quick run may be over before anything happened.
        self.elapsed.as_nanos() as f64 / operations.max(1) as f64
    }
}
