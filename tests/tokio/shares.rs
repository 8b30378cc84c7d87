//! Whose time it is, against a log that the tasks keep themselves.

use std::sync::{Arc, Mutex as Log};
use std::time::{Duration, Instant};

use contend::tokio::sync::{Mutex, RwLock, Semaphore};

use crate::common::{assert_law, at, profile_everything};

/// A step of the waiting, of the slow holds or of the quick ones, at a time.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: Instant,
    waiting: i32,
    slow: i32,
    quick: i32,
}

/// The share of the waiting that fell to slow holds, by the log.
fn truth(mut steps: Vec<Step>) -> f64 {
    steps.sort_by_key(|step| step.at);
    let (mut waiting, mut slow, mut quick) = (0, 0, 0);
    let (mut of_slow, mut of_all) = (0.0, 0.0);
    let mut last = steps[0].at;
    for step in steps {
        let waited = (step.at - last).as_secs_f64() * f64::from(waiting);
        if slow + quick > 0 {
            of_slow += waited * f64::from(slow) / f64::from(slow + quick);
            of_all += waited;
        }
        last = step.at;
        waiting += step.waiting;
        slow += step.slow;
        quick += step.quick;
    }
    of_slow / of_all
}

#[inline(never)]
fn release_slow<G>(guard: G) {
    drop(std::hint::black_box(guard));
}

#[inline(never)]
fn release_quick<G>(guard: G) {
    drop(guard);
}

/// Lets tasks hold the lock, every fourth for long; `acquire` takes the number of the task.
fn assert_share<G, A>(acquire: impl Fn(u32) -> A + Clone + Send + 'static)
where
    A: Future<Output = G> + Send,
    G: Send + 'static,
{
    let _profiling = profile_everything();
    let log = Arc::new(Log::new(Vec::new()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for number in 0..24 {
            let (log, acquire) = (Arc::clone(&log), acquire.clone());
            tasks.push(tokio::spawn(async move {
                for _ in 0..8 {
                    let is_slow = number % 4 == 0;
                    let begin = Instant::now();
                    let guard = acquire(number).await;
                    let acquired = Instant::now();
                    let hold = if is_slow { 5_000 } else { 1_000 };
                    tokio::time::sleep(Duration::from_micros(hold)).await;
                    let released = Instant::now();
                    match is_slow {
                        true => release_slow(guard),
                        false => release_quick(guard),
                    }
                    let (slow, quick) = (i32::from(is_slow), i32::from(!is_slow));
                    let step = |at, waiting, holding: i32| Step {
                        at,
                        waiting,
                        slow: slow * holding,
                        quick: quick * holding,
                    };
                    log.lock().unwrap().extend([
                        step(begin, 1, 0),
                        step(acquired, -1, 1),
                        step(released, 0, -1),
                    ]);
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    drop(runtime);
    assert_law();
    let truth = truth(std::mem::take(&mut log.lock().unwrap()));
    let profile = contend::mutex_profile();
    let delay = |function| at(&profile, function).1.as_secs_f64();
    // A wake-up has the release before it as its caller.
    let wakeup = |function: &str| -> f64 {
        let samples = profile.samples().iter();
        let of_function = samples.filter(|sample| {
            let mut frames = sample.frames().iter();
            sample.frames()[0].function() == "contend::wakeup"
                && frames.any(|frame| frame.function().contains(function))
        });
        of_function.map(|sample| sample.delay().as_secs_f64()).sum()
    };
    let slow = delay("release_slow") - wakeup("release_slow");
    let quick = delay("release_quick") - wakeup("release_quick");
    let measured = slow / (slow + quick);
    println!(
        "slow holds: {:.1} % of the waiting, by the log {:.1} %",
        measured * 100.0,
        truth * 100.0
    );
    assert!(
        (measured - truth).abs() < 0.05,
        "{measured} for {truth}\n{profile}"
    );
}

#[test]
fn mutex() {
    let lock = Arc::new(Mutex::new(()));
    assert_share(move |_| Arc::clone(&lock).lock_owned());
}

#[test]
fn semaphore_of_2() {
    semaphore(2);
}

#[test]
fn semaphore_of_4() {
    semaphore(4);
}

#[test]
fn semaphore_of_8() {
    semaphore(8);
}

fn semaphore(permits: usize) {
    let permits = Arc::new(Semaphore::new(permits));
    assert_share(move |_| {
        let permits = Arc::clone(&permits);
        async move { permits.acquire_owned().await.unwrap() }
    });
}

/// Readers hold together, slow and quick ones; writers wait for them.
#[test]
fn readers() {
    let lock = Arc::new(RwLock::new(()));
    assert_share(move |number| {
        let lock = Arc::clone(&lock);
        async move {
            match number % 3 {
                0 => Ok(lock.write_owned().await),
                _ => Err(lock.read_owned().await),
            }
        }
    });
}
