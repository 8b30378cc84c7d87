//! The stacks of tasks, in the shapes in which futures are put together: the calls that were
//! written, and nothing of the executor. On the threads of a runtime, on the current thread, and in
//! a set of local tasks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use contend::tokio::sync::{Mutex, Semaphore};
use contend::{Profile, Sample};

use crate::common::{ms, profile_everything};

type Lock = Arc<Mutex<u32>>;

#[inline(never)]
async fn inner(lock: &Mutex<u32>) {
    *lock.lock().await += 1;
}

async fn middle(lock: &Mutex<u32>) {
    inner(lock).await;
}

async fn nested(lock: Lock) {
    middle(&lock).await;
}

async fn with_join(lock: Lock) {
    tokio::join!(inner(&lock), async {});
}

async fn with_select(lock: Lock) {
    tokio::select! {
        () = inner(&lock) => {}
        () = std::future::pending() => {}
    }
}

async fn with_boxed(lock: Lock) {
    let boxed: Pin<Box<dyn Future<Output = ()> + Send + '_>> = Box::pin(inner(&lock));
    boxed.await;
}

async fn with_timeout(lock: Lock) {
    tokio::time::timeout(Duration::from_secs(50), inner(&lock))
        .await
        .unwrap();
}

async fn with_block(lock: Lock) {
    async { inner(&lock).await }.await;
}

trait Repo {
    fn get(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

struct Db(Lock);

impl Repo for Db {
    fn get(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(inner(&self.0))
    }
}

async fn with_trait(lock: Lock) {
    let repo: Box<dyn Repo + Send + Sync> = Box::new(Db(lock));
    repo.get().await;
}

async fn cancelled(lock: Lock) {
    let _late = tokio::time::timeout(ms(1), inner(&lock)).await;
}

/// The last parts of the functions, leaf first, without types and modules.
fn names(sample: &Sample) -> Vec<String> {
    let frames = sample.frames().iter();
    let last = |frame: &contend::Frame| {
        let name = frame.function().rsplit("::").next().unwrap().to_owned();
        name.split('<').next().unwrap().to_owned()
    };
    frames.map(last).collect()
}

fn the_one(profile: &Profile) -> &Sample {
    let is_wakeup = |sample: &&Sample| sample.frames()[0].function() != "contend::wakeup";
    let samples: Vec<_> = profile.samples().iter().filter(is_wakeup).collect();
    let [sample] = *samples else {
        panic!("not one stack: {profile}\n{profile:?}");
    };
    sample
}

/// Runs the future while another task has the lock, and returns the block profile.
fn recorded<F: Future<Output = ()> + Send + 'static>(
    runtime: &tokio::runtime::Runtime,
    waits: fn(Lock) -> F,
) -> Profile {
    contend::reset();
    let lock = Arc::new(Mutex::new(0));
    runtime.block_on(async {
        let guard = Arc::clone(&lock).try_lock_owned().unwrap();
        let is_polled = Arc::new(AtomicBool::new(false));
        let waiter = tokio::spawn(Watched {
            inner: Box::pin(waits(lock)),
            is_polled: Arc::clone(&is_polled),
        });
        while !is_polled.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(ms(3)).await;
        drop(guard);
        waiter.await.unwrap();
    });
    contend::block_profile()
}

/// Tells that the future was polled, so that it waits.
struct Watched<F> {
    inner: Pin<Box<F>>,
    is_polled: Arc<AtomicBool>,
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let result = self.inner.as_mut().poll(context);
        self.is_polled.store(true, Ordering::Release);
        result
    }
}

