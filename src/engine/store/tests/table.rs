//! The store against a `HashMap`, at its bounds, and while it is being reset.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::thread;

use super::super::*;

fn one(delay_nanos: u64) -> Amount {
    Amount {
        contentions: 1.0,
        delay_nanos,
        variance: 0.5,
    }
}

fn total(stacks: &[StackTotals]) -> Amount {
    stacks.iter().fold(Amount::ZERO, |mut sum, stack| {
        sum.add(stack.amount);
        sum
    })
}

#[test]
fn keeps_what_a_hash_map_keeps() {
    let store = Store::new(2, 64 << 20);
    let mut naive: HashMap<(ProfileKind, Kind, Vec<usize>), Amount> = HashMap::new();
    for event in 0..20_000_usize {
        let which = [ProfileKind::Mutex, ProfileKind::Block][event % 2];
        let kind = Kind::from_index((event % 9) as u16).unwrap();
        let depth = event * 7 % MAX_DEPTH + 1;
        let addresses: Vec<usize> = (0..depth).map(|frame| frame * 16 + event % 13).collect();
        let added = store.add(event % 2, which, kind, &addresses, one(event as u64));
        assert!(matches!(added, Added::To(_)));
        naive
            .entry((which, kind, addresses))
            .or_default()
            .add(one(event as u64));
    }
    for which in [ProfileKind::Mutex, ProfileKind::Block] {
        let snapshot = store.snapshot(which);
        let expected = naive.keys().filter(|key| key.0 == which).count();
        assert_eq!(snapshot.len(), expected, "no stack twice, none missing");
        for stack in snapshot {
            let key = (which, stack.tags.kind, stack.addresses.to_vec());
            assert_eq!(naive.get(&key), Some(&stack.amount));
        }
    }
}

#[test]
fn an_id_adds_to_its_stack() {
    let store = Store::new(1, 0);
    let Added::To(id) = store.add(0, ProfileKind::Block, Kind::ONCE, &[7, 8], one(1)) else {
        panic!("there is room");
    };
    assert!(store.add_to(id, one(2)));
    assert_eq!(total(&store.snapshot(ProfileKind::Block)).delay_nanos, 3);
}

#[test]
fn a_stack_without_events_is_not_in_the_snapshot() {
    let store = Store::new(1, 0);
    store.add(0, ProfileKind::Block, Kind::MUTEX, &[1], Amount::ZERO);
    assert!(store.snapshot(ProfileKind::Block).is_empty());
}

#[test]
fn a_full_store_keeps_the_totals_right() {
    let store = Store::new(1, 0);
    let events = 10_000;
    let overflowed = (0..events)
        .map(|event| {
            store.add(
                0,
                ProfileKind::Mutex,
                Kind::MUTEX,
                &[event + 1, 2, 3],
                one(10),
            )
        })
        .filter(|added| matches!(added, Added::Overflowed(_)))
        .count();
    assert!(overflowed > 0, "the store is bounded");
    let snapshot = store.snapshot(ProfileKind::Mutex);
    assert_eq!(total(&snapshot).contentions, events as f64);
    assert_eq!(total(&snapshot).delay_nanos, 10 * events as u64);
    let overflow: Vec<_> = snapshot
        .iter()
        .filter(|stack| *stack.addresses == [address::OVERFLOW])
        .collect();
    assert_eq!(overflow.len(), 1);
    assert_eq!(overflow[0].amount.contentions, overflowed as f64);
    // Stacks that got in still count for themselves.
    let first = store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[1, 2, 3], one(10));
    assert!(matches!(first, Added::To(_)));
}

#[test]
fn a_reset_forgets_stacks_ids_and_overflow_and_makes_room() {
    let store = Store::new(1, 0);
    let Added::To(id) = store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[1], one(1)) else {
        panic!("there is room");
    };
    for event in 0..10_000 {
        store.add(
            0,
            ProfileKind::Mutex,
            Kind::MUTEX,
            &[event + 1, 2, 3],
            one(10),
        );
    }
    store.reset();
    assert!(store.snapshot(ProfileKind::Mutex).is_empty());
    assert!(!store.add_to(id, one(1)), "the id is void");
    let again = store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[5, 5], one(1));
    assert!(matches!(again, Added::To(_)));
    assert_eq!(store.snapshot(ProfileKind::Mutex).len(), 1);
}

