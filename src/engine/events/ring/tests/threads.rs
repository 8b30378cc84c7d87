//! The ring at its real size, with threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::*;

fn contents(ring: &Ring) -> Vec<u64> {
    let mut all = Vec::new();
    ring.copy(0, |events| all.extend_from_slice(events));
    all
}

#[test]
fn the_oldest_events_are_overwritten_and_counted() {
    let ring = Ring::new(MIN_CHUNKS);
    let per_chunk = (CONTENT / 6) as u64;
    let all = per_chunk * (MIN_CHUNKS as u64 + 3);
    for time in 1..=all {
        assert!(ring.append(0, &[time; 6]));
    }
    let times: Vec<u64> = contents(&ring).chunks(6).map(|event| event[0]).collect();
    let overwritten = ring.overwritten();
    assert_eq!(overwritten.events, 3 * per_chunk);
    assert_eq!(overwritten.until, 3 * per_chunk);
    assert_eq!(times.len() as u64, all - overwritten.events);
    assert_eq!(times.iter().min(), Some(&(overwritten.until + 1)));
}

#[test]
fn what_came_before_a_cut_is_told_from_what_is_missing_after_it() {
    let ring = Ring::new(MIN_CHUNKS);
    let append =
        |count: u64, time: u64| (0..count).for_each(|_| assert!(ring.append(0, &[time; 6])));
    append(10, 1);
    let before = ring.cut();
    assert_eq!(before, 10);
    let per_chunk = (CONTENT / 6) as u64;
    // Fills all but the chunk of before, then takes that.
    append(per_chunk * MIN_CHUNKS as u64, 2);
    assert_eq!(ring.overwritten().events - before, 0);
    assert!(contents(&ring).iter().all(|word| *word == 2));
    append(1, 3);
    assert_eq!(ring.overwritten().events - before, per_chunk);
}

#[test]
fn an_emptied_ring_has_nothing_and_counts_from_there() {
    let ring = Ring::new(MIN_CHUNKS);
    let per_chunk = (CONTENT / 6) as u64;
    let all = per_chunk * MIN_CHUNKS as u64;
    (0..all + 1).for_each(|_| assert!(ring.append(0, &[1; 6])));
    ring.empty();
    assert!(contents(&ring).is_empty());
    assert_eq!(ring.overwritten(), Overwritten::default());
    (0..all).for_each(|_| assert!(ring.append(0, &[2; 6])));
    assert_eq!(ring.overwritten().events, 0, "those of before do not count");
    assert_eq!(contents(&ring).len() as u64, all * 6);
}

#[test]
fn a_smaller_limit_is_kept() {
    let ring = Ring::new(4 * MIN_CHUNKS);
    ring.set_limit(MIN_CHUNKS);
    for time in 0..(CONTENT * MIN_CHUNKS * 2) as u64 {
        ring.append(0, &[time; 4]);
    }
    assert!(contents(&ring).len() <= CONTENT * MIN_CHUNKS);
    ring.set_limit(0);
    assert!(ring.append(3, &[1, 2]), "there is a least size");
}

#[test]
fn an_event_of_any_length_is_whole() {
    let ring = Ring::new(MIN_CHUNKS);
    let mut expected = Vec::new();
    for length in (1..=MAX_WORDS).cycle().take(MIN_CHUNKS * 8) {
        let event = vec![length as u64; length];
        assert!(ring.append(0, &event));
        expected.extend(event);
    }
    assert_eq!(contents(&ring), expected);
}

#[test]
fn events_that_are_read_beside_writers_are_right() {
    let ring = Ring::new(MIN_CHUNKS);
    let is_over = AtomicBool::new(false);
    let event = |number: u64| {
        let check = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        [number, check, number, !number, check, !check]
    };
    thread::scope(|scope| {
        for writer in 0..3_u64 {
            let (ring, is_over) = (&ring, &is_over);
            scope.spawn(move || {
                let mut number = writer << 40;
                while !is_over.load(Ordering::Relaxed) {
                    number += 1;
                    ring.append(writer as usize, &event(number));
                }
            });
        }
        let mut read = 0;
        while read < 200_000 {
            for found in contents(&ring).chunks(6) {
                assert_eq!(found, event(found[0]));
                read += 1;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn chunks_of_before_are_not_copied() {
    let ring = Ring::new(MIN_CHUNKS);
    // The latest one comes first.
    ring.append(0, &[900, 1]);
    for time in 1..=(CONTENT / 2) as u64 {
        ring.append(0, &[time, time]);
    }
    let copied = |since| {
        let mut chunks = 0;
        ring.copy(since, |_| chunks += 1);
        chunks
    };
    assert_eq!((copied(0), copied(900), copied(901)), (2, 1, 0));
}

#[test]
fn a_fork_leaves_no_flag_up() {
    let ring = Ring::new(MIN_CHUNKS);
    assert!(ring.append(0, &[7; 6]));
    for shard in &ring.shards {
        shard.is_busy.store(true, Ordering::Relaxed);
    }
    assert!(!ring.append(0, &[8; 6]));
    ring.forget_after_fork();
    assert!(ring.append(0, &[9; 6]));
    assert_eq!(contents(&ring), [9; 6]);
    // All chunks can be taken again, and what is overwritten was the parent's.
    for _ in 1..MIN_CHUNKS * (CONTENT / 6) {
        assert!(ring.append(0, &[9; 6]));
    }
    assert_eq!(ring.overwritten(), Overwritten::default());
    assert_eq!(contents(&ring).len() / 6, MIN_CHUNKS * (CONTENT / 6));
}
