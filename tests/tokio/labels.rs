//! Tasks have the labels of who spawned them, at each poll, on whatever thread.

use contend::tokio::sync::Mutex;
use contend::tokio::task::{self, JoinSet};
use contend::{Labels, with_labels};

use crate::common::{profile_everything, turn};

fn here() -> Option<&'static str> {
    Labels::current().get("endpoint")
}

async fn here_after_a_yield() -> [Option<&'static str>; 2] {
    let before = here();
    tokio::task::yield_now().await;
    [before, here()]
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).build().unwrap()
}

#[test]
fn tasks_inherit() {
    let _turn = turn();
    let runtime = runtime();
    let labels = |endpoint: &str| Labels::new([("endpoint", endpoint)]);
    runtime.block_on(async {
        let spawn = |endpoint| with_labels(labels(endpoint), || task::spawn(here_after_a_yield()));
        let (one, other, none) = (spawn("/1"), spawn("/2"), task::spawn(here_after_a_yield()));
        assert_eq!(one.await.unwrap(), [Some("/1"); 2]);
        assert_eq!(other.await.unwrap(), [Some("/2"); 2]);
        assert_eq!(none.await.unwrap(), [None; 2]);
        let blocking = with_labels(labels("/3"), || task::spawn_blocking(here));
        assert_eq!(blocking.await.unwrap(), Some("/3"));
        assert_eq!(
            task::spawn_blocking(here).await.unwrap(),
            None,
            "the same thread"
        );
        let mut set = JoinSet::new();
        let scope = labels("/4").enter();
        set.spawn(here_after_a_yield());
        set.extend([here_after_a_yield()]);
        drop(scope);
        assert_eq!(set.join_all().await, [[Some("/4"); 2]; 2]);
        assert_eq!(here(), None);
    });
}

#[test]
fn a_tasks_wait_has_the_tasks_labels_and_its_stack_none_of_ours() {
    let _profiling = profile_everything();
    let runtime = runtime();
    let mutex = std::sync::Arc::new(Mutex::new(()));
    runtime.block_on(async {
        let guard = mutex.clone().try_lock_owned().unwrap();
        let polled = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let waiter = {
            let (mutex, polled) = (mutex.clone(), polled.clone());
            let _labels = contend::labels! {"endpoint" => "/waits"};
            task::spawn(async move {
                let mut lock = std::pin::pin!(mutex.lock());
                std::future::poll_fn(|context| {
                    let result = lock.as_mut().poll(context);
                    polled.store(true, std::sync::atomic::Ordering::Release);
                    result.map(drop)
                })
                .await;
            })
        };
        while !polled.load(std::sync::atomic::Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        with_labels(Labels::new([("endpoint", "/holds")]), || drop(guard));
        waiter.await.unwrap();
    });
    let of = |profile: contend::Profile, kind| {
        let samples = profile
            .samples()
            .iter()
            .filter(move |sample| sample.kind() == kind);
        let told: Vec<_> = samples
            .map(|sample| {
                let ours = |frame: &contend::Frame| frame.function().contains("spawned");
                assert!(!sample.frames().iter().any(ours), "{sample:?}");
                sample.label("endpoint").map(str::to_owned)
            })
            .collect();
        told
    };
    assert_eq!(
        of(contend::block_profile(), "async_mutex"),
        [Some("/waits".to_owned())]
    );
    let released = of(contend::mutex_profile(), "async_mutex");
    assert!(
        released
            .iter()
            .all(|label| label.as_deref() == Some("/holds")),
        "{released:?}"
    );
}
