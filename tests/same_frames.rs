//! A wait has the same stack whatever the rate, and a release that of the function that held.
//!
//! The stack of a wait that is sure to be recorded is taken before it, those of others afterwards.
//! Each method waits once at a rate of 1 ns and once at 1 ms, and both must show the same
//! functions, files and lines. `.ci/run` runs this with all optimisations on, too.
#![cfg(all(
    feature = "profiling",
    feature = "parking_lot",
    feature = "crossbeam-channel",
    feature = "crossbeam-utils",
    feature = "once_cell"
))]

mod common;

use std::thread::Scope;
use std::time::Instant;

use common::{Sleeper, ms, profile_everything, secs};
use contend::crossbeam_channel::{self, Select};
use contend::crossbeam_utils::sync::{Parker, ShardedLock, WaitGroup};
use contend::once_cell::sync as cells;
use contend::parking_lot;
use contend::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, mpsc};
use contend::{Frame, Profile, Sample, thread};

/// Longer than either rate: recorded with certainty, as one event.
const WAIT_MS: u64 = 3;

/// As much is left of it when the wait begins, however late the thread got a processor.
const UNTIL_MS: u64 = 300;

/// Returns when `wait` has slept in a thread of its own for that long.
fn start<'scope>(scope: &'scope Scope<'scope, '_>, wait: impl FnOnce() + Send + 'scope) {
    let sleeper = std::sync::Arc::new(Sleeper::new());
    let waiters = std::sync::Arc::clone(&sleeper);
    scope.spawn(move || {
        waiters.about_to_wait();
        wait();
    });
    sleeper.await_sleep();
    std::thread::sleep(ms(WAIT_MS));
}

/// Waits in `wait` until `release` is called.
fn until(wait: impl FnOnce() + Send, release: impl FnOnce()) {
    std::thread::scope(|scope| {
        start(scope, wait);
        release();
    });
}

/// The frames of the one sample, beside that of the time in which nobody held the lock.
#[track_caller]
fn frames(profile: &Profile) -> Vec<Frame> {
    let is_wakeup = |sample: &Sample| sample.frames()[0].function() == "contend::wakeup";
    let samples = profile.samples().iter();
    let samples: Vec<_> = samples.filter(|sample| !is_wakeup(sample)).collect();
    let [sample] = *samples else {
        panic!("not one stack: {profile:?}");
    };
    sample.frames().to_vec()
}

/// `contend::sync::Mutex<u64>::lock` → `contend::sync::Mutex::lock`.
fn without_parameters(name: &str) -> String {
    let mut depth = 0;
    let is_outside = |c: &char| {
        depth += i32::from(*c == '<');
        let is_outside = depth == 0;
        depth -= i32::from(*c == '>');
        is_outside
    };
    let name: String = name.chars().filter(is_outside).collect();
    // As v0 mangling has it: `Once::call_once::<…>`.
    name.trim_end_matches("::").to_owned()
}

/// The leaf is the method, and the function that called it comes next.
#[track_caller]
fn assert_method(frames: &[Frame], method: &str, caller: &str) {
    let [leaf, next, ..] = frames else {
        panic!("{method} and its caller, not {frames:?}");
    };
    assert_eq!(without_parameters(leaf.function()), method, "{frames:?}");
    let is_callers = next.function().contains(&format!("::{caller}"));
    assert!(is_callers, "{method} by {caller}: {frames:?}");
}

#[track_caller]
fn assert_same_stack(method: &str, caller: &str, wait: impl Fn()) {
    let _profiling = profile_everything();
    contend::set_mutex_profile_fraction(0);
    let [early, late] = [1, 1_000_000].map(|rate| {
        contend::set_block_profile_rate(rate);
        contend::reset();
        wait();
        frames(&contend::block_profile())
    });
    assert_method(&early, method, caller);
    assert_method(&late, method, caller);
    let place = |frame: &Frame| {
        let file = frame.file().map(str::to_owned);
        (frame.function().to_owned(), file, frame.line())
    };
    let places = |frames: &[Frame]| frames[1..].iter().map(place).collect::<Vec<_>>();
    assert_eq!(places(&early), places(&late), "{method}");
}

