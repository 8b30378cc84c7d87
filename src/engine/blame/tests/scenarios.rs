//! Small stories with made-up times: what each event of the module's table does.

use super::super::entry::DETACHED;
use super::super::flag::GATE_NANOS;
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

fn charge(contentions: f64, held_nanos: u64, wakeup_nanos: u64) -> Charge {
    Charge {
        amount: amount(contentions, held_nanos),
        wakeup_nanos,
        ..Charge::ZERO
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
        let arrival = self
            .table
            .arrive(LockRef::beside(&self.flag), at, Waiter::unnamed(at, 1));
        assert_eq!(arrival.expect("the table has room").begin, at);
    }

    /// A thread that did not have to wait acquires the lock.
    fn barge(&self, at: u64) {
        self.flag.acquired_at(|| at);
    }

    /// A release that is not captured.
    fn skip(&self, at: u64) {
        self.flag.released_at(at);
        assert!(!self.flag.is_due(at));
    }

    fn take(&self, at: u64) -> Taken {
        self.flag.released_at(at);
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
        self.table.leave(
            LockRef::beside(&self.flag),
            at,
            Waiter::unnamed(begin, 1),
            Outcome::Acquired,
        )
    }

    fn give_up(&self, at: u64, begin: u64) -> Departure {
        self.table.leave(
            LockRef::beside(&self.flag),
            at,
            Waiter::unnamed(begin, 1),
            Outcome::GaveUp,
        )
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
    assert_eq!(scene.release(START + 100 * MS, holder), 100 * MS);
    let departure = scene.acquire(START + 101 * MS, START);
    // From the unlock to having the lock nobody held it.
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Stack(holder), charge(1.0, 0, MS)))
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
        Some((ChargeTo::Stack(first), charge(1.0, 0, 0)))
    );
}

#[test]
fn a_thread_that_barges_in_pays_for_its_hold_alone() {
    let [holder, barger] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    assert_eq!(scene.release(START + MS, holder), MS);
    // The waiter has no processor for 4 ms. Then another thread holds the lock for 10 µs.
    scene.barge(START + 5 * MS);
    let taken = scene.take(START + 5 * MS + 10_000);
    assert_eq!(taken.amount, amount(0.0, 10_000));
    let wakeup = charge(0.0, 0, 4 * MS);
    assert_eq!(taken.wakeup, Some((ChargeTo::Stack(holder), wakeup)));
    assert!(scene.table.settle(&taken, Some(barger)).is_zero());
}

#[test]
fn free_time_is_known_of_releases_that_are_skipped_too() {
    let [holder, next] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.release(START + MS, holder);
    // Three holds of 300 ns and three pauses of 700 ns within the gate, then a longer one.
    for turn in 0..3 {
        let at = START + MS + turn * 1_000;
        scene.barge(at + 700);
        scene.skip(at + 1_000);
    }
    scene.barge(START + MS + 3_500);
    let taken = scene.take(START + MS + 9_000);
    assert_eq!(taken.amount, amount(0.0, 3 * 300 + 5_500));
    let wakeup = charge(0.0, 0, 3 * 700 + 500);
    assert_eq!(taken.wakeup, Some((ChargeTo::Stack(holder), wakeup)));
    assert!(scene.table.settle(&taken, Some(next)).is_zero());
}

#[test]
fn events_in_the_middle_of_a_hold_split_nothing_twice() {
    let [holder, next] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.release(START + 10_000, holder);
    scene.arrive(START + 14_000);
    scene.barge(START + 20_000);
    scene.arrive(START + 30_000);
    let taken = scene.take(START + 40_000);
    // Held from 20 to 40 µs, free from 10 to 20, with one, two and three waiters.
    assert_eq!(taken.amount, amount(0.0, 2 * 10_000 + 3 * 10_000));
    let wakeup = charge(0.0, 0, 4_000 + 2 * 6_000);
    assert_eq!(taken.wakeup, Some((ChargeTo::Stack(holder), wakeup)));
    assert!(scene.table.settle(&taken, Some(next)).is_zero());
}

