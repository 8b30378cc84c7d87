//! Waits for permits, and the charges for them.

use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use contend::tokio::sync::{AcquireError, Semaphore, SemaphorePermit, TryAcquireError};

use crate::by_hand::{assert_waits, done, now};
use crate::common::{assert_law, at, ms, profile_everything, release_when_asleep};

#[inline(never)]
async fn waits(permits: &Semaphore) -> Result<SemaphorePermit<'_>, AcquireError> {
    permits.acquire().await
}

#[inline(never)]
fn holds_too_long<G>(permit: G) {
    thread::sleep(ms(3));
    drop(permit);
}

#[inline(never)]
fn holds_on<G>(permit: G) {
    drop(permit);
}

/// The blame of the releases in this function, in milliseconds.
fn blame_of(function: &str) -> f64 {
    at(&contend::mutex_profile(), function).1.as_secs_f64() * 1e3
}

/// Milliseconds of which the test's clock knows the bounds.
#[derive(Clone, Copy, Debug)]
struct Between {
    least: f64,
    most: f64,
}

impl Between {
    fn new(least: Duration, most: Duration) -> Self {
        let [least, most] = [least, most].map(|time| time.as_secs_f64() * 1e3);
        Self { least, most }
    }

    fn parts(self, part: f64) -> Self {
        Self {
            least: self.least * part,
            most: self.most * part,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            least: self.least + other.least,
            most: self.most + other.most,
        }
    }

    /// The profile's clock is within 0.1 % of the system's.
    #[track_caller]
    fn assert_has(self, millis: f64) {
        let is_within = (self.least * 0.999..=self.most * 1.001).contains(&millis);
        assert!(is_within, "{millis}, in truth {self:?}");
    }
}

#[test]
fn each_form_is_charged() {
    let _profiling = profile_everything();
    let permits = Arc::new(Semaphore::new(1));
    macro_rules! held {
        ($permit:expr) => {{
            contend::reset();
            let permit = $permit.unwrap();
            let mut waiter = pin!(waits(&permits));
            assert_waits(waiter.as_mut());
            holds_too_long(permit);
            drop(done(waiter));
            assert_eq!(assert_law(), 1);
            assert!(
                blame_of("holds_too_long") >= 3.0,
                "{}",
                contend::mutex_profile()
            );
        }};
    }
    held!(now(permits.acquire()));
    held!(now(permits.acquire_many(1)));
    held!(now(Arc::clone(&permits).acquire_owned()));
    held!(now(Arc::clone(&permits).acquire_many_owned(1)));
    held!(permits.try_acquire());
    held!(permits.try_acquire_many(1));
    held!(Arc::clone(&permits).try_acquire_owned());
    held!(Arc::clone(&permits).try_acquire_many_owned(1));
    held!(permits.blocking_acquire());
    held!(permits.blocking_acquire_many(1));
    held!(Arc::clone(&permits).blocking_acquire_owned());
    held!(Arc::clone(&permits).blocking_acquire_many_owned(1));
    assert_eq!(permits.available_permits(), 1);
}

/// One permit is given back in the middle, the other one long after the wait.
#[test]
fn holders_share_what_was_waited_while_they_held() {
    let _profiling = profile_everything();
    let permits = Semaphore::new(2);
    let [one, other] = [(); 2].map(|()| now(permits.acquire()).unwrap());
    let mut waiter = pin!(permits.acquire_many(2));
    assert_waits(waiter.as_mut());
    let begin = std::time::Instant::now();
    holds_too_long(one);
    let first = begin.elapsed().as_secs_f64() * 1e3;
    thread::sleep(ms(4));
    let all = begin.elapsed().as_secs_f64() * 1e3;
    holds_on(other);
    drop(done(waiter).unwrap());
    assert_eq!(assert_law(), 1);
    // Half of the first piece each, and the rest for the one that held on.
    let (one, other) = (blame_of("holds_too_long"), blame_of("holds_on"));
    assert!((one - first / 2.0).abs() < 0.1 * all, "{one} of {first}");
    assert!(
        (other - (all - first / 2.0)).abs() < 0.1 * all,
        "{other} of {all}"
    );
}

#[test]
fn who_still_holds_pays_after_the_waiter_has_given_up() {
    let _profiling = profile_everything();
    let permits = Semaphore::new(1);
    let permit = now(permits.acquire()).unwrap();
    {
        let mut waiter = pin!(waits(&permits));
        assert_waits(waiter.as_mut());
        thread::sleep(ms(3));
    }
    assert_eq!(contend::mutex_profile().total_contentions(), 0);
    holds_on(permit);
    assert_eq!(assert_law(), 1);
    assert!(blame_of("holds_on") >= 3.0);
}

