//! Waits without blame: channels, notifications, tasks. Each wait is one event of its kind, and
//! what does not wait is none.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;

use contend::tokio::sync::{Barrier, Notify, SetOnce, broadcast, mpsc, oneshot, watch};
use contend::tokio::task::{JoinHandle, JoinSet};

use crate::by_hand::{assert_waits, done, now};
use crate::common::{ms, profile_everything, release_when_asleep};

/// There is one event since the last call, of this kind.
#[track_caller]
fn assert_one(kind: &str) {
    assert_eq!(kinds(), [(kind, 1)]);
    let profile = contend::block_profile();
    assert!(profile.total_delay() >= ms(2), "{profile}");
    assert!(contend::mutex_profile().samples().is_empty());
    contend::reset();
}

/// The kinds of all events, and how many.
fn kinds() -> Vec<(&'static str, u64)> {
    let profile = contend::block_profile();
    let samples = profile.samples().iter();
    samples
        .map(|sample| (sample.kind(), sample.contentions()))
        .collect()
}

#[track_caller]
fn assert_none() {
    assert_eq!(kinds(), []);
}

/// The future waits until `end` is called.
macro_rules! waits_until {
    ($future:expr, $end:expr) => {{
        let mut waiter = pin!($future);
        assert_waits(waiter.as_mut());
        thread::sleep(ms(2));
        $end;
        done(waiter)
    }};
}

#[test]
fn mpsc_sender() {
    let _profiling = profile_everything();
    let (sender, mut receiver) = mpsc::channel(1);
    now(sender.send(1)).unwrap();
    assert_none();
    waits_until!(sender.send(2), receiver.try_recv().unwrap()).unwrap();
    assert_one("async_send");
    let permit = waits_until!(sender.reserve(), receiver.try_recv().unwrap()).unwrap();
    assert_one("async_send");
    drop(permit);
    sender.try_send(3).unwrap();
    let permits = waits_until!(sender.reserve_many(1), receiver.try_recv().unwrap()).unwrap();
    assert_one("async_send");
    drop(permits);
    sender.try_send(4).unwrap();
    let owned = waits_until!(sender.clone().reserve_owned(), receiver.try_recv().unwrap()).unwrap();
    assert_one("async_send");
    assert!(owned.same_channel_as_sender(&sender));
    assert!(owned.send(5).same_channel(&sender));
    release_when_asleep(
        || sender.blocking_send(6).unwrap(),
        || {
            thread::sleep(ms(2));
            receiver.try_recv().unwrap();
        },
    );
    assert_one("async_send");
    waits_until!(sender.closed(), receiver.close());
    assert_one("async_notify");
    assert_eq!(now(sender.send(7)).unwrap_err().0, 7);
    assert_none();
    assert!(sender.downgrade().upgrade().unwrap().same_channel(&sender));
}

#[test]
fn send_timeout() {
    let _profiling = profile_everything();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (sender, mut receiver) = mpsc::channel(1);
    // There is room, so no clock is asked for.
    now(sender.send_timeout(1, ms(2))).unwrap();
    let late = runtime.block_on(async { sender.send_timeout(2, ms(2)).await });
    assert_eq!(late, Err(mpsc::error::SendTimeoutError::Timeout(2)));
    assert_one("async_send");
    assert_eq!(receiver.try_recv(), Ok(1));
    receiver.close();
    let closed = runtime.block_on(async { sender.send_timeout(3, ms(2)).await });
    assert_eq!(closed, Err(mpsc::error::SendTimeoutError::Closed(3)));
    assert_none();
}

#[test]
fn mpsc_receivers() {
    let _profiling = profile_everything();
    let (sender, mut receiver) = mpsc::channel(4);
    let (unbounded, mut unbounded_receiver) = mpsc::unbounded_channel();
    assert_eq!(
        waits_until!(receiver.recv(), sender.try_send(1).unwrap()),
        Some(1)
    );
    assert_one("async_recv");
    assert_eq!(
        waits_until!(unbounded_receiver.recv(), unbounded.send(1).unwrap()),
        Some(1)
    );
    assert_one("async_recv");
    let mut buffer = Vec::new();
    let received = waits_until!(
        receiver.recv_many(&mut buffer, 4),
        for message in 2..4 {
            sender.try_send(message).unwrap();
        }
    );
    assert_eq!((received, &*buffer), (2, &[2, 3][..]));
    assert_one("async_recv");
    release_when_asleep(
        || assert_eq!(receiver.blocking_recv(), Some(4)),
        || {
            thread::sleep(ms(2));
            sender.try_send(4).unwrap();
        },
    );
    assert_one("async_recv");
    sender.try_send(5).unwrap();
    assert_eq!(now(receiver.recv()), Some(5));
    drop(sender);
    assert_eq!(now(receiver.recv()), None);
    assert_eq!(receiver.blocking_recv(), None);
    assert_eq!(now(receiver.recv_many(&mut buffer, 0)), 0);
    assert_none();
}

