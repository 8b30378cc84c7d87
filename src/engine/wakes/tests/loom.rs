//! Models of the hand-over between a sleeper and a notification.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test --release --lib`. What is waited for is a loom
//! Condvar; the flag, the table and its lock are the real ones.

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::super::*;

struct Place {
    table: Sleepers,
    flag: WakeFlag,
    ready: Mutex<bool>,
    changed: Condvar,
    /// All that was charged to somebody.
    charged: Mutex<Amount>,
}

const BEGIN: u64 = 10_000;
const NOTIFY: u64 = 20_000;
const NANOS: u64 = 20_000;

impl Place {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            table: Sleepers::new(),
            flag: WakeFlag::new(),
            ready: Mutex::new(false),
            changed: Condvar::new(),
            charged: Mutex::new(Amount::ZERO),
        })
    }

    fn at(&self) -> WakeRef<'_> {
        WakeRef::beside(&self.flag)
    }

    fn charge(&self, amount: Amount) {
        self.charged.lock().unwrap().add(amount);
    }

    /// Does what a Condvar's wait does, where there is something to wait for.
    fn wait(&self) {
        let mut ready = self.ready.lock().unwrap();
        if *ready {
            return self.charge(weighted(NANOS, 1.0));
        }
        assert!(self.table.arrive(self.at(), Kind::CONDVAR, BEGIN));
        while !*ready {
            ready = self.changed.wait(ready).unwrap();
        }
        drop(ready);
        match self.table.leave(self.at(), BEGIN, Sleep::Notified(NANOS)) {
            Woken::By(..) | Woken::Unseen => self.charge(weighted(NANOS, 1.0)),
            Woken::Settled => {}
        }
    }

    /// Does what a notification does.
    fn notify(&self) {
        *self.ready.lock().unwrap() = true;
        let note = (!self.flag.is_idle())
            .then(|| self.table.note(self.at(), Whom::All, NOTIFY, |_| 1.0))
            .flatten();
        self.changed.notify_all();
        if let Some(note) = note {
            self.charge(self.table.settle(&note, None));
        }
    }

    fn assert_conserved(&self, waits: u64) {
        let charged = *self.charged.lock().unwrap();
        assert_eq!(charged, weighted_times(waits), "each wait is charged once");
        assert!(self.flag.is_idle(), "nobody sleeps, and the flag says so");
        let kept: usize = self.table.shards.iter().map(|s| s.lock().kept()).sum();
        assert_eq!(kept, 0, "nothing is kept where nobody sleeps");
    }
}

fn weighted_times(waits: u64) -> Amount {
    let mut sum = Amount::ZERO;
    (0..waits).for_each(|_| sum.add(weighted(NANOS, 1.0)));
    sum
}

#[test]
fn a_notification_that_races_with_a_sleeper_charges_it_once() {
    loom::model(|| {
        let place = Place::new();
        let sleeper = {
            let place = Arc::clone(&place);
            thread::spawn(move || place.wait())
        };
        place.notify();
        sleeper.join().unwrap();
        place.assert_conserved(1);
    });
}

#[test]
fn a_sleeper_that_leaves_while_the_notification_is_captured_is_charged_once() {
    loom::model(|| {
        let place = Place::new();
        // It has arrived and was notified; its departure races with the notifier's settling.
        assert!(place.table.arrive(place.at(), Kind::CONDVAR, BEGIN));
        let note = place.table.note(place.at(), Whom::One, NOTIFY, |_| 1.0);
        let note = note.expect("somebody sleeps");
        let sleeper = {
            let place = Arc::clone(&place);
            thread::spawn(move || {
                let woken = place.table.leave(place.at(), BEGIN, Sleep::Notified(NANOS));
                if woken != Woken::Settled {
                    place.charge(weighted(NANOS, 1.0));
                }
            })
        };
        place.charge(place.table.settle(&note, None));
        sleeper.join().unwrap();
        place.assert_conserved(1);
    });
}