/// A table of methods: the test's name, the method's in profiles, and what waits by it, once.
macro_rules! same_stacks {
    ($($test:ident: $method:expr, $wait:expr;)*) => {$(
        #[test]
        fn $test() {
            assert_same_stack($method, stringify!($test), || $wait);
        }
    )*};
}

same_stacks! {
    mutex_lock: "contend::sync::Mutex::lock", {
        let lock = Mutex::new(0);
        let guard = lock.lock().unwrap();
        until(|| *lock.lock().unwrap() = 1, || drop(guard));
    };
    rwlock_read: "contend::sync::RwLock::read", {
        let lock = RwLock::new(0);
        let guard = lock.write().unwrap();
        until(|| assert_eq!(*lock.read().unwrap(), 0), || drop(guard));
    };
    rwlock_write: "contend::sync::RwLock::write", {
        let lock = RwLock::new(0);
        let guard = lock.read().unwrap();
        until(|| *lock.write().unwrap() = 1, || drop(guard));
    };
    barrier_wait: "contend::sync::Barrier::wait", {
        let barrier = Barrier::new(2);
        let wait = || assert!(!barrier.wait().is_leader());
        until(wait, || assert!(barrier.wait().is_leader()));
    };
    sync_sender_send: "contend::sync::mpsc::SyncSender::send", {
        let (sender, receiver) = mpsc::sync_channel(0);
        until(move || sender.send(1).unwrap(), || assert_eq!(receiver.try_recv(), Ok(1)));
    };
    mpsc_recv: "contend::sync::mpsc::Receiver::recv", {
        let (sender, receiver) = mpsc::channel();
        until(move || assert_eq!(receiver.recv(), Ok(1)), || sender.send(1).unwrap());
    };
    mpsc_recv_timeout: "contend::sync::mpsc::Receiver::recv_timeout", {
        let (_sender, receiver) = mpsc::channel::<u64>();
        assert!(receiver.recv_timeout(ms(WAIT_MS)).is_err());
    };
    mpsc_iter: "contend::sync::mpsc::Iter::next", {
        let (sender, receiver) = mpsc::channel::<u64>();
        until(move || assert_eq!(receiver.iter().next(), None), || drop(sender));
    };
    mpsc_into_iter: "contend::sync::mpsc::IntoIter::next", {
        let (sender, receiver) = mpsc::channel::<u64>();
        until(move || assert_eq!(receiver.into_iter().next(), None), || drop(sender));
    };
}

same_stacks! {
    condvar_wait: "contend::sync::Condvar::wait", {
        let (lock, changed) = (Mutex::new(0), Condvar::new());
        until(|| drop(changed.wait(lock.lock().unwrap())), || changed.notify_one());
    };
    condvar_wait_while: "contend::sync::Condvar::wait_while", {
        let (lock, changed) = (Mutex::new(0), Condvar::new());
        let wait = || drop(changed.wait_while(lock.lock().unwrap(), |value| *value == 0));
        until(wait, || {
            *lock.lock().unwrap() = 1;
            changed.notify_one();
        });
    };
    condvar_wait_timeout: "contend::sync::Condvar::wait_timeout", {
        let (lock, changed) = (Mutex::new(0), Condvar::new());
        drop(changed.wait_timeout(lock.lock().unwrap(), ms(WAIT_MS)));
    };
    condvar_wait_timeout_while: "contend::sync::Condvar::wait_timeout_while", {
        let (lock, changed) = (Mutex::new(0), Condvar::new());
        let guard = lock.lock().unwrap();
        drop(changed.wait_timeout_while(guard, ms(WAIT_MS), |value| *value == 0));
    };
}

/// Runs an initialiser by `run`, during which `wait` waits for it.
fn while_initialised(run: impl FnOnce(&mut dyn FnMut()), wait: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let mut wait = Some(wait);
        run(&mut || start(scope, wait.take().unwrap()));
    });
}

