//! A task that never waits is no event, also where tokio sends it away to let others run.

use contend::tokio::sync::Mutex;

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
            let total = *mutex.lock().await;
            total
        });
        task.await.unwrap()
    });
    assert_eq!(total, 10_000);
    assert_eq!(assert_law(), 0);
}
