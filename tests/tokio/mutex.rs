//! Waits for a Mutex, and the charges for them.

use std::pin::pin;
use std::sync::Arc;
use std::thread;

use contend::tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};

use crate::by_hand::{assert_waits, done, now};
use crate::common::{assert_law, at, ms, profile_everything, release_when_asleep};

/// The blame of the one release, which is at least as long as the wait.
#[track_caller]
fn assert_blamed(function: &str) {
    assert_eq!(assert_law(), 1);
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    let (contentions, delay) = at(&mutex, function);
    assert_eq!(contentions, 1, "{mutex}");
    assert!(delay >= ms(3), "{mutex}");
    assert!(
        block
            .samples()
            .iter()
            .all(|sample| sample.kind() == "async_mutex"),
        "{block}"
    );
}

#[inline(never)]
fn holds_too_long<G>(guard: G) {
    thread::sleep(ms(3));
    drop(guard);
}

#[inline(never)]
async fn waits(mutex: &Mutex<[u32; 2]>) {
    mutex.lock().await[0] += 1;
}

#[test]
fn the_holder_is_charged_and_the_waiter_recorded() {
    let _profiling = profile_everything();
    let mutex = Mutex::new([0; 2]);
    let guard = now(mutex.lock());
    let mut waiter = pin!(waits(&mutex));
    assert_waits(waiter.as_mut());
    holds_too_long(guard);
    done(waiter);
    assert_blamed("holds_too_long");
    assert_eq!(at(&contend::block_profile(), "waits").0, 1);
}

#[test]
fn each_form_of_guard_is_charged() {
    let _profiling = profile_everything();
    let mutex = Arc::new(Mutex::new([0; 2]));
    let owned = || now(Arc::clone(&mutex).lock_owned());
    let borrowed = || now(mutex.lock());
    let charged = |hold: &dyn Fn()| {
        contend::reset();
        hold();
        assert_blamed("holds_too_long");
    };
    macro_rules! held {
        ($guard:expr) => {
            charged(&|| {
                let guard = $guard;
                let mut waiter = pin!(waits(&mutex));
                assert_waits(waiter.as_mut());
                holds_too_long(guard);
                done(waiter);
            })
        };
    }
    held!(owned());
    held!(mutex.try_lock().unwrap());
    held!(Arc::clone(&mutex).try_lock_owned().unwrap());
    held!(MutexGuard::map(borrowed(), |pair| &mut pair[1]));
    held!(MutexGuard::try_map(borrowed(), |pair| pair.first_mut()).unwrap());
    held!(OwnedMutexGuard::map(owned(), |pair| &mut pair[1]));
    held!(OwnedMutexGuard::try_map(owned(), |pair| pair.first_mut()).unwrap());
    held!(MutexGuard::try_map(borrowed(), |_| None::<&mut u32>).unwrap_err());
    held!(OwnedMutexGuard::try_map(owned(), |_| None::<&mut u32>).unwrap_err());
    held!(mutex.blocking_lock());
    held!(Arc::clone(&mutex).blocking_lock_owned());
}

#[test]
fn a_wait_that_is_dropped_is_accounted() {
    let _profiling = profile_everything();
    let mutex = Mutex::new([0; 2]);
    let guard = now(mutex.lock());
    {
        let mut waiter = pin!(waits(&mutex));
        assert_waits(waiter.as_mut());
        thread::sleep(ms(3));
    }
    holds_too_long(guard);
    assert_blamed("holds_too_long");
    assert_eq!(at(&contend::block_profile(), "waits").0, 1);
}

/// A future that was never polled, or that had the lock at once, is no event.
#[test]
fn what_does_not_wait_is_no_event() {
    let _profiling = profile_everything();
    let mutex = Mutex::new([0; 2]);
    drop(mutex.lock());
    now(waits(&mutex));
    let guard = now(mutex.lock());
    drop(mutex.lock());
    assert!(mutex.try_lock().is_err());
    drop(guard);
    assert_eq!(assert_law(), 0);
}

#[test]
fn a_thread_that_blocks_is_recorded() {
    let _profiling = profile_everything();
    let mutex = Mutex::new(0_u32);
    let guard = now(mutex.lock());
    release_when_asleep(|| *mutex.blocking_lock() += 1, || holds_too_long(guard));
    assert_blamed("holds_too_long");
}

/// Polling again is no new wait, and no new draw.
#[test]
fn a_future_that_is_polled_often_is_one_wait() {
    let _profiling = profile_everything();
    let mutex = Mutex::new([0; 2]);
    let guard = now(mutex.lock());
    let mut waiter = pin!(waits(&mutex));
    for _ in 0..100 {
        assert_waits(waiter.as_mut());
    }
    holds_too_long(guard);
    done(waiter);
    assert_blamed("holds_too_long");

    // One in 1000 is drawn of 200 waits with 100 polls each: less than 8 with a probability of
    // 0.999999, where a draw for each poll would take 20.
    contend::set_block_profile_rate(0);
    contend::set_mutex_profile_fraction(1000);
    contend::reset();
    for _ in 0..200 {
        let guard = now(mutex.lock());
        let mut waiter = pin!(waits(&mutex));
        for _ in 0..100 {
            assert_waits(waiter.as_mut());
        }
        drop(guard);
        done(waiter);
    }
    let drawn = contend::mutex_profile().total_contentions() / 1000;
    assert!(drawn < 8, "{drawn}");
}
