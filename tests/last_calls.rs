//! Functions that wait or release at their very end are named, also where the optimiser would make
//! a jump of the call. `.ci/run` runs this with all optimisations on.
#![cfg(all(
    feature = "profiling",
    feature = "parking_lot",
    feature = "crossbeam-channel",
    feature = "crossbeam-utils",
    feature = "once_cell"
))]

mod common;

use std::sync::mpsc::SendError;
use std::time::{Duration, Instant};

use common::{Sleeper, at, ms, release_when_asleep};
use contend::crossbeam_channel::{self, Receiver, RecvTimeoutError};
use contend::crossbeam_utils::sync::{Parker, ShardedLock, WaitGroup};
use contend::sync::{Barrier, BarrierWaitResult, Mutex, Once, OnceLock, RwLock, mpsc};
use contend::thread::{self, JoinHandle};
use contend::{once_cell, parking_lot};

fn hold() {
    std::thread::sleep(ms(2));
}

/// Runs `first` on a thread, and `second` when that has got as far as what it is given, which
/// returns when the thread of `second` has been asleep for some time.
fn one_after_the_other(first: impl FnOnce(&dyn Fn()) + Send, second: impl FnOnce()) {
    let (is_there, sleeper) = (std::sync::Barrier::new(2), Sleeper::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            first(&|| {
                is_there.wait();
                sleeper.await_sleep();
                hold();
            });
        });
        is_there.wait();
        sleeper.about_to_wait();
        second();
    });
}

#[inline(never)]
fn ends_with_mutex(lock: &Mutex<u64>, hold: &dyn Fn()) {
    let mut guard = lock.lock().unwrap();
    *guard += 1;
    hold();
}

/// With few optimisations this is a jump to the guard's drop, which is not inlined then.
#[cfg(not(debug_assertions))]
#[inline(never)]
fn ends_with_guard(mut guard: contend::sync::MutexGuard<'_, u64>, hold: &dyn Fn()) {
    *guard += 1;
    hold();
}

#[inline(never)]
fn ends_with_write(lock: &RwLock<u64>, hold: &dyn Fn()) {
    let mut guard = lock.write().unwrap();
    *guard += 1;
    hold();
}

#[inline(never)]
fn ends_with_read(lock: &RwLock<u64>, hold: &dyn Fn()) {
    let guard = lock.read().unwrap();
    std::hint::black_box(*guard);
    hold();
}

#[inline(never)]
fn ends_with_parking_lot_mutex(lock: &parking_lot::Mutex<u64>, hold: &dyn Fn()) {
    let mut guard = lock.lock();
    *guard += 1;
    hold();
}

#[inline(never)]
fn ends_with_parking_lot_write(lock: &parking_lot::RwLock<u64>, hold: &dyn Fn()) {
    let mut guard = lock.write();
    *guard += 1;
    hold();
}

#[inline(never)]
fn ends_with_sharded_write(lock: &ShardedLock<u64>, hold: &dyn Fn()) {
    let mut guard = lock.write().unwrap();
    *guard += 1;
    hold();
}

#[test]
fn releases_at_the_end_of_a_function() {
    contend::set_mutex_profile_fraction(1);
    let lock = Mutex::new(0);
    let lock_it = || *lock.lock().unwrap() += 1;
    one_after_the_other(|hold| ends_with_mutex(&lock, hold), lock_it);
    #[cfg(not(debug_assertions))]
    one_after_the_other(|hold| ends_with_guard(lock.lock().unwrap(), hold), lock_it);
    let lock = RwLock::new(0);
    let write = || *lock.write().unwrap() += 1;
    one_after_the_other(|hold| ends_with_write(&lock, hold), write);
    one_after_the_other(|hold| ends_with_read(&lock, hold), write);
    let lock = parking_lot::Mutex::new(0);
    let lock_it = || *lock.lock() += 1;
    one_after_the_other(|hold| ends_with_parking_lot_mutex(&lock, hold), lock_it);
    let lock = parking_lot::RwLock::new(0);
    let write = || *lock.write() += 1;
    one_after_the_other(|hold| ends_with_parking_lot_write(&lock, hold), write);
    let lock = ShardedLock::new(0);
    let write = || *lock.write().unwrap() += 1;
    one_after_the_other(|hold| ends_with_sharded_write(&lock, hold), write);
    let profile = contend::mutex_profile();
    for name in [
        "ends_with_mutex",
        #[cfg(not(debug_assertions))]
        "ends_with_guard",
        "ends_with_write",
        "ends_with_read",
        "ends_with_parking_lot_mutex",
        "ends_with_parking_lot_write",
        "ends_with_sharded_write",
    ] {
        assert!(at(&profile, name).1 > ms(1), "{name}: {profile}");
    }
}

#[inline(never)]
fn ends_with_sleep() {
    thread::sleep(ms(2));
}

#[inline(never)]
fn ends_with_park_timeout() {
    thread::park_timeout(ms(2));
}

#[inline(never)]
fn ends_with_join(handle: JoinHandle<u64>) -> std::thread::Result<u64> {
    handle.join()
}

#[inline(never)]
fn ends_with_scope() {
    thread::scope(|scope| {
        scope.spawn(hold);
    });
}

#[inline(never)]
fn ends_with_blocking() {
    contend::blocking("file", hold);
}

#[inline(never)]
fn ends_with_barrier(barrier: &Barrier) -> BarrierWaitResult {
    barrier.wait()
}