#[test]
fn many_names_keep_their_kinds_until_they_share_one() {
    let store = Store::new(1, 0);
    for event in 0..10_000 {
        store.add(0, ProfileKind::Block, Kind::MUTEX, &[event, 2, 3], one(1));
    }
    let first_name = Kind::OTHER.index() + 1;
    let names = || (first_name..first_name + 100).map(|index| Kind::from_index(index as u16));
    for kind in names().map(Option::unwrap) {
        for which in ProfileKind::ALL {
            let added = store.add(0, which, kind, &[7, 8, 9], one(10));
            assert!(matches!(added, Added::Overflowed(_)));
        }
    }
    for which in ProfileKind::ALL {
        let snapshot = store.snapshot(which);
        let of = |kind| {
            let stacks = snapshot.iter().filter(|stack| stack.tags.kind == kind);
            let stacks: Vec<_> = stacks.cloned().collect();
            total(&stacks).contentions
        };
        let own = names().map(Option::unwrap).map(of);
        let own: Vec<f64> = own.collect();
        let kept = own.iter().filter(|count| **count == 1.0).count();
        // They take turns, and the last turn need not come to all.
        let each = NAMED_OVERFLOWS / ProfileKind::COUNT;
        assert!((each..=each + 1).contains(&kept), "{kept}");
        assert_eq!(of(Kind::OTHER), (100 - kept) as f64, "none is missing");
    }
    store.reset();
    assert!(
        ProfileKind::ALL
            .iter()
            .all(|which| store.snapshot(*which).is_empty())
    );
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "an entry has a known kind"))]
fn an_entry_of_an_unknown_kind_is_no_profiles() {
    let store = Store::new(1, 0);
    let Added::To(id) = store.add(0, ProfileKind::Block, Kind::MUTEX, &[1], one(1)) else {
        panic!("there is room");
    };
    let header = &store.shards[0].arena[id.offset as usize + HEADER];
    header.fetch_or(0xffff << 16, Ordering::Relaxed);
    for which in ProfileKind::ALL {
        assert!(store.snapshot(which).is_empty());
    }
}

#[test]
fn threads_lose_nothing() {
    const THREADS: usize = 4;
    const EVENTS: usize = 20_000;
    let store = Store::new(2, 8 << 20);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for event in 0..EVENTS {
                    // All threads insert the same stacks at about the same time.
                    let addresses = [event % 500 + 1, 9, 9];
                    store.add(
                        thread % 2,
                        ProfileKind::Mutex,
                        Kind::MUTEX,
                        &addresses,
                        one(3),
                    );
                }
            });
        }
    });
    let snapshot = store.snapshot(ProfileKind::Mutex);
    assert_eq!(snapshot.len(), 500);
    assert_eq!(total(&snapshot).contentions, (THREADS * EVENTS) as f64);
    assert_eq!(total(&snapshot).variance, (THREADS * EVENTS) as f64 * 0.5);
    assert_eq!(total(&snapshot).delay_nanos, 3 * (THREADS * EVENTS) as u64);
}

#[test]
fn resets_and_snapshots_do_not_disturb_writers() {
    let store = Store::new(1, 0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for event in 0..50_000_usize {
                    let addresses = [event % 50 + 1, event % 3];
                    store.add(0, ProfileKind::Block, Kind::MUTEX, &addresses, one(1));
                }
                done.store(true, Ordering::Relaxed);
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.reset();
                for stack in store.snapshot(ProfileKind::Block) {
                    // Never a stack made of two.
                    assert_eq!(stack.addresses.len(), 2);
                    assert!(stack.addresses[0] <= 50 && stack.addresses[1] < 3);
                }
            }
        });
    });
    store.reset();
    assert!(store.snapshot(ProfileKind::Block).is_empty());
}

#[test]
fn a_damaged_table_is_passed_over() {
    let damage = |damage: &dyn Fn(&Shard, &AtomicU64)| {
        let store = Store::new(1, 0);
        store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[1, 2], one(1));
        let shard = &store.shards[0];
        let mut slots = shard.index.iter();
        let slot = slots.find(|slot| slot.load(Ordering::Relaxed) != 0);
        damage(shard, slot.expect("the stack has a slot"));
        let total = total(&store.snapshot(ProfileKind::Mutex)).contentions;
        // The stack is found no more, or beside the damage.
        store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[1, 2], one(1));
        total
    };
    assert_eq!(damage(&|_, _| ()), 1.0, "undamaged");
    let tag = |slot: &AtomicU64| slot.load(Ordering::Relaxed) & !u64::from(u32::MAX);
    for offset in [0, u32::MAX, 1 << 20] {
        damage(&|_, slot| slot.store(tag(slot) | u64::from(offset), Ordering::Relaxed));
    }
    let last = |shard: &Shard, back: usize| (shard.arena.len() - back + 1) as u64;
    for back in 0..=ADDRESSES {
        damage(&|shard, slot| {
            slot.store(tag(slot) | last(shard, back), Ordering::Relaxed);
        });
    }
    let depths = [u64::from(u16::MAX), 1 + MAX_DEPTH as u64];
    for depth in depths {
        let total = damage(&|shard, slot| {
            // As the last entry, so that its length leads beyond the end.
            let offset = shard.arena.len() - ADDRESSES - 2;
            let whole = header(ProfileKind::Mutex, Kind::MUTEX, 2);
            shard.fill(offset as u32, whole & !0xffff | depth, &[1, 2]);
            shard.add(offset as u32, one(1));
            slot.store(tag(slot) | (offset as u64 + 1), Ordering::Relaxed);
        });
        assert_eq!(total, 0.0, "no stack is as deep");
    }
}
