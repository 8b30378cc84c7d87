//! Locks with readers, with made-up times, against a model that shares out every piece of waiting
//! among those who hold the lock then.

use super::super::flag::GATE_NANOS;
use super::super::*;
use super::pairs::Pairs;
use crate::engine::store::{Added, Store};
use crate::profile::kind::{Kind, ProfileKind};

const MS: u64 = 1_000_000;
const START: u64 = 10_000;

/// A lock and threads, each with a stack of its own, and what is true of them.
struct Scene {
    table: Table,
    flag: Flag,
    stacks: Vec<StackId>,
    now: u64,
    /// Begin and weight of the waiting threads.
    waiters: Vec<(usize, u64, u32)>,
    readers: Vec<usize>,
    writer: Option<usize>,
    /// The debts of each thread, and of nobody.
    truth: Vec<f64>,
    free: f64,
    ended: f64,
    charged: Vec<Amount>,
    wakeup_nanos: u64,
    unattributed: Amount,
    pending: Vec<(usize, Taken)>,
    pairs: Pairs,
}

impl Scene {
    fn new(threads: usize) -> Self {
        let store = Store::new(1, 1 << 20);
        let stack = |site| {
            let (which, kind) = (ProfileKind::Mutex, Kind::RWLOCK_READ);
            match store.add(0, which, kind, &[site], Amount::ZERO) {
                Added::To(id) => id,
                other => panic!("the store has room, but {other:?}"),
            }
        };
        Self {
            table: Table::new(),
            flag: Flag::new(),
            stacks: (1..=threads).map(stack).collect(),
            now: START,
            waiters: Vec::new(),
            readers: Vec::new(),
            writer: None,
            truth: vec![0.0; threads],
            free: 0.0,
            ended: 0.0,
            charged: vec![Amount::ZERO; threads],
            wakeup_nanos: 0,
            unattributed: Amount::ZERO,
            pending: Vec::new(),
            pairs: Pairs::default(),
        }
    }

