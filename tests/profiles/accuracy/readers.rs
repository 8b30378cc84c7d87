//! Readers hold a lock together while a writer waits: each pays for its part.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::Sleeper;
use crate::ground_truth::*;
use crate::locks::{SharedLock, for_each_lock};

/// A profile may be off the truth by this part of the waiting, beyond what the test's clock leaves
/// open.
const TOLERANCE: f64 = 0.02;

for_each_lock!(
    contend::sync::RwLock<()>,
    contend::parking_lot::RwLock<()>:
    two_readers_share_a_writers_wait,
    four_readers_share_a_writers_wait,
    one_slow_reader_among_a_hundred_quick_ones,
);

/// The time for which a reader held the lock, as far as the test can see it: from an acquisition
/// between the first two to a release between the last two.
#[derive(Clone, Copy, Debug)]
struct Hold {
    site: &'static str,
    asked: Instant,
    acquired: Instant,
    released: Instant,
    gone: Instant,
}

/// Holds the lock by `with` while `hold` runs. Inlined into the site.
#[inline(always)]
fn held(site: &'static str, with: impl FnOnce(&mut dyn FnMut()), hold: &dyn Fn()) -> Hold {
    let asked = Instant::now();
    let mut times = None;
    with(&mut || {
        let acquired = Instant::now();
        hold();
        times = Some((acquired, Instant::now()));
    });
    let (acquired, released) = times.expect("it has held the lock");
    Hold {
        site,
        asked,
        acquired,
        released,
        gone: Instant::now(),
    }
}

macro_rules! sites {
    ($($site:ident)+) => {$(
        #[inline(never)]
        fn $site<L: SharedLock>(lock: &L, hold: &dyn Fn()) -> Hold {
            held(stringify!($site), |hold| lock.with_read(hold), hold)
        }
    )+};
}

sites! { first_reader second_reader third_reader fourth_reader }

type Site<L> = fn(&L, &dyn Fn()) -> Hold;

/// A writer's wait: from between the first two until between the last two.
#[derive(Clone, Copy, Debug)]
struct Wait {
    asked: Instant,
    asleep: Instant,
    acquired: Instant,
}

impl Wait {
    /// The part of it that a hold has to pay: in each moment one n-th, n being how many hold. Least
    /// if it began late, this hold was short, and the others long.
    fn share_of(&self, hold: &Hold, all: &[Hold]) -> Between {
        let others = || all.iter().filter(|other| !std::ptr::eq(*other, hold));
        let long = |hold: &Hold| (hold.asked, hold.gone);
        let short = |hold: &Hold| (hold.acquired, hold.released);
        Between {
            least: shared(self.asleep, self.acquired, short(hold), others().map(long)),
            most: shared(self.asked, self.acquired, long(hold), others().map(short)),
        }
    }
}

type Interval = (Instant, Instant);

/// The integral over `own`, between `begin` and `end`, of 1/n.
fn shared(
    begin: Instant,
    end: Instant,
    own: Interval,
    others: impl Iterator<Item = Interval>,
) -> Duration {
    let others: Vec<Interval> = others.collect();
    let (begin, end) = (begin.max(own.0), end.min(own.1));
    let mut cuts: Vec<Instant> = others.iter().flat_map(|(from, to)| [*from, *to]).collect();
    cuts.retain(|cut| (begin..end).contains(cut));
    cuts.extend([begin, end.max(begin)]);
    cuts.sort();
    let pieces = cuts.windows(2).map(|piece| {
        let is_inside = |other: &&Interval| other.0 <= piece[0] && piece[0] < other.1;
        (piece[1] - piece[0]) / (1 + others.iter().filter(is_inside).count() as u32)
    });
    pieces.sum()
}

#[track_caller]
fn assert_shared(wait: Wait, holds: &[Hold]) {
    let profile = contend::mutex_profile();
    let waited = wait.acquired - wait.asked;
    let mut sites: Vec<&str> = holds.iter().map(|hold| hold.site).collect();
    sites.dedup();
    for site in sites {
        let of_site = holds.iter().filter(|hold| hold.site == site);
        let truth: Between = of_site.map(|hold| wait.share_of(hold, holds)).sum();
        let (measured, slack) = (delay_of(&profile, site), waited.mul_f64(TOLERANCE));
        println!("{site}: {measured:?} of {waited:?}, in truth {truth:?}");
        assert!(
            measured + slack >= truth.least && measured <= truth.most + slack,
            "{site}: {measured:?} of {waited:?}, in truth {truth:?}"
        );
    }
    assert_eq!(profile.total_contentions(), 1);
    let block = contend::block_profile();
    assert_eq!(profile.total_delay(), block.total_delay());
    assert_eq!(block.samples()[0].label("kind"), Some("rwlock_write"));
    assert_eq!(unattributed_share(&profile), 0.0);
}