/// The wait of a receiver that is polled by hand is from the first pending poll to the next that is
/// not.
#[test]
fn polled_receivers() {
    let _profiling = profile_everything();
    let (sender, mut receiver) = mpsc::channel(4);
    let mut context = Context::from_waker(Waker::noop());
    for message in 0..2 {
        for _ in 0..10 {
            assert!(receiver.poll_recv(&mut context).is_pending());
        }
        thread::sleep(ms(2));
        sender.try_send(message).unwrap();
        assert!(receiver.poll_recv(&mut context).is_ready());
        assert_one("async_recv");
    }
    // Another way to receive comes in between: the wait by hand is over.
    assert!(receiver.poll_recv(&mut context).is_pending());
    thread::sleep(ms(2));
    sender.try_send(3).unwrap();
    assert_eq!(now(receiver.recv()), Some(3));
    assert_one("async_recv");
    // It goes away while it waits.
    assert!(receiver.poll_recv(&mut context).is_pending());
    thread::sleep(ms(2));
    drop(receiver);
    assert_one("async_recv");
}

#[test]
fn other_channels() {
    let _profiling = profile_everything();
    let (sender, receiver) = oneshot::channel();
    assert_eq!(waits_until!(receiver, sender.send(1).unwrap()), Ok(1));
    assert_one("async_oneshot");
    let (sender, receiver) = oneshot::channel();
    release_when_asleep(
        || assert_eq!(receiver.blocking_recv(), Ok(1)),
        || {
            thread::sleep(ms(2));
            sender.send(1).unwrap();
        },
    );
    assert_one("async_oneshot");
    let (mut sender, receiver) = oneshot::channel::<()>();
    waits_until!(sender.closed(), drop(receiver));
    assert_one("async_notify");

    let (sender, mut receiver) = watch::channel(0);
    waits_until!(receiver.changed(), sender.send(1).unwrap()).unwrap();
    assert_one("async_watch");
    let seen = waits_until!(
        receiver.wait_for(|value| *value == 2),
        sender.send(2).unwrap()
    );
    assert_eq!(*seen.unwrap(), 2);
    assert_one("async_watch");
    waits_until!(sender.closed(), drop(receiver));
    assert_one("async_notify");

    let (sender, mut receiver) = broadcast::channel(2);
    let seen = waits_until!(receiver.recv(), sender.send(1).unwrap());
    assert_eq!(seen, Ok(1));
    assert_one("async_broadcast");
    release_when_asleep(
        || assert_eq!(receiver.blocking_recv(), Ok(2)),
        || {
            thread::sleep(ms(2));
            sender.send(2).unwrap();
        },
    );
    assert_one("async_broadcast");
    waits_until!(sender.closed(), drop(receiver));
    assert_one("async_notify");
}

#[test]
fn notifications() {
    let _profiling = profile_everything();
    let notify = Arc::new(Notify::new());
    notify.notify_one();
    now(notify.notified());
    assert_none();
    waits_until!(notify.notified(), notify.notify_one());
    assert_one("async_notify");
    waits_until!(
        Arc::clone(&notify).notified_owned(),
        notify.notify_waiters()
    );
    assert_one("async_notify");
    let mut enabled = pin!(notify.notified());
    assert!(!enabled.as_mut().enable());
    notify.notify_waiters();
    done(enabled);
    assert_none();
    // The future keeps it alive.
    let mut owned = pin!(Arc::new(Notify::new()).notified_owned());
    assert_waits(owned.as_mut());

    let barrier = Barrier::new(2);
    let follower = waits_until!(barrier.wait(), assert!(now(barrier.wait()).is_leader()));
    assert!(!follower.is_leader());
    assert_one("async_barrier");

    let value = SetOnce::new();
    assert_eq!(waits_until!(value.wait(), value.set(1).unwrap()), &1);
    assert_one("async_once");
    assert_eq!(now(value.wait()), &1);
    assert_none();
}

/// A wait for a task, as a handle, by reference in a `select!`, and as one of a set.
#[test]
fn tasks() {
    let _profiling = profile_everything();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let nap = || async { tokio::time::sleep(ms(5)).await };
    runtime.block_on(async {
        contend::tokio::spawn(nap()).await.unwrap();
        assert_one("async_join");
        contend::tokio::task::spawn_blocking(|| thread::sleep(ms(5)))
            .await
            .unwrap();
        assert_one("async_join");

        let mut handle: JoinHandle<()> = runtime.handle().spawn(nap()).into();
        let (_sender, mut receiver) = oneshot::channel::<()>();
        contend::tokio::select! {
            result = &mut handle => result.unwrap(),
            _ = &mut receiver => unreachable!("nobody sends"),
        }
        let mut seen = kinds();
        seen.sort_unstable();
        // The receiver still waits: its wait is over when it is dropped.
        assert_eq!(seen, [("async_join", 1)]);
        drop(receiver);
        contend::reset();

        let mut set: JoinSet<()> = [nap(), nap()].into_iter().collect();
        assert_eq!(set.len(), 2);
        set.join_next().await.unwrap().unwrap();
        assert_one("async_join");
        set.spawn(nap());
        set.join_all().await;
        assert_one("async_join");
        assert!(JoinSet::<()>::new().join_next().await.is_none());
        assert_none();
    });
}
