//! The table against a slow and obvious model that counts every waiter in every nanosecond.

use super::super::flag::GATE_NANOS;
use super::super::*;
use super::pairs::{Pairs, stack_of};
use crate::engine::store::{Added, Store};
use crate::profile::kind::{Kind, ProfileKind};

/// Waiters of one lock, advanced by single nanoseconds.
#[derive(Default)]
struct Naive {
    now: u64,
    /// Begin and weight.
    waiters: Vec<(u64, u32)>,
    /// By all waiters so far, times their weights, while the lock was held and while it was free.
    held_waited: u64,
    free_waited: u64,
    is_free: bool,
    /// Contentions that have ended, times their weights.
    ended: f64,
}

impl Naive {
    fn advance(&mut self, nanos: u64) {
        for _ in 0..nanos {
            self.now += 1;
            for (_, weight) in &self.waiters {
                match self.is_free {
                    true => self.free_waited += u64::from(*weight),
                    false => self.held_waited += u64::from(*weight),
                }
            }
        }
    }

    fn leave(&mut self, index: usize) -> (u64, u32) {
        let (begin, weight) = self.waiters.swap_remove(index);
        self.ended += f64::from(weight);
        (begin, weight)
    }
}

/// xorshift64 (Marsaglia, 2003), seeded per story so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The charges that the table keeps for releases to come or to settle, at `now`.
fn kept(table: &Table, flag: &Flag, now: u64) -> Charge {
    let mut sum = Charge::ZERO;
    for shard in &table.shards {
        let mut shard = shard.lock();
        let len = shard.len;
        for position in 0..len {
            shard.advance(position, LockRef::beside(flag), now);
            let entry = &shard.entries[position];
            sum.amount.add(entry.held);
            sum.wakeup_nanos += entry.free_nanos;
            sum.add(entry.deferred);
        }
        for (_, charge) in &shard.detached {
            sum.add(*charge);
        }
    }
    sum
}

fn story(seed: u64) {
    let store = Store::new(1, 1 << 16);
    let mut dice = Dice(seed);
    let (table, flag) = (Table::new(), Flag::new());
    let mut naive = Naive {
        now: 10_000,
        ..Naive::default()
    };
    let mut pending: Vec<Taken> = Vec::new();
    let mut charged = Charge::ZERO;
    let mut pairs = Pairs::default();
    // One of five stacks for each weight.
    let stacks: Vec<StackId> = (0..6).map(stack_of).collect();
    let waiter = |begin: u64, weight: u32| Waiter {
        stack: Some(stacks[weight as usize]),
        ..Waiter::unnamed(begin, weight)
    };
    let take =
        |naive: &Naive, charged: &mut Charge, pending: &mut Vec<Taken>, pairs: &mut Pairs| {
            if let Some(taken) = table.take(LockRef::beside(&flag), naive.now) {
                charged.amount.add(taken.amount);
                if let Some((_, wakeup)) = taken.wakeup {
                    pairs.book(&table, wakeup);
                    charged.add(wakeup);
                }
                pending.push(taken);
            }
        };
    for step in 0..400 {
        naive.advance(dice.below(3 * GATE_NANOS / 2));
        match dice.below(12) {
            0..=3 if !naive.is_free => {
                let weight = 1 + dice.below(5) as u32;
                let lock = LockRef::beside(&flag);
                table
                    .arrive(lock, naive.now, waiter(naive.now, weight))
                    .unwrap();
                naive.waiters.push((naive.now, weight));
            }
            4..=6 if !naive.is_free => {
                naive.is_free = true;
                if !flag.is_idle() {
                    flag.released_at(naive.now);
                    if flag.is_due(naive.now) {
                        take(&naive, &mut charged, &mut pending, &mut pairs);
                    }
                }
            }
            7 if !pending.is_empty() => {
                let taken = pending.swap_remove(dice.below(pending.len() as u64) as usize);
                let address = 1 + dice.below(5) as usize;
                let added = store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[address], Amount::ZERO);
                let Added::To(id) = added else {
                    panic!("{added:?}")
                };
                let mut settled = table.settle(&taken, Some(id));
                charged.add(settled);
                settled.amount.add(taken.amount);
                pairs.book(&table, settled);
            }
            // Another thread barges in.
            8 | 9 if naive.is_free => {
                naive.is_free = false;
                if !flag.is_idle() {
                    flag.acquired_at(|| naive.now);
                }
            }
            _ if !naive.waiters.is_empty() => {
                let index = dice.below(naive.waiters.len() as u64) as usize;
                // Only a free lock can be acquired; others give up.
                let outcome = match naive.is_free && dice.below(4) > 0 {
                    true => Outcome::Acquired,
                    false => Outcome::GaveUp,
                };
                if outcome == Outcome::Acquired {
                    naive.is_free = false;
                }
                let (begin, weight) = naive.leave(index);
                let waited = (naive.now - begin) * u64::from(weight);
                pairs.waited(stacks[weight as usize], f64::from(weight), waited);
                let lock = LockRef::beside(&flag);
                let departure = table.leave(lock, naive.now, waiter(begin, weight), outcome);
                assert_eq!(departure.end, naive.now);
                if let Some((_, charge)) = departure.charge {
                    pairs.book(&table, charge);
                    charged.add(charge);
                }
            }
            _ => {}
        }
        // All that was waited is charged, or kept for somebody: once, and for the right reason.
        let mut sum = kept(&table, &flag, naive.now);
        sum.add(charged);
        let held = sum.amount.delay_nanos;
        assert_eq!(held, naive.held_waited, "seed {seed} step {step}");
        assert_eq!(
            sum.wakeup_nanos, naive.free_waited,
            "seed {seed} step {step}"
        );
        assert_eq!(
            sum.amount.contentions, naive.ended,
            "seed {seed} step {step}"
        );
        let ledger = table.ledger();
        assert_eq!(ledger.charged, charged.amount.contentions, "seed {seed}");
        assert_eq!(ledger.missing(), 0.0, "seed {seed}");
        let waiting: u32 = naive.waiters.iter().map(|(_, weight)| weight).sum();
        assert_eq!(ledger.waiting, f64::from(waiting), "seed {seed}");
    }
    // Everybody leaves, a last release takes what remains, and every stack becomes known.
    while !naive.waiters.is_empty() {
        let (begin, weight) = naive.leave(0);
        let waited = (naive.now - begin) * u64::from(weight);
        pairs.waited(stacks[weight as usize], f64::from(weight), waited);
        let lock = LockRef::beside(&flag);
        let departure = table.leave(lock, naive.now, waiter(begin, weight), Outcome::GaveUp);
        assert_eq!(departure.charge, None);
    }
    take(&naive, &mut charged, &mut pending, &mut pairs);
    for taken in pending {
        let mut settled = table.settle(&taken, None);
        charged.add(settled);
        settled.amount.add(taken.amount);
        pairs.book(&table, settled);
    }
    assert_eq!(charged.amount.delay_nanos, naive.held_waited, "seed {seed}");
    assert_eq!(charged.wakeup_nanos, naive.free_waited, "seed {seed}");
    assert_eq!(charged.amount.contentions, naive.ended, "seed {seed}");
    pairs.assert_all_is_booked(&format!("seed {seed}"));
    let entries: usize = table.shards.iter().map(|shard| shard.lock().len).sum();
    assert_eq!(entries, 0, "seed {seed}: an entry outlives its waiters");
}

#[test]
fn blame_is_conserved_whatever_happens() {
    for seed in 1..60 {
        story(seed);
    }
}
