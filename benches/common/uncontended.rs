//! One thread that locks and unlocks as fast as it can.

use std::hint::black_box;
use std::time::Instant;

use super::Padded;
use super::contest::Cost;
use super::locks::{Exclusive, Shared};

// The measured loops. Each is a function of its own, for every lock anew: what surrounds a loop
// decides how it is aligned and which registers it has left, which is worth more than a
// nanosecond. They return how many operations the lock has seen.

/// Locks, counts, unlocks.
#[inline(never)]
pub(crate) fn lock_loop<L: Exclusive>(lock: &L, operations: u64) -> u64 {
    let before = *lock.acquire();
    for _ in 0..operations {
        *lock.acquire() += 1;
    }
    *lock.acquire() - before
}

/// Locks for reading, adds what it reads (the value is 1), unlocks.
#[inline(never)]
pub(crate) fn read_loop<L: Shared>(lock: &L, operations: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..operations {
        sum += *lock.acquire_shared();
    }
    sum
}

/// Runs a measured loop for so many operations, times it, and checks what the lock has seen.
pub(crate) type Loop = Box<dyn Fn(u64) -> Cost>;

/// The loop on a lock of its own.
pub(crate) fn measured<L: Exclusive + 'static>(measured_loop: fn(&L, u64) -> u64) -> Loop {
    let lock = Box::new(Padded(L::new(1)));
    Box::new(move |operations| {
        let lock = black_box(&lock.0);
        let start = Instant::now();
        let seen = measured_loop(lock, operations);
        let elapsed = start.elapsed();
        assert_eq!(seen, operations, "the lock lost operations");
        Cost {
            nanos: elapsed.as_nanos() as f64 / operations as f64,
            bystander_nanos: None,
            operations,
        }
    })
}
