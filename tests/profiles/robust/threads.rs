//! Waits and releases at awkward moments: while a thread exits, while it panics, when it has
//! hardly any stack left; waits that nobody ends; many locks; rates at the end of their range.

use std::cell::RefCell;
use std::hint::black_box;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use crate::common::{Sleeper, assert_law, at, profile_everything, release_when_asleep};
use contend::sync::{Mutex, MutexGuard};

/// Calls its function when it is dropped.
struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Unwinds without a message.
fn panic_quietly() -> ! {
    panic::resume_unwind(Box::new("on purpose"))
}

#[test]
fn waits_in_a_thread_local_destructor() {
    static LOCK: Mutex<()> = Mutex::new(());
    static SLEEPER: Sleeper = Sleeper::new();

    #[inline(never)]
    fn waits_at_exit() {
        SLEEPER.about_to_wait();
        drop(LOCK.lock().unwrap());
        black_box(());
    }

    thread_local! {
        static AT_EXIT: AtDrop<fn()> = const { AtDrop(waits_at_exit) };
    }

    let _profiling = profile_everything();
    for _ in 0..20 {
        let held = LOCK.lock().unwrap();
        let thread = thread::spawn(|| AT_EXIT.with(|_| ()));
        SLEEPER.await_sleep();
        drop(held);
        thread.join().unwrap();
    }
    assert_eq!(assert_law(), 20);
    assert_eq!(at(&contend::block_profile(), "waits_at_exit").0, 20);
    assert_eq!(contend::block_profile().lost().total(), 0);
}

#[test]
fn exits_while_others_wait() {
    static LOCK: Mutex<()> = Mutex::new(());
    static SLEEPER: Sleeper = Sleeper::new();

    struct HeldTillExit(Option<MutexGuard<'static, ()>>);

    impl Drop for HeldTillExit {
        fn drop(&mut self) {
            releases_at_exit(self.0.take());
        }
    }

    #[inline(never)]
    fn releases_at_exit(held: Option<MutexGuard<'static, ()>>) {
        drop(held);
        black_box(());
    }

    thread_local! {
        static HELD: RefCell<HeldTillExit> = const { RefCell::new(HeldTillExit(None)) };
    }

    let _profiling = profile_everything();
    for _ in 0..20 {
        let (locked, is_locked) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            HELD.with_borrow_mut(|held| held.0 = Some(LOCK.lock().unwrap()));
            locked.send(()).unwrap();
            SLEEPER.await_sleep();
        });
        is_locked.recv().unwrap();
        SLEEPER.about_to_wait();
        drop(LOCK.lock().unwrap());
        thread.join().unwrap();
    }
    assert_eq!(assert_law(), 20);
    let mutex = contend::mutex_profile();
    assert_eq!(at(&mutex, "releases_at_exit"), (20, mutex.total_delay()));
}

#[test]
fn waits_and_releases_while_unwinding() {
    #[inline(never)]
    fn locks_while_unwinding(lock: &Mutex<()>, sleepers: &[Sleeper; 2], is_locked: &Barrier) {
        assert!(thread::panicking());
        sleepers[0].about_to_wait();
        let held = lock.lock().unwrap();
        is_locked.wait();
        sleepers[1].await_sleep();
        drop(held);
    }

    let _profiling = profile_everything();
    let lock = Mutex::new(());
    let sleepers = [Sleeper::new(), Sleeper::new()];
    let is_locked = Barrier::new(2);
    let held = lock.lock().unwrap();
    thread::scope(|scope| {
        let panics = scope.spawn(|| {
            let _at_drop = AtDrop(|| locks_while_unwinding(&lock, &sleepers, &is_locked));
            panic_quietly();
        });
        sleepers[0].await_sleep();
        drop(held);
        is_locked.wait();
        sleepers[1].about_to_wait();
        // Locked and unlocked in the same unwinding: the standard library calls that no poison.
        drop(lock.lock().unwrap());
        assert!(panics.join().is_err());
    });
    assert_eq!(assert_law(), 2);
    let name = "locks_while_unwinding";
    assert_eq!(at(&contend::block_profile(), name).0, 1);
    assert_eq!(at(&contend::mutex_profile(), name).0, 1);
}

#[test]
fn a_panic_with_the_guard_held_releases_too() {
    #[inline(never)]
    fn panics_with_the_guard_held(lock: &Mutex<()>, sleeper: &Sleeper, is_locked: &Barrier) {
        let _held = lock.lock().unwrap();
        is_locked.wait();
        sleeper.await_sleep();
        panic_quietly();
    }

    let _profiling = profile_everything();
    let lock = Mutex::new(());
    let sleeper = Sleeper::new();
    let is_locked = Barrier::new(2);
    thread::scope(|scope| {
        let panics = scope.spawn(|| panics_with_the_guard_held(&lock, &sleeper, &is_locked));
        is_locked.wait();
        sleeper.about_to_wait();
        assert!(lock.lock().is_err(), "poisoned");
        assert!(panics.join().is_err());
    });
    assert_eq!(assert_law(), 1);
    let mutex = contend::mutex_profile();
    let expected = (1, mutex.total_delay());
    assert_eq!(at(&mutex, "panics_with_the_guard_held"), expected);
}