#[inline(never)]
fn ends_with_send(sender: &mpsc::SyncSender<u64>) -> Result<(), SendError<u64>> {
    sender.send(1)
}

#[inline(never)]
fn ends_with_mpsc_recv(receiver: &mpsc::Receiver<u64>) -> Result<u64, mpsc::RecvError> {
    receiver.recv()
}

#[inline(never)]
fn ends_with_recv_timeout(receiver: &Receiver<u64>) -> Result<u64, RecvTimeoutError> {
    receiver.recv_timeout(ms(2))
}

#[inline(never)]
fn ends_with_select(receiver: &Receiver<u64>) {
    contend::crossbeam_channel::select! {
        recv(receiver) -> _ => {}
        default(ms(2)) => {}
    }
}

#[inline(never)]
fn ends_with_condvar(
    changed: &parking_lot::Condvar,
    guard: &mut parking_lot::MutexGuard<'_, u64>,
) -> parking_lot::WaitTimeoutResult {
    changed.wait_for(guard, ms(2))
}

#[inline(never)]
fn ends_with_parker(parker: &Parker) {
    parker.park_deadline(Instant::now() + ms(2));
}

#[inline(never)]
fn ends_with_wait_group(group: WaitGroup) {
    group.wait();
}

#[inline(never)]
fn ends_with_call_once(once: &Once, initialise: &dyn Fn()) {
    once.call_once(initialise);
}

#[inline(never)]
fn ends_with_get_or_init<'a>(cell: &'a OnceLock<u64>, initialise: &dyn Fn()) -> &'a u64 {
    cell.get_or_init(|| {
        initialise();
        1
    })
}

#[inline(never)]
fn ends_with_once_cell(cell: &once_cell::sync::OnceCell<u64>) -> &u64 {
    cell.wait()
}

#[inline(never)]
fn ends_with_timed_lock(
    lock: &parking_lot::Mutex<u64>,
) -> Option<parking_lot::MutexGuard<'_, u64>> {
    lock.try_lock_for(ms(2))
}

#[test]
fn waits_at_the_end_of_a_function() {
    contend::set_block_profile_rate(1);
    ends_with_sleep();
    ends_with_park_timeout();
    let (end, ends) = std::sync::mpsc::channel();
    let handle = thread::spawn(move || ends.recv().unwrap());
    let joined = release_when_asleep(|| ends_with_join(handle), || end.send(1).unwrap());
    assert_eq!(joined.unwrap(), 1);
    ends_with_scope();
    ends_with_blocking();

    let barrier = Barrier::new(2);
    let leaders = std::sync::atomic::AtomicU32::new(0);
    let meet = || {
        let result = ends_with_barrier(&barrier);
        leaders.fetch_add(
            result.is_leader().into(),
            std::sync::atomic::Ordering::Relaxed,
        );
    };
    release_when_asleep(meet, meet);
    assert_eq!(leaders.into_inner(), 1);

    let (sender, receiver) = mpsc::sync_channel(1);
    release_when_asleep(
        || (0..2).for_each(|_| ends_with_send(&sender).unwrap()),
        || (0..2).for_each(|_| assert_eq!(receiver.recv(), Ok(1))),
    );
    release_when_asleep(
        move || assert_eq!(ends_with_mpsc_recv(&receiver), Ok(1)),
        || sender.send(1).unwrap(),
    );
    let (_sender, receiver) = crossbeam_channel::bounded(1);
    assert!(ends_with_recv_timeout(&receiver).is_err());
    ends_with_select(&receiver);

    let lock = parking_lot::Mutex::new(0);
    let mut guard = lock.lock();
    let changed = parking_lot::Condvar::new();
    assert!(ends_with_condvar(&changed, &mut guard).timed_out());
    assert!(ends_with_timed_lock(&lock).is_none());

    ends_with_parker(&Parker::new());
    let group = WaitGroup::new();
    let member = group.clone();
    release_when_asleep(|| ends_with_wait_group(group), || drop(member));

    let (once, cell) = (Once::new(), OnceLock::new());
    one_after_the_other(
        |initialise| ends_with_call_once(&once, initialise),
        || ends_with_call_once(&once, &|| unreachable!("the first does it")),
    );
    one_after_the_other(
        |initialise| assert_eq!(*ends_with_get_or_init(&cell, initialise), 1),
        || assert_eq!(*ends_with_get_or_init(&cell, &|| unreachable!()), 1),
    );
    let cell = once_cell::sync::OnceCell::new();
    release_when_asleep(
        || assert_eq!(*ends_with_once_cell(&cell), 1),
        || cell.set(1).unwrap(),
    );

    let profile = contend::block_profile();
    for name in [
        "ends_with_sleep",
        "ends_with_park_timeout",
        "ends_with_join",
        "ends_with_scope",
        "ends_with_blocking",
        "ends_with_barrier",
        "ends_with_send",
        "ends_with_mpsc_recv",
        "ends_with_recv_timeout",
        "ends_with_select",
        "ends_with_condvar",
        "ends_with_timed_lock",
        "ends_with_parker",
        "ends_with_wait_group",
        "ends_with_call_once",
        "ends_with_get_or_init",
        "ends_with_once_cell",
    ] {
        assert!(at(&profile, name).1 > Duration::ZERO, "{name}: {profile}");
    }
}
