//! The store of stacks is full: names are lost, numbers are not.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Sleeper, assert_law, at, profile_everything};
use contend::sync::Mutex;

/// Two to this power is how many paths lead to the lock.
const TURNS: u32 = 10;

#[inline(never)]
fn left(path: u32, turns: u32, work: &mut dyn FnMut()) {
    turn(path, turns, work);
    black_box(());
}

#[inline(never)]
fn right(path: u32, turns: u32, work: &mut dyn FnMut()) {
    turn(path, turns, work);
    black_box(());
}

/// Goes left or right, as each bit of `path` says: so many turns, as many stacks.
#[inline(always)]
fn turn(path: u32, turns: u32, work: &mut dyn FnMut()) {
    match turns.checked_sub(1) {
        None => work(),
        Some(turns) if path >> turns & 1 == 0 => left(path, turns, work),
        Some(turns) => right(path, turns, work),
    }
}

/// The size of the store is set before its first use, so the test has a process of its own.
#[test]
fn totals_are_right_when_the_store_is_full() {
    let name = "robust::store::totals_are_right_when_the_store_is_full";
    crate::common::in_child(name, fill_the_store);
}

fn fill_the_store() {
    assert_eq!(contend::set_memory_limit(0), Ok(()));
    let _profiling = profile_everything();
    assert!(contend::set_memory_limit(1 << 20).is_err(), "in use");

    // This thread releases at a stack of its own while the other one waits at one.
    let lock = Mutex::new(());
    let sleeper = Sleeper::new();
    let (next, paths) = mpsc::channel();
    let (done, is_done) = mpsc::channel();
    let mut waited_at_least = Duration::ZERO;
    let waited_at_most = thread::scope(|scope| {
        // Dropped by a panic, too, so that the waiter ends.
        let next = next;
        let (lock, sleeper) = (&lock, &sleeper);
        let waiter = scope.spawn(move || {
            let mut waited = Duration::ZERO;
            for path in paths {
                left(path, TURNS, &mut || {
                    sleeper.about_to_wait();
                    let begin = Instant::now();
                    let held = lock.lock().unwrap();
                    waited += begin.elapsed();
                    drop(held);
                });
                done.send(()).unwrap();
            }
            waited
        });
        for path in 0..1 << TURNS {
            let held = lock.lock().unwrap();
            next.send(path).unwrap();
            sleeper.await_sleep();
            let begin = Instant::now();
            let mut held = Some(held);
            right(path, TURNS, &mut || {
                waited_at_least += begin.elapsed();
                held = None;
            });
            is_done.recv().unwrap();
        }
        drop(next);
        waiter.join().unwrap()
    });

    assert_eq!(assert_law(), 1 << TURNS);
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    let total = block.total_delay();
    // The test's clock is the system's, the profile's is calibrated against it, within 0.1 %.
    assert!(waited_at_least < total, "{waited_at_least:?} {total:?}");
    let limit = waited_at_most + waited_at_most / 1000;
    assert!(total < limit, "{waited_at_most:?} {total:?}");

    for profile in [&mutex, &block] {
        assert!(profile.lost().stack_table_full > 0);
        assert_eq!(profile.lost().total(), profile.lost().stack_table_full);
        let (overflowed, delay) = at(profile, "contend::overflow");
        assert!(overflowed > 0 && !delay.is_zero(), "{profile}");
        // The stacks that came first have their places, and keep them.
        assert!(profile.samples().len() > 2 && overflowed < 1 << TURNS);
    }
    // After a reset there is room again.
    contend::reset();
    let held = lock.lock().unwrap();
    crate::common::release_when_asleep(|| drop(lock.lock().unwrap()), || drop(held));
    assert_eq!(assert_law(), 1);
    assert_eq!(contend::mutex_profile().lost().total(), 0);
    assert_eq!(at(&contend::mutex_profile(), "contend::overflow").0, 0);
}
