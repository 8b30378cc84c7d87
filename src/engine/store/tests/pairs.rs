//! Pairs: entries that name two stacks.

use super::super::*;

fn nanos(delay_nanos: u64) -> Amount {
    Amount {
        contentions: 1.0,
        delay_nanos,
        variance: 0.0,
    }
}

fn added(store: &Store, shard: usize, which: ProfileKind, addresses: &[usize]) -> StackId {
    match store.add(shard, which, Kind::MUTEX, addresses, Amount::ZERO) {
        Added::To(id) => id,
        other => panic!("the store has room, but {other:?}"),
    }
}

/// Sorted by their addresses.
fn pairs(store: &Store) -> Vec<(Vec<usize>, u64)> {
    let totals = store.snapshot(ProfileKind::Pairs).into_iter();
    let mut pairs: Vec<_> = totals
        .map(|totals| (totals.addresses.to_vec(), totals.amount.delay_nanos))
        .collect();
    pairs.sort();
    pairs
}

const BETWEEN: usize = address::BLOCKED_BY;

#[test]
fn a_pair_is_both_stacks_wherever_they_are_kept() {
    let store = Store::new(4, 4 << 20);
    let waiter: Vec<usize> = (1..=MAX_DEPTH).map(|frame| frame * 16).collect();
    let release: Vec<usize> = (1..=MAX_DEPTH).map(|frame| frame * 16 + 1).collect();
    // Other threads have other shards.
    for shard in 0..4 {
        let waiter = added(&store, shard, ProfileKind::Block, &waiter);
        let release = added(&store, 3 - shard, ProfileKind::Mutex, &release);
        let to = store.charge_pair(release, Some(waiter), nanos(10), 3);
        assert!(matches!(to, Added::To(_)));
    }
    // No frame is cut off.
    let both: Vec<usize> = [release, vec![BETWEEN], waiter].concat();
    let wakeup = [vec![address::WAKEUP], both.clone()].concat();
    assert_eq!(pairs(&store), [(both, 40), (wakeup, 12)]);
    // The stacks that are named are in no other profile.
    assert!(store.snapshot(ProfileKind::Block).is_empty());
    assert!(store.snapshot(ProfileKind::Mutex).is_empty());
}

#[test]
fn a_waiter_that_is_not_known_has_a_frame() {
    let store = Store::new(1, 0);
    let release = added(&store, 0, ProfileKind::Mutex, &[7]);
    store.charge_pair(release, None, nanos(10), 0);
    let expected = vec![7, BETWEEN, address::UNKNOWN_WAITER];
    assert_eq!(pairs(&store), [(expected, 10)]);
}

#[test]
fn a_reset_makes_both_void() {
    let store = Store::new(1, 0);
    let waiter = added(&store, 0, ProfileKind::Block, &[8]);
    let before = added(&store, 0, ProfileKind::Mutex, &[7]);
    store.charge_pair(before, Some(waiter), nanos(10), 0);
    store.reset();
    assert!(pairs(&store).is_empty());
    let to = store.charge_pair(before, Some(waiter), nanos(10), 0);
    assert_eq!(to, Added::Forgotten);
    // Other stacks are where those were.
    added(&store, 0, ProfileKind::Block, &[1, 2, 3]);
    let release = added(&store, 0, ProfileKind::Mutex, &[7]);
    store.charge_pair(release, Some(waiter), nanos(10), 0);
    let expected = vec![7, BETWEEN, address::UNKNOWN_WAITER];
    assert_eq!(pairs(&store), [(expected, 10)]);
}

#[test]
fn without_room_totals_stay_right() {
    let store = Store::new(1, 0);
    let release = added(&store, 0, ProfileKind::Mutex, &[7]);
    let waiter = added(&store, 0, ProfileKind::Block, &[8]);
    let mut number = 0;
    while !matches!(
        store.add(0, ProfileKind::Block, Kind::MUTEX, &[number], Amount::ZERO),
        Added::Overflowed(_)
    ) {
        number += 1;
    }
    let to = store.charge_pair(release, Some(waiter), nanos(10), 3);
    assert!(matches!(to, Added::Overflowed(_)), "{to:?}");
    let totals = pairs(&store);
    assert_eq!(totals.iter().map(|(_, nanos)| nanos).sum::<u64>(), 13);
    assert_eq!(totals[0].0, [address::WAKEUP, address::OVERFLOW]);
    assert_eq!(totals[1].0, [address::OVERFLOW]);
}
