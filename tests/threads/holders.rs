//! The holders of the subjects of waits.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use contend::Thread;

use crate::common::{Keeper, has_function, spawn, thread_when, turn};

/// Lets a thread `wait` for what another one holds, and checks that the dump says so.
fn check_holder(
    kind: &str,
    is_certain: bool,
    hold: impl FnOnce(&dyn Fn()) + Send + 'static,
    wait: impl FnOnce() + Send + 'static,
) {
    let keeper = Keeper::new("keeper", hold);
    let waiter = spawn("waiter", wait);
    let thread = thread_when("waiter", |thread| {
        // The holder may be on its way to its own wait still.
        let is_there = |at: &contend::Frame| at.function().contains("keep");
        let wait = thread.wait();
        let mut holders = wait.map(|wait| wait.holders()).unwrap_or_default().iter();
        holders.any(|holder| holder.at().is_some_and(is_there))
    });
    let wait = thread.wait().unwrap();
    assert_eq!(wait.kind(), kind);
    let names: Vec<_> = wait.holders().iter().map(|holder| holder.name()).collect();
    assert_eq!(names, ["keeper"], "{kind}");
    let holder = &wait.holders()[0];
    assert_eq!(holder.is_certain(), is_certain, "{kind}");
    if is_certain {
        let held = holder.held_for_at_least().unwrap();
        assert!(held >= wait.waited(), "{held:?}, {:?}", wait.waited());
    }
    let keepers = thread_when("keeper", |_| true);
    assert_eq!(holder.tid(), keepers.tid());
    keeper.end();
    waiter.join().unwrap();
}

/// The same for a lock that both threads are given.
fn check_lock<L: Send + Sync + 'static>(
    kind: &str,
    is_certain: bool,
    lock: L,
    hold: fn(&L, &dyn Fn()),
    wait: fn(&L),
) {
    let lock = Arc::new(lock);
    let theirs = Arc::clone(&lock);
    check_holder(
        kind,
        is_certain,
        move |keep| hold(&theirs, keep),
        move || wait(&lock),
    );
}

#[test]
fn holders_of_std_locks_are_known() {
    let _turn = turn();
    use contend::sync::{Mutex, Once, OnceLock, RwLock};
    check_lock(
        "mutex",
        true,
        Mutex::new(1_u64),
        |lock, keep| {
            let _guard = lock.lock().unwrap();
            keep();
        },
        |lock| drop(lock.lock().unwrap()),
    );
    let hold_to_write = |lock: &RwLock<u64>, keep: &dyn Fn()| {
        let _guard = lock.write().unwrap();
        keep();
    };
    check_lock(
        "rwlock_write",
        true,
        RwLock::new(1),
        hold_to_write,
        |lock| {
            drop(lock.write().unwrap());
        },
    );
    check_lock("rwlock_read", true, RwLock::new(1), hold_to_write, |lock| {
        drop(lock.read().unwrap());
    });
    check_lock(
        "rwlock_write",
        false,
        RwLock::new(1_u64),
        |lock, keep| {
            let guard = lock.read().unwrap();
            keep();
            assert_eq!(*guard, 1);
        },
        |lock| drop(lock.write().unwrap()),
    );
    check_lock(
        "once",
        true,
        Once::new(),
        |once, keep| once.call_once(keep),
        |once| once.call_once(|| unreachable!()),
    );
    check_lock(
        "once",
        true,
        OnceLock::new(),
        |cell, keep| {
            cell.get_or_init(|| {
                keep();
                7
            });
        },
        |cell| assert_eq!(*cell.get_or_init(|| 8), 7),
    );
}