#[test]
fn the_end_of_an_initialiser_lets_all_go_at_once() {
    let [initialiser, _] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.arrive(START);
    scene.release(START + MS, initialiser);
    let go = |at| {
        let lock = LockRef::beside(&scene.flag);
        scene
            .table
            .leave(lock, at, Waiter::unnamed(START, 1), Outcome::LetGo)
    };
    let first = go(START + MS + 100).charge;
    assert_eq!(
        first,
        Some((ChargeTo::Stack(initialiser), charge(1.0, 0, 200)))
    );
    // Nobody holds it after the first has left.
    let second = go(START + MS + 500).charge;
    assert_eq!(
        second,
        Some((ChargeTo::Stack(initialiser), charge(1.0, 0, 400)))
    );
}

#[test]
fn a_lock_that_was_free_all_the_time_has_no_holder() {
    let scene = Scene::new();
    // The release has just missed the arrival; the waiter is preempted before it tries again.
    let lock = LockRef::beside(&scene.flag);
    scene
        .table
        .arrive(lock, START + 800, Waiter::unnamed(START, 1))
        .unwrap();
    scene.barge(START + 800 + MS);
    let taken = scene.take(START + 800 + MS + 10_000);
    assert_eq!(taken.amount, amount(0.0, 800 + 10_000));
    assert_eq!(
        taken.wakeup,
        Some((ChargeTo::Unattributed, charge(0.0, 0, MS)))
    );
    assert!(scene.table.settle(&taken, None).is_zero());
}

#[test]
fn a_wait_that_began_before_the_arrival_is_charged_from_its_beginning() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    let arrival = scene.table.arrive(
        LockRef::beside(&scene.flag),
        START + 7,
        Waiter::unnamed(START, 1),
    );
    assert_eq!(arrival.unwrap().begin, START);
    assert_eq!(scene.release(START + 10, holder), 10);
}

#[test]
fn a_weight_multiplies_delay_and_contentions() {
    let [holder, _] = stacks();
    let scene = Scene::new();
    scene
        .table
        .arrive(
            LockRef::beside(&scene.flag),
            START,
            Waiter::unnamed(START, 100),
        )
        .expect("the table has room");
    let taken = scene.take(START + MS);
    assert_eq!(taken.amount.delay_nanos, 100 * MS);
    scene.table.settle(&taken, Some(holder));
    let departure = scene.table.leave(
        LockRef::beside(&scene.flag),
        START + MS,
        Waiter::unnamed(START, 100),
        Outcome::Acquired,
    );
    let (_, charged) = departure.charge.expect("the stack is known");
    assert_eq!(charged.amount.contentions, 100.0);
    // w(w-1)d²
    assert_eq!(charged.amount.variance, 9_900.0 * 1e12);
}

#[test]
fn a_release_within_the_gate_leaves_its_blame_to_the_next() {
    let [one, two] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    assert_eq!(scene.release(START + 10, one), 10);
    scene.barge(START + 10);
    scene.skip(START + 10 + GATE_NANOS - 8);
    scene.barge(START + 10 + GATE_NANOS - 8);
    assert_eq!(scene.release(START + 10 + GATE_NANOS, two), GATE_NANOS);
}

#[test]
fn the_time_until_the_next_has_the_lock_is_nobodys() {
    let [holder, next] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.arrive(START);
    scene.release(START + MS, holder);
    // It takes 50 µs to wake up, for which the other one waits too.
    let departure = scene.acquire(START + MS + 50_000, START);
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Stack(holder), charge(1.0, 0, 100_000)))
    );
    assert_eq!(scene.release(START + 2 * MS, next), MS - 50_000);
}

