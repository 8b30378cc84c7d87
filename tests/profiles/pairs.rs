//! The pairs profile: who blocks whom, with the sums of the mutex profile.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contend::sync::{Condvar, Mutex, OnceLock};
use contend::{Profile, Sample};

use crate::common::{Profiling, Sleeper, ms, profile_everything, release_when_asleep};
use crate::locks::{Lock, for_each_lock};

const BLOCKED_BY: &str = "contend::blocked_by";
const UNKNOWN: &str = "contend::unknown_waiter";

/// Everything is profiled while this lives, pairs too.
struct Pairs(#[allow(dead_code)] Profiling); // Ends the turn when it is dropped.

fn pairs() -> Pairs {
    let profiling = profile_everything();
    contend::set_pairs_profile_fraction(1);
    contend::reset();
    Pairs(profiling)
}

impl Drop for Pairs {
    fn drop(&mut self) {
        contend::set_pairs_profile_fraction(0);
    }
}

/// The frames of a stack, root first, with file and line.
fn frames(sample: &Sample) -> Vec<String> {
    let frames = sample.frames().iter().rev();
    let named = frames.map(|frame| format!("{} {:?}", frame.function(), frame.line()));
    named.collect()
}

/// Both sides of a pair, root first: who waited, who released.
fn sides(sample: &Sample) -> (Vec<String>, Vec<String>) {
    let mut waiter = frames(sample);
    let is_between = |frame: &String| frame.starts_with(BLOCKED_BY);
    let between = waiter.iter().position(is_between);
    let release = waiter.split_off(between.expect("a frame between the two") + 1);
    waiter.pop();
    (waiter, release)
}

type Sums = BTreeMap<Vec<String>, (u64, Duration)>;

fn sums(profile: &Profile, stack: impl Fn(&Sample) -> Vec<String>) -> Sums {
    let mut sums = Sums::new();
    for sample in profile.samples() {
        let sum = sums.entry(stack(sample)).or_default();
        *sum = (sum.0 + sample.contentions(), sum.1 + sample.delay());
    }
    sums
}

/// Each release has what the mutex profile charges it with, and each waiter what it has waited,
/// where all waits were for locks and longer than a spin.
#[track_caller]
fn assert_conserved() -> Profile {
    let profile = assert_releases_conserved();
    let block = contend::block_profile();
    let waiters = sums(&profile, |sample| sides(sample).0);
    assert_eq!(waiters, sums(&block, frames), "{profile}\n{block}");
    profile
}

#[track_caller]
fn assert_releases_conserved() -> Profile {
    let (profile, mutex) = (contend::pairs_profile(), contend::mutex_profile());
    let releases = sums(&profile, |sample| sides(sample).1);
    assert_eq!(releases, sums(&mutex, frames), "{profile}\n{mutex}");
    assert_eq!(profile.lost().total(), 0);
    profile
}

/// Contentions and delay of the pairs of these two functions.
fn of(profile: &Profile, waiter: &str, release: &str) -> (u64, Duration) {
    let has = |side: &[String], name: &str| side.iter().any(|frame| frame.contains(name));
    let samples = profile.samples().iter().filter(|sample| {
        let (waits, releases) = sides(sample);
        has(&waits, waiter) && has(&releases, release)
    });
    samples.fold((0, Duration::ZERO), |(contentions, delay), sample| {
        (contentions + sample.contentions(), delay + sample.delay())
    })
}

macro_rules! sites {
    ($($name:ident)*) => {$(
        #[inline(never)]
        fn $name<L: Lock>(lock: &L, hold: &mut dyn FnMut()) {
            lock.with(&mut || hold());
            std::hint::black_box(());
        }
    )*};
}

sites!(slow_holder quick_holder first_waiter second_waiter);

for_each_lock!(
    contend::sync::Mutex<()>,
    contend::parking_lot::Mutex<()>:
    each_waiter_is_paired_with_the_hold_that_it_waited_for,
    a_crowd_is_conserved,
);

/// One holds; two come at different times. The truth is between what the test's clock saw.
fn each_waiter_is_paired_with_the_hold_that_it_waited_for<L: Lock>() {
    let lock = &L::default();
    let _pairs = pairs();
    let (first, second) = (Sleeper::new(), Sleeper::new());
    // When each was certainly asleep, or about to ask.
    let times = std::sync::Mutex::new([Instant::now(); 2]);
    let (mut asleep, mut released) = ([Instant::now(); 2], Instant::now());
    thread::scope(|scope| {
        slow_holder(lock, &mut || {
            for (number, sleeper) in [&first, &second].into_iter().enumerate() {
                let times = &times;
                scope.spawn(move || {
                    times.lock().unwrap()[number] = Instant::now();
                    sleeper.about_to_wait();
                    match number {
                        0 => first_waiter(lock, &mut || ()),
                        _ => second_waiter(lock, &mut || ()),
                    }
                });
                sleeper.await_sleep();
                asleep[number] = Instant::now();
                thread::sleep(ms(3));
            }
            released = Instant::now();
        });
    });
    let profile = assert_conserved();
    let asked = *times.lock().unwrap();
    for (number, waiter) in ["first_waiter", "second_waiter"].into_iter().enumerate() {
        let (_, delay) = of(&profile, waiter, "slow_holder");
        let least = released - asleep[number];
        assert!(
            delay >= least,
            "{waiter}: {delay:?} of {least:?}\n{profile}"
        );
        // Until its hold ended, which the test sees a moment too early.
        assert!(
            delay <= asked[number].elapsed(),
            "{waiter}: {delay:?}\n{profile}"
        );
    }
    let (contentions, _) = of(&profile, "_waiter", "");
    assert_eq!(contentions, 2, "{profile}");
}

fn a_crowd_is_conserved<L: Lock>() {
    let lock = &L::default();
    let _pairs = pairs();
    // Nobody starts before all are there.
    let start = std::sync::Barrier::new(4);
    thread::scope(|scope| {
        for site in [slow_holder::<L>, quick_holder, first_waiter, second_waiter] {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for turn in 0..60 {
                    site(lock, &mut || {
                        if turn % 4 == 0 {
                            thread::sleep(Duration::from_micros(300));
                        }
                    });
                }
            });
        }
    });
    // A wait that ended within its spin is in the block profile alone.
    let profile = assert_releases_conserved();
    assert!(profile.total_contentions() > 0);
    let unknown = of(&profile, UNKNOWN, "");
    assert_eq!(unknown, (0, Duration::ZERO), "{profile}");
}

