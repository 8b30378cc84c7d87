//! Small stories with made-up times: what each event of the module's table does.

use super::super::*;
use crate::engine::store::{Added, Store};
use crate::profile::kind::{Kind, ProfileKind};

const MS: u64 = 1_000_000;
/// A time that the clock may show: it never shows 0 or 1.
const START: u64 = 10_000;

fn amount(contentions: f64, delay_nanos: u64) -> Amount {
    Amount {
        contentions,
        delay_nanos,
        variance: 0.0,
    }
}

/// Two stacks to charge.
fn stacks() -> [StackId; 2] {
    let store = Store::new(1, 0);
    [1, 2].map(
        |site| match store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[site], Amount::ZERO) {
            Added::To(id) => id,
            other => panic!("the store has room, but {other:?}"),
        },
    )
}

struct Scene {
    table: Table,
    flag: Flag,
}

impl Scene {
    fn new() -> Self {
        Self {
            table: Table::new(),
            flag: Flag::new(),
        }
    }

    fn arrive(&self, at: u64) {
        let arrival = self.table.arrive(LockRef::beside(&self.flag), at, at, 1);
        assert_eq!(arrival.expect("the table has room").begin, at);
    }

    fn take(&self, at: u64) -> Taken {
        assert!(self.flag.is_due(at));
        self.table
            .take(LockRef::beside(&self.flag), at)
            .expect("somebody waits")
    }

    /// A release whose stack is known at once. Returns its blame.
    fn release(&self, at: u64, stack: StackId) -> u64 {
        let taken = self.take(at);
        assert!(self.table.settle(&taken, Some(stack)).is_zero());
        taken.amount.delay_nanos
    }

    fn acquire(&self, at: u64, begin: u64) -> Departure {
        self.table
            .leave(LockRef::beside(&self.flag), at, begin, 1, Outcome::Acquired)
    }

    fn give_up(&self, at: u64, begin: u64) -> Departure {
        self.table
            .leave(LockRef::beside(&self.flag), at, begin, 1, Outcome::GaveUp)
    }

    fn entries(&self) -> usize {
        self.table.shards.iter().map(|shard| shard.lock().len).sum()
    }
}

#[test]
fn a_release_with_nobody_waiting_is_not_due_to_be_looked_at() {
    let scene = Scene::new();
    assert!(scene.flag.is_idle());
    assert_eq!(scene.entries(), 0);
}

#[test]
fn one_waiter_is_charged_to_the_release_that_lets_it_go() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    assert!(!scene.flag.is_idle());
    assert_eq!(scene.release(START + 100 * MS, holder), 100 * MS);
    let departure = scene.acquire(START + 101 * MS, START);
    // The time from the unlock to having the lock is the release's as well.
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Stack(holder), amount(1.0, MS)))
    );
    assert!(scene.flag.is_idle());
    assert_eq!(scene.entries(), 0);
}

#[test]
fn two_waiters_are_charged_in_full() {
    let [holder, first] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.arrive(START);
    assert_eq!(scene.release(START + 100 * MS, holder), 200 * MS);
    scene.acquire(START + 100 * MS, START);
    // The first waiter now holds the lock for 50 ms, and keeps one waiting.
    assert_eq!(scene.release(START + 150 * MS, first), 50 * MS);
    let departure = scene.acquire(START + 150 * MS, START);
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Stack(first), amount(1.0, 0)))
    );
}

#[test]
fn a_wait_that_began_before_the_arrival_is_charged_from_its_beginning() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    let arrival = scene
        .table
        .arrive(LockRef::beside(&scene.flag), START + 7, START, 1);
    assert_eq!(arrival.unwrap().begin, START);
    assert_eq!(scene.release(START + 10, holder), 10);
}

