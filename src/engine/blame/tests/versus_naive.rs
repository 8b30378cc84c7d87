//! The table against a slow and obvious model that counts every waiter in every nanosecond.

use super::super::*;
use crate::engine::store::{Added, Store};
use crate::profile::kind::{Kind, ProfileKind};

/// Waiters of one lock, advanced by single nanoseconds.
#[derive(Default)]
struct Naive {
    now: u64,
    /// Begin and weight.
    waiters: Vec<(u64, u32)>,
    /// By all waiters so far, times their weights.
    waited: u64,
    /// Contentions that have ended, times their weights.
    ended: f64,
}

impl Naive {
    fn advance(&mut self, nanos: u64) {
        for _ in 0..nanos {
            self.now += 1;
            for (_, weight) in &self.waiters {
                self.waited += u64::from(*weight);
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

/// What the table keeps for releases to come or to settle, at `now`.
fn kept(table: &Table, now: u64) -> Amount {
    let mut sum = Amount::ZERO;
    for shard in &table.shards {
        let mut shard = shard.lock();
        let len = shard.len;
        for entry in &mut shard.entries[..len] {
            entry.advance(now);
            sum.add(entry.uncharged);
            sum.add(entry.deferred);
        }
        for (_, amount) in &shard.detached {
            sum.add(*amount);
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
    let mut charged = Amount::ZERO;
    for step in 0..400 {
        naive.advance(dice.below(3 * GATE_NANOS / 2));
        match dice.below(10) {
            0..=3 => {
                let weight = 1 + dice.below(5) as u32;
                table
                    .arrive(LockRef::beside(&flag), naive.now, naive.now, weight)
                    .unwrap();
                naive.waiters.push((naive.now, weight));
            }
            4..=6 if !flag.is_idle() && flag.is_due(naive.now) => {
                if let Some(taken) = table.take(LockRef::beside(&flag), naive.now) {
                    charged.add(taken.amount);
                    pending.push(taken);
                }
            }
            7 if !pending.is_empty() => {
                let taken = pending.swap_remove(dice.below(pending.len() as u64) as usize);
                let address = 1 + dice.below(5) as usize;
                let added = store.add(0, ProfileKind::Mutex, Kind::MUTEX, &[address], Amount::ZERO);
                let Added::To(id) = added else {
                    panic!("{added:?}")
                };
                charged.add(table.settle(&taken, Some(id)));
            }
            _ if !naive.waiters.is_empty() => {
                let index = dice.below(naive.waiters.len() as u64) as usize;
                let (begin, weight) = naive.leave(index);
                let outcome = match dice.below(4) {
                    0 => Outcome::GaveUp,
                    _ => Outcome::Acquired,
                };
                let departure =
                    table.leave(LockRef::beside(&flag), naive.now, begin, weight, outcome);
                assert_eq!(departure.end, naive.now);
                if let Some((_, amount)) = departure.charge {
                    charged.add(amount);
                }
            }
            _ => {}
        }
        // All that was waited is charged, or kept for somebody: once.
        let mut sum = kept(&table, naive.now);
        sum.add(charged);
        assert_eq!(sum.delay_nanos, naive.waited, "seed {seed} step {step}");
        assert_eq!(sum.contentions, naive.ended, "seed {seed} step {step}");
    }
    // Everybody leaves, a last release takes what remains, and every stack becomes known.
    while !naive.waiters.is_empty() {
        let (begin, weight) = naive.leave(0);
        let departure = table.leave(
            LockRef::beside(&flag),
            naive.now,
            begin,
            weight,
            Outcome::GaveUp,
        );
        assert_eq!(departure.charge, None);
    }
    if let Some(taken) = table.take(LockRef::beside(&flag), naive.now) {
        charged.add(taken.amount);
        pending.push(taken);
    }
    for taken in pending {
        charged.add(table.settle(&taken, None));
    }
    assert_eq!(charged.delay_nanos, naive.waited, "seed {seed}");
    assert_eq!(charged.contentions, naive.ended, "seed {seed}");
    let entries: usize = table.shards.iter().map(|shard| shard.lock().len).sum();
    assert_eq!(entries, 0, "seed {seed}: an entry outlives its waiters");
}

#[test]
fn blame_is_conserved_whatever_happens() {
    for seed in 1..60 {
        story(seed);
    }
}