/// A thread has so much of its stack left when it contends, in kB: from plenty for a capture to
/// hardly enough for the lock itself.
#[cfg(target_os = "linux")]
const STACK_LEFT_KB: [usize; 20] = [
    160, 128, 104, 96, 80, 72, 68, 66, 64, 62, 56, 48, 32, 28, 26, 24, 22, 16, 12, 8,
];

#[cfg(target_os = "linux")]
#[test]
fn the_stack_is_nearly_used_up() {
    crate::common::in_child("robust::threads::the_stack_is_nearly_used_up", || {
        let _profiling = profile_everything();
        let lock = Mutex::new(());
        for left_kb in STACK_LEFT_KB {
            contend_with_stack_left(&lock, left_kb << 10);
            let lost = *contend::mutex_profile().lost();
            // The engine's bound is 64 kB without optimisation and 24 kB with it.
            match left_kb {
                96.. => assert_eq!(lost.total(), 0, "{left_kb} kB are enough"),
                ..=16 => assert!(lost.no_stack > 0, "{left_kb} kB are not"),
                _ => {}
            }
        }
        // In each round the thread waits once, and another one waits for it.
        assert_eq!(assert_law(), 2 * STACK_LEFT_KB.len() as u64);
        for profile in [contend::mutex_profile(), contend::block_profile()] {
            let (contentions, delay) = at(&profile, "contend::no_stack");
            assert!(contentions >= 3 && !delay.is_zero(), "{profile}");
            assert_eq!(profile.lost().total(), profile.lost().no_stack);
        }
    });
}

/// A thread waits for `lock` and releases it while another one waits, both at a depth where only so
/// much of its stack is left.
#[cfg(target_os = "linux")]
fn contend_with_stack_left(lock: &Mutex<()>, bytes_left: usize) {
    #[inline(never)]
    fn descend_to(address: usize, work: &mut dyn FnMut()) {
        let room = black_box([0u8; 256]);
        if room.as_ptr().addr() > address {
            descend_to(address, work);
        } else {
            work();
        }
        black_box(&room);
    }

    let sleepers = [Sleeper::new(), Sleeper::new()];
    let is_locked = AtomicBool::new(false);
    let may_unlock = AtomicBool::new(false);
    let held = lock.lock().unwrap();
    thread::scope(|scope| {
        let deep = thread::Builder::new().stack_size(256 << 10);
        deep.spawn_scoped(scope, || {
            descend_to(lowest_stack_address() + bytes_left, &mut || {
                sleepers[0].about_to_wait();
                let held = lock.lock();
                is_locked.store(true, Ordering::Release);
                // Not by means that want a stack of their own.
                while !may_unlock.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                drop(held);
            });
        })
        .unwrap();
        sleepers[0].await_sleep();
        drop(held);
        while !is_locked.load(Ordering::Acquire) {
            thread::yield_now();
        }
        scope.spawn(|| {
            sleepers[1].about_to_wait();
            drop(lock.lock().unwrap());
        });
        sleepers[1].await_sleep();
        may_unlock.store(true, Ordering::Release);
    });
}

/// The lowest address of this thread's stack, above its guard page.
#[cfg(target_os = "linux")]
fn lowest_stack_address() -> usize {
    let mut low = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: the attributes are initialised by the first call, read by the second, destroyed
    // by the third; the results go to live locals.
    unsafe {
        let mut attributes = std::mem::zeroed::<libc::pthread_attr_t>();
        assert_eq!(
            libc::pthread_getattr_np(libc::pthread_self(), &mut attributes),
            0
        );
        assert_eq!(
            libc::pthread_attr_getstack(&attributes, &mut low, &mut size),
            0
        );
        libc::pthread_attr_destroy(&mut attributes);
    }
    low.addr()
}

#[cfg(feature = "parking_lot")]
#[test]
fn who_kept_others_till_they_gave_up_is_charged() {
    #[inline(never)]
    fn releases_too_late(held: contend::parking_lot::MutexGuard<'_, ()>) {
        drop(held);
        black_box(());
    }

    let _profiling = profile_everything();
    let lock = contend::parking_lot::Mutex::new(());
    let held = lock.lock();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert!(lock.try_lock_for(crate::common::ms(20)).is_none()));
        }
    });
    let gave_up = contend::block_profile();
    assert_eq!(gave_up.total_contentions(), 3);
    assert!(gave_up.total_delay() >= crate::common::ms(60));
    assert_eq!(contend::mutex_profile().total_contentions(), 0);

    releases_too_late(held);
    assert_eq!(assert_law(), 3);
    let charged = at(&contend::mutex_profile(), "releases_too_late");
    // Their waiting, and not how long the lock was held after that.
    assert_eq!(charged, (3, gave_up.total_delay()));
}