#[test]
fn a_weight_multiplies_delay_and_contentions() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene
        .table
        .arrive(LockRef::beside(&scene.flag), START, START, 100)
        .expect("the table has room");
    let taken = scene.take(START + MS);
    assert_eq!(taken.amount.delay_nanos, 100 * MS);
    scene.table.settle(&taken, Some(holder));
    let departure = scene.table.leave(
        LockRef::beside(&scene.flag),
        START + MS,
        START,
        100,
        Outcome::Acquired,
    );
    let (_, charged) = departure.charge.expect("the stack is known");
    assert_eq!(charged.contentions, 100.0);
    // w(w-1)d²
    assert_eq!(charged.variance, 9_900.0 * 1e12);
}

#[test]
fn a_release_within_the_gate_leaves_its_blame_to_the_next() {
    let [one, two] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    assert_eq!(scene.release(START + 10, one), 10);
    assert!(!scene.flag.is_due(START + 10 + GATE_NANOS - 1));
    assert!(scene.flag.is_due(START + 10 + GATE_NANOS));
    assert_eq!(scene.release(START + 10 + GATE_NANOS, two), GATE_NANOS);
}

#[test]
fn the_time_until_the_next_has_the_lock_is_the_releases() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.arrive(START);
    scene.release(START + MS, holder);
    // It takes 50 µs to wake up, for which the other one waits too.
    let departure = scene.acquire(START + MS + 50_000, START);
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Stack(holder), amount(1.0, 100_000)))
    );
}

#[test]
fn after_a_skipped_release_that_time_is_kept_for_the_next_one() {
    let [holder, next] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.arrive(START);
    scene.release(START + MS, holder);
    assert!(!scene.flag.is_due(START + MS + 100), "within the gate");
    let departure = scene.acquire(START + MS + 200, START);
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Stack(holder), amount(1.0, 0)))
    );
    assert_eq!(scene.release(START + 2 * MS, next), MS + 200);
}

#[test]
fn a_waiter_that_leaves_before_the_stack_is_known_is_counted_for_it() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    let taken = scene.take(START + MS);
    let departure = scene.acquire(START + MS + 30, START);
    assert_eq!(departure.charge, None);
    assert!(scene.flag.is_idle());
    assert_eq!(scene.table.settle(&taken, Some(holder)), amount(1.0, 30));
    assert_eq!(scene.entries(), 0);
}

#[test]
fn an_overtaken_release_still_gets_what_was_deferred_for_it() {
    let [older, newer] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.arrive(START);
    let first = scene.take(START + MS);
    scene.acquire(START + MS, START);
    // The first releaser is still capturing when the lock is released again.
    let second = scene.take(START + 2 * MS);
    assert_eq!(second.amount, amount(0.0, MS));
    scene.acquire(START + 2 * MS, START);
    assert_eq!(scene.table.settle(&first, Some(older)), amount(1.0, 0));
    assert_eq!(scene.table.settle(&second, Some(newer)), amount(1.0, 0));
    assert_eq!(scene.entries(), 0);
}

#[test]
fn when_too_many_are_overtaken_the_next_release_takes_over() {
    let scene = Scene::new();
    let mut at = START;
    let mut taken = Vec::new();
    for _ in 0..DETACHED + 2 {
        scene.arrive(at);
        scene.arrive(at);
    }
    for _ in 0..DETACHED + 2 {
        at += MS;
        taken.push(scene.take(at));
        scene.acquire(at, START);
    }
    let counted: f64 = taken
        .iter()
        .map(|taken| scene.table.settle(taken, None).contentions + taken.amount.contentions)
        .sum();
    assert_eq!(counted, (DETACHED + 2) as f64);
}

#[test]
fn who_gives_up_is_charged_to_the_release_that_comes_at_last() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    let departure = scene.give_up(START + MS, START);
    assert_eq!(departure.charge, None);
    let taken = scene.take(START + 9 * MS);
    // The holder kept it waiting for one millisecond, not for nine.
    assert_eq!(taken.amount, amount(1.0, MS));
    assert!(scene.flag.is_idle());
    scene.table.settle(&taken, Some(holder));
    assert_eq!(scene.entries(), 0);
}