fn runtime(is_multi_thread: bool) -> tokio::runtime::Runtime {
    let mut builder = match is_multi_thread {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    builder.worker_threads(1).enable_time().build().unwrap()
}

#[test]
fn each_shape_shows_what_was_written() {
    let _profiling = profile_everything();
    for runtime in [runtime(true), runtime(false)] {
        macro_rules! shows {
            ($waits:ident: $($name:literal)*) => {
                let profile = recorded(&runtime, $waits);
                let sample = the_one(&profile);
                // The last one is that of `Watched`.
                assert_eq!(names(sample), ["lock", $($name,)* "poll"], "{sample:?}");
                assert_eq!(sample.label("thread"), Some("async_worker"));
                assert_eq!(sample.label("class"), Some("lock"));
                // The lines are those of the awaits.
                let file = |frame: &contend::Frame| frame.file().map(str::to_owned);
                assert!(sample.frames()[1..].iter().all(|frame| {
                    file(frame).is_some_and(|file| file.ends_with("stacks.rs"))
                }));
            };
        }
        shows!(nested: "inner" "middle" "nested");
        shows!(with_boxed: "inner" "with_boxed");
        shows!(with_timeout: "inner" "with_timeout");
        shows!(with_trait: "inner" "with_trait");
        shows!(with_block: "inner" "with_block");
        shows!(cancelled: "inner" "cancelled");
        for shape in [
            recorded(&runtime, with_join),
            recorded(&runtime, with_select),
        ] {
            let names = names(the_one(&shape));
            assert_eq!(names[..2], ["lock", "inner"]);
            assert!(names[names.len() - 2].starts_with("with_"), "{names:?}");
            assert!(names.len() < 9, "{names:?}");
        }
    }
}

#[test]
fn local_tasks_are_cut_too() {
    let _profiling = profile_everything();
    let runtime = runtime(false);
    let lock = Arc::new(Mutex::new(0));
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let guard = Arc::clone(&lock).try_lock_owned().unwrap();
        let waiter = tokio::task::spawn_local(nested(lock));
        tokio::time::sleep(ms(3)).await;
        drop(guard);
        waiter.await.unwrap();
    });
    let profile = contend::block_profile();
    assert_eq!(
        names(the_one(&profile)),
        ["lock", "inner", "middle", "nested"]
    );
}

/// The release of a guard that is held over awaits is where it is dropped, and so is an aborted
/// wait.
#[test]
fn releases_and_aborted_waits_have_their_stacks() {
    async fn holder(permits: Arc<Semaphore>, end: Arc<tokio::sync::Notify>) {
        let permit = permits.acquire().await.unwrap();
        end.notified().await;
        drop(permit);
    }
    async fn waiter(permits: Arc<Semaphore>, is_polled: Arc<AtomicBool>) {
        is_polled.store(true, Ordering::Release);
        drop(permits.acquire().await);
    }

    let _profiling = profile_everything();
    let permits = Arc::new(Semaphore::new(1));
    runtime(true).block_on(async {
        let end = Arc::new(tokio::sync::Notify::new());
        let holder = tokio::spawn(holder(Arc::clone(&permits), Arc::clone(&end)));
        while permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let is_polled = Arc::new(AtomicBool::new(false));
        let waiter = tokio::spawn(waiter(Arc::clone(&permits), Arc::clone(&is_polled)));
        while !is_polled.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled());
        end.notify_one();
        holder.await.unwrap();
    });
    let profile = contend::mutex_profile();
    assert_eq!(names(the_one(&profile)), ["drop", "holder"]);
    let profile = contend::block_profile();
    assert_eq!(names(the_one(&profile)), ["acquire", "waiter"]);
}

/// A lock of threads that blocks a worker is told from one that blocks a thread that is there for
/// it.
#[test]
fn blocked_workers_are_told_from_the_blocking_pool() {
    fn locks(lock: &contend::sync::Mutex<u32>) {
        *lock.lock().unwrap() += 1;
    }

    let _profiling = profile_everything();
    let runtime = runtime(true);
    let lock = Arc::new(contend::sync::Mutex::new(0));
    let role = |start: &dyn Fn(Arc<contend::sync::Mutex<u32>>) -> tokio::task::JoinHandle<()>| {
        contend::reset();
        let guard = lock.lock().unwrap();
        let task = start(Arc::clone(&lock));
        let is_blocked = |thread: &contend::Thread| thread.wait().is_some();
        while !contend::threads().threads().iter().any(is_blocked) {
            std::thread::sleep(ms(1));
        }
        std::thread::sleep(ms(2));
        drop(guard);
        runtime.block_on(task).unwrap();
        let profile = contend::block_profile();
        let sample = the_one(&profile);
        assert_eq!(names(sample)[1], "locks");
        sample.label("thread").map(str::to_owned)
    };
    let worker = role(&|lock| runtime.spawn(async move { locks(&lock) }));
    assert_eq!(worker.as_deref(), Some("async_worker"));
    let pool = role(&|lock| runtime.spawn_blocking(move || locks(&lock)));
    assert_eq!(pool.as_deref(), Some("blocking_pool"));
    let aside =
        role(&|lock| runtime.spawn(async move { tokio::task::block_in_place(|| locks(&lock)) }));
    assert_eq!(aside, None);
}
