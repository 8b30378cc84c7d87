//! Labels against what the program did: in the profiles, in dumps of the threads, and where they go
//! with the work.
#![cfg(feature = "profiling")]

mod common;

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use common::{in_child, profile_everything, release_when_asleep};
use contend::sync::Mutex;
use contend::{Labels, Profile, thread, with_labels};

fn labels(endpoint: &str) -> Labels {
    Labels::new([("endpoint", endpoint)])
}

fn here(key: &str) -> Option<&'static str> {
    Labels::current().get(key)
}

/// The values of `endpoint`, largest delay first.
fn endpoints(profile: &Profile) -> Vec<Option<&str>> {
    let samples = profile.samples().iter();
    samples.map(|sample| sample.label("endpoint")).collect()
}

/// One wait: the waiter works for `/waits`, the one that releases for `/holds`.
fn contend_once() {
    let mutex = Mutex::new(());
    let guard = mutex.lock().unwrap();
    let wait = || with_labels(labels("/waits"), || drop(mutex.lock().unwrap()));
    let release = || with_labels(labels("/holds"), || drop(guard));
    release_when_asleep(wait, release);
}

#[test]
fn a_wait_is_the_waiters_and_its_blame_the_releasers() {
    let _profiling = profile_everything();
    contend_once();
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(endpoints(&block), [Some("/waits")]);
    // The wake-up after a release is the releaser's, too.
    let of_mutex = endpoints(&mutex);
    assert!(
        of_mutex.iter().all(|label| *label == Some("/holds")),
        "{of_mutex:?}"
    );
    assert_eq!(
        block.with_label("endpoint", "/waits").total_delay(),
        block.total_delay()
    );
    assert_eq!(block.with_label("endpoint", "/holds").samples().len(), 0);
    assert_eq!(
        mutex.with_label("endpoint", "/holds").total_contentions(),
        1
    );
    assert_eq!(mutex.total_delay(), block.total_delay());
}

#[test]
fn one_stack_under_two_labels_is_two_samples_also_in_a_difference() {
    let _profiling = profile_everything();
    let sleep = |endpoint: &str| {
        let _labels = contend::labels! {"endpoint" => endpoint};
        thread::sleep(Duration::from_millis(1));
    };
    ["/a", "/b"].into_iter().for_each(sleep);
    let before = contend::block_profile();
    let mut both = endpoints(&before);
    both.sort_unstable();
    assert_eq!(both, [Some("/a"), Some("/b")]);
    ["/b", "/c"].into_iter().for_each(sleep);
    let mut gained = contend::block_profile().since(&before);
    gained = gained.with_label("kind", "sleep");
    let mut gained = endpoints(&gained);
    gained.sort_unstable();
    assert_eq!(gained, [Some("/b"), Some("/c")]);
}

