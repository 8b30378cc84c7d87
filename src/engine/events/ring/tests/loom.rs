//! Models of appending beside reading, and of a second append in the middle of one.
//!
//! An event has two words that belong together, and a chunk has room for one event: so every append
//! begins a chunk, and the third overwrites the first.

use loom::sync::Arc;
use loom::thread;

use super::super::*;

fn append(ring: &Ring, first_shard: usize, number: u64) -> bool {
    ring.append(first_shard, &[number, !number])
}

fn assert_whole(events: &[u64]) {
    for event in events.chunks(2) {
        assert_eq!(event[0], !event[1], "a mixture of two events");
    }
}

#[test]
fn a_copy_beside_a_writer_has_whole_events() {
    loom::model(|| {
        let ring = Arc::new(Ring::new(0));
        assert!(append(&ring, 0, 1));
        assert!(append(&ring, 0, 2));
        let writer = Arc::clone(&ring);
        let writer = thread::spawn(move || {
            // The chunk after these two, then the first again.
            append(&writer, 0, 3);
            append(&writer, 0, 4);
        });
        let mut count = 0;
        ring.copy(0, |events| {
            count += events.len() / 2;
            assert_whole(events);
        });
        assert!(count >= 1, "one of the first two is not being overwritten");
        writer.join().unwrap();
    });
}

#[test]
fn two_writers_lose_nothing_that_there_is_room_for() {
    loom::model(|| {
        let ring = Arc::new(Ring::new(0));
        let other = Arc::clone(&ring);
        let other = thread::spawn(move || assert!(append(&other, 0, 1)));
        // The same shard: one of them finds it busy, and takes the next.
        assert!(append(&ring, 0, 2));
        other.join().unwrap();
        let mut found = Vec::new();
        ring.copy(0, |events| {
            assert_whole(events);
            found.push(events[0]);
        });
        found.sort_unstable();
        assert_eq!(found, [1, 2]);
    });
}

#[test]
fn an_append_in_the_middle_of_another_one_of_its_thread_goes_elsewhere() {
    loom::model(|| {
        let ring = Ring::new(0);
        // As a signal handler finds it.
        assert!(!ring.shards[0].is_busy.swap(true, Ordering::Acquire));
        assert!(append(&ring, 0, 1));
        assert!(!ring.shards[1].is_busy.swap(true, Ordering::Acquire));
        assert!(!append(&ring, 0, 2), "all are busy: it is lost");
    });
}
