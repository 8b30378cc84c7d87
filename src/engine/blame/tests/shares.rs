//! Locks that several hold, with made-up times: each holder pays its share, and all is paid.

use super::super::flag::GATE_NANOS;
use super::super::*;
use super::pairs::Pairs;
use crate::engine::store::{Added, Store};
use crate::profile::kind::{Kind, ProfileKind};

const MS: u64 = 1_000_000;
const START: u64 = 10_000;

struct Scene {
    table: Table,
    lock: SharedFlag,
    /// A stack for each holder.
    stacks: Vec<StackId>,
    /// The charge of each stack, wake-ups apart, and the rest that no stack was charged with.
    charged: Vec<Amount>,
    wakeup_nanos: u64,
    unattributed: Amount,
    pairs: Pairs,
}

impl Scene {
    fn new(holders: usize) -> Self {
        let store = Store::new(1, 0);
        let stack = |site: usize| {
            let added = store.add(
                0,
                ProfileKind::Mutex,
                Kind::ASYNC_SEMAPHORE,
                &[site + 1],
                Amount::ZERO,
            );
            match added {
                Added::To(id) => id,
                other => panic!("the store has room, but {other:?}"),
            }
        };
        Self {
            table: Table::new(),
            lock: SharedFlag::new(),
            stacks: (0..holders).map(stack).collect(),
            charged: vec![Amount::ZERO; holders],
            wakeup_nanos: 0,
            unattributed: Amount::ZERO,
            pairs: Pairs::default(),
        }
    }

    fn hold(&self, at: u64, permits: u32) -> Share {
        match self.lock.is_idle() {
            true => self.lock.take_now(permits),
            false => self.table.take_share(&self.lock, at, permits),
        }
    }

    fn charge(&mut self, charge: Option<(ChargeTo, Charge)>) {
        if let Some((to, charge)) = charge {
            self.pairs.book(&self.table, charge);
            self.add(to, charge);
        }
    }

    /// Waiters have one of four stacks.
    fn waiter(&self, begin: u64) -> Waiter {
        let index = begin as usize % self.stacks.len().min(4);
        Waiter {
            stack: Some(self.stacks[index]),
            ..Waiter::unnamed(begin, 1)
        }
    }

    fn add(&mut self, to: ChargeTo, charge: Charge) {
        self.wakeup_nanos += charge.wakeup_nanos;
        let holder = match to {
            ChargeTo::Stack(id) => self.stacks.iter().position(|stack| *stack == id),
            ChargeTo::Unattributed => None,
        };
        match holder {
            Some(holder) => self.charged[holder].add(charge.amount),
            None => self.unattributed.add(charge.amount),
        }
    }

    /// A release whose stack is known at once.
    fn give_back(&mut self, at: u64, holder: usize, share: Share) {
        if self.lock.owes_nothing(share) {
            self.lock.give_back_now(share);
            return;
        }
        let taken = self.table.give_back(&self.lock, at, share);
        self.settle(holder, taken);
    }

    fn settle(&mut self, holder: usize, taken: Option<Taken>) {
        let Some(taken) = taken else { return };
        self.charge(taken.wakeup);
        self.charged[holder].add(taken.amount);
        let stack = self.stacks[holder];
        let mut deferred = self.table.settle(&taken, Some(stack));
        self.add(ChargeTo::Stack(stack), deferred);
        deferred.amount.add(taken.amount);
        self.pairs.book(&self.table, deferred);
    }

    fn arrive(&mut self, at: u64) {
        let lock = LockRef::shared(&self.lock);
        let arrival = self
            .table
            .arrive(lock, at, self.waiter(at))
            .expect("there is room");
        if let Some(debt) = arrival.evicted {
            self.charge(Some((ChargeTo::Unattributed, debt)));
        }
    }

    fn leave(&mut self, at: u64, begin: u64, outcome: Outcome) {
        let stack = self.waiter(begin).stack.expect("it has one");
        self.pairs.waited(stack, 1.0, at - begin);
        let lock = LockRef::shared(&self.lock);
        let departure = self.table.leave(lock, at, self.waiter(begin), outcome);
        self.charge(departure.charge);
    }

    fn delays(&self) -> Vec<u64> {
        self.charged
            .iter()
            .map(|amount| amount.delay_nanos)
            .collect()
    }

    fn total_nanos(&self) -> u64 {
        self.delays().iter().sum::<u64>() + self.wakeup_nanos + self.unattributed.delay_nanos
    }

    fn entries(&self) -> usize {
        self.table.shards.iter().map(|shard| shard.lock().len).sum()
    }
}

/// The picture of the module.
#[test]
fn each_holder_pays_its_part() {
    let mut scene = Scene::new(3);
    let [a, b] = [0, 1].map(|_| scene.hold(START, 1));
    scene.arrive(START);
    scene.give_back(START + 18 * MS, 0, a);
    scene.give_back(START + 28 * MS, 1, b);
    scene.leave(START + 28 * MS, START, Outcome::Acquired);
    assert_eq!(scene.delays(), [9 * MS, 19 * MS, 0]);
    assert_eq!(scene.charged[1].contentions, 1.0);
    assert_eq!(scene.entries(), 0);
}

/// A holder that stays after the last waiter has gone pays when it gives back.
#[test]
fn holders_pay_after_the_waiter_has_gone() {
    let mut scene = Scene::new(2);
    let [a, b] = [0, 1].map(|_| scene.hold(START, 1));
    scene.arrive(START);
    scene.give_back(START + 10 * MS, 0, a);
    scene.leave(START + 10 * MS, START, Outcome::Acquired);
    assert!(scene.lock.is_idle());
    // Somebody who comes after the wait owes nothing for it.
    let c = scene.hold(START + 11 * MS, 1);
    scene.give_back(START + 12 * MS, 0, c);
    assert_eq!(scene.delays(), [5 * MS, 0]);
    scene.give_back(START + 900 * MS, 1, b);
    assert_eq!(scene.delays(), [5 * MS, 5 * MS]);
    assert_eq!(scene.entries(), 0);
}