fn seven(run: &mut dyn FnMut()) -> u64 {
    run();
    7
}

same_stacks! {
    once_call_once: "contend::sync::Once::call_once", {
        let once = Once::new();
        while_initialised(|run| once.call_once(run), || once.call_once(|| unreachable!()));
    };
    once_call_once_force: "contend::sync::Once::call_once_force", {
        let once = Once::new();
        let wait = || once.call_once_force(|_| unreachable!());
        while_initialised(|run| once.call_once_force(|_| run()), wait);
    };
    once_wait: "contend::sync::Once::wait", {
        let once = Once::new();
        while_initialised(|run| once.call_once(run), || once.wait());
    };
    once_wait_force: "contend::sync::Once::wait_force", {
        let once = Once::new();
        while_initialised(|run| once.call_once(run), || once.wait_force());
    };
    once_lock_get_or_init: "contend::sync::OnceLock::get_or_init", {
        let cell = OnceLock::new();
        let wait = || assert_eq!(cell.get_or_init(|| unreachable!()), &7);
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, wait);
    };
    once_lock_set: "contend::sync::OnceLock::set", {
        let cell = OnceLock::new();
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, || assert!(cell.set(8).is_err()));
    };
    once_lock_wait: "contend::sync::OnceLock::wait", {
        let cell = OnceLock::new();
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, || assert_eq!(cell.wait(), &7));
    };
    once_cell_get_or_init: "contend::once_cell::sync::OnceCell::get_or_init", {
        let cell = cells::OnceCell::new();
        let wait = || assert_eq!(cell.get_or_init(|| unreachable!()), &7);
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, wait);
    };
    once_cell_get_or_try_init: "contend::once_cell::sync::OnceCell::get_or_try_init", {
        let cell = cells::OnceCell::new();
        let wait = || assert_eq!(cell.get_or_try_init(|| Err(())), Ok(&7));
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, wait);
    };
    once_cell_set: "contend::once_cell::sync::OnceCell::set", {
        let cell = cells::OnceCell::new();
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, || assert!(cell.set(8).is_err()));
    };
    once_cell_try_insert: "contend::once_cell::sync::OnceCell::try_insert", {
        let cell = cells::OnceCell::new();
        let wait = || assert!(cell.try_insert(8).is_err());
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, wait);
    };
    once_cell_wait: "contend::once_cell::sync::OnceCell::wait", {
        let cell = cells::OnceCell::new();
        while_initialised(|run| {
 cell.get_or_init(|| seven(run));
 }, || assert_eq!(cell.wait(), &7));
    };
}

/// An initialiser that its type keeps starts the one who waits for it.
macro_rules! lazy {
    ($lazy:ident, $value:ident, $wait:expr) => {{
        let (started, waiting) = std::sync::mpsc::channel();
        let $value = $lazy(move || waiting.recv().unwrap());
        std::thread::scope(|scope| {
            let runs = std::sync::Arc::new(Sleeper::new());
            let runner = std::sync::Arc::clone(&runs);
            let value = &$value;
            scope.spawn(move || {
                runner.about_to_wait();
                let () = **value;
            });
            runs.await_sleep();
            start(scope, || $wait);
            started.send(()).unwrap();
        });
    }};
}

fn lazy_lock<F: FnOnce()>(run: F) -> LazyLock<(), F> {
    LazyLock::new(run)
}

fn lazy_cell<F: FnOnce()>(run: F) -> cells::Lazy<(), F> {
    cells::Lazy::new(run)
}

same_stacks! {
    lazy_lock_force: "contend::sync::LazyLock::force", {
        lazy!(lazy_lock, value, *LazyLock::force(&value));
    };
    lazy_lock_deref: "contend::sync::LazyLock::deref", {
        lazy!(lazy_lock, value, { let () = *value; });
    };
    lazy_force: "contend::once_cell::sync::Lazy::force", {
        lazy!(lazy_cell, value, *cells::Lazy::force(&value));
    };
    lazy_deref: "contend::once_cell::sync::Lazy::deref", {
        lazy!(lazy_cell, value, { let () = *value; });
    };
}