mod shared {
    use std::thread;
    use std::time::Duration;

    use super::{UNKNOWN, assert_releases_conserved, of, pairs};
    use crate::locks::{SharedLock, for_each_lock};

    for_each_lock!(
        contend::sync::RwLock<()>,
        contend::parking_lot::RwLock<()>,
        contend::parking_lot_0_13::RwLock<()>:
        readers_and_writers_are_conserved,
    );

    macro_rules! sites {
        ($($name:ident: $with:ident)*) => {$(
            #[inline(never)]
            fn $name<L: SharedLock>(lock: &L, hold: &mut dyn FnMut()) {
                lock.$with(&mut || hold());
                std::hint::black_box(());
            }
        )*};
    }

    sites!(slow_writer: with_write quick_writer: with_write reader: with_read);

    fn readers_and_writers_are_conserved<L: SharedLock>() {
        let lock = &L::default();
        let _pairs = pairs();
        let start = std::sync::Barrier::new(6);
        thread::scope(|scope| {
            for number in 0..6 {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    for turn in 0..40 {
                        let mut hold = || {
                            if turn % 3 == 0 {
                                thread::sleep(Duration::from_micros(200));
                            }
                        };
                        match number {
                            0 => slow_writer(lock, &mut hold),
                            1 => quick_writer(lock, &mut hold),
                            _ => reader(lock, &mut hold),
                        }
                    }
                });
            }
        });
        let profile = assert_releases_conserved();
        assert!(profile.total_contentions() > 0);
        assert_eq!(of(&profile, UNKNOWN, ""), (0, Duration::ZERO), "{profile}");
        assert!(
            of(&profile, "writer", "reader").1 > Duration::ZERO,
            "{profile}"
        );
    }
}

/// A waiter that unwinds or gives up is paired with the release that comes at last.
#[cfg(feature = "parking_lot")]
#[test]
fn who_gives_up_is_paired_with_the_next_release() {
    let _pairs = pairs();
    let lock = contend::parking_lot::Mutex::new(());
    let guard = lock.lock();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| lock.try_lock_for(ms(2)).is_none());
        assert!(waiter.join().unwrap());
    });
    drop(guard);
    let profile = assert_conserved();
    assert_eq!(profile.total_contentions(), 1, "{profile}");
    assert!(profile.total_delay() >= ms(2), "{profile}");
}