#[test]
#[cfg(feature = "parking_lot")]
fn holders_of_parking_lots_locks_are_known() {
    let _turn = turn();
    use contend::parking_lot::{FairMutex, Mutex, MutexGuard, Once, ReentrantMutex};
    use contend::parking_lot::{RwLock, RwLockWriteGuard};
    check_lock(
        "mutex",
        true,
        Mutex::new(1_u64),
        |lock, keep| {
            let mut guard = lock.lock();
            MutexGuard::bump(&mut guard);
            keep();
        },
        |lock| drop(lock.lock()),
    );
    check_lock(
        "mutex",
        true,
        FairMutex::new(1_u64),
        |lock, keep| {
            let _guard = lock.lock();
            keep();
        },
        |lock| drop(lock.lock()),
    );
    check_lock(
        "mutex",
        true,
        ReentrantMutex::new(1_u64),
        |lock, keep| {
            let _guard = lock.lock();
            drop(lock.lock());
            keep();
        },
        |lock| drop(lock.lock()),
    );
    check_lock(
        "rwlock_read",
        true,
        RwLock::new(1_u64),
        |lock, keep| {
            let _guard = lock.write();
            keep();
        },
        |lock| drop(lock.read()),
    );
    check_lock(
        "rwlock_write",
        true,
        RwLock::new(1_u64),
        |lock, keep| {
            let _guard = lock.upgradable_read();
            keep();
        },
        |lock| drop(lock.write()),
    );
    check_lock(
        "rwlock_write",
        false,
        RwLock::new(1_u64),
        |lock, keep| {
            let guard = RwLockWriteGuard::downgrade(lock.write());
            keep();
            assert_eq!(*guard, 1);
        },
        |lock| drop(lock.write()),
    );
    check_lock(
        "once",
        true,
        Once::new(),
        |once, keep| once.call_once(keep),
        |once| once.call_once(|| unreachable!()),
    );
}

#[test]
#[cfg(all(feature = "crossbeam-utils", feature = "once_cell"))]
fn holders_of_other_skins_are_known() {
    let _turn = turn();
    use contend::crossbeam_utils::sync::ShardedLock;
    use contend::once_cell::sync::OnceCell;
    check_lock(
        "rwlock_read",
        true,
        ShardedLock::new(1_u64),
        |lock, keep| {
            let _guard = lock.write().unwrap();
            keep();
        },
        |lock| drop(lock.read().unwrap()),
    );
    check_lock(
        "once",
        true,
        OnceCell::new(),
        |cell, keep| {
            cell.get_or_init(|| {
                keep();
                7
            });
        },
        |cell| assert_eq!(*cell.get_or_init(|| 8), 7),
    );
}

#[test]
fn joins_and_scopes_say_for_whom_they_wait() {
    let _turn = turn();
    let (end, until) = mpsc::channel::<()>();
    let joined = contend::thread::Builder::new().name("joined".into());
    let joined = joined
        .spawn(move || assert!(until.recv().is_err()))
        .unwrap();
    let joiner = spawn("joiner", move || joined.join().unwrap());
    let names = |thread: &Thread| -> Vec<String> {
        let holders = thread.wait().map(|wait| wait.holders()).unwrap_or_default();
        holders
            .iter()
            .map(|holder| holder.name().to_owned())
            .collect()
    };
    let thread = thread_when("joiner", |thread| names(thread) == ["joined"]);
    assert_eq!(thread.wait().unwrap().kind(), "join");
    assert_eq!(thread.wait().unwrap().lock(), None);
    drop(end);
    joiner.join().unwrap();

    let (end, until) = mpsc::channel::<()>();
    let until = std::sync::Mutex::new(until);
    let scoping = spawn("scoping", move || {
        contend::thread::scope(|scope| {
            for name in ["one", "two"] {
                let wait = || assert!(until.lock().unwrap().recv().is_err());
                let builder = contend::thread::Builder::new().name(name.into());
                builder.spawn_scoped(scope, wait).unwrap();
            }
        });
    });
    let thread = thread_when("scoping", |thread| {
        let mut names = names(thread);
        names.sort();
        names == ["one", "two"]
    });
    assert!(has_function(&thread, "threads::"), "{:#?}", thread.frames());
    assert!(thread.frames()[0].function().contains("scope"));
    drop(end);
    scoping.join().unwrap();
}

#[test]
fn waits_that_end_by_themselves_are_told_from_others() {
    let _turn = turn();
    let (sender, receiver) = contend::sync::mpsc::channel::<()>();
    let timed = spawn("timed", move || {
        let _ = receiver.recv_timeout(Duration::from_secs(600));
    });
    let thread = thread_when("timed", |thread| thread.wait().is_some());
    assert!(thread.wait().unwrap().is_timed());
    assert_eq!(thread.wait().unwrap().holders(), []);
    drop(sender);
    timed.join().unwrap();
    let (sender, receiver) = contend::sync::mpsc::channel::<()>();
    let endless = spawn("endless", move || assert!(receiver.recv().is_err()));
    let thread = thread_when("endless", |thread| thread.wait().is_some());
    assert!(!thread.wait().unwrap().is_timed());
    drop(sender);
    endless.join().unwrap();
}