same_stacks! {
    sleep: "contend::thread::sleep", thread::sleep(ms(WAIT_MS));
    park: "contend::thread::park", {
        let (to_waiter, of_waiter) = std::sync::mpsc::channel();
        let wait = move || {
            to_waiter.send(std::thread::current()).unwrap();
            thread::park();
        };
        until(wait, || of_waiter.recv().unwrap().unpark());
    };
    park_timeout: "contend::thread::park_timeout", thread::park_timeout(ms(WAIT_MS));
    join: "contend::thread::JoinHandle::join", {
        let (end, ended) = std::sync::mpsc::channel();
        let handle = thread::spawn(move || ended.recv().unwrap());
        until(|| handle.join().unwrap(), || end.send(()).unwrap());
    };
    scoped_join: "contend::thread::ScopedJoinHandle::join", {
        let (end, ended) = std::sync::mpsc::channel();
        let join = move || {
            thread::scope(|scope| {
                scope.spawn(move || ended.recv().unwrap()).join().unwrap();
                // A thread that is joined may still count for the scope, whose end then waits, too.
                contend::set_block_profile_rate(0);
            });
        };
        until(join, || end.send(()).unwrap());
    };
    end_of_scope: "contend::thread::scope", {
        let (end, ended) = std::sync::mpsc::channel();
        let scope = move || {
            thread::scope(|scope| {
                scope.spawn(move || ended.recv().unwrap());
            });
        };
        until(scope, || end.send(()).unwrap());
    };
    blocking: "contend::blocking", {
        contend::blocking("file", || std::thread::sleep(ms(WAIT_MS)));
    };
    parker_park: "contend::crossbeam_utils::sync::Parker::park", {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        until(move || parker.park(), || unparker.unpark());
    };
    parker_park_timeout: "contend::crossbeam_utils::sync::Parker::park_timeout", {
        Parker::new().park_timeout(ms(WAIT_MS));
    };
    parker_park_deadline: "contend::crossbeam_utils::sync::Parker::park_deadline", {
        Parker::new().park_deadline(Instant::now() + ms(UNTIL_MS));
    };
    wait_group: "contend::crossbeam_utils::sync::WaitGroup::wait", {
        let group = WaitGroup::new();
        let member = group.clone();
        until(|| group.wait(), || drop(member));
    };
    sharded_read: "contend::crossbeam_utils::sync::ShardedLock::read", {
        let lock = ShardedLock::new(0);
        let guard = lock.write().unwrap();
        until(|| assert_eq!(*lock.read().unwrap(), 0), || drop(guard));
    };
    sharded_write: "contend::crossbeam_utils::sync::ShardedLock::write", {
        let lock = ShardedLock::new(0);
        let guard = lock.read().unwrap();
        until(|| *lock.write().unwrap() = 1, || drop(guard));
    };
}

