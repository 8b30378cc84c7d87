//! Threads that wait for each other. They are stuck for good: they stay when a test is over, under
//! names that begin with `stuck`. So this is a program of its own.
#![cfg(all(
    feature = "profiling",
    feature = "framehop",
    target_os = "linux",
    target_arch = "x86_64"
))]

#[path = "common/live.rs"]
mod common;

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use contend::Deadlock;

use common::{NEVER, spawn, thread_when, turn};

/// The deadlock of these threads, in any order, at the first call after each of them waits.
fn found(names: &[&str], kinds: &[&str]) -> Option<Deadlock> {
    for (name, kind) in names.iter().zip(kinds) {
        thread_when(name, |thread| {
            thread.wait().is_some_and(|wait| wait.kind() == *kind)
        });
    }
    let mut expected = names.to_vec();
    expected.sort();
    contend::deadlocks().into_iter().find(|deadlock| {
        let mut found: Vec<_> = deadlock
            .threads()
            .iter()
            .map(|thread| thread.name())
            .collect();
        found.sort();
        found == expected
    })
}

fn assert_found(names: &[&str], kinds: &[&str], is_certain: bool) -> Deadlock {
    let deadlock = found(names, kinds).unwrap_or_else(|| {
        panic!(
            "{names:?} not found; the threads are:\n{}",
            contend::threads()
        );
    });
    assert_eq!(deadlock.is_certain(), is_certain, "{deadlock}");
    deadlock
}

/// Each thread takes its own and, when all have done so, waits for the next one's.
fn ring<L: Send + Sync + 'static>(
    names: &'static [&'static str],
    new: impl Fn() -> L,
    take: impl Fn(&L, &dyn Fn()) + Copy + Send + 'static,
) {
    let locks: Arc<Vec<L>> = Arc::new(names.iter().map(|_| new()).collect());
    let all = Arc::new(Barrier::new(names.len()));
    for (index, name) in names.iter().enumerate() {
        let (locks, all) = (Arc::clone(&locks), Arc::clone(&all));
        spawn(name, move || {
            take(&locks[index], &|| {
                all.wait();
                take(&locks[(index + 1) % locks.len()], &|| unreachable!());
            });
        });
    }
}

fn ring_of_mutexes(names: &'static [&'static str]) {
    ring(
        names,
        || contend::sync::Mutex::new(()),
        |lock, then| {
            let _guard = lock.lock().unwrap();
            then();
        },
    );
}

#[test]
fn two_mutexes_in_different_orders() {
    let _turn = turn();
    let names = &["stuck-abba-1", "stuck-abba-2"];
    ring_of_mutexes(names);
    let deadlock = assert_found(names, &["mutex"; 2], true);
    assert_eq!(deadlock.behind().len(), 0);
    let [first, second] = deadlock.threads() else {
        panic!("{deadlock}");
    };
    for (waiter, holder) in [(first, second), (second, first)] {
        let holders = waiter.wait().unwrap().holders();
        assert_eq!(holders.len(), 1);
        assert_eq!(holders[0].tid(), holder.tid());
        let mut waits = deadlock.waits_for(holder.tid());
        assert_eq!(waits.next().unwrap().0.tid(), waiter.tid());
        assert!(
            waiter
                .frames()
                .iter()
                .any(|frame| frame.function().contains("ring"))
        );
    }
    let text = deadlock.to_string();
    assert!(
        text.starts_with("deadlock: 2 threads wait for each other\n"),
        "{text}"
    );
    let line = format!("held by thread {} \"{}\"", second.tid(), second.name());
    assert!(text.contains(&line), "{text}");
}

#[test]
fn a_mutex_that_the_thread_has_itself() {
    let _turn = turn();
    let name = "stuck-relock";
    let lock = Arc::new(contend::sync::Mutex::new(()));
    let theirs = Arc::clone(&lock);
    spawn(name, move || {
        let _guard = theirs.lock().unwrap();
        drop(theirs.lock());
    });
    thread_when(name, |thread| thread.wait().is_some());
    spawn("stuck-behind", move || drop(lock.lock()));
    thread_when("stuck-behind", |thread| thread.wait().is_some());
    let deadlock = assert_found(&[name], &["mutex"], true);
    assert_eq!(deadlock.behind().len(), 1, "{deadlock}");
    assert_eq!(deadlock.behind()[0].name(), "stuck-behind");
    let text = deadlock.to_string();
    assert!(text.contains("held by itself"), "{text}");
    assert!(text.contains("stuck behind them: 1 more"), "{text}");
}

#[test]
fn writers_of_two_locks() {
    let _turn = turn();
    use contend::sync::RwLock;
    let names = &["stuck-write-1", "stuck-write-2"];
    ring(
        names,
        || RwLock::new(()),
        |lock, then| {
            let _guard = lock.write().unwrap();
            then();
        },
    );
    assert_found(names, &["rwlock_write"; 2], true);
}