    fn lock(&self) -> LockRef<'_> {
        LockRef::beside(&self.flag)
    }

    /// Each thread waits with a stack of its own.
    fn waiter(&self, thread: usize, begin: u64, weight: u32) -> Waiter {
        Waiter {
            stack: Some(self.stacks[thread]),
            ..Waiter::unnamed(begin, weight)
        }
    }

    fn pass(&mut self, nanos: u64) {
        self.now += nanos;
        for (thread, _, weight) in &self.waiters {
            let waited = nanos * u64::from(*weight);
            self.pairs.waited(self.stacks[*thread], 0.0, waited);
        }
        let weight: u32 = self.waiters.iter().map(|(_, _, weight)| weight).sum();
        let waited = f64::from(weight) * nanos as f64;
        match (self.writer, self.readers.len()) {
            (Some(writer), _) => self.truth[writer] += waited,
            (None, 0) => self.free += waited,
            (None, readers) => {
                for reader in &self.readers {
                    self.truth[*reader] += waited / readers as f64;
                }
            }
        }
    }

    fn charge(&mut self, to: ChargeTo, charge: Charge) {
        self.pairs.book(&self.table, charge);
        self.add(to, charge);
    }

    fn add(&mut self, to: ChargeTo, charge: Charge) {
        self.wakeup_nanos += charge.wakeup_nanos;
        match to {
            ChargeTo::Stack(id) => {
                let thread = self.stacks.iter().position(|stack| *stack == id);
                self.charged[thread.expect("a thread's stack")].add(charge.amount);
            }
            ChargeTo::Unattributed => self.unattributed.add(charge.amount),
        }
    }

    fn charge_readers(&mut self) {
        while let Some((to, charge)) = self.table.next_share(self.lock().key()) {
            self.charge(to, charge);
        }
    }

    fn settle(&mut self, thread: usize, taken: &Taken) {
        if let Some((to, charge)) = taken.wakeup {
            self.charge(to, charge);
        }
        self.charged[thread].add(taken.amount);
        let stack = self.stacks[thread];
        let mut deferred = self.table.settle(taken, Some(stack));
        self.add(ChargeTo::Stack(stack), deferred);
        deferred.amount.add(taken.amount);
        self.pairs.book(&self.table, deferred);
        if taken.has_shares {
            self.charge_readers();
        }
    }

    fn wait(&mut self, thread: usize, weight: u32) {
        let arrival =
            self.table
                .arrive(self.lock(), self.now, self.waiter(thread, self.now, weight));
        assert_eq!(arrival.expect("there is room").evicted, None);
        self.waiters.push((thread, self.now, weight));
    }

    /// Does what a guard's constructor does.
    fn acquired(&mut self, thread: usize, is_reader: bool) {
        if self.flag.is_idle() {
        } else if is_reader {
            self.table.enter(self.lock(), self.now, thread);
        } else if !self.flag.is_shared() {
            self.flag.acquired_at(|| self.now);
        } else if self.table.end_phase(self.lock(), self.now) {
            self.charge_readers();
        }
    }

    fn read(&mut self, thread: usize) {
        assert_eq!(self.writer, None);
        self.readers.push(thread);
        self.acquired(thread, true);
    }

    fn write(&mut self, thread: usize) {
        assert!(self.writer.is_none() && self.readers.is_empty());
        self.writer = Some(thread);
        self.acquired(thread, false);
    }

    /// The stack is known later, if it is captured.
    fn begin_release(&mut self, thread: usize) {
        let taken = if self.writer == Some(thread) {
            self.writer = None;
            if self.flag.is_idle() {
                return;
            }
            self.flag.released_at(self.now);
            match self.flag.is_due(self.now) {
                true => self.table.take(self.lock(), self.now),
                false => None,
            }
        } else {
            let index = self.readers.iter().position(|reader| *reader == thread);
            self.readers.swap_remove(index.expect("a reader"));
            if self.flag.is_idle() {
                return;
            }
            self.table.exit(self.lock(), self.now, thread)
        };
        self.pending.extend(taken.map(|taken| (thread, taken)));
    }

    fn end_release(&mut self, index: usize) {
        let (thread, taken) = self.pending.swap_remove(index);
        self.settle(thread, &taken);
    }

    fn release(&mut self, thread: usize) {
        let pending = self.pending.len();
        self.begin_release(thread);
        if self.pending.len() > pending {
            self.end_release(pending);
        }
    }

    fn leave(&mut self, index: usize, outcome: Outcome) -> usize {
        let (thread, begin, weight) = self.waiters.swap_remove(index);
        self.ended += f64::from(weight);
        self.pairs.waited(self.stacks[thread], f64::from(weight), 0);
        let departure = self.table.leave(
            self.lock(),
            self.now,
            self.waiter(thread, begin, weight),
            outcome,
        );
        if let Some((to, charge)) = departure.charge {
            self.charge(to, charge);
        }
        if departure.has_shares {
            self.charge_readers();
        }
        match outcome {
            Outcome::Joined { thread } => {
                self.readers.push(thread);
                self.acquired(thread, true);
            }
            Outcome::Acquired => {
                self.writer = Some(thread);
                self.acquired(thread, false);
            }
            _ => {}
        }
        thread
    }

    fn delays(&self) -> Vec<u64> {
        let delays = self.charged.iter().map(|amount| amount.delay_nanos);
        delays.collect()
    }

    fn assert_all_is_charged(&mut self, what: &str) {
        self.pairs.assert_all_is_booked(what);
        let delay: u64 = self.delays().iter().sum();
        let charged = delay + self.wakeup_nanos + self.unattributed.delay_nanos;
        let waited = self.truth.iter().sum::<f64>() + self.free;
        assert_eq!(
            charged,
            waited.round() as u64,
            "{what}: the blame is the waiting"
        );
        let contentions: f64 = self.charged.iter().map(|amount| amount.contentions).sum();
        let contentions = contentions + self.unattributed.contentions;
        assert_eq!(contentions, self.ended, "{what}: each wait is counted once");
        assert!(self.flag.is_idle(), "{what}: nobody waits");
        for shard in &self.table.shards {
            let shard = shard.lock();
            assert_eq!(shard.len, 0, "{what}: an entry outlives its waiters");
            assert!(shard.waiters.is_empty(), "{what}: portions are left");
            assert!(
                !shard.notes.owes(self.lock().key()),
                "{what}: shares are left"
            );
        }
    }

    /// Each release costs the precision of a nanosecond.
    fn assert_fair(&self, what: &str, tolerance: f64) {
        for (thread, charged) in self.charged.iter().enumerate() {
            let error = charged.delay_nanos as f64 - self.truth[thread];
            assert!(
                error.abs() <= tolerance,
                "{what}: thread {thread} pays {charged:?}, in truth {}",
                self.truth[thread]
            );
        }
        let error = self.wakeup_nanos as f64 - self.free;
        assert!(
            error.abs() <= tolerance,
            "{what}: free {} {error}",
            self.free
        );
    }
}

