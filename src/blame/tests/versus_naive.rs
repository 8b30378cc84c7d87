//! The table against a slow and obvious model that counts every waiter in every nanosecond.

use super::super::*;
use crate::kind::{Kind, Which};
use crate::store::{Added, Store};

/// Waiters of one lock, advanced by single nanoseconds.
#[derive(Default)]
struct Naive {
    now: u64,
    /// Begin and weight.
    waiters: Vec<(u64, u32)>,
    pool: u64,
    waited: u64,
}

impl Naive {
    fn advance(&mut self, nanos: u64) {
        for _ in 0..nanos {
            self.now += 1;
            for (_, weight) in &self.waiters {
                self.pool += u64::from(*weight);
            }
        }
    }

    fn leave(&mut self, index: usize) -> (u64, u32) {
        let (begin, weight) = self.waiters.swap_remove(index);
        self.waited += (self.now - begin) * u64::from(weight);
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
    let mut sampled = 0.0;
    for step in 0..400 {
        naive.advance(dice.below(3 * GATE_NANOS / 2));
        match dice.below(10) {
            0..=3 => {
                let weight = 1 + dice.below(5) as u32;
                table.arrive(&flag, naive.now, naive.now, weight).unwrap();
                naive.waiters.push((naive.now, weight));
                sampled += f64::from(weight);
            }
            // Beyond `DETACHED` captures at once, a release also takes over deferred blame.
            4..=6 if flag.is_due(naive.now) && pending.len() < DETACHED => {
                if let Some(taken) = table.take(&flag, naive.now) {
                    // What nobody was charged with is this release's, all of it.
                    assert_eq!(
                        taken.amount.delay_nanos, naive.pool,
                        "seed {seed} step {step}"
                    );
                    naive.pool = 0;
                    charged.add(taken.amount);
                    pending.push(taken);
                }
            }
            7 if !pending.is_empty() => {
                let taken = pending.swap_remove(dice.below(pending.len() as u64) as usize);
                let address = 1 + dice.below(5) as usize;
                let added = store.add(0, Which::Mutex, Kind::Mutex, &[address], Amount::ZERO);
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
                let departure = table.leave(&flag, naive.now, begin, weight, outcome);
                assert_eq!(departure.end, naive.now);
                if let Some((_, amount)) = departure.charge {
                    charged.add(amount);
                }
                if naive.waiters.is_empty() && outcome == Outcome::Acquired {
                    naive.pool = 0;
                }
            }
            _ => {}
        }
    }
    // Everybody leaves, a last release takes what remains, and every stack becomes known.
    while !naive.waiters.is_empty() {
        let (begin, weight) = naive.leave(0);
        let departure = table.leave(&flag, naive.now, begin, weight, Outcome::GaveUp);
        assert_eq!(departure.charge, None);
    }
    if !flag.is_idle() {
        if let Some(taken) = table.take(&flag, naive.now + GATE_NANOS) {
            charged.add(taken.amount);
            pending.push(taken);
        }
    }
    for taken in pending {
        charged.add(table.settle(&taken, None));
    }
    assert_eq!(charged.delay_nanos, naive.waited, "seed {seed}");
    assert_eq!(charged.contentions, sampled, "seed {seed}");
    assert_eq!(
        table
            .shards
            .iter()
            .map(|shard| shard.lock().len)
            .sum::<usize>(),
        0,
        "seed {seed}: an entry outlives its waiters"
    );
}

#[test]
fn blame_is_conserved_whatever_happens() {
    for seed in 1..60 {
        story(seed);
    }
}
