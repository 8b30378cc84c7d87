//! `fork` while threads wait for locks: the child has one thread, and the tables of a parent that
//! had many.
#![cfg(all(feature = "profiling", target_os = "linux"))]

mod common;

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{assert_law, at, profile_everything, release_when_asleep};
use contend::sync::{Mutex, MutexGuard};

const FORKS: u32 = 100;

/// Locks that the parent's threads contend for.
static BUSY: [Mutex<u64>; 3] = [const { Mutex::new(0) }; 3];

/// Free at every fork.
static CHILDS: Mutex<()> = Mutex::new(());

#[test]
fn a_child_of_fork_profiles_on() {
    let _profiling = profile_everything();
    // Makes names known that each child would have to look up for itself, which takes far longer
    // than all else here.
    for number in 0..2 {
        fork_once(number, Fork::Pretended).unwrap();
    }

    let is_over = AtomicBool::new(false);
    let acquired = AtomicU64::new(0);
    thread::scope(|scope| {
        for number in 0..4 {
            let (is_over, acquired) = (&is_over, &acquired);
            scope.spawn(move || {
                let_others_first();
                while !is_over.load(Ordering::Relaxed) {
                    // Each lock is wanted by three or more.
                    let mut held = BUSY[number % 3].lock().unwrap();
                    *held += 1;
                    spin(Duration::from_micros(20));
                    drop(held);
                    *BUSY[(number + 1) % 3].lock().unwrap() += 1;
                    acquired.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            let_others_first();
            // A reset closes the parts of the store, one by one.
            while !is_over.load(Ordering::Relaxed) {
                contend::reset();
                spin(Duration::from_micros(100));
            }
        });
        let failed = (0..FORKS).find_map(|number| fork_once(number, Fork::Real).err());
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(failed, None);
    });

    // Nothing has happened to the parent.
    let counted: u64 = BUSY.iter().map(|lock| *lock.lock().unwrap()).sum();
    assert_eq!(counted, acquired.into_inner());
    contend::reset();
    contends_in_child();
    assert_eq!(assert_law(), 2);
}

/// The parent's threads keep all cores busy: without this a child would live ten times as long.
fn let_others_first() {
    // SAFETY: changes the priority of this thread alone.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
}

fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[derive(PartialEq)]
enum Fork {
    Real,
    /// Does what a child does, in this process.
    Pretended,
}

#[inline(never)]
fn fork_once(number: u32, fork: Fork) -> Result<(), String> {
    // Half of the children get a lock that they hold, and that threads wait for who are not there.
    let mut held = number.is_multiple_of(2).then(|| BUSY[0].lock().unwrap());
    let child = match fork {
        Fork::Pretended => 0,
        // SAFETY: the child uses the allocator and starts threads, which glibc supports; of locks
        // it uses those that its only thread holds, or that are free. It ends with `_exit`.
        Fork::Real => unsafe { libc::fork() },
    };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        if fork == Fork::Real {
            // SAFETY: sets a timer, whose signal kills the child.
            unsafe { libc::alarm(10) };
        }
        let held = held.take();
        let lived = panic::catch_unwind(AssertUnwindSafe(|| live_as_child(held)));
        if fork == Fork::Real {
            // SAFETY: ends the process at once, which is what is wanted.
            unsafe { libc::_exit(if lived.is_ok() { 0 } else { 1 }) }
        }
        return lived.map_err(|_| "the parent does not live as a child should".to_owned());
    }
    drop(held);
    let mut status = 0;
    // SAFETY: the status goes to a live local.
    let ended = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(ended, child);
    if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        return Ok(());
    }
    Err(format!(
        "child {number}: wait status {status:#x} (0xe is the alarm: it hung)"
    ))
}

fn live_as_child(held: Option<MutexGuard<'_, u64>>) {
    let has_busy = held.is_some();
    drop(held);
    contend::reset();
    contends_in_child();
    assert_eq!(assert_law(), 2);
    let name = "contends_in_child";
    assert_eq!(at(&contend::mutex_profile(), name).0, 2);
    contend::reset();
    assert_eq!(assert_law(), 0);
    if has_busy {
        // A lock whose flag says that somebody waits, who is not there any more.
        let held = BUSY[0].lock().unwrap();
        release_when_asleep(|| drop(BUSY[0].lock().unwrap()), || drop(held));
        assert_eq!(assert_law(), 1);
    }
}

/// A thread waits for this one, twice.
#[inline(never)]
fn contends_in_child() {
    for _ in 0..2 {
        let held = CHILDS.lock().unwrap();
        release_when_asleep(|| drop(CHILDS.lock().unwrap()), || drop(held));
    }
}