#[test]
fn a_skipped_hold_is_kept_for_the_next_release() {
    let [holder, next] = stacks();
    let scene = Scene::new();
    scene.arrive(START);
    scene.arrive(START);
    scene.release(START + MS, holder);
    scene.barge(START + MS + 100);
    scene.skip(START + MS + 150);
    let departure = scene.acquire(START + MS + 200, START);
    // Free for 150 ns of the 200, for both.
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Stack(holder), charge(1.0, 0, 300)))
    );
    assert_eq!(scene.release(START + 2 * MS, next), MS - 200 + 100);
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
    assert_eq!(scene.table.settle(&taken, Some(holder)), charge(1.0, 0, 30));
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
    assert_eq!(scene.table.settle(&first, Some(older)), charge(1.0, 0, 0));
    assert_eq!(scene.table.settle(&second, Some(newer)), charge(1.0, 0, 0));
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
        .map(|taken| scene.table.settle(taken, None).amount.contentions + taken.amount.contentions)
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
        .arrive(
            LockRef::beside(&scene.flag),
            begin,
            Waiter::unnamed(begin, 1),
        )
        .unwrap();
    assert_eq!(arrival.evicted, Some(charge(1.0, MS, 0)));
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
        Waiter::unnamed(START, 1),
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
        Waiter::unnamed(START + 10, 1),
        Outcome::Cancelled,
    );
    assert_eq!(scene.take(START + 100).amount, amount(0.0, 100));
}

#[test]
fn without_a_release_that_was_seen_the_wait_is_unattributed() {
    let scene = Scene::new();
    let lock = LockRef::beside(&scene.flag);
    scene
        .table
        .arrive(lock, START + 7, Waiter::unnamed(START, 1))
        .unwrap();
    let departure = scene.acquire(START + 20, START);
    // Up to its last try somebody held the lock, and nobody after that.
    assert_eq!(
        departure.charge,
        Some((ChargeTo::Unattributed, charge(1.0, 7, 13)))
    );
    assert_eq!(scene.entries(), 0);
}

#[test]
fn a_release_of_a_lock_the_table_does_not_know_makes_it_idle() {
    let scene = Scene::new();
    scene.flag.make_busy(START);
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
    let behind = scene.table.arrive(
        LockRef::beside(&scene.flag),
        START + 90,
        Waiter::unnamed(START + 95, 1),
    );
    assert_eq!(behind.unwrap().begin, START + 95);
    let charged = scene.release(START + 200, holder);
    assert_eq!(charged, 100 + 105);
}

#[test]
fn a_full_table_gives_up_debts_but_no_waits() {
    let table = Table::new();
    let flags: Vec<Flag> = (0..SHARDS * entry::ENTRIES * 4)
        .map(|_| Flag::new())
        .collect();
    let arrived = flags
        .iter()
        .filter(|flag| {
            table
                .arrive(LockRef::beside(flag), START, Waiter::unnamed(START, 1))
                .is_some()
        })
        .count();
    assert!(arrived < flags.len(), "the table is bounded");
    assert!(arrived >= SHARDS * entry::ENTRIES / 2);

    // All of them give up: debts. New waiters push them out, and nothing is lost.
    let mut unattributed = Amount::ZERO;
    for flag in flags.iter().filter(|flag| !flag.is_idle()) {
        table.leave(
            LockRef::beside(flag),
            START + 1,
            Waiter::unnamed(START, 1),
            Outcome::GaveUp,
        );
    }
    let more: Vec<Flag> = (0..SHARDS).map(|_| Flag::new()).collect();
    for flag in &more {
        let arrival = table.arrive(
            LockRef::beside(flag),
            START + 2,
            Waiter::unnamed(START + 2, 1),
        );
        if let Some(evicted) = arrival.expect("debts make room").evicted {
            unattributed.add(evicted.amount);
        }
    }
    assert!(unattributed.contentions > 0.0);
    assert_eq!(unattributed.contentions as u64, unattributed.delay_nanos);
    let ledger = table.ledger();
    assert_eq!(ledger.charged, unattributed.contentions);
    assert_eq!(ledger.missing(), 0.0);
    // Those whose guards were leaked are given up in the end, and those that wait are not.
    while let Some(debt) = table.take_old_debt(START + 1_000, 500) {
        unattributed.add(debt.amount);
    }
    assert_eq!(unattributed.contentions, arrived as f64);
    assert_eq!(table.ledger().waiting, more.len() as f64);
    assert_eq!(table.ledger().owed, 0.0);
}