/// Readers acquire the lock, one after the other, then a writer asks for it; and they hold it for
/// so long after it has gone to sleep.
fn check<L: SharedLock>(readers: &[(Site<L>, Duration)]) {
    let _recording = recording(1, 1);
    let lock = L::default();
    let (ready, asleep) = (Barrier::new(2), Barrier::new(readers.len() + 1));
    let sleeper = Sleeper::new();
    let (wait, holds) = thread::scope(|scope| {
        let (lock, ready, waits) = (&lock, &ready, &asleep);
        let readers = readers.iter().map(|(site, hold)| {
            let reader = scope.spawn(move || {
                site(lock, &|| {
                    ready.wait();
                    waits.wait();
                    nap(*hold);
                })
            });
            ready.wait();
            reader
        });
        let readers: Vec<_> = readers.collect();
        let writer = scope.spawn(|| {
            sleeper.about_to_wait();
            let asked = Instant::now();
            (asked, lock.with_write(Instant::now))
        });
        sleeper.await_sleep();
        let asleep = Instant::now();
        waits.wait();
        let (asked, acquired) = writer.join().unwrap();
        let holds: Vec<Hold> = readers.into_iter().map(|r| r.join().unwrap()).collect();
        let wait = Wait {
            asked,
            asleep,
            acquired,
        };
        (wait, holds)
    });
    assert_shared(wait, &holds);
}

fn two_readers_share_a_writers_wait<L: SharedLock>() {
    check::<L>(&[(first_reader, ms(30)), (second_reader, ms(60))]);
}

fn four_readers_share_a_writers_wait<L: SharedLock>() {
    check::<L>(&[
        (first_reader, ms(10)),
        (second_reader, ms(20)),
        (third_reader, ms(30)),
        (fourth_reader, ms(40)),
    ]);
}

fn one_slow_reader_among_a_hundred_quick_ones<L: SharedLock>() {
    let mut readers: Vec<(Site<L>, Duration)> = vec![(first_reader, ms(50))];
    readers.extend((0..100).map(|reader| (second_reader as Site<L>, ms(1 + reader % 5))));
    check::<L>(&readers);
}

/// Every way to hold parking_lot's lock beside others.
#[cfg(feature = "parking_lot")]
mod guards {
    use std::sync::Arc;

    use contend::parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

    use super::{Hold, check, first_reader, held};
    use crate::ground_truth::ms;
    use crate::locks::SharedLock;

    type Lock = Arc<RwLock<()>>;

    impl SharedLock for Lock {
        #[inline(always)]
        fn with_read<R>(&self, hold: impl FnOnce() -> R) -> R {
            let _guard = self.read_arc();
            hold()
        }

        #[inline(always)]
        fn with_write<R>(&self, hold: impl FnOnce() -> R) -> R {
            let _guard = self.write_arc();
            hold()
        }
    }

    macro_rules! sites {
        ($($site:ident($lock:ident): $guard:expr;)+) => {$(
            #[inline(never)]
            fn $site($lock: &Lock, hold: &dyn Fn()) -> Hold {
                let by_guard = |hold: &mut dyn FnMut()| {
                    let _guard = $guard;
                    hold();
                };
                held(stringify!($site), by_guard, hold)
            }
        )+};
    }

    sites! {
        downgraded(lock): RwLockWriteGuard::downgrade(lock.write());
        upgradable(lock): lock.upgradable_read();
        mapped(lock): RwLockReadGuard::map(lock.read(), |unit| unit);
        recursive(lock): lock.read_recursive();
    }

    #[test]
    fn each_pays_its_part() {
        check::<Lock>(&[
            (downgraded, ms(30)),
            (upgradable, ms(20)),
            (mapped, ms(40)),
            (recursive, ms(10)),
            (first_reader, ms(50)),
        ]);
    }
}