/// A thread that reads, a writer that queues, and the thread reads again.
///
/// Not in the test's own frame, which would keep the lock's address: whoever has that may be a
/// reader.
#[inline(never)]
fn read_queue_and_read_again(names: [&'static str; 2]) {
    let lock = Arc::new(contend::sync::RwLock::new(1_u64));
    let all = Arc::new(Barrier::new(2));
    let (theirs, go) = (Arc::clone(&lock), Arc::clone(&all));
    spawn(names[0], move || {
        let guard = theirs.read().unwrap();
        go.wait();
        go.wait();
        let again = theirs.read().unwrap();
        unreachable!("{guard} {again}");
    });
    all.wait();
    spawn(names[1], move || drop(lock.write()));
    thread_when(names[1], |thread| thread.wait().is_some());
    all.wait();
}

#[test]
fn a_reader_behind_a_writer_behind_itself() {
    let _turn = turn();
    let names = ["stuck-read-1", "stuck-read-2"];
    read_queue_and_read_again(names);
    assert_found(&names, &["rwlock_read", "rwlock_write"], false);
}

#[test]
fn joins_and_scopes() {
    let _turn = turn();
    let names = ["stuck-join-1", "stuck-join-2"];
    let lock = Arc::new(contend::sync::Mutex::new(()));
    spawn(names[0], move || {
        let _guard = lock.lock().unwrap();
        let theirs = Arc::clone(&lock);
        let builder = contend::thread::Builder::new().name(names[1].into());
        let child = builder.spawn(move || drop(theirs.lock())).unwrap();
        child.join().unwrap();
    });
    let deadlock = assert_found(&names, &["join", "mutex"], true);
    let text = deadlock.to_string();
    assert!(
        text.contains("for a thread to end, ends after thread"),
        "{text}"
    );

    let names = ["stuck-scope-1", "stuck-scope-2"];
    spawn(names[0], move || {
        let lock = contend::sync::Mutex::new(());
        let _guard = lock.lock().unwrap();
        contend::thread::scope(|scope| {
            scope.spawn(|| ());
            let builder = contend::thread::Builder::new().name(names[1].into());
            builder.spawn_scoped(scope, || drop(lock.lock())).unwrap();
        });
    });
    assert_found(&names, &["join", "mutex"], true);

    let names = ["stuck-sjoin-1", "stuck-sjoin-2"];
    spawn(names[0], move || {
        let lock = contend::sync::Mutex::new(());
        let _guard = lock.lock().unwrap();
        contend::thread::scope(|scope| {
            let builder = contend::thread::Builder::new().name(names[1].into());
            let child = builder.spawn_scoped(scope, || drop(lock.lock())).unwrap();
            child.join().unwrap();
        });
    });
    assert_found(&names, &["join", "mutex"], true);
}

#[test]
fn initialisers_that_need_each_other() {
    let _turn = turn();
    use contend::sync::Once;
    let names = &["stuck-once-1", "stuck-once-2"];
    ring(names, Once::new, |once, then| once.call_once(then));
    let deadlock = assert_found(names, &["once"; 2], true);
    let text = deadlock.to_string();
    assert!(text.contains("for the initialisation at 0x"), "{text}");
}

#[test]
#[cfg(feature = "parking_lot")]
fn three_threads_and_an_upgrade() {
    let _turn = turn();
    use contend::parking_lot::Mutex;
    let names = &["stuck-three-1", "stuck-three-2", "stuck-three-3"];
    ring(
        names,
        || Mutex::new(()),
        |lock, then| {
            let _guard = lock.lock();
            then();
        },
    );
    assert_found(names, &["mutex"; 3], true);
    let names = ["stuck-upgrade-1", "stuck-upgrade-2"];
    upgrade_and_read(names);
    assert_found(&names, &["rwlock_write", "mutex"], false);
}

/// One holds the mutex and waits for the readers, of which the other one, which waits for the
/// mutex, is one.
#[inline(never)]
#[cfg(feature = "parking_lot")]
fn upgrade_and_read(names: [&'static str; 2]) {
    use contend::parking_lot::{Mutex, RwLock, RwLockUpgradableReadGuard};
    let locks = Arc::new((RwLock::new(1_u64), Mutex::new(())));
    let both = Arc::new(Barrier::new(2));
    let (theirs, go) = (Arc::clone(&locks), Arc::clone(&both));
    spawn(names[0], move || {
        let _mutex = theirs.1.lock();
        let guard = theirs.0.upgradable_read();
        go.wait();
        let guard = RwLockUpgradableReadGuard::upgrade(guard);
        unreachable!("{guard}");
    });
    spawn(names[1], move || {
        let guard = locks.0.read();
        both.wait();
        drop(locks.1.lock());
        unreachable!("{guard}");
    });
}

/// An upgrade that waits for a reader is held up by it, not by itself.
#[test]
#[cfg(feature = "parking_lot")]
fn what_is_no_deadlock() {
    let _turn = turn();
    use contend::parking_lot::{Mutex, RwLock, RwLockUpgradableReadGuard};
    let lock = Arc::new(RwLock::new(1_u64));
    let reader = lock.read();
    let theirs = Arc::clone(&lock);
    let upgrade = spawn("upgrade", move || {
        drop(RwLockUpgradableReadGuard::upgrade(theirs.upgradable_read()));
    });
    assert!(found(&["upgrade"], &["rwlock_write"]).is_none());
    drop(reader);
    upgrade.join().unwrap();

    // A circle, one of whose waits has a time-out.
    let locks = Arc::new((Mutex::new(()), Mutex::new(())));
    let both = Arc::new(Barrier::new(2));
    let (theirs, go) = (Arc::clone(&locks), Arc::clone(&both));
    spawn("stuck-timed-1", move || {
        let _guard = theirs.0.lock();
        go.wait();
        drop(theirs.1.try_lock_for(NEVER));
    });
    spawn("stuck-timed-2", move || {
        let _guard = locks.1.lock();
        both.wait();
        drop(locks.0.lock());
    });
    assert!(found(&["stuck-timed-1", "stuck-timed-2"], &["mutex"; 2]).is_none());
}

/// Threads that take locks in one order, join each other and hand locks on, for as long.
fn busy_and_correct(time: Duration) {
    use contend::sync::{Mutex, RwLock};
    let locks: [Mutex<u64>; 3] = Default::default();
    let shared = RwLock::new(0_u64);
    let end = Instant::now() + time;
    let deadlocks = contend::thread::scope(|scope| {
        for number in 0..4 {
            let (locks, shared) = (&locks, &shared);
            scope.spawn(move || {
                while Instant::now() < end {
                    let mut first = locks[number % 3].lock().unwrap();
                    let rest = &locks[number % 3 + 1..];
                    rest.iter().for_each(|lock| *lock.lock().unwrap() += 1);
                    match number {
                        0 => *shared.write().unwrap() += 1,
                        _ => *first += *shared.read().unwrap(),
                    }
                    contend::thread::spawn(thread::yield_now).join().unwrap();
                }
            });
        }
        let mut found = Vec::new();
        while Instant::now() < end {
            found.extend(contend::deadlocks());
        }
        found
    });
    let is_other = |deadlock: &Deadlock| {
        let mut threads = deadlock.threads().iter();
        !threads.all(|thread| thread.name().starts_with("stuck"))
    };
    let other: Vec<_> = deadlocks
        .iter()
        .filter(|deadlock| is_other(deadlock))
        .collect();
    assert!(other.is_empty(), "{}", other[0]);
}

#[test]
fn a_busy_program_has_none() {
    let _turn = turn();
    busy_and_correct(Duration::from_secs(3));
}

#[test]
#[ignore = "ten minutes of what a_busy_program_has_none does in three seconds: cargo test --release --all-features --test deadlocks ten_minutes -- --ignored"]
fn a_busy_program_has_none_in_ten_minutes() {
    let _turn = turn();
    busy_and_correct(Duration::from_secs(600));
}

#[test]
fn a_deadlock_triggers_a_flight_recorder() {
    let _turn = turn();
    let folder = std::env::temp_dir().join(format!("contend-stuck-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let recorder = contend::trace::FlightRecorder::builder()
        .on_deadlock()
        .tail(Duration::ZERO)
        .files_in(&folder)
        .start()
        .unwrap();
    ring_of_mutexes(&["stuck-flight-1", "stuck-flight-2"]);
    while recorder.files().is_empty() {
        thread::yield_now();
    }
    let name = recorder.files()[0].display().to_string();
    assert!(name.contains("deadlock-of-"), "{name}");
    drop(recorder);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
#[cfg(feature = "http")]
fn the_page_draws_the_circle() {
    use contend::http::{Handler, Request};

    let _turn = turn();
    let names = &["stuck-drawn-1", "stuck-drawn-2"];
    ring_of_mutexes(names);
    let deadlock = assert_found(names, &["mutex"; 2], true);
    let request = Request::new("GET", "/debug/pprof/deadlock?form=page");
    let answer = Handler::new().handle(&request);
    let page = String::from_utf8_lossy(answer.body()).into_owned();
    // Threads of other tests are stuck, too, in pictures of their own.
    let tid = deadlock.threads()[0].tid();
    let waits = format!("{tid} {} waits for", deadlock.threads()[0].name());
    let picture = page.split("<svg ").find(|part| part.contains(&waits));
    let picture = picture.unwrap_or_else(|| panic!("{waits:?} not in {page}"));
    let picture = picture.split("</svg>").next().unwrap();
    let count = |what: &str| picture.matches(what).count();
    assert_eq!(count("class=\"node thread cycle\""), 2, "{picture}");
    assert_eq!(count("class=\"node lock cycle\""), 2, "{picture}");
    assert_eq!(count("class=\"edge cycle\""), 4, "{picture}");
}