#[test]
fn a_panic_in_a_hold_is_a_release_as_any() {
    let _pairs = pairs();
    let lock = Mutex::new(());
    let sleeper = Sleeper::new();
    thread::scope(|scope| {
        let guard = lock.lock().unwrap();
        scope.spawn(|| {
            sleeper.about_to_wait();
            assert!(lock.lock().is_err(), "poisoned");
        });
        sleeper.await_sleep();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _guard = guard;
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(panicked.is_err());
    });
    let profile = assert_conserved();
    assert_eq!(profile.total_contentions(), 1, "{profile}");
}

#[test]
fn an_initialiser_and_a_condvar_are_paired() {
    let _pairs = pairs();
    let cell = OnceLock::new();
    let (asked, sleeper) = (AtomicBool::new(false), Sleeper::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            cell.get_or_init(|| {
                asked.store(true, Ordering::Release);
                sleeper.await_sleep();
            })
        });
        while !asked.load(Ordering::Acquire) {
            thread::yield_now();
        }
        sleeper.about_to_wait();
        cell.get_or_init(|| unreachable!());
    });
    let profile = assert_conserved();
    assert_eq!(profile.total_contentions(), 1, "{profile}");
    assert_eq!(profile.samples()[0].kind(), "once");

    // A woken thread that has to wait for the mutex is blocked by its holder.
    contend::reset();
    let (ready, changed) = (Mutex::new(false), Condvar::new());
    release_when_asleep(
        || drop(changed.wait_while(ready.lock().unwrap(), |ready| !*ready)),
        || {
            let mut ready = ready.lock().unwrap();
            *ready = true;
            changed.notify_one();
            thread::sleep(ms(2));
        },
    );
    assert_releases_conserved();
}

/// A wait that began while the profile was off has no known waiter, and nothing is lost.
#[test]
fn a_wait_from_before_is_an_unknown_waiters() {
    let _pairs = pairs();
    contend::set_pairs_profile_fraction(0);
    assert_eq!(contend::pairs_profile_fraction(), 0);
    assert_eq!(contend::mutex_profile_fraction(), 1, "as it was set");
    let lock = Mutex::new(());
    let guard = lock.lock();
    release_when_asleep(
        || drop(lock.lock()),
        || {
            contend::set_pairs_profile_fraction(1);
            drop(guard);
        },
    );
    let profile = assert_releases_conserved();
    assert_eq!(of(&profile, UNKNOWN, "").0, 1, "{profile}");
}

/// A reset forgets stacks, also those of threads that wait.
#[test]
fn a_reset_forgets_who_waits_and_loses_nothing_of_what_comes() {
    let _pairs = pairs();
    let lock = Mutex::new(());
    let guard = lock.lock();
    release_when_asleep(
        || drop(lock.lock()),
        || {
            contend::reset();
            drop(guard);
        },
    );
    let profile = assert_releases_conserved();
    assert_eq!(of(&profile, UNKNOWN, "").0, 1, "{profile}");
    contend::reset();
    assert!(contend::pairs_profile().samples().is_empty());
}

#[test]
fn nothing_is_recorded_unless_it_is_asked_for() {
    let _profiling = profile_everything();
    let lock = Mutex::new(());
    let guard = lock.lock();
    release_when_asleep(|| drop(lock.lock()), || drop(guard));
    assert_eq!(contend::mutex_profile().total_contentions(), 1);
    let profile = contend::pairs_profile();
    assert!(profile.samples().is_empty(), "{profile}");
    assert_eq!(profile.rate(), 0);
    let (_, profiles) = contend::measure(|| ());
    assert!(profiles.pairs.samples().is_empty());
    assert!(
        !profiles.to_string().contains("who blocks whom"),
        "{profiles}"
    );
}

/// Both sample the same contentions, at the finer rate.
#[test]
fn the_rate_is_that_of_the_mutex_profile() {
    let _profiling = profile_everything();
    let rates = || {
        let mutex = contend::mutex_profile_fraction();
        (mutex, contend::pairs_profile_fraction())
    };
    contend::set_mutex_profile_fraction(0);
    assert_eq!(contend::set_pairs_profile_fraction(100), 0);
    assert_eq!(rates(), (100, 100));
    contend::set_mutex_profile_fraction(10);
    assert_eq!(rates(), (10, 10));
    let recording = contend::Recording::builder();
    let recording = recording.mutex_fraction(0).pairs_fraction(3).start();
    assert_eq!(rates(), (3, 3));
    drop(recording);
    assert_eq!(rates(), (10, 10));
    assert_eq!(contend::set_pairs_profile_fraction(0), 100);
    assert_eq!(rates(), (10, 0));
}
