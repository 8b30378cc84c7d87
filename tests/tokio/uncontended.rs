//! A task that never waits is no event, also where tokio sends it away to let others run.

use contend::tokio::sync::Mutex;

use crate::by_hand::{assert_waits, done};
use crate::common::{assert_law, profile_everything};

/// tokio makes a task yield after 128 operations: the one after that is pending though nothing is
/// missing.
#[test]
fn ten_thousand_locks_are_no_event() {
    let _profiling = profile_everything();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let mutex = std::sync::Arc::new(Mutex::new(0));
    let total = runtime.block_on(async {
        let task = tokio::spawn(async move {
            for _ in 0..10_000 {
                *mutex.lock().await += 1;
            }

            *mutex.lock().await
        });
        task.await.unwrap()
    });
    assert_eq!(total, 10_000);
    assert_eq!(assert_law(), 0);
}

/// A task that has used up its turn queues up all the same, and is not overtaken by one that comes
/// later. (tokio has had a bug there: its issue 8365.)
#[test]
fn a_task_without_budget_keeps_its_place_in_the_queue() {
    use std::pin::pin;
    use tokio::task::coop::{has_budget_remaining, poll_proceed};

    let _profiling = profile_everything();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        let mut first = pin!(mutex.lock());
        let mut second = pin!(mutex.lock());
        std::future::poll_fn(|context| {
            while has_budget_remaining() {
                if let std::task::Poll::Ready(turn) = poll_proceed(context) {
                    turn.made_progress();
                }
            }
            assert_waits(first.as_mut());
            std::task::Poll::Ready(())
        })
        .await;
        tokio::task::yield_now().await;
        assert!(has_budget_remaining());
        assert_waits(second.as_mut());
        drop(guard);
        assert_waits(second.as_mut());
        drop(done(first));
        drop(done(second));
    });
    // The first one's wait began when it was polled again, if it was pending then.
    assert_eq!(contend::block_profile().total_contentions(), 1);
}