/// The picture of the module.
#[test]
fn readers_from_before_the_wait_share_it() {
    let mut scene = Scene::new(4);
    for reader in 0..3 {
        scene.read(reader);
    }
    scene.pass(7 * MS);
    scene.wait(3, 1);
    scene.pass(30 * MS);
    scene.release(0);
    scene.pass(20 * MS);
    scene.release(1);
    scene.pass(10 * MS);
    scene.release(2);
    scene.pass(MS);
    scene.leave(0, Outcome::Acquired);
    assert_eq!(scene.delays(), [10 * MS, 20 * MS, 30 * MS, 0]);
    assert_eq!(scene.wakeup_nanos, MS);
    assert_eq!(scene.charged[2].contentions, 1.0);
    scene.assert_all_is_charged("picture");
}

#[test]
fn one_slow_reader_among_a_hundred_quick_ones_pays_what_it_kept() {
    let mut scene = Scene::new(102);
    for reader in 0..=100 {
        scene.read(reader);
    }
    scene.wait(101, 1);
    scene.pass(MS);
    for reader in 1..=100 {
        scene.pass(10_000);
        scene.begin_release(reader);
    }
    // Their stacks become known in another order.
    while !scene.pending.is_empty() {
        scene.end_release(scene.pending.len() / 2);
    }
    scene.pass(40 * MS);
    scene.release(0);
    scene.leave(0, Outcome::Acquired);
    scene.assert_fair("a hundred", 101.0);
    scene.assert_all_is_charged("a hundred");
}

/// More readers than there is room for notes: how many they are is guessed, and all is charged.
#[test]
fn more_readers_than_notes_pay_all_the_same() {
    const READERS: usize = 300;
    let mut scene = Scene::new(READERS + 1);
    for reader in 0..READERS {
        scene.read(reader);
    }
    scene.wait(READERS, 1);
    for reader in 0..READERS {
        scene.pass(MS);
        scene.release(reader);
    }
    scene.leave(0, Outcome::Acquired);
    scene.assert_all_is_charged("many");
    // The first of them are charged with what they kept, by the guess that as many are inside
    // still.
    let (found, truth) = (scene.charged[60].delay_nanos as f64, scene.truth[60]);
    assert!((0.5..2.0).contains(&(found / truth)), "{found} {truth}");
}

#[test]
fn readers_that_barge_in_share_what_they_keep() {
    let mut scene = Scene::new(4);
    scene.write(0);
    scene.wait(3, 1);
    scene.pass(10 * MS);
    scene.release(0);
    scene.pass(2 * MS);
    scene.read(1);
    scene.pass(4 * MS);
    scene.read(2);
    scene.pass(10 * MS);
    scene.release(1);
    scene.pass(MS);
    scene.release(2);
    scene.pass(3 * MS);
    scene.leave(0, Outcome::Acquired);
    assert_eq!(scene.delays(), [10 * MS, 9 * MS, 6 * MS, 0]);
    assert_eq!(scene.wakeup_nanos, 5 * MS);
    scene.assert_all_is_charged("barging");
}

#[test]
fn a_reader_that_a_writer_gave_up_on_pays_all_of_it() {
    let mut scene = Scene::new(2);
    scene.read(0);
    scene.wait(1, 1);
    scene.pass(10 * MS);
    scene.leave(0, Outcome::GaveUp);
    scene.pass(10 * MS);
    scene.release(0);
    assert_eq!(scene.delays(), [10 * MS, 0]);
    assert_eq!(scene.charged[0].contentions, 1.0);
    scene.assert_all_is_charged("given up");
}