#[test]
fn a_lock_does_not_pay_for_another_that_was_freed_at_its_place() {
    let [_, holder] = stacks();
    let mut scene = Scene::new();
    scene.arrive(START);
    scene.give_up(START + MS, START);
    // The guard was leaked and the lock freed. The next one's flag begins as idle.
    scene.flag = Flag::new();
    let begin = START + 2 * MS;
    let arrival = scene
        .table
        .arrive(LockRef::beside(&scene.flag), begin, begin, 1)
        .unwrap();
    assert_eq!(arrival.evicted, Some(amount(1.0, MS)));
    assert_eq!(scene.release(begin + MS, holder), MS);
}

#[test]
fn debts_are_forgotten_and_waits_are_not() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.give_up(START + MS, START);
    scene.table.forget_debts();
    assert_eq!(scene.entries(), 0);
    // Its flag is still up; that it finds nothing does no harm.
    assert!(
        scene
            .table
            .take(LockRef::beside(&scene.flag), START + 2 * MS)
            .is_none()
    );

    scene.arrive(START);
    scene.arrive(START);
    scene.give_up(START + MS, START);
    scene.table.forget_debts();
    assert_eq!(scene.release(START + MS, holder), 2 * MS);
}

#[test]
fn a_cancelled_wait_leaves_nothing_behind() {
    let scene = Scene::new();
    scene.arrive(START);
    scene.table.leave(
        LockRef::beside(&scene.flag),
        START + 70,
        START,
        1,
        Outcome::Cancelled,
    );
    assert!(scene.flag.is_idle());
    assert_eq!(scene.entries(), 0);
    // Nor does it touch what others have waited.
    scene.arrive(START);
    scene.arrive(START + 10);
    scene.table.leave(
        LockRef::beside(&scene.flag),
        START + 70,
        START + 10,
        1,
        Outcome::Cancelled,
    );
    assert_eq!(scene.take(START + 100).amount, amount(0.0, 100));
}

#[test]
fn without_a_release_that_was_seen_the_wait_is_unattributed() {
    let scene = Scene::new();
    scene.arrive(START);
    let departure = scene.acquire(START + 20, START);
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Unattributed, amount(1.0, 20)))
    );
    assert_eq!(scene.entries(), 0);
}

#[test]
fn a_release_of_a_lock_the_table_does_not_know_makes_it_idle() {
    let scene = Scene::new();
    scene.flag.set(Flag::CAPTURE_NEXT);
    assert!(
        scene
            .table
            .take(LockRef::beside(&scene.flag), START)
            .is_none()
    );
    assert!(scene.flag.is_idle());
}

#[test]
fn clocks_that_disagree_lose_nothing() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene.arrive(START + 100);
    // This core's clock is behind the one that the first waiter read.
    let behind = scene
        .table
        .arrive(LockRef::beside(&scene.flag), START + 90, START + 95, 1);
    assert_eq!(behind.unwrap().begin, START + 95);
    let charged = scene.release(START + 200, holder);
    assert_eq!(charged, 100 + 105);
}

#[test]
fn a_full_table_gives_up_debts_but_no_waits() {
    let table = Table::new();
    let flags: Vec<Flag> = (0..SHARDS * ENTRIES * 4).map(|_| Flag::new()).collect();
    let arrived = flags
        .iter()
        .filter(|flag| {
            table
                .arrive(LockRef::beside(flag), START, START, 1)
                .is_some()
        })
        .count();
    assert!(arrived < flags.len(), "the table is bounded");
    assert!(arrived >= SHARDS * ENTRIES / 2);

    // All of them give up: debts. New waiters push them out, and nothing is lost.
    let mut unattributed = Amount::ZERO;
    for flag in flags.iter().filter(|flag| !flag.is_idle()) {
        table.leave(LockRef::beside(flag), START + 1, START, 1, Outcome::GaveUp);
    }
    let more: Vec<Flag> = (0..SHARDS).map(|_| Flag::new()).collect();
    for flag in &more {
        let arrival = table.arrive(LockRef::beside(flag), START + 2, START + 2, 1);
        if let Some(evicted) = arrival.expect("debts make room").evicted {
            unattributed.add(evicted);
        }
    }
    assert!(unattributed.contentions > 0.0);
    assert_eq!(unattributed.contentions as u64, unattributed.delay_nanos);
}
