//! A profiled lock inside the global allocator: whatever records an event must not allocate, or it
//! would wait for itself.
#![cfg(feature = "profiling")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Sleeper, at, ms, profile_everything};
use contend::Profile;
use contend::sync::{Condvar, Mutex, RwLock};

/// Every call of the allocator holds it.
static LOCK: Mutex<()> = Mutex::new(());

/// Allocations made while their thread was in a lock's methods.
static FROM_WITHIN_LOCKS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IN_LOCK: Cell<bool> = const { Cell::new(false) };
}

/// Watches over calls of a lock's methods: they must not allocate.
fn in_lock<R>(call: impl FnOnce() -> R) -> R {
    let before = IN_LOCK.replace(true);
    let result = call();
    IN_LOCK.set(before);
    result
}

/// Memory of this size takes long to get: others have to wait.
const SLOW_BYTES: usize = 4242;

struct Locked;

#[global_allocator]
static ALLOCATOR: Locked = Locked;

fn locked<R>(layout: Layout, call: impl FnOnce() -> R) -> R {
    if IN_LOCK.get() {
        // To lock again here could be a deadlock. The count fails the test better than that.
        FROM_WITHIN_LOCKS.fetch_add(1, Ordering::Relaxed);
        return call();
    }
    let held = in_lock(|| LOCK.lock().unwrap_or_else(PoisonError::into_inner));
    if layout.size() == SLOW_BYTES {
        let begin = Instant::now();
        while begin.elapsed().as_micros() < 50 {
            thread::yield_now();
        }
    }
    let result = call();
    in_lock(|| drop(held));
    result
}

// SAFETY: every call goes to `System` with the same arguments. Neither the lock nor the cell
// unwinds or allocates: that they do not is what is tested.
unsafe impl GlobalAlloc for Locked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's duties are the same as `System`'s.
        locked(layout, || unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `alloc` above, so from `System`, with this layout.
        locked(layout, || unsafe { System.dealloc(memory, layout) });
    }
}

#[inline(never)]
fn allocates_slowly() {
    drop(black_box(Vec::<u8>::with_capacity(SLOW_BYTES)));
}

/// Four threads allocate again and again until `during` has returned.
fn while_threads_allocate(during: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for _ in 0..4 {
                        allocates_slowly();
                    }
                    // Lets at the allocator who takes profiles, and needs it thousands of times.
                    thread::sleep(ms(4));
                }
            });
        }
        during();
        is_over.store(true, Ordering::Relaxed);
    });
}

/// Threads allocate, while another one takes profiles through the same allocator, and sometimes
/// resets them.
#[test]
fn the_global_allocator_has_a_profiled_lock() {
    let _profiling = profile_everything();
    let before = FROM_WITHIN_LOCKS.load(Ordering::Relaxed);
    // Looks up the names in peace: 100,000 allocations, each of which would have to wait.
    while_threads_allocate(|| thread::sleep(ms(50)));
    drop((contend::mutex_profile(), contend::block_profile()));
    while_threads_allocate(|| {
        for profile in 0..6 {
            if profile % 3 == 0 {
                contend::reset();
            }
            let block = contend::block_profile();
            drop((contend::mutex_profile(), block));
        }
    });
    // Not while threads wait: a reset may catch the one half of an event and not the other.
    contend::reset();
    let waited = |profile: &Profile| at(profile, "allocates_slowly").0;
    let give_up = Instant::now() + Duration::from_secs(60);
    while_threads_allocate(|| {
        let is_enough =
            || waited(&contend::mutex_profile()).min(waited(&contend::block_profile())) > 10;
        while !is_enough() && Instant::now() < give_up {
            thread::sleep(ms(50));
        }
    });
    assert_eq!(FROM_WITHIN_LOCKS.load(Ordering::Relaxed), before);
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(
        block.lost().total(),
        0,
        "no event came while one was recorded"
    );
    for profile in [&mutex, &block] {
        assert!(waited(profile) > 10, "{profile}");
    }
    // Waits that ended by spinning are in the block profile alone.
    assert!(mutex.total_delay() <= block.total_delay());
}

#[test]
fn to_record_does_not_allocate() {
    let _profiling = profile_everything();
    wait_in_all_ways();
}

/// Nor does a timeline, or a thread's labels.
#[test]
fn to_record_events_and_labels_does_not_allocate() {
    let _profiling = profile_everything();
    let recording = contend::trace::Recording::start().unwrap();
    wait_in_all_ways();
    let before = FROM_WITHIN_LOCKS.load(Ordering::Relaxed);
    thread::spawn(|| {
        in_lock(|| {
            let _labels = contend::labels! {"allocator" => "new here"};
            let _region = contend::trace::region("in the allocator");
            contend::trace::log("allocator", "says so");
        });
    })
    .join()
    .unwrap();
    assert_eq!(FROM_WITHIN_LOCKS.load(Ordering::Relaxed), before);
    let timeline = recording.finish();
    let labels = timeline.waits().filter_map(|wait| wait.label("waits"));
    assert!(labels.count() >= 3, "{timeline}");
}

/// All kinds of waits, in a thread that has never waited before.
fn wait_in_all_ways() {
    let before = FROM_WITHIN_LOCKS.load(Ordering::Relaxed);
    let mutex = Mutex::new(false);
    let rwlock = RwLock::new(());
    let condvar = Condvar::new();
    let sleepers = [const { Sleeper::new() }; 4];
    let held = (mutex.lock().unwrap(), rwlock.write().unwrap());
    thread::scope(|scope| {
        scope.spawn(|| {
            in_lock(|| {
                let _labels = contend::labels! {"waits" => "in all ways"};
                sleepers[0].about_to_wait();
                drop(mutex.lock().unwrap());
                sleepers[1].about_to_wait();
                drop(rwlock.read().unwrap());
            });
        });
        sleepers[0].await_sleep();
        let (held_mutex, held_rwlock) = held;
        in_lock(|| drop(held_mutex));
        sleepers[1].await_sleep();
        in_lock(|| drop(held_rwlock));

        let waiter = scope.spawn(|| {
            in_lock(|| {
                let _labels = contend::labels! {"waits" => "in all ways"};
                let mut told = mutex.lock().unwrap();
                sleepers[2].about_to_wait();
                while !*told {
                    told = condvar.wait(told).unwrap();
                }
            });
        });
        sleepers[2].await_sleep();
        in_lock(|| *mutex.lock().unwrap() = true);
        condvar.notify_one();
        waiter.join().unwrap();
    });
    assert_eq!(FROM_WITHIN_LOCKS.load(Ordering::Relaxed), before);
    let block = contend::block_profile();
    for kind in ["mutex", "rwlock_read", "condvar"] {
        let mut kinds = block
            .samples()
            .iter()
            .map(|sample| sample.label("kind").unwrap());
        assert!(kinds.any(|found| found == kind), "no {kind} was recorded");
    }
}

#[test]
fn the_count_counts() {
    let _profiling = profile_everything();
    let before = FROM_WITHIN_LOCKS.load(Ordering::Relaxed);
    in_lock(|| drop(black_box(Box::new(1))));
    assert_eq!(FROM_WITHIN_LOCKS.load(Ordering::Relaxed) - before, 2);
}
