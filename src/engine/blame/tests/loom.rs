//! Models of the hand-over between an arriving waiter, a release, and a leaving waiter.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test --release --lib`. The user's lock is a loom mutex;
//! the flag, the table and its lock are the real ones.

use loom::sync::{Arc, Mutex, RwLock};
use loom::thread;

use super::super::*;

struct Lock {
    table: Table,
    flag: Flag,
    inner: Mutex<()>,
    /// The same lock, for readers and writers.
    shared: RwLock<()>,
    /// All that was charged to somebody.
    charged: Mutex<Charge>,
}

const ARRIVE: u64 = 10_000;
const BARGE: u64 = 15_000;
const RELEASE: u64 = 20_000;
const LEAVE: u64 = 30_000;

impl Lock {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            table: Table::new(),
            flag: Flag::new(),
            inner: Mutex::new(()),
            shared: RwLock::new(()),
            charged: Mutex::new(Charge::ZERO),
        })
    }

    fn charge(&self, charge: Charge) {
        self.charged.lock().unwrap().add(charge);
    }

    fn charge_taken(&self, taken: &Taken) {
        self.charge(Charge {
            amount: taken.amount,
            wakeup_nanos: 0,
            ..Charge::ZERO
        });
        if let Some((_, wakeup)) = taken.wakeup {
            self.charge(wakeup);
        }
        self.charge(self.table.settle(taken, None));
        if taken.has_shares {
            self.charge_readers();
        }
    }

    fn charge_readers(&self) {
        let key = LockRef::beside(&self.flag).key();
        while let Some((_, share)) = self.table.next_share(key) {
            self.charge(share);
        }
    }

    /// Does what a reader's guard does, from its constructor to its drop.
    fn read(&self, thread: usize) {
        let held = self.shared.read().unwrap();
        let lock = LockRef::beside(&self.flag);
        if !self.flag.is_idle() {
            self.table.enter(lock, BARGE, thread);
        }
        let taken = match self.flag.is_idle() {
            true => None,
            false => self.table.exit(lock, RELEASE, thread),
        };
        drop(held);
        if let Some(taken) = taken {
            self.charge_taken(&taken);
        }
    }

    /// Does what a contended acquire for writing does.
    fn wait_to_write(&self) {
        let lock = LockRef::beside(&self.flag);
        let arrival = self
            .table
            .arrive(lock, ARRIVE, Waiter::unnamed(ARRIVE, 1))
            .unwrap();
        let held = self.shared.write().unwrap();
        let departure = self.table.leave(
            lock,
            LEAVE,
            Waiter::unnamed(arrival.begin, 1),
            Outcome::Acquired,
        );
        if let Some((_, charge)) = departure.charge {
            self.charge(charge);
        }
        if departure.has_shares {
            self.charge_readers();
        }
        self.release(|| drop(held));
    }

    /// Does what a guard's constructor does.
    fn acquired(&self) {
        if !self.flag.is_idle() {
            self.flag.acquired_at(|| BARGE);
        }
    }

    /// Does what a guard's drop does, around `unlock`.
    fn release(&self, unlock: impl FnOnce()) {
        let taken = (!self.flag.is_idle())
            .then(|| {
                self.flag.released_at(RELEASE);
                self.table.take(LockRef::beside(&self.flag), RELEASE)
            })
            .flatten();
        unlock();
        if let Some(taken) = taken {
            self.charge_taken(&taken);
        }
    }

    /// Does what a contended acquire does.
    fn wait(&self) {
        let arrival = self
            .table
            .arrive(
                LockRef::beside(&self.flag),
                ARRIVE,
                Waiter::unnamed(ARRIVE, 1),
            )
            .unwrap();
        let held = self.inner.lock().unwrap();
        let departure = self.table.leave(
            LockRef::beside(&self.flag),
            LEAVE,
            Waiter::unnamed(arrival.begin, 1),
            Outcome::Acquired,
        );
        if let Some((_, amount)) = departure.charge {
            self.charge(amount);
        }
        self.release(|| drop(held));
    }

    fn assert_conserved(&self, waiters: u64) {
        let charged = *self.charged.lock().unwrap();
        assert_eq!(
            charged.amount.contentions, waiters as f64,
            "every wait is counted once"
        );
        assert_eq!(
            charged.amount.delay_nanos + charged.wakeup_nanos,
            waiters * (LEAVE - ARRIVE),
            "the blame is the waiting"
        );
        assert!(self.flag.is_idle(), "nobody waits, and the flag says so");
        let entries: usize = self.table.shards.iter().map(|s| s.lock().len).sum();
        assert_eq!(
            entries, 0,
            "nothing is kept for a lock that nobody waits for"
        );
    }
}

#[test]
fn a_release_that_races_with_an_arrival_loses_no_blame() {
    loom::model(|| {
        let lock = Lock::new();
        let waiter = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || lock.wait())
        };
        let held = lock.inner.lock().unwrap();
        lock.release(|| drop(held));
        waiter.join().unwrap();
        lock.assert_conserved(1);
    });
}

/// The stopwatch has two kinds of writers. However they meet, it takes nothing and adds nothing.
#[test]
fn a_thread_that_barges_in_while_waiters_come_and_go_loses_no_blame() {
    loom::model(|| {
        let lock = Lock::new();
        let waiter = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || lock.wait())
        };
        let held = lock.inner.lock().unwrap();
        lock.acquired();
        lock.release(|| drop(held));
        waiter.join().unwrap();
        lock.assert_conserved(1);
    });
}

/// A reader from before, or one that comes while the writer waits, or both, as it happens.
#[test]
fn readers_that_come_and_go_while_a_writer_waits_lose_no_blame() {
    loom::model(|| {
        let lock = Lock::new();
        let writer = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || lock.wait_to_write())
        };
        lock.read(1);
        lock.read(1);
        writer.join().unwrap();
        lock.assert_conserved(1);
    });
}

#[test]
fn a_waiter_that_leaves_while_the_release_is_captured_is_counted_once() {
    loom::model(|| {
        let lock = Lock::new();
        // The waiter has arrived; its departure races with the releaser's settling.
        let arrival = lock
            .table
            .arrive(
                LockRef::beside(&lock.flag),
                ARRIVE,
                Waiter::unnamed(ARRIVE, 1),
            )
            .unwrap();
        let taken = lock
            .table
            .take(LockRef::beside(&lock.flag), RELEASE)
            .unwrap();
        let waiter = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                let departure = lock.table.leave(
                    LockRef::beside(&lock.flag),
                    LEAVE,
                    Waiter::unnamed(arrival.begin, 1),
                    Outcome::Acquired,
                );
                if let Some((_, amount)) = departure.charge {
                    lock.charge(amount);
                }
            })
        };
        lock.charge_taken(&taken);
        waiter.join().unwrap();
        lock.assert_conserved(1);
    });
}

#[test]
fn the_spin_lock_admits_one_at_a_time() {
    loom::model(|| {
        let counter = Arc::new(SpinLock::new(0));
        let other = {
            let counter = Arc::clone(&counter);
            thread::spawn(move || *counter.lock() += 1)
        };
        *counter.lock() += 1;
        other.join().unwrap();
        assert_eq!(*counter.lock(), 2, "no increment is lost");
    });
}
