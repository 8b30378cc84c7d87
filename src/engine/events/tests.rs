//! Waits of real locks as events.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::record::{self, Event, Release, Wait, What};
use super::*;
use crate::engine::blame::{Flag, LockRef, Outcome};
use crate::engine::clock;
use crate::engine::registry;
use crate::engine::wait::{FrameMarker, Waiting};
use crate::profile::kind::Kind;
use crate::sync::Mutex;

#[test]
fn a_wait_says_who_waited_for_how_long_and_who_let_it_go_on() {
    let recording = hold(1 << 20).unwrap();
    let begin = clock::now();
    let mutex = Mutex::new(());
    let held = AtomicBool::new(false);
    let (holder, waiter) = thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let guard = mutex.lock().unwrap();
            held.store(true, Ordering::Release);
            // The only wait in progress for this lock's flag, which lies within it.
            let range = std::ptr::from_ref(&mutex).addr() as u64;
            let range = range..range + size_of_val(&mutex) as u64;
            let is_waiting = || registry::waits().any(|found| range.contains(&found.wait.subject));
            while !is_waiting() {
                thread::yield_now();
            }
            let released = clock::now();
            drop(guard);
            (threads::own_number(), released)
        });
        let waiter = scope.spawn(|| {
            while !held.load(Ordering::Acquire) {
                thread::yield_now();
            }
            drop(mutex.lock().unwrap());
            threads::own_number()
        });
        (holder.join().unwrap(), waiter.join().unwrap())
    });
    let (holder, released) = holder;
    let snapshot = snapshot(&recording, begin);
    let mut waits: Vec<(u64, Wait)> = Vec::new();
    let mut releases: Vec<(u64, Release)> = Vec::new();
    snapshot.events(|event| match event.what {
        What::Wait(wait) if event.thread == waiter => waits.push((event.time, wait)),
        What::Release(release) if event.thread == holder => releases.push((event.time, release)),
        _ => {}
    });
    let [(end, wait)] = waits[..] else {
        panic!("one wait: {waits:?}")
    };
    let waker = wait.waker.expect("the release was seen");
    assert_eq!(waker.thread, holder);
    let released_at = end - waker.latency_nanos;
    assert!(
        released_at >= released,
        "the note is written by the release"
    );
    assert!(end - wait.nanos >= begin);
    assert!(stacks::addresses(wait.stack).is_some_and(|stack| stack.len() > 2));
    let [(time, release)] = releases[..] else {
        panic!("one release: {releases:?}")
    };
    assert_eq!((time, release.lock), (released_at, wait.lock));
    assert!(stacks::addresses(release.stack).is_some_and(|stack| stack.len() > 2));
    let names: Vec<_> = snapshot
        .threads
        .iter()
        .map(|thread| thread.number)
        .collect();
    assert!(names.contains(&holder) && names.contains(&waiter));
}

/// A moment in which a thread had the lock.
#[derive(Clone, Copy)]
struct Had {
    at: u64,
    /// The thread that had it before, and the last moment in which it did.
    before: u32,
    until: u64,
}

