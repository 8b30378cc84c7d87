//! Models of two threads at one shard.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test --release --lib`.

use loom::sync::Arc;
use loom::thread;

use super::super::*;

fn one() -> Amount {
    Amount {
        contentions: 1.0,
        delay_nanos: 5,
        variance: 0.0,
    }
}

#[test]
fn one_stack_inserted_twice_at_once_is_one_entry() {
    loom::model(|| {
        let shard = Arc::new(Shard::new(0));
        let insert = |shard: &Shard| {
            let offset = shard
                .find_or_insert(ProfileKind::Mutex, Kind::MUTEX, &[1])
                .expect("there is room");
            shard.add(offset, one());
            offset
        };
        let other = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || insert(&shard))
        };
        let mine = insert(&shard);
        assert_eq!(mine, other.join().unwrap(), "both use the same entry");
        let [totals, _] = shard.totals(mine, ProfileKind::Mutex);
        let totals = totals.expect("it has events");
        assert_eq!(totals.amount.contentions, 2.0, "no event is lost");
        assert_eq!(totals.amount.delay_nanos, 10, "no delay is lost");
    });
}

#[test]
fn an_entry_is_seen_whole_or_not_at_all() {
    loom::model(|| {
        let shard = Arc::new(Shard::new(0));
        let writer = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || {
                let offset = shard.find_or_insert(ProfileKind::Block, Kind::ONCE, &[7]);
                shard.add(offset.expect("there is room"), one());
            })
        };
        shard.for_each(ProfileKind::Block, |totals| {
            assert_eq!(*totals.addresses, [7], "an address is there with its entry");
            assert_eq!(totals.kind, Kind::ONCE);
        });
        writer.join().unwrap();
    });
}

#[test]
fn a_reset_waits_for_who_is_inside() {
    loom::model(|| {
        let shard = Arc::new(Shard::new(0));
        let event = |shard: &Shard, address: usize| {
            let Some(_entered) = shard.enter() else {
                return;
            };
            let offset = shard.find_or_insert(ProfileKind::Mutex, Kind::MUTEX, &[address]);
            shard.add(offset.expect("there is room"), one());
        };
        let writer = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || event(&shard, 3))
        };
        shard.reset();
        // Takes the words that the writer's entry had, if it came before the reset.
        event(&shard, 4);
        writer.join().unwrap();
        let mut seen = Vec::new();
        shard.for_each(ProfileKind::Mutex, |totals| {
            assert_eq!(
                totals.amount.delay_nanos, 5,
                "an event adds to its own stack"
            );
            seen.push(totals.addresses[0]);
        });
        assert!(seen.contains(&4), "what comes after the reset stays");
        assert!(seen.len() == 1 || seen.contains(&3), "no stack is made up");
    });
}
