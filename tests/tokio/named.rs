//! Futures and resources under names of their own.

use std::pin::pin;
use std::thread;

use contend::{FutureExt, Held, Resource};

use crate::by_hand::{assert_waits, done, now};
use crate::common::{assert_law, at, ms, profile_everything};

#[inline(never)]
async fn asks<F: Future>(query: F) -> F::Output {
    query.contend("query").await
}

#[test]
fn a_named_future_is_one_wait_of_that_kind() {
    let _profiling = profile_everything();
    assert_eq!(now(asks(async { 1 })), 1);
    drop(asks(async { 1 }));
    assert!(contend::block_profile().samples().is_empty());
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let mut waiter = pin!(asks(receiver));
    for _ in 0..10 {
        assert_waits(waiter.as_mut());
    }
    thread::sleep(ms(3));
    sender.send(2).unwrap();
    assert_eq!(done(waiter), Ok(2));
    let profile = contend::block_profile();
    let [sample] = profile.samples() else {
        panic!("{profile}");
    };
    assert_eq!((sample.kind(), sample.contentions()), ("query", 1));
    assert!(sample.delay() >= ms(3));
    assert_eq!(sample.class(), "other");
    assert!(sample.frames()[0].function().contains("contend::Contended"));
    assert_eq!(at(&profile, "asks").0, 1);
}

#[inline(never)]
fn keeps_too_long<T>(held: Held<'_, T>) {
    thread::sleep(ms(3));
    drop(held);
}

#[inline(never)]
fn gives_back<T>(held: Held<'_, T>) -> T {
    Held::into_inner(held)
}

/// Two have it while one waits: they share the waiting.
#[test]
fn who_held_a_resource_is_charged() {
    static LICENCES: Resource = Resource::new("licence");

    let _profiling = profile_everything();
    let pool = tokio::sync::Semaphore::new(2);
    let get = || LICENCES.hold(now(LICENCES.wait(pool.acquire())).unwrap());
    let [one, other] = [get(), get()];
    let mut waiter = pin!(LICENCES.wait(pool.acquire()));
    assert_waits(waiter.as_mut());
    thread::sleep(ms(3));
    let permit = gives_back(one);
    drop(permit);
    let third = LICENCES.hold(done(waiter).unwrap());
    keeps_too_long(other);
    assert_eq!(third.num_permits(), 1);
    drop(third);
    assert_eq!(assert_law(), 1);
    let profile = contend::mutex_profile();
    let [one, other] = ["gives_back", "keeps_too_long"].map(|name| at(&profile, name).1);
    assert!(one >= ms(1) && other >= ms(1), "{profile}");
    let ratio = one.as_secs_f64() / other.as_secs_f64();
    assert!((0.8..1.25).contains(&ratio), "{profile}");
    assert!(
        profile
            .samples()
            .iter()
            .all(|sample| sample.kind() == "licence")
    );
}
