//! Charges divided among those who have waited: what each waiter has, whoever is charged.

use std::collections::HashMap;

use super::super::*;
use crate::engine::store::{Added, Store};
use crate::profile::kind::{Kind, ProfileKind};

/// Contentions, and nanoseconds.
type Sum = (f64, u64);

/// The waiting of each stack, and what charges were divided into.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    truth: HashMap<u64, Sum>,
    booked: HashMap<u64, Sum>,
    unknown: Sum,
    /// Parts for which there was no room.
    dropped: u32,
}

/// The stack of a waiter. No store is asked for it.
pub(super) fn stack_of(waiter: u64) -> StackId {
    let store = Store::new(1, 1 << 16);
    let mut id = StackId::ZERO;
    for address in 0..=waiter as usize {
        let added = store.add(
            0,
            ProfileKind::Block,
            Kind::MUTEX,
            &[0x1000 + address],
            Amount::ZERO,
        );
        let Added::To(added) = added else {
            panic!("{added:?}")
        };
        id = added;
    }
    id
}

impl Pairs {
    /// A wait is over, or goes on, of which so much has to be charged to somebody.
    pub(super) fn waited(&mut self, stack: StackId, contentions: f64, nanos: u64) {
        let sum = self.truth.entry(number(stack)).or_default();
        *sum = (sum.0 + contentions, sum.1 + nanos);
    }

    /// A charge that the table has handed out.
    pub(super) fn book(&mut self, table: &Table, charge: Charge) {
        let mut booked = Charge::ZERO;
        let dropped = table.divide(charge, |waiter, part| {
            let sum = match waiter {
                Some(stack) => self.booked.entry(number(stack)).or_default(),
                None => &mut self.unknown,
            };
            sum.0 += part.amount.contentions;
            sum.1 += part.amount.delay_nanos + part.wakeup_nanos;
            booked.add(part);
        });
        self.dropped += dropped;
        // Whoever it is, all of it is somebody's.
        assert_eq!(booked.amount.delay_nanos, charge.amount.delay_nanos);
        assert_eq!(booked.amount.contentions, charge.amount.contentions);
        assert_eq!(booked.wakeup_nanos, charge.wakeup_nanos);
    }

    /// Each has what it has waited; if there was room for all parts.
    #[track_caller]
    pub(super) fn assert_all_is_booked(&mut self, what: &str) {
        let sum = |sums: &HashMap<u64, Sum>| {
            let sums = sums.values();
            sums.fold((0.0, 0), |sum, (contentions, nanos)| {
                (sum.0 + contentions, sum.1 + nanos)
            })
        };
        let (truth, booked) = (sum(&self.truth), sum(&self.booked));
        let booked = (booked.0 + self.unknown.0, booked.1 + self.unknown.1);
        assert_eq!(booked, truth, "{what}");
        if self.dropped > 0 {
            return;
        }
        let mut sums = [&mut self.truth, &mut self.booked];
        sums.iter_mut()
            .for_each(|sums| sums.retain(|_, sum| *sum != (0.0, 0)));
        assert_eq!(self.unknown, (0.0, 0), "{what}");
        assert_eq!(self.booked, self.truth, "{what}");
    }
}

/// By which a stack is told from others.
fn number(stack: StackId) -> u64 {
    stack.to_number().into()
}

const START: u64 = 1_000_000;

fn waiter(begin: u64, stack: u64) -> Waiter {
    Waiter {
        stack: Some(stack_of(stack)),
        ..Waiter::unnamed(begin, 1)
    }
}

fn divided(table: &Table, charge: Charge) -> Vec<(Option<u64>, f64, u64, u64)> {
    let mut parts = Vec::new();
    table.divide(charge, |waiter, part| {
        parts.push((
            waiter.map(number),
            part.amount.contentions,
            part.amount.delay_nanos,
            part.wakeup_nanos,
        ));
    });
    parts.sort_by_key(|part| part.0);
    parts
}

