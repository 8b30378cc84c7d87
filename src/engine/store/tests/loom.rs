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
                .find_or_insert(ProfileKind::Mutex, Kind::MUTEX.into(), &[1])
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
                let offset = shard.find_or_insert(ProfileKind::Block, Kind::ONCE.into(), &[7]);
                shard.add(offset.expect("there is room"), one());
            })
        };
        shard.for_each(ProfileKind::Block, |totals| {
            assert_eq!(*totals.addresses, [7], "an address is there with its entry");
            assert_eq!(totals.tags.kind, Kind::ONCE);
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
            let offset = shard.find_or_insert(ProfileKind::Mutex, Kind::MUTEX.into(), &[address]);
            shard.add(offset.expect("there is room"), one());
        };
        let writer = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || event(&shard, 3))
        };
        shard.reset(|_| ());
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

/// Two entries that do not fit, or hardly, while a third one does.
///
/// The long one alone is too much. When its words were added to the count and then taken back, the
/// one of five words failed beside it, one that came between the two takings back was put at
/// five, and so was the next one after both: the two shared their words.
#[test]
fn a_nearly_full_shard_gives_no_words_out_twice() {
    const LEFT: usize = MIN_WORDS - OVERFLOW_WORDS;
    const SHORT: usize = ADDRESSES + 1;
    const LONG: usize = LEFT + 2;
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(4);
    model.check(|| {
        let shard = Arc::new(Shard::new(0));
        let reserve = |words: usize| {
            let shard = Arc::clone(&shard);
            thread::spawn(move || shard.reserve(words).map(|start| (start, words)))
        };
        let others = [reserve(LONG), reserve(SHORT)];
        let mine = [SHORT, SHORT].map(|words| shard.reserve(words).map(|start| (start, words)));
        let [long, short] = others.map(|other| other.join().unwrap());
        assert_eq!(long, None, "what does not fit fails");
        let mut taken: Vec<_> = mine.into_iter().chain([short]).flatten().collect();
        assert_eq!(
            taken.len(),
            2,
            "what does not fit takes nothing from others"
        );
        taken.sort_unstable();
        let mut free = OVERFLOW_WORDS as u32;
        for (start, words) in taken {
            assert!(start >= free, "no words are handed out twice");
            free = start + words as u32;
        }
        assert!(free as usize <= shard.arena.len(), "none beyond the end");
    });
}

/// The same, seen from outside: every contention is in the totals of its own stack.
#[test]
fn a_nearly_full_shard_counts_each_event_once() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(4);
    model.check(|| {
        let shard = Arc::new(Shard::new(0));
        let event = |shard: &Shard, addresses: &[usize]| {
            let offset = shard.find_or_insert(ProfileKind::Mutex, Kind::MUTEX.into(), addresses);
            let overflow = overflow_offset(ProfileKind::Mutex, Kind::MUTEX);
            shard.add(offset.unwrap_or(overflow), one());
        };
        let others: [&[usize]; 2] = [&[1; 10], &[2]];
        let others = others.map(|addresses| {
            let shard = Arc::clone(&shard);
            thread::spawn(move || event(&shard, addresses))
        });
        event(&shard, &[3]);
        event(&shard, &[4]);
        for other in others {
            other.join().unwrap();
        }
        let mut contentions = 0.0;
        shard.for_each(ProfileKind::Mutex, |totals| {
            let is_overflow = *totals.addresses == [address::OVERFLOW];
            assert!(is_overflow || totals.amount == one(), "{totals:?}");
            contentions += totals.amount.contentions;
        });
        assert_eq!(contentions, 4.0, "no event is lost or made up");
    });
}