same_stacks! {
    channel_send: "contend::crossbeam_channel::Sender::send", {
        let (sender, receiver) = crossbeam_channel::bounded(0);
        until(|| sender.send(1).unwrap(), || assert_eq!(receiver.try_recv(), Ok(1)));
    };
    channel_send_timeout: "contend::crossbeam_channel::Sender::send_timeout", {
        let (sender, _receiver) = crossbeam_channel::bounded(0);
        assert!(sender.send_timeout(1, ms(WAIT_MS)).is_err());
    };
    channel_send_deadline: "contend::crossbeam_channel::Sender::send_deadline", {
        let (sender, _receiver) = crossbeam_channel::bounded(0);
        assert!(sender.send_deadline(1, Instant::now() + ms(UNTIL_MS)).is_err());
    };
    channel_recv: "contend::crossbeam_channel::Receiver::recv", {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        until(|| assert_eq!(receiver.recv(), Ok(1)), || sender.send(1).unwrap());
    };
    channel_recv_timeout: "contend::crossbeam_channel::Receiver::recv_timeout", {
        let receiver = crossbeam_channel::never::<()>();
        assert!(receiver.recv_timeout(ms(WAIT_MS)).is_err());
    };
    channel_recv_deadline: "contend::crossbeam_channel::Receiver::recv_deadline", {
        let receiver = crossbeam_channel::never::<()>();
        assert!(receiver.recv_deadline(Instant::now() + ms(UNTIL_MS)).is_err());
    };
    channel_iter: "contend::crossbeam_channel::Iter::next", {
        let (sender, receiver) = crossbeam_channel::bounded::<u64>(1);
        until(|| assert_eq!(receiver.iter().next(), None), || drop(sender));
    };
    channel_into_iter: "contend::crossbeam_channel::IntoIter::next", {
        let (sender, receiver) = crossbeam_channel::bounded::<u64>(1);
        until(|| assert_eq!(receiver.into_iter().next(), None), || drop(sender));
    };
    select: "contend::crossbeam_channel::Select::select", {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let other = crossbeam_channel::never::<u64>();
        let select = || {
            let mut select = Select::new();
            select.recv(&receiver);
            select.recv(&other);
            assert_eq!(select.select().recv(&receiver), Ok(1));
        };
        until(select, || sender.send(1).unwrap());
    };
    select_timeout: "contend::crossbeam_channel::Select::select_timeout", {
        let receiver = crossbeam_channel::never::<u64>();
        let mut select = Select::new();
        select.recv(&receiver);
        assert!(select.select_timeout(ms(WAIT_MS)).is_err());
    };
    select_deadline: "contend::crossbeam_channel::Select::select_deadline", {
        let receiver = crossbeam_channel::never::<u64>();
        let mut select = Select::new();
        select.recv(&receiver);
        assert!(select.select_deadline(Instant::now() + ms(UNTIL_MS)).is_err());
    };
    ready: "contend::crossbeam_channel::Select::ready", {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let select = || {
            let mut select = Select::new();
            select.recv(&receiver);
            assert_eq!(select.ready(), 0);
        };
        until(select, || sender.send(1).unwrap());
    };
    ready_timeout: "contend::crossbeam_channel::Select::ready_timeout", {
        let receiver = crossbeam_channel::never::<u64>();
        let mut select = Select::new();
        select.recv(&receiver);
        assert!(select.ready_timeout(ms(UNTIL_MS)).is_err());
    };
    ready_deadline: "contend::crossbeam_channel::Select::ready_deadline", {
        let receiver = crossbeam_channel::never::<u64>();
        let mut select = Select::new();
        select.recv(&receiver);
        assert!(select.ready_deadline(Instant::now() + ms(UNTIL_MS)).is_err());
    };
    select_macro: "contend::crossbeam_channel::Select::select_timeout", {
        let (one, two) = (crossbeam_channel::never::<()>(), crossbeam_channel::never::<()>());
        crossbeam_channel::select! {
            recv(one) -> _ => unreachable!(),
            recv(two) -> _ => unreachable!(),
            default(ms(WAIT_MS)) => {}
        }
    };
    select_macro_of_one: "contend::crossbeam_channel::select_timeout", {
        let one = crossbeam_channel::never::<()>();
        crossbeam_channel::select! {
            recv(one) -> _ => unreachable!(),
            default(ms(WAIT_MS)) => {}
        }
    };
    select_biased_macro: "contend::crossbeam_channel::Select::select", {
        let (sender, one) = crossbeam_channel::bounded(1);
        let two = crossbeam_channel::never::<()>();
        let select = || crossbeam_channel::select_biased! {
            recv(one) -> message => assert_eq!(message, Ok(1)),
            recv(two) -> _ => unreachable!(),
        };
        until(select, || sender.send(1).unwrap());
    };
}