/// Two wait at different times: the release is charged with 30 + 10, and each has its own.
#[test]
fn a_release_is_divided_by_what_each_has_waited() {
    let (table, flag) = (Table::new(), Flag::new());
    let lock = || LockRef::beside(&flag);
    let (first, second) = (waiter(START, 1), waiter(START + 20_000, 2));
    table.arrive(lock(), START, first).unwrap();
    table.arrive(lock(), START + 20_000, second).unwrap();
    flag.released_at(START + 30_000);
    let taken = table.take(lock(), START + 30_000).unwrap();
    assert_eq!(taken.amount.delay_nanos, 40_000);
    // The first one has the lock before the stack of the release is known.
    let departure = table.leave(lock(), START + 31_000, first, Outcome::Acquired);
    assert_eq!(departure.charge, None);
    let mut charge = table.settle(&taken, Some(stack_of(7)));
    charge.amount.add(taken.amount);
    assert_eq!(
        divided(&table, charge),
        [
            (Some(number(stack_of(1))), 1.0, 30_000, 1_000),
            (Some(number(stack_of(2))), 0.0, 10_000, 1_000),
        ]
    );
    flag.released_at(START + 40_000);
    let taken = table.take(lock(), START + 40_000).unwrap();
    let departure = table.leave(lock(), START + 40_500, second, Outcome::Acquired);
    assert_eq!(departure.charge, None);
    let mut charge = table.settle(&taken, Some(stack_of(8)));
    charge.amount.add(taken.amount);
    let second = Some(number(stack_of(2)));
    assert_eq!(divided(&table, charge), [(second, 1.0, 9_000, 500)]);
    let shard = table.shard(lock().key);
    assert!(shard.waiters.is_empty() && shard.len == 0);
}

#[test]
fn who_gave_up_is_in_the_next_release() {
    let (table, flag) = (Table::new(), Flag::new());
    let lock = || LockRef::beside(&flag);
    let waiter = waiter(START, 1);
    table.arrive(lock(), START, waiter).unwrap();
    table.leave(lock(), START + 9_000, waiter, Outcome::GaveUp);
    flag.released_at(START + 50_000);
    let taken = table.take(lock(), START + 50_000).unwrap();
    let mut charge = table.settle(&taken, None);
    charge.amount.add(taken.amount);
    let first = Some(number(stack_of(1)));
    assert_eq!(divided(&table, charge), [(first, 1.0, 9_000, 0)]);
}

#[test]
fn who_came_without_a_stack_is_unknown() {
    let (table, flag) = (Table::new(), Flag::new());
    let lock = || LockRef::beside(&flag);
    let unnamed = Waiter::unnamed(START, 1);
    table.arrive(lock(), START, unnamed).unwrap();
    table.arrive(lock(), START, waiter(START, 1)).unwrap();
    flag.released_at(START + 10_000);
    let taken = table.take(lock(), START + 10_000).unwrap();
    let mut charge = table.settle(&taken, Some(stack_of(7)));
    charge.amount.add(taken.amount);
    let first = Some(number(stack_of(1)));
    assert_eq!(
        divided(&table, charge),
        [(None, 0.0, 10_000, 0), (first, 0.0, 10_000, 0)]
    );
}

/// More stacks wait than are told apart: the others are unknown, and nothing is lost.
#[test]
fn a_full_table_divides_what_it_knows() {
    const MANY: u64 = 100;
    let (table, flag) = (Table::new(), Flag::new());
    let lock = || LockRef::beside(&flag);
    let arrivals = (0..MANY).map(|stack| table.arrive(lock(), START, waiter(START, stack)));
    let unnamed = arrivals.filter(|arrival| arrival.is_some_and(|arrival| arrival.is_unnamed));
    let unnamed = unnamed.count() as u64;
    assert!((1..MANY).contains(&unnamed), "{unnamed}");
    flag.released_at(START + 10_000);
    let taken = table.take(lock(), START + 10_000).unwrap();
    assert_eq!(taken.amount.delay_nanos, MANY * 10_000);
    let mut charge = table.settle(&taken, Some(stack_of(MANY)));
    charge.amount.add(taken.amount);
    let parts = divided(&table, charge);
    assert_eq!(parts[0], (None, 0.0, unnamed * 10_000, 0));
    assert_eq!(parts.len() as u64, MANY - unnamed + 1);
    assert!(parts[1..].iter().all(|part| part.2 == 10_000), "{parts:?}");
}

/// With weights that no number of nanoseconds is divided by.
#[test]
fn weights_are_divided_to_the_nanosecond() {
    let (table, flag) = (Table::new(), Flag::new());
    let lock = || LockRef::beside(&flag);
    let weights = [1, 7, 100];
    for (stack, weight) in weights.into_iter().enumerate() {
        let waiter = Waiter {
            weight,
            ..waiter(START, stack as u64)
        };
        table.arrive(lock(), START, waiter).unwrap();
    }
    flag.released_at(START + 33_333);
    let taken = table.take(lock(), START + 33_333).unwrap();
    let mut charge = table.settle(&taken, Some(stack_of(7)));
    charge.amount.add(taken.amount);
    let delays: Vec<u64> = divided(&table, charge).iter().map(|part| part.2).collect();
    assert_eq!(delays, weights.map(|weight| u64::from(weight) * 33_333));
}
