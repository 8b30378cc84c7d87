//! The store is full, for what is not a mutex: every kind keeps its own totals.
#![cfg(all(
    feature = "crossbeam-channel",
    feature = "crossbeam-utils",
    feature = "once_cell"
))]

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Sleeper, profile_everything, release_when_asleep};
use contend::crossbeam_utils::sync::{Parker, ShardedLock};
use contend::{Profile, crossbeam_channel, once_cell, sync};

/// So many stacks lead to each kind of wait: more than the smallest store holds in all.
const STACKS: u32 = 48;

/// Calls `work` at the end of `depth` calls: each depth is a stack of its own.
#[inline(never)]
fn at_depth(depth: u32, work: &mut dyn FnMut()) {
    match depth.checked_sub(1) {
        None => work(),
        Some(depth) => at_depth(depth, work),
    }
    black_box(());
}

/// Lets `wait` block at each of the stacks until `release`. Returns how long it took, at most.
fn wait_everywhere(wait: impl Fn(u32) + Sync, release: impl Fn(u32)) -> Duration {
    let mut waited = Duration::ZERO;
    for depth in 0..STACKS {
        waited += release_when_asleep(
            || {
                let mut waited = Duration::ZERO;
                at_depth(depth, &mut || {
                    let begin = Instant::now();
                    wait(depth);
                    waited = begin.elapsed();
                });
                waited
            },
            || release(depth),
        );
    }
    waited
}

/// Contentions and delay of a kind, and how many of them overflowed.
fn of_kind(profile: &Profile, kind: &str) -> (u64, Duration, u64) {
    let samples = profile.samples().iter();
    samples
        .filter(|sample| sample.label("kind") == Some(kind))
        .fold((0, Duration::ZERO, 0), |(count, delay, lost), sample| {
            let overflowed = match sample.frames()[0].function() {
                "contend::overflow" => sample.contentions(),
                _ => 0,
            };
            let count = count + sample.contentions();
            (count, delay + sample.delay(), lost + overflowed)
        })
}

#[track_caller]
fn assert_total(profile: &Profile, kind: &str, waits: u32, waited: Duration) {
    let (count, delay, overflowed) = of_kind(profile, kind);
    assert_eq!(count, u64::from(waits), "{kind}");
    // The test's clock is read around the wait, and is calibrated within 0.1 % of the profile's.
    assert!(
        delay <= waited + waited / 1000,
        "{kind}: {delay:?} {waited:?}"
    );
    assert!(delay >= waited / 2, "{kind}: {delay:?} {waited:?}");
    assert!(
        overflowed > 0,
        "{kind}: the store has room for all\n{profile}"
    );
}

/// The size of the store is set before its first use, so the test has a process of its own.
#[test]
fn totals_of_every_kind_are_right_when_the_store_is_full() {
    let name = "robust::store_kinds::totals_of_every_kind_are_right_when_the_store_is_full";
    crate::common::in_child(name, fill_the_store);
}

fn fill_the_store() {
    assert_eq!(contend::set_memory_limit(0), Ok(()));
    let _profiling = profile_everything();

    // Something of everything is there first, so that all later stacks overflow.
    let filler = Sleeper::new();
    let (full, fill) = sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        let filler = &filler;
        scope.spawn(move || {
            for depth in 0..4 * STACKS {
                at_depth(depth, &mut || {
                    filler.about_to_wait();
                    fill.recv().unwrap();
                });
            }
        });
        for _ in 0..4 * STACKS {
            filler.await_sleep();
            full.send(()).unwrap();
        }
    });
    let (filled, _, overflowed) = of_kind(&contend::block_profile(), "chan_recv");
    assert_eq!(filled, u64::from(4 * STACKS));
    assert!(overflowed > 0, "the store is full now");

    let (sender, receiver) = crossbeam_channel::bounded::<u32>(0);
    let received = wait_everywhere(
        |depth| assert_eq!(receiver.recv(), Ok(depth)),
        |depth| sender.send(depth).unwrap(),
    );
    let sent = wait_everywhere(
        |depth| sender.send(depth).unwrap(),
        |depth| assert_eq!(receiver.recv(), Ok(depth)),
    );
    let (other, other_receiver) = crossbeam_channel::bounded::<u32>(0);
    let selected = wait_everywhere(
        |depth| {
            crossbeam_channel::select! {
                recv(receiver) -> message => assert_eq!(message, Ok(depth)),
                recv(other_receiver) -> message => panic!("{message:?}"),
            }
        },
        |depth| sender.send(depth).unwrap(),
    );
    drop(other);

    let lock = ShardedLock::new(());
    let mut written = Duration::ZERO;
    for depth in 0..STACKS {
        let held = lock.read().unwrap();
        written += release_when_asleep(
            || {
                let begin = Instant::now();
                at_depth(depth, &mut || drop(lock.write().unwrap()));
                begin.elapsed()
            },
            || drop(held),
        );
    }

    let mut initialised = Duration::ZERO;
    for depth in 0..STACKS {
        let cell = once_cell::sync::OnceCell::new();
        let (is_running, go_on) = (Barrier::new(2), Barrier::new(2));
        initialised += thread::scope(|scope| {
            scope.spawn(|| {
                cell.get_or_init(|| {
                    is_running.wait();
                    go_on.wait();
                })
            });
            is_running.wait();
            release_when_asleep(
                || {
                    let begin = Instant::now();
                    at_depth(depth, &mut || {
                        cell.get_or_init(|| panic!("one is running"));
                    });
                    begin.elapsed()
                },
                || {
                    go_on.wait();
                },
            )
        });
    }

    let mut parked = Duration::ZERO;
    for depth in 0..STACKS {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        parked += release_when_asleep(
            move || {
                let begin = Instant::now();
                at_depth(depth, &mut || parker.park());
                begin.elapsed()
            },
            || unparker.unpark(),
        );
    }

    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    let (received_all, ..) = of_kind(&block, "chan_recv");
    assert_eq!(received_all, u64::from(4 * STACKS + STACKS));
    assert!(of_kind(&block, "chan_recv").1 >= received / 2);
    assert_total(&block, "chan_send", STACKS, sent);
    assert_total(&block, "select", STACKS, selected);
    assert_total(&block, "rwlock_write", STACKS, written);
    assert_total(&block, "once", STACKS, initialised);
    assert_total(&block, "park", STACKS, parked);
    // Blame and waiting are the same time, overflow or not.
    let blame = of_kind(&mutex, "rwlock_read");
    let waits = of_kind(&block, "rwlock_write");
    assert_eq!((blame.0, blame.1), (waits.0, waits.1));
    let blame = of_kind(&mutex, "once");
    let waits = of_kind(&block, "once");
    assert_eq!((blame.0, blame.1), (waits.0, waits.1));
    assert_eq!(block.lost().total(), block.lost().stack_table_full);
}