/// Where it is known who is inside, a debt is paid by all who made it, and nobody who came later.
#[test]
fn readers_pay_their_parts_of_a_wait_that_was_given_up() {
    let mut scene = Scene::new(5);
    scene.write(0);
    scene.wait(4, 1);
    scene.pass(MS);
    scene.release(0);
    scene.read(1);
    scene.read(2);
    scene.pass(10 * MS);
    scene.leave(0, Outcome::GaveUp);
    scene.read(3);
    scene.pass(10 * MS);
    scene.release(2);
    scene.pass(10 * MS);
    scene.release(1);
    assert!(scene.flag.is_idle(), "all is paid");
    scene.release(3);
    assert_eq!(scene.delays(), [MS, 5 * MS, 5 * MS, 0, 0]);
    scene.assert_all_is_charged("given up");
}

/// A release that nobody captures leaves its part to the next one.
#[test]
fn short_holds_within_the_gate_are_not_captured() {
    let mut scene = Scene::new(4);
    scene.write(0);
    scene.wait(3, 1);
    scene.pass(MS);
    scene.release(0);
    scene.read(1);
    scene.read(2);
    scene.pass(GATE_NANOS / 4);
    scene.begin_release(1);
    assert_eq!(scene.pending.len(), 0);
    scene.pass(GATE_NANOS);
    scene.release(2);
    scene.leave(0, Outcome::Acquired);
    assert_eq!(scene.charged[2].delay_nanos, GATE_NANOS / 4 + GATE_NANOS);
    scene.assert_all_is_charged("gate");
}

/// xorshift64 (Marsaglia, 2003), seeded per story so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Readers and writers come, wait, give up and go, as the seed will have it.
fn story(seed: u64, give_up: bool, least_nanos: u64) {
    const THREADS: usize = 9;
    let what = format!("seed {seed}");
    let mut dice = Dice(seed);
    let mut scene = Scene::new(THREADS);
    for step in 0..300 {
        scene.pass(least_nanos + dice.below(40_000) as u64);
        let thread = dice.below(THREADS);
        let waits = scene
            .waiters
            .iter()
            .position(|(waiter, ..)| *waiter == thread);
        let is_free = scene.writer.is_none() && scene.readers.is_empty();
        let goes_on = step < 280;
        if scene.writer == Some(thread) || scene.readers.contains(&thread) {
            match dice.below(4) {
                0 if goes_on => {}
                1 | 2 => scene.begin_release(thread),
                _ => scene.release(thread),
            }
        } else if let Some(index) = waits {
            // Every third thread waits to read.
            let outcome = match thread.is_multiple_of(3) {
                _ if give_up && dice.below(4) == 0 => Outcome::GaveUp,
                false if is_free => Outcome::Acquired,
                // A holder that is inside then would not pay for the last waiter, who is in too.
                true if is_free || scene.writer.is_none() && scene.waiters.len() > 1 => {
                    Outcome::Joined { thread }
                }
                _ => continue,
            };
            scene.leave(index, outcome);
        } else if !goes_on {
        } else if scene.writer.is_none() && dice.below(3) > 0 {
            scene.read(thread);
        } else if is_free {
            scene.write(thread);
        } else {
            scene.wait(thread, 1 + dice.below(3) as u32);
        }
        if !scene.pending.is_empty() && dice.below(3) > 0 {
            scene.end_release(dice.below(scene.pending.len()));
        }
    }
    // Everybody goes.
    for thread in 0..THREADS {
        if scene.writer == Some(thread) || scene.readers.contains(&thread) {
            scene.pass(least_nanos);
            scene.release(thread);
        }
    }
    while !scene.waiters.is_empty() {
        scene.pass(least_nanos);
        let thread = scene.leave(0, Outcome::Acquired);
        scene.pass(least_nanos);
        scene.release(thread);
    }
    // A release pays what those who gave up have left.
    scene.write(0);
    scene.release(0);
    while !scene.pending.is_empty() {
        scene.end_release(0);
    }
    scene.assert_all_is_charged(&what);
    if !give_up && least_nanos > GATE_NANOS {
        scene.assert_fair(&what, 400.0);
    }
}

#[test]
fn everybody_pays_the_part_that_it_held() {
    for seed in 1..60 {
        story(seed, false, GATE_NANOS + 10_000);
    }
}

#[test]
fn blame_of_readers_is_conserved_whatever_happens() {
    for seed in 1..60 {
        story(seed, true, 0);
        story(seed, true, GATE_NANOS + 10_000);
        story(seed, false, 0);
    }
}
