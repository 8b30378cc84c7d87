//! The law for tasks: the blame of a lock is the waiting for it, to the nanosecond, whatever ends a
//! wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contend::tokio::sync::{Mutex, RwLock, Semaphore};

use crate::common::{assert_law, profile_everything};

/// Tasks that do this with one lock: hold it over an await, or spin while they have it; give up
/// after some time; are aborted; panic with the guard in hand.
fn storm<L, F>(lock: &Arc<L>, workers: usize, pass: fn(Arc<L>, u32) -> F) -> usize
where
    L: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_time()
        .build()
        .unwrap();
    let ends = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for number in 0..24_u32 {
            let (lock, ends) = (Arc::clone(lock), Arc::clone(&ends));
            tasks.push(tokio::spawn(async move {
                for turn in 0..20 {
                    let pass = pass(Arc::clone(&lock), number * 20 + turn);
                    match number % 4 {
                        0 => drop(tokio::time::timeout(Duration::from_micros(200), pass).await),
                        _ => pass.await,
                    }
                    ends.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        for (number, task) in tasks.into_iter().enumerate() {
            if number % 6 == 1 {
                task.abort();
            }
            let _ = task.await;
        }
        // Some are in the middle of it when the runtime goes.
        for turn in 0..8 {
            tokio::spawn(pass(Arc::clone(lock), turn));
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(10));
    ends.load(Ordering::Relaxed)
}

/// Holds what it is given for a while, differently in each turn.
pub(crate) async fn hold<G>(guard: G, turn: u32) {
    match turn % 3 {
        0 => tokio::task::yield_now().await,
        1 => tokio::time::sleep(Duration::from_micros(100)).await,
        _ => {
            let begin = std::time::Instant::now();
            while begin.elapsed() < Duration::from_micros(20) {
                std::hint::spin_loop();
            }
        }
    }
    if turn % 97 == 5 {
        // Not `panic!`, which would print.
        std::panic::resume_unwind(Box::new("as the test wants it"));
    }
    drop(guard);
}

#[test]
fn mutex() {
    let _profiling = profile_everything();
    let lock = Arc::new(Mutex::new(()));
    let ends = storm(&lock, 2, |lock, turn| async move {
        match turn % 2 {
            0 => hold(lock.lock().await, turn).await,
            _ => hold(Arc::clone(&lock).lock_owned().await, turn).await,
        }
    });
    assert!(ends > 100, "{ends}");
    // A wait that gave up is the next release's.
    drop(lock.try_lock().unwrap());
    let contentions = assert_law();
    assert!(contentions > 50, "{contentions}");
    assert_eq!(contend::mutex_profile().lost().total(), 0);
}

#[test]
fn semaphore() {
    let _profiling = profile_everything();
    let permits = Arc::new(Semaphore::new(3));
    let ends = storm(&permits, 2, |permits, turn| async move {
        match turn % 4 {
            0 => hold(permits.acquire_many(2).await.unwrap(), turn).await,
            1 => hold(Arc::clone(&permits).acquire_owned().await.unwrap(), turn).await,
            _ => hold(permits.acquire().await.unwrap(), turn).await,
        }
    });
    assert!(ends > 100, "{ends}");
    // A wait that gave up is the next release's.
    drop(permits.try_acquire_many(3).unwrap());
    let contentions = assert_law();
    assert!(contentions > 50, "{contentions}");
    assert_eq!(contend::mutex_profile().lost().total(), 0);
}

/// A pool of plain objects that knows nothing of the profiler.
struct Pool {
    free: tokio::sync::Mutex<Vec<u32>>,
    count: tokio::sync::Semaphore,
}

static POOL: contend::Resource = contend::Resource::new("pool");

#[test]
fn resource() {
    struct Pooled<'p>(&'p Pool, u32);

    impl Drop for Pooled<'_> {
        fn drop(&mut self) {
            // Another one may look at the list in this moment.
            while let Err(_busy) = self.0.free.try_lock().map(|mut free| free.push(self.1)) {
                std::thread::yield_now();
            }
            self.0.count.add_permits(1);
        }
    }

    async fn get(pool: &Pool) -> Pooled<'_> {
        pool.count.acquire().await.unwrap().forget();
        let mut free = pool.free.lock().await;
        Pooled(pool, free.pop().unwrap())
    }

    let _profiling = profile_everything();
    let pool = Arc::new(Pool {
        free: tokio::sync::Mutex::new(vec![1, 2]),
        count: tokio::sync::Semaphore::new(2),
    });
    let ends = storm(&pool, 2, |pool, turn| async move {
        hold(POOL.hold(POOL.wait(get(&pool)).await), turn).await;
    });
    assert!(ends > 100, "{ends}");
    // A wait that gave up is the next release's.
    drop(POOL.hold(()));
    let contentions = assert_law();
    assert!(contentions > 50, "{contentions}");
    assert!(
        contend::mutex_profile()
            .samples()
            .iter()
            .all(|sample| sample.kind() == "pool")
    );
}

#[test]
fn rwlock() {
    let _profiling = profile_everything();
    let lock = Arc::new(RwLock::new(0_u32));
    let ends = storm(&lock, 2, |lock, turn| async move {
        match turn % 5 {
            0 => hold(lock.write().await, turn).await,
            1 => hold(lock.write().await.downgrade(), turn).await,
            2 => hold(Arc::clone(&lock).read_owned().await, turn).await,
            _ => hold(lock.read().await, turn).await,
        }
    });
    assert!(ends > 100, "{ends}");
    drop(lock.try_write().unwrap());
    let contentions = assert_law();
    assert!(contentions > 50, "{contentions}");
    assert_eq!(contend::mutex_profile().lost().total(), 0);
}