#[test]
fn many_permits_pay_as_many_times() {
    let mut scene = Scene::new(2);
    let (mut a, b) = (scene.hold(START, 3), scene.hold(START, 1));
    scene.arrive(START);
    let part = a.split(2);
    scene.give_back(START + 8 * MS, 0, part);
    scene.give_back(START + 8 * MS, 0, a);
    scene.give_back(START + 8 * MS, 1, b);
    scene.leave(START + 8 * MS, START, Outcome::Acquired);
    assert_eq!(scene.delays(), [6 * MS, 2 * MS]);
}

#[test]
fn merged_permits_owe_what_they_owed_apart() {
    let mut scene = Scene::new(2);
    let early = scene.hold(START, 1);
    let other = scene.hold(START, 1);
    scene.arrive(START);
    scene.give_back(START + 4 * MS, 1, other);
    let late = scene.hold(START + 4 * MS, 3);
    let merged = early.merged(late);
    assert_eq!(merged, late.merged(early));
    scene.give_back(START + 12 * MS, 0, merged);
    scene.leave(START + 12 * MS, START, Outcome::Acquired);
    assert_eq!(scene.delays(), [10 * MS, 2 * MS]);
}

/// A semaphore without permits, as a signal: there is no holder, and who adds permits is the
/// release.
#[test]
fn who_adds_permits_is_charged_where_nobody_held() {
    let mut scene = Scene::new(1);
    scene.arrive(START);
    let taken = scene.table.let_in(&scene.lock, START + 5 * MS);
    scene.settle(0, taken);
    scene.leave(START + 6 * MS, START, Outcome::Acquired);
    assert_eq!(scene.delays(), [5 * MS]);
    assert_eq!(scene.wakeup_nanos, MS);
    assert_eq!(scene.charged[0].contentions, 1.0);
}

/// The lock is gone with a debt, and another one stands at its place.
#[test]
fn another_lock_at_the_same_place_is_not_charged() {
    let mut scene = Scene::new(1);
    let _leaked = scene.hold(START, 1);
    scene.arrive(START);
    scene.leave(START + MS, START, Outcome::GaveUp);
    assert_eq!(scene.entries(), 1);
    scene.lock = SharedFlag::new();
    let holder = scene.hold(START + 2 * MS, 1);
    scene.arrive(START + 2 * MS);
    assert_eq!(scene.unattributed.delay_nanos, MS);
    scene.give_back(START + 3 * MS, 0, holder);
    scene.leave(START + 3 * MS, START + 2 * MS, Outcome::Acquired);
    assert_eq!(scene.delays(), [MS]);
}

/// A random story against a model that counts every waiter and every holder in every nanosecond.
#[test]
fn shares_are_those_of_a_naive_model_and_nothing_is_lost() {
    // xorshift64 (Marsaglia, 2003).
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % limit
    };
    const HOLDERS: usize = 5;
    for _ in 0..200 {
        let mut scene = Scene::new(HOLDERS);
        let mut held: Vec<Option<Share>> = vec![None; HOLDERS];
        let mut waiters: Vec<u64> = Vec::new();
        let mut truth = [0.0_f64; HOLDERS];
        let (mut now, mut waited) = (START, 0_u64);
        for step in 0..400 {
            let nanos = below(4 * GATE_NANOS);
            let permits: u64 = held
                .iter()
                .flatten()
                .map(|share| u64::from(share.permits))
                .sum();
            for (holder, share) in held.iter().enumerate() {
                let Some(share) = share else { continue };
                let part = f64::from(share.permits) / permits as f64;
                truth[holder] += nanos as f64 * waiters.len() as f64 * part;
            }
            now += nanos;
            waited += nanos * waiters.len() as u64;
            let holder = below(HOLDERS as u64) as usize;
            match (below(4), held[holder].take()) {
                (0 | 1, Some(share)) => scene.give_back(now, holder, share),
                (0 | 1, None) => held[holder] = Some(scene.hold(now, 1 + below(3) as u32)),
                (2, share) if step < 350 && waiters.len() < 4 => {
                    held[holder] = share;
                    waiters.push(now);
                    scene.arrive(now);
                }
                (_, share) => {
                    held[holder] = share;
                    if let Some(begin) = waiters.pop() {
                        let outcome = [Outcome::Acquired, Outcome::GaveUp][below(2) as usize];
                        scene.leave(now, begin, outcome);
                    }
                }
            }
        }
        while let Some(begin) = waiters.pop() {
            scene.leave(now, begin, Outcome::Acquired);
        }
        for (holder, share) in held.into_iter().enumerate() {
            if let Some(share) = share {
                scene.give_back(now, holder, share);
            }
        }
        // A debt without a holder waits for the next one to come.
        if !scene.lock.is_idle() {
            let taken = scene.table.let_in(&scene.lock, now);
            scene.settle(0, taken);
        }
        assert_eq!(scene.total_nanos(), waited);
        assert_eq!(scene.entries(), 0);
        scene.pairs.assert_all_is_booked("a story");
        // Releases that come within the gate leave theirs to the next one, whoever that is.
        let all: f64 = truth.iter().sum();
        for (holder, nanos) in scene.delays().into_iter().enumerate() {
            let off = (nanos as f64 - truth[holder]).abs() / all.max(1.0);
            assert!(off < 0.10, "{holder}: {nanos} of {}", truth[holder]);
        }
    }
}