/// Another thread waits for a mutex whose holder then waits at a Condvar: that releases it, and is
/// charged at the method. `hold` is given what returns when the other one sleeps.
#[track_caller]
fn assert_charged(
    method: &str,
    caller: &str,
    lock: impl FnOnce() + Send,
    hold: impl FnOnce(&dyn Fn()),
) {
    let _profiling = profile_everything();
    contend::set_block_profile_rate(0);
    let sleeper = Sleeper::new();
    let (held, is_held) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let sleeper = &sleeper;
        scope.spawn(move || {
            is_held.recv().unwrap();
            sleeper.about_to_wait();
            lock();
        });
        hold(&|| {
            held.send(()).unwrap();
            // It sleeps in `recv` at first, but has not said then that it is about to wait.
            sleeper.await_sleep();
        });
    });
    let frames = frames(&contend::mutex_profile());
    assert_method(&frames, method, caller);
}

/// A table of a Condvar's methods: the test's name, the method's, and a function that holds a
/// mutex, calls what it is given, and waits by the method.
macro_rules! charged {
    ($($test:ident: $method:literal, $lock:path, $changed:path, $lock_it:expr, $wait:expr;)*) => {$(
        #[test]
        fn $test() {
            let (lock, changed) = (<$lock>::new(0), <$changed>::new());
            let unlock = || {
                *$lock_it(&lock) = 1;
                changed.notify_one();
            };
            assert_charged($method, stringify!($test), unlock, |other_sleeps| {
                let guard = $lock_it(&lock);
                other_sleeps();
                $wait(&changed, guard);
            });
        }
    )*};
}

type Guard<'a> = contend::sync::MutexGuard<'a, u64>;
type ParkingLotGuard<'a> = parking_lot::MutexGuard<'a, u64>;

fn is_zero(value: &mut u64) -> bool {
    *value == 0
}

fn lock(lock: &Mutex<u64>) -> Guard<'_> {
    lock.lock().unwrap()
}

fn lock_parking_lot(lock: &parking_lot::Mutex<u64>) -> ParkingLotGuard<'_> {
    lock.lock()
}

charged! {
    charged_wait: "contend::sync::Condvar::wait", Mutex<u64>, Condvar, lock,
        |changed: &Condvar, guard| drop(changed.wait(guard));
    charged_wait_timeout: "contend::sync::Condvar::wait_timeout", Mutex<u64>, Condvar, lock,
        |changed: &Condvar, guard| drop(changed.wait_timeout(guard, secs(50)));
    charged_wait_while: "contend::sync::Condvar::wait_while", Mutex<u64>, Condvar, lock,
        |changed: &Condvar, guard| drop(changed.wait_while(guard, is_zero));
    charged_wait_timeout_while: "contend::sync::Condvar::wait_timeout_while",
        Mutex<u64>, Condvar, lock,
        |changed: &Condvar, guard| drop(changed.wait_timeout_while(guard, secs(50), is_zero));
    charged_parking_lot_wait: "contend::parking_lot::Condvar::wait",
        parking_lot::Mutex<u64>, parking_lot::Condvar, lock_parking_lot,
        |changed: &parking_lot::Condvar, mut guard| changed.wait(&mut guard);
    charged_parking_lot_wait_for: "contend::parking_lot::Condvar::wait_for",
        parking_lot::Mutex<u64>, parking_lot::Condvar, lock_parking_lot,
        |changed: &parking_lot::Condvar, mut guard| changed.wait_for(&mut guard, secs(50));
    charged_parking_lot_wait_while: "contend::parking_lot::Condvar::wait_while",
        parking_lot::Mutex<u64>, parking_lot::Condvar, lock_parking_lot,
        |changed: &parking_lot::Condvar, mut guard| changed.wait_while(&mut guard, is_zero);
    charged_parking_lot_wait_while_for: "contend::parking_lot::Condvar::wait_while_for",
        parking_lot::Mutex<u64>, parking_lot::Condvar, lock_parking_lot,
        |changed: &parking_lot::Condvar, mut guard| {
            changed.wait_while_for(&mut guard, is_zero, secs(50))
        };
    charged_parking_lot_wait_while_until: "contend::parking_lot::Condvar::wait_while_until",
        parking_lot::Mutex<u64>, parking_lot::Condvar, lock_parking_lot,
        |changed: &parking_lot::Condvar, mut guard| {
            let timeout = Instant::now() + secs(50);
            changed.wait_while_until(&mut guard, is_zero, timeout)
        };
}