#[cfg(feature = "parking_lot")]
#[test]
fn a_leaked_guard_is_charged_to_nobody() {
    #[inline(never)]
    fn releases_by_force(lock: &contend::parking_lot::Mutex<()>) {
        // SAFETY: the guard was leaked, so the lock is held and nobody has access through it.
        unsafe { lock.force_unlock() };
        black_box(());
    }

    const LOCKS: u64 = 20_000;

    let _profiling = profile_everything();
    let lock = contend::parking_lot::Mutex::new(());
    std::mem::forget(lock.lock());
    assert!(lock.try_lock_for(crate::common::ms(5)).is_none());
    assert_eq!(contend::block_profile().total_contentions(), 1);
    assert_eq!(contend::mutex_profile().total_contentions(), 0);
    // Still waiting when it is released in another way: both waits are charged to that.
    release_when_asleep(|| drop(lock.lock()), || releases_by_force(&lock));
    assert_eq!(assert_law(), 2);
    assert_eq!(at(&contend::mutex_profile(), "releases_by_force").0, 2);

    // Locks that are dropped while somebody's wait is owed to a release that never comes. More than
    // the table has room for: it gives up the oldest debts, and stays usable.
    contend::reset();
    let leaked: Vec<_> = (0..LOCKS)
        .map(|_| {
            let lock = Box::new(contend::parking_lot::Mutex::new(()));
            std::mem::forget(lock.lock());
            assert!(lock.try_lock_for(std::time::Duration::ZERO).is_none());
            lock
        })
        .collect();
    drop(leaked);
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(block.total_contentions(), LOCKS);
    assert_eq!(mutex.lost().total(), 0, "debts make room");
    let unattributed = at(&mutex, "contend::unattributed");
    assert_eq!(unattributed.0, mutex.total_contentions());
    // 64 shards of 128 locks each is how many debts the table can hold.
    assert!((LOCKS - 64 * 128..LOCKS).contains(&unattributed.0));
}

/// Nothing is kept per lock: not memory, not a place in a table.
#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_locks_come_and_go() {
    const LOCKS: usize = 10_000;
    const WARM_UP: usize = 1_000;
    /// A bound for 9,000 locks. Half of a cache line per lock would be above it; the allocator's
    /// and the test harness's own needs are far below.
    const GROWTH_BYTES: usize = 256 << 10;

    let _profiling = profile_everything();
    // All there from the start, so that each has an address that no other had before.
    let locks: Arc<[Mutex<()>]> = (0..LOCKS).map(|_| Mutex::new(())).collect();
    let sleeper = Arc::new(Sleeper::new());
    let (next, turns) = std::sync::mpsc::sync_channel::<usize>(0);
    let waiter = {
        let (locks, sleeper) = (Arc::clone(&locks), Arc::clone(&sleeper));
        thread::spawn(move || {
            for number in turns {
                sleeper.about_to_wait();
                drop(locks[number].lock().unwrap());
            }
        })
    };
    let mut before = 0;
    for number in 0..LOCKS {
        if number == WARM_UP {
            before = resident_bytes();
        }
        let held = locks[number].lock().unwrap();
        next.send(number).unwrap();
        sleeper.await_sleep();
        drop(held);
    }
    drop(next);
    waiter.join().unwrap();
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth <= GROWTH_BYTES, "{growth} bytes more");
    drop(locks);
    assert_eq!(assert_law(), LOCKS as u64);
    assert_eq!(contend::mutex_profile().lost().total(), 0);
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident = pages.split(' ').nth(1).unwrap();
    // SAFETY: has no preconditions.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    resident.parse::<usize>().unwrap() * page_bytes as usize
}

#[test]
fn rates_at_the_end_of_their_range() {
    let _profiling = profile_everything();
    assert_eq!(contend::set_mutex_profile_fraction(u32::MAX), 1);
    assert_eq!(contend::set_block_profile_rate(u64::MAX), 1);
    assert_eq!(contend::mutex_profile_fraction(), u32::MAX);
    assert_eq!(contend::block_profile_rate(), u64::MAX);
    let lock = Mutex::new(());
    for _ in 0..50 {
        let held = lock.lock().unwrap();
        release_when_asleep(|| drop(lock.lock().unwrap()), || drop(held));
    }
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    // One in four thousand million, and less still: none, but for a chance of one in 80 million.
    assert_eq!(mutex.total_contentions(), 0);
    assert_eq!(block.total_contentions(), 0);
    assert_eq!((mutex.rate(), block.rate()), (u32::MAX.into(), u64::MAX));

    // A wait that was drawn before the rates went to the end counts as it was drawn.
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    let held = lock.lock().unwrap();
    release_when_asleep(
        || drop(lock.lock().unwrap()),
        || {
            contend::set_mutex_profile_fraction(u32::MAX);
            contend::set_block_profile_rate(u64::MAX);
            drop(held);
        },
    );
    assert_eq!(assert_law(), 1);
    contend::set_mutex_profile_fraction(0);
    contend::set_block_profile_rate(0);
}
