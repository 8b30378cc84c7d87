//! Queues of known make: every row of a table in which Go's own accounting is off, by as much as
//! a factor of four (Go's issues 73760 and 24877).

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::Sleeper;
use crate::ground_truth::*;
use crate::locks::{Lock, SharedLock, for_each_lock};

/// A profile may be off the truth by this part.
const TOLERANCE: f64 = 0.05;

for_each_lock!(
    contend::sync::Mutex<()>,
    contend::parking_lot::Mutex<()>:
    two_waiters,
    last_waiter_of_a_queue,
    one_early_and_nine_late_waiters,
    nine_early_and_one_late_waiter,
    a_waiter_behind_one_from_before_profiling,
);

mod shared {
    use super::a_writer_is_blamed_for_its_readers;
    use crate::locks::for_each_lock;

    for_each_lock!(
        contend::sync::RwLock<()>,
        contend::parking_lot::RwLock<()>:
        a_writer_is_blamed_for_its_readers,
    );
}

#[inline(never)]
fn holder_site<L: Lock>(lock: &L, hold: impl FnOnce()) -> Turn {
    turn(lock, "holder_site", hold)
}

#[inline(never)]
fn waiter_site<L: Lock>(lock: &L, hold: Duration) -> Turn {
    turn(lock, "waiter_site", || nap(hold))
}

/// A holder, and waiters that ask for the lock some time after it has it.
struct Queue {
    hold: Duration,
    /// When each waiter asks, counted from the holder's acquisition.
    waiters: Vec<Duration>,
    /// How long each waiter holds the lock in its turn.
    waiters_hold: Duration,
}

impl Queue {
    fn run<L: Lock>(&self) -> Log {
        let lock = L::default();
        let ready = Barrier::new(self.waiters.len() + 1);
        let sleepers: Vec<Sleeper> = self.waiters.iter().map(|_| Sleeper::new()).collect();
        let until_all_wait = || {
            ready.wait();
            nap(self.hold);
            // Also those that had no processor for so long.
            sleepers.iter().for_each(Sleeper::await_sleep);
        };
        let turns = thread::scope(|scope| {
            let holder = scope.spawn(|| holder_site(&lock, until_all_wait));
            let waiters: Vec<_> = self
                .waiters
                .iter()
                .zip(&sleepers)
                .map(|(delay, sleeper)| {
                    let (lock, ready) = (&lock, &ready);
                    scope.spawn(move || {
                        ready.wait();
                        nap(*delay);
                        sleeper.about_to_wait();
                        waiter_site(lock, self.waiters_hold)
                    })
                })
                .collect();
            let mut turns = vec![holder.join().unwrap()];
            turns.extend(waiters.into_iter().map(|waiter| waiter.join().unwrap()));
            turns
        });
        Log::new(turns)
    }

    /// Runs it and compares the blame of each site with the truth.
    fn check<L: Lock>(&self) {
        let _recording = recording(1, 1);
        let log = self.run::<L>();
        let profile = contend::mutex_profile();
        for site in ["holder_site", "waiter_site"] {
            let truth = log.blame(site);
            // Below a millisecond it is the time between two instructions of the test.
            if truth.least > ms(1) {
                assert_between(site, delay_of(&profile, site), truth, TOLERANCE);
            }
        }
        assert_close("all", profile.total_delay(), log.waited(), TOLERANCE);
        assert_eq!(profile.total_contentions(), self.waiters.len() as u64);
        assert!(unattributed_share(&profile) < 0.02);
        // The waiting is known as exactly as the blame.
        let block = contend::block_profile();
        assert_close(
            "waiting",
            delay_of(&block, "waiter_site"),
            log.waited(),
            TOLERANCE,
        );
    }
}

fn two_waiters<L: Lock>() {
    let queue = Queue {
        hold: ms(110),
        waiters: vec![ms(10); 2],
        waiters_hold: ms(0),
    };
    queue.check::<L>();
}

fn last_waiter_of_a_queue<L: Lock>() {
    // Whichever waiter comes first keeps the other waiting for 50 ms, and nobody after that.
    let queue = Queue {
        hold: ms(60),
        waiters: vec![ms(10); 2],
        waiters_hold: ms(50),
    };
    queue.check::<L>();
}

fn one_early_and_nine_late_waiters<L: Lock>() {
    let mut waiters = vec![ms(5)];
    waiters.resize(10, ms(100));
    let queue = Queue {
        hold: ms(105),
        waiters,
        waiters_hold: ms(0),
    };
    queue.check::<L>();
}

fn nine_early_and_one_late_waiter<L: Lock>() {
    let mut waiters = vec![ms(5); 9];
    waiters.push(ms(100));
    let queue = Queue {
        hold: ms(105),
        waiters,
        waiters_hold: ms(0),
    };
    queue.check::<L>();
}

fn a_waiter_behind_one_from_before_profiling<L: Lock>() {
    let recording = recording(1, 1);
    contend::set_mutex_profile_fraction(0);
    contend::set_block_profile_rate(0);
    let lock = L::default();
    let [has_it, may_go] = [(); 2].map(|()| Barrier::new(2));
    let sleeper = Sleeper::new();
    let wait = || {
        sleeper.about_to_wait();
        waiter_site(&lock, ms(0))
    };
    let until_told = || {
        has_it.wait();
        may_go.wait();
    };
    let log = thread::scope(|scope| {
        let holder = scope.spawn(|| holder_site(&lock, until_told));
        has_it.wait();
        let before = scope.spawn(wait);
        sleeper.await_sleep();
        nap(ms(20));
        contend::set_mutex_profile_fraction(1);
        let after = scope.spawn(wait);
        sleeper.await_sleep();
        nap(ms(50));
        may_go.wait();
        let holder = holder.join().unwrap();
        // The early waiter is not in the log: it was not there to be profiled.
        before.join().unwrap();
        Log::new(vec![holder, after.join().unwrap()])
    });
    let profile = contend::mutex_profile();
    assert_close("all", profile.total_delay(), log.waited(), TOLERANCE);
    assert_between(
        "holder",
        delay_of(&profile, "holder_site"),
        log.blame("holder_site"),
        TOLERANCE,
    );
    assert_eq!(profile.total_contentions(), 1);
    drop(recording);
}

#[inline(never)]
fn slow_writer<L: SharedLock>(lock: &L, ready: &Barrier) {
    lock.with_write(|| {
        ready.wait();
        nap(ms(50));
    });
}

fn a_writer_is_blamed_for_its_readers<L: SharedLock>() {
    let _recording = recording(1, 1);
    let lock = L::default();
    let ready = Barrier::new(4);
    let waited: Duration = thread::scope(|scope| {
        scope.spawn(|| slow_writer(&lock, &ready));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    ready.wait();
                    let asked = Instant::now();
                    // Held for a while, so that no reader's release comes before all have woken.
                    lock.with_read(|| {
                        let waited = asked.elapsed();
                        nap(ms(20));
                        waited
                    })
                })
            })
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum()
    });
    let profile = contend::mutex_profile();
    assert_close(
        "writer",
        // The readers may have had no processor when the lock was free.
        delay_of(&profile, "slow_writer") + delay_of_nobody(&profile),
        waited,
        TOLERANCE,
    );
    assert_eq!(contentions_of(&profile, "slow_writer"), 3);
    assert_eq!(profile.samples()[0].label("kind"), Some("rwlock_write"));
}