/// Takes a lock again and again, and notes who had it before: the truth. For each thread its
/// acquisitions.
fn take_in_turn(threads: usize, rounds: usize) -> Vec<(u32, Vec<Had>)> {
    let last_holder = Mutex::new((0, 0));
    let start = std::sync::Barrier::new(threads);
    thread::scope(|scope| {
        let work = || {
            let own = threads::own_number();
            start.wait();
            let mut log = Vec::with_capacity(rounds);
            for round in 0..rounds {
                let mut last = last_holder.lock().unwrap();
                let at = clock::now();
                let (before, until) = *last;
                log.push(Had { at, before, until });
                // Shorter than the gate, and longer. With holds of some nanoseconds, the one that
                // was waited for is often over before its waiter has arrived.
                let until = at + 1_000 + 200 * (round as u64 % 64);
                while clock::now() < until {}
                // Where threads outnumber processors, the others run meanwhile, and wait.
                if round % 2 == 0 {
                    thread::yield_now();
                }
                *last = (own, clock::now());
            }
            (own, log)
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Whom a wait names as its waker, if releases are noted before it is known, and after.
fn waker_with_notes(before: bool, after: bool) -> Option<u64> {
    let recording = hold(1 << 20).unwrap();
    let flag = Flag::new();
    let lock = LockRef::from(&flag);
    let start = clock::now();
    let frame = FrameMarker::default();
    let mut waiting = Waiting::begin(Kind::MUTEX, Some(lock)).expect("a timeline wants it");
    let note = || {
        let last = clock::now();
        while clock::now() == last {}
        note_release(lock.key(), Kind::MUTEX, clock::now());
    };
    if before {
        note();
    }
    waiting.watch();
    if after {
        note();
    }
    waiting.end(&frame, Outcome::Acquired);
    let mut found = Vec::new();
    snapshot(&recording, start).events(|event| match event.what {
        What::Wait(wait) if wait.lock == lock.key() as u64 => found.push(wait.waker),
        _ => {}
    });
    let [waker] = found[..] else {
        panic!("one wait: {found:?}")
    };
    waker.map(|waker| u64::from(waker.thread))
}

#[test]
fn a_release_that_was_noted_before_the_wait_was_known_did_not_end_it() {
    let own = Some(u64::from(threads::own_number()));
    assert_eq!(waker_with_notes(false, false), None);
    assert_eq!(waker_with_notes(true, false), None);
    assert_eq!(waker_with_notes(false, true), own);
    assert_eq!(waker_with_notes(true, true), own);
}

#[test]
fn wakers_are_right_or_unknown() {
    let recording = hold(8 << 20).unwrap();
    let begin = clock::now();
    let (mut known, mut all, mut too_early) = (0, 0, 0);
    while all < 10_000 {
        let since = clock::now();
        let logs = take_in_turn(4, 5_000);
        snapshot(&recording, since.max(begin)).events(|event| {
            let What::Wait(wait) = event.what else { return };
            let Some((_, log)) = logs.iter().find(|(own, _)| *own == event.thread) else {
                return;
            };
            // The first moment of the thread with the lock after this wait; its other waits, for
            // the start and for the lock, end before.
            let next = log.partition_point(|had| had.at < event.time);
            let Some(had) = log.get(next).filter(|_| wait.lock != 0) else {
                return;
            };
            all += 1;
            match wait.waker {
                Some(waker) => {
                    assert_eq!(waker.thread, had.before, "guessed");
                    known += 1;
                }
                // Let go between the first try and the beginning of the wait: nobody waited then.
                None => too_early += u64::from(had.until <= event.time - wait.nanos),
            }
        });
    }
    println!("{known} of {all} are known, {too_early} came too late");
    assert!(
        known * 100 >= (all - too_early) * 99,
        "{known} of {all} are known, {too_early} came too late"
    );
}

#[test]
fn recordings_may_overlap() {
    let first = hold(1 << 20).unwrap();
    let second = hold(2 << 20).unwrap();
    assert!(is_on());
    drop(first);
    assert!(is_on());
    let snapshot = snapshot(
        &second,
        clock::now() + Duration::from_secs(60).as_nanos() as u64,
    );
    let mut count = 0;
    snapshot.events(|_| count += 1);
    assert_eq!(count, 0, "nothing is of the future");
}

/// `cargo test --release --lib eight_writers_for_ten_minutes -- --ignored --nocapture`
#[test]
#[ignore = "shows that no event is lost or wrong beside a dump each second, and that memory is bounded; ten minutes"]
fn eight_writers_for_ten_minutes() {
    const WRITERS: usize = 8;
    let minutes =
        std::env::var("CONTEND_SOAK_MINUTES").map_or(10, |minutes| minutes.parse().unwrap());
    let end = std::time::Instant::now() + Duration::from_secs(60 * minutes);
    let recording = hold(16 << 20).unwrap();
    let locks: [Mutex<u64>; 4] = std::array::from_fn(|_| Mutex::new(0));
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let mut dumps = 0;
    let mut seen = [0_u64; WRITERS];
    let mut memory = Vec::new();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (locks, is_over) = (&locks, &is_over);
                scope.spawn(move || {
                    let mut number = 0_u64;
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        number += 1;
                        let text = format!("{writer} {number} {}", number.wrapping_mul(31) ^ 5);
                        append(&Event {
                            time: clock::now(),
                            thread: threads::own_number(),
                            what: What::Log {
                                task: 0,
                                category: record::Text("soak"),
                                text: record::Text(&text),
                            },
                        });
                        *locks[number as usize % 4].lock().unwrap() += 1;
                    }
                    number
                })
            })
            .collect();
        while std::time::Instant::now() < end {
            thread::sleep(Duration::from_secs(1));
            let since = clock::now().saturating_sub(500_000_000);
            let raw = crate::snapshot::timeline::raw(&recording, since);
            let timeline = raw.named();
            let mut numbers: [Vec<u64>; WRITERS] = Default::default();
            for log in &timeline.logs {
                let mut words = log.text.split(' ').map(|word| word.parse::<u64>().unwrap());
                let [writer, number, check] = std::array::from_fn(|_| words.next().unwrap());
                assert_eq!(check, number.wrapping_mul(31) ^ 5);
                numbers[writer as usize].push(number);
            }
            assert_eq!(timeline.missing.lost, 0);
            for (numbers, seen) in numbers.iter_mut().zip(&mut seen) {
                // A thread's clock does not go back, so none is missing between the first and the
                // last.
                assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
                *seen += numbers.len() as u64;
            }
            let mut file = Vec::new();
            timeline.write_go(&mut file).unwrap();
            assert!(file.starts_with(b"go 1.23 trace"));
            dumps += 1;
            memory.push(resident_pages());
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        let appended: Vec<u64> = writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect();
        println!("{dumps} dumps; appended {appended:?}, read {seen:?}");
    });
    let after_ten = memory[memory.len().min(10) - 1];
    let last = memory[memory.len() - 1];
    println!("pages resident after ten dumps {after_ten}, at the end {last}");
    assert!(last < after_ten + (32 << 20) / 4096, "memory grows");
}

fn resident_pages() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    resident.unwrap_or_default()
}
