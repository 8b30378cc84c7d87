//! The law: the blame of a lock is the waiting for it, to the nanosecond.

use std::sync::Barrier;
use std::thread;

use crate::ground_truth::*;
use crate::locks::{Lock, for_each_lock};

for_each_lock!(
    contend::sync::Mutex<()>,
    contend::parking_lot::Mutex<()>,
    contend::parking_lot_0_13::Mutex<()>:
    blame_equals_waiting_exactly,
);

/// Both profiles count the same waits, one by who released and one by who waited, from the same
/// readings of the clock. Every wait here outlasts the spin, so none is in one profile only.
fn blame_equals_waiting_exactly<L: Lock>() {
    const WAITERS: usize = 12;
    let _recording = recording(1, 1);
    for round in 0..5 {
        let lock = L::default();
        let start = Barrier::new(WAITERS + 1);
        thread::scope(|scope| {
            for waiter in 0..WAITERS {
                let (lock, start) = (&lock, &start);
                scope.spawn(move || {
                    start.wait();
                    lock.with(|| nap(ms((waiter as u64 + round) % 4)));
                });
            }
            lock.with(|| {
                start.wait();
                // Until all of them have asked and gone to sleep.
                nap(ms(30));
            });
        });
    }
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(block.total_contentions(), 5 * WAITERS as u64);
    assert_eq!(mutex.total_contentions(), block.total_contentions());
    assert_eq!(mutex.total_delay(), block.total_delay());
    assert_eq!(mutex.lost().total(), 0);
}