#[test]
fn scopes_add_and_restore_also_after_a_panic() {
    let _turn = common::turn();
    let name = String::from("/cart");
    let outer = contend::labels! {"endpoint" => name, "tenant" => "blue"};
    let unwound = panic::catch_unwind(AssertUnwindSafe(|| {
        let _inner = contend::labels! {"tenant" => "red", "shard" => "7"};
        assert_eq!(
            [here("endpoint"), here("tenant"), here("shard")],
            [Some("/cart"), Some("red"), Some("7")]
        );
        panic::resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    assert_eq!(
        [here("endpoint"), here("tenant"), here("shard")],
        [Some("/cart"), Some("blue"), None]
    );
    {
        // Takes one away.
        let _inner = contend::labels! {"tenant" => ""};
        assert_eq!([here("endpoint"), here("tenant")], [Some("/cart"), None]);
    }
    drop(outer);
    assert_eq!(Labels::current(), Labels::default());
    assert_eq!(format!("{:?}", labels("/a")), r#"{"endpoint": "/a"}"#);
}

#[test]
fn threads_inherit_and_keep_the_labels_of_who_spawned_them() {
    let _turn = common::turn();
    let scope = labels("/spawns").enter();
    let spawned = thread::spawn(|| here("endpoint"));
    let built = thread::Builder::new().spawn(|| here("endpoint")).unwrap();
    let scoped = thread::scope(|scope| scope.spawn(|| here("endpoint")).join().unwrap());
    drop(scope);
    assert_eq!(spawned.join().unwrap(), Some("/spawns"));
    assert_eq!(built.join().unwrap(), Some("/spawns"));
    assert_eq!(scoped, Some("/spawns"));
    assert_eq!(thread::spawn(|| here("endpoint")).join().unwrap(), None);
}

#[test]
fn a_dump_has_the_labels_of_threads_that_wait() {
    let _profiling = profile_everything();
    let mutex = Mutex::new(());
    let guard = mutex.lock().unwrap();
    let mut seen = None;
    release_when_asleep(
        || with_labels(labels("/dumped"), || drop(mutex.lock().unwrap())),
        || {
            let threads = contend::threads();
            let waits = threads
                .threads()
                .iter()
                .find(|thread| thread.wait().is_some());
            seen = waits.map(|thread| (thread.label("endpoint"), threads.to_string()));
            let mut text = Vec::new();
            threads.write_text(&mut text).unwrap();
            assert!(String::from_utf8_lossy(&text).contains(r#""endpoint":"/dumped""#));
            let profile = contend::block_profile().with_waits_in_progress();
            assert!(
                endpoints(&profile).contains(&Some("/dumped")),
                "{profile:?}"
            );
            drop(guard);
        },
    );
    let (label, text) = seen.expect("a thread waits");
    assert_eq!(label, Some("/dumped"));
    assert!(text.contains(" endpoint=/dumped"), "{text}");
}

#[test]
fn a_future_has_its_labels_when_it_is_polled() {
    use std::task::{Context, Poll, Waker};

    let _turn = common::turn();
    let mut polls = 0;
    let future = std::future::poll_fn(|_| {
        polls += 1;
        match polls {
            1 => Poll::Pending,
            _ => Poll::Ready(here("endpoint")),
        }
    });
    let mut future = std::pin::pin!(labels("/polled").instrument(future));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(here("endpoint"), None);
    let tenant = contend::labels! {"tenant" => "blue"};
    assert_eq!(
        future.as_mut().poll(&mut context),
        Poll::Ready(Some("/polled"))
    );
    drop(tenant);
}

#[test]
fn labels_work_while_a_thread_is_torn_down() {
    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            let _labels = contend::labels! {"endpoint" => "/last"};
            thread::sleep(Duration::from_micros(10));
        }
    }

    thread_local! {
        static LAST: Last = const { Last };
    }

    let _profiling = profile_everything();
    std::thread::spawn(|| LAST.with(|_| ())).join().unwrap();
    let profile = contend::block_profile().with_label("endpoint", "/last");
    assert_eq!(profile.total_contentions(), 1);
}

/// More sets than there is room for: the later ones are one, and counted.
fn overflow() {
    let numbers: Vec<String> = (0..4200).map(|number| number.to_string()).collect();
    let sets: Vec<Labels> = numbers.iter().map(|number| labels(number)).collect();
    let of_overflow = sets
        .iter()
        .filter(|set| set.get("labels") == Some("contend::overflow"));
    let lost = contend::block_profile().lost().label_table_full;
    assert_eq!(of_overflow.count() as u64, lost);
    assert!((104..=4200).contains(&lost), "{lost}");
    assert_eq!(
        labels("0").get("endpoint"),
        Some("0"),
        "those that are there stay"
    );
    with_labels(labels("one more"), || {
        thread::sleep(Duration::from_micros(10))
    });
    let profile = contend::block_profile().with_label("labels", "contend::overflow");
    assert_eq!(profile.total_contentions(), 1);
    assert!(profile.lost().to_string().contains("label table full"));
}

/// A handler comes in the middle of scopes that begin and end, and has scopes of its own.
#[cfg(unix)]
#[test]
fn a_signal_handler_has_labels_of_its_own() {
    use std::sync::atomic::{AtomicU32, Ordering};

    static HANDLED: AtomicU32 = AtomicU32::new(0);

    extern "C" fn handle(_: libc::c_int) {
        let count = HANDLED.fetch_add(1, Ordering::Relaxed);
        // Some are new sets: to make one must not wait for what it has interrupted.
        let value = [b'a' + (count % 26) as u8];
        let value = std::str::from_utf8(&value).unwrap_or_default();
        let _labels = contend::labels! {"of the handler" => value};
    }

    in_child("a_signal_handler_has_labels_of_its_own", || {
        let _profiling = profile_everything();
        // SAFETY: the handler takes a number, and uses atomics and thread-locals without
        // destructors.
        unsafe { libc::signal(libc::SIGUSR1, handle as extern "C" fn(libc::c_int) as usize) };
        // SAFETY: has no preconditions.
        let this = unsafe { libc::pthread_self() } as usize; // musl has a pointer.
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while HANDLED.load(Ordering::Relaxed) < 2_000 {
                    // SAFETY: the thread waits for this one at the end of the scope.
                    unsafe { libc::pthread_kill(this as libc::pthread_t, libc::SIGUSR1) };
                }
            });
            let mut round = 0_u32;
            while HANDLED.load(Ordering::Relaxed) < 2_000 {
                round += 1;
                let (value, number) = (format!("{}", round % 50), round.to_string());
                let _labels = contend::labels! {"outer" => value};
                {
                    let _labels =
                        contend::labels! {"inner" => if round < 50 { &*number } else { "x" }};
                    assert_eq!(here("outer"), Some(&*value));
                }
                assert_eq!((here("inner"), here("of the handler")), (None, None));
            }
        });
    });
}

/// A child of `fork` goes on with the labels that the thread had, and makes sets of its own.
#[cfg(target_os = "linux")]
#[test]
fn labels_live_on_in_a_child_of_fork() {
    in_child("labels_live_on_in_a_child_of_fork", || {
        let _profiling = profile_everything();
        let scope = labels("/forks").enter();
        // SAFETY: the child uses what is tested and ends by `_exit`; the alarm ends it if it hangs.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: sets a timer, whose signal kills the child.
            unsafe { libc::alarm(60) };
            let lived = panic::catch_unwind(|| {
                assert_eq!(here("endpoint"), Some("/forks"));
                contend::reset();
                thread::sleep(Duration::from_micros(10));
                assert_eq!(endpoints(&contend::block_profile()), [Some("/forks")]);
                overflow();
            });
            // SAFETY: ends the process at once, which is what is wanted.
            unsafe { libc::_exit(i32::from(lived.is_err())) }
        }
        drop(scope);
        let mut status = -1;
        // SAFETY: our own child, waited for once; the status goes to a live local.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
    });
}