#[test]
fn parameters_are_left_out() {
    let name = "contend::sync::Mutex<alloc::vec::Vec<u8>>::lock";
    assert_eq!(without_parameters(name), "contend::sync::Mutex::lock");
}

/// The table of what both versions of parking_lot have, for the module of this name, which is
/// imported as `parking_lot`.
macro_rules! same_stacks_of_parking_lot {
    ($module:literal) => {
        same_stacks! {
            condvar_wait: concat!("contend::", $module, "::Condvar::wait"), {
                let (lock, changed) = (parking_lot::Mutex::new(0), parking_lot::Condvar::new());
                until(|| changed.wait(&mut lock.lock()), || assert!(changed.notify_one()));
            };
            condvar_wait_for: concat!("contend::", $module, "::Condvar::wait_for"), {
                let (lock, changed) = (parking_lot::Mutex::new(0), parking_lot::Condvar::new());
                assert!(changed.wait_for(&mut lock.lock(), ms(WAIT_MS)).timed_out());
            };
            condvar_wait_until: concat!("contend::", $module, "::Condvar::wait_until"), {
                let (lock, changed) = (parking_lot::Mutex::new(0), parking_lot::Condvar::new());
                let timeout = Instant::now() + ms(UNTIL_MS);
                assert!(changed.wait_until(&mut lock.lock(), timeout).timed_out());
            };
            condvar_wait_while: concat!("contend::", $module, "::Condvar::wait_while"), {
                let (lock, changed) = (parking_lot::Mutex::new(0), parking_lot::Condvar::new());
                let wait = || changed.wait_while(&mut lock.lock(), |value| *value == 0);
                until(wait, || {
                    *lock.lock() = 1;
                    changed.notify_one();
                });
            };
            condvar_wait_while_for: concat!("contend::", $module, "::Condvar::wait_while_for"), {
                let (lock, changed) = (parking_lot::Mutex::new(0), parking_lot::Condvar::new());
                let is_zero = |value: &mut u64| *value == 0;
                assert!(changed.wait_while_for(&mut lock.lock(), is_zero, ms(WAIT_MS)).timed_out());
            };
            condvar_wait_while_until: concat!("contend::", $module, "::Condvar::wait_while_until"), {
                let (lock, changed) = (parking_lot::Mutex::new(0), parking_lot::Condvar::new());
                let (is_zero, timeout) = (|value: &mut u64| *value == 0, Instant::now() + ms(UNTIL_MS));
                assert!(changed.wait_while_until(&mut lock.lock(), is_zero, timeout).timed_out());
            };
            once_call_once: concat!("contend::", $module, "::Once::call_once"), {
                let once = parking_lot::Once::new();
                while_initialised(|run| once.call_once(run), || once.call_once(|| unreachable!()));
            };
            once_call_once_force: concat!("contend::", $module, "::Once::call_once_force"), {
                let once = parking_lot::Once::new();
                let wait = || once.call_once_force(|_| unreachable!());
                while_initialised(|run| once.call_once_force(|_| run()), wait);
            };
            lock: concat!("contend::", $module, "::Mutex::lock"), {
                let lock = parking_lot::Mutex::new(0);
                let guard = lock.lock();
                until(|| *lock.lock() = 1, || drop(guard));
            };
            try_lock_for: concat!("contend::", $module, "::Mutex::try_lock_for"), {
                let lock = parking_lot::Mutex::new(0);
                let _guard = lock.lock();
                assert!(lock.try_lock_for(ms(WAIT_MS)).is_none());
            };
            try_lock_until: concat!("contend::", $module, "::Mutex::try_lock_until"), {
                let lock = parking_lot::Mutex::new(0);
                let _guard = lock.lock();
                assert!(lock.try_lock_until(Instant::now() + ms(UNTIL_MS)).is_none());
            };
            fair_lock: concat!("contend::", $module, "::Mutex::lock"), {
                let lock = parking_lot::FairMutex::new(0);
                let guard = lock.lock();
                until(|| *lock.lock() = 1, || drop(guard));
            };
            reentrant_lock: concat!("contend::", $module, "::ReentrantMutex::lock"), {
                let lock = parking_lot::ReentrantMutex::new(0);
                let guard = lock.lock();
                until(|| assert_eq!(*lock.lock(), 0), || drop(guard));
            };
            unlocked: concat!("contend::", $module, "::MutexGuard::unlocked"), {
                let lock = parking_lot::Mutex::new(0);
                let holds = std::sync::Barrier::new(2);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        let mut guard = lock.lock();
                        parking_lot::MutexGuard::unlocked(&mut guard, || {
                            holds.wait();
                            holds.wait();
                        });
                    });
                    holds.wait();
                    let guard = lock.lock();
                    holds.wait();
                    std::thread::sleep(ms(WAIT_MS));
                    drop(guard);
                });
            };
            read: concat!("contend::", $module, "::RwLock::read"), {
                let lock = parking_lot::RwLock::new(0);
                let guard = lock.write();
                until(|| assert_eq!(*lock.read(), 0), || drop(guard));
            };
            write: concat!("contend::", $module, "::RwLock::write"), {
                let lock = parking_lot::RwLock::new(0);
                let guard = lock.read();
                until(|| *lock.write() = 1, || drop(guard));
            };
            upgradable_read: concat!("contend::", $module, "::RwLock::upgradable_read"), {
                let lock = parking_lot::RwLock::new(0);
                let guard = lock.write();
                until(|| assert_eq!(*lock.upgradable_read(), 0), || drop(guard));
            };
            upgrade: concat!("contend::", $module, "::RwLockUpgradableReadGuard::upgrade"), {
                let lock = parking_lot::RwLock::new(0);
                let guard = lock.read();
                let upgrade = || {
                    let guard = lock.upgradable_read();
                    *parking_lot::RwLockUpgradableReadGuard::upgrade(guard) = 1;
                };
                until(upgrade, || drop(guard));
            };
            try_read_for: concat!("contend::", $module, "::RwLock::try_read_for"), {
                let lock = parking_lot::RwLock::new(0);
                let _guard = lock.write();
                assert!(lock.try_read_for(ms(WAIT_MS)).is_none());
            };
            try_write_until: concat!("contend::", $module, "::RwLock::try_write_until"), {
                let lock = parking_lot::RwLock::new(0);
                let _guard = lock.read();
                assert!(lock.try_write_until(Instant::now() + ms(UNTIL_MS)).is_none());
            };
        }
    };
}

mod version_0_12 {
    use super::*;

    same_stacks_of_parking_lot!("parking_lot");

    same_stacks! {
        read_recursive: "contend::parking_lot::RwLock::read_recursive", {
            let lock = parking_lot::RwLock::new(0);
            let guard = lock.write();
            until(|| assert_eq!(*lock.read_recursive(), 0), || drop(guard));
        };
    }
}

#[cfg(feature = "parking_lot_0_13")]
mod version_0_13 {
    use contend::parking_lot_0_13 as parking_lot;

    use super::*;

    same_stacks_of_parking_lot!("parking_lot_0_13");

    same_stacks! {
        once_wait: "contend::parking_lot_0_13::Once::wait", {
            let once = parking_lot::Once::new();
            while_initialised(|run| once.call_once(run), || once.wait());
        };
        recursive_read: "contend::parking_lot_0_13::RwLock::read", {
            let lock = parking_lot::RecursiveRwLock::new(0);
            let guard = lock.write();
            until(|| assert_eq!(*lock.read(), 0), || drop(guard));
        };
    }
}