#[test]
fn parts_of_a_permit_pay_their_parts() {
    let _profiling = profile_everything();
    let permits = Semaphore::new(4);
    let mut many = now(permits.acquire_many(3)).unwrap();
    let mut one = now(permits.acquire()).unwrap();
    let mut waiter = pin!(waits(&permits));
    let asks = Instant::now();
    assert_waits(waiter.as_mut());
    let waiting = Instant::now();
    thread::sleep(ms(4));
    let part = many.split(2).unwrap();
    assert!(many.split(2).is_none());
    one.merge(part);
    assert_eq!((one.num_permits(), many.num_permits()), (3, 1));
    assert!(std::ptr::eq(one.semaphore(), &permits));
    let holds_three = Instant::now();
    holds_on(one);
    let holds_one = Instant::now();
    drop(done(waiter).unwrap());
    let has_it = Instant::now();
    holds_too_long(many);
    assert_eq!(assert_law(), 1);
    // Three quarters of what passes before the first release. All that passes from then on, before
    // the waiter is asked, is for the one that still holds.
    let (one, many) = (blame_of("holds_on"), blame_of("holds_too_long"));
    let shared = Between::new(holds_three - waiting, holds_one - asks);
    shared.parts(0.75).assert_has(one);
    let alone = Between::new(holds_one - holds_one, has_it - holds_three);
    shared.parts(0.25).and(alone).assert_has(many);
}

#[test]
fn forgotten_permits_are_gone_and_have_paid() {
    let _profiling = profile_everything();
    let permits = Semaphore::new(2);
    let [one, other] = [(); 2].map(|()| now(permits.acquire()).unwrap());
    let mut waiter = pin!(waits(&permits));
    assert_waits(waiter.as_mut());
    thread::sleep(ms(3));
    one.forget();
    holds_on(other);
    drop(done(waiter).unwrap());
    assert_eq!(assert_law(), 1);
    assert!(
        blame_of("SemaphorePermit::forget") >= 1.0,
        "{}",
        contend::mutex_profile()
    );
    assert!(blame_of("holds_on") >= 1.0, "{}", contend::mutex_profile());
    assert_eq!(permits.available_permits(), 1);
}

/// As a signal: nobody holds what the waiter waits for.
#[test]
fn who_lets_in_is_charged_where_nobody_held() {
    let _profiling = profile_everything();
    let permits = Semaphore::new(0);
    let mut waiter = pin!(waits(&permits));
    assert_waits(waiter.as_mut());
    thread::sleep(ms(3));
    permits.add_permits(1);
    done(waiter).unwrap().forget();
    assert_eq!(assert_law(), 1);
    assert!(
        blame_of("Semaphore::add_permits") >= 3.0,
        "{}",
        contend::mutex_profile()
    );

    contend::reset();
    let mut waiter = pin!(waits(&permits));
    assert_waits(waiter.as_mut());
    thread::sleep(ms(3));
    permits.close();
    assert!(done(waiter).is_err());
    assert_eq!(assert_law(), 1);
    assert!(
        blame_of("Semaphore::close") >= 3.0,
        "{}",
        contend::mutex_profile()
    );
    assert!(matches!(
        permits.try_acquire(),
        Err(TryAcquireError::Closed)
    ));
    assert!(now(permits.acquire()).is_err());
    assert_eq!(assert_law(), 1);
}

#[test]
fn a_thread_that_blocks_is_recorded() {
    let _profiling = profile_everything();
    let permits = Semaphore::new(1);
    let permit = now(permits.acquire()).unwrap();
    release_when_asleep(
        || drop(permits.blocking_acquire().unwrap()),
        || holds_too_long(permit),
    );
    assert_eq!(assert_law(), 1);
    assert!(blame_of("holds_too_long") >= 3.0);
}

#[test]
fn permits_of_different_semaphores_do_not_merge() {
    let [one, other] = [Semaphore::new(1), Semaphore::new(1)];
    let merge = || {
        let mut permit = one.try_acquire().unwrap();
        permit.merge(other.try_acquire().unwrap());
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(merge)).is_err());
    assert_eq!((one.available_permits(), other.available_permits()), (1, 1));
}
