//! `Parker`, `WaitGroup` and `ShardedLock` of crossbeam-utils.

use std::sync::{Barrier, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use contend::crossbeam_utils::sync::{Parker, ShardedLock, WaitGroup};

use super::{TOLERANCE, assert_nothing_recorded, assert_only_wait, assert_waits, samples_at};
use crate::ground_truth::*;

#[test]
fn parking() {
    #[inline(never)]
    fn park_site(parker: &Parker) -> Between {
        timed!(parker.park()).0
    }
    #[inline(never)]
    fn park_timeout_site(parker: &Parker) -> Between {
        timed!(parker.park_timeout(HELD)).0
    }
    #[inline(never)]
    fn park_deadline_site(parker: &Parker) -> Between {
        timed!(parker.park_deadline(Instant::now() + HELD)).0
    }
    let leaf = |method| format!("contend::crossbeam_utils::sync::Parker::{method}");
    let parker = Parker::new();
    let unparker = parker.unparker().clone();
    // It is Send and not Sync: goes there and back.
    let (truth, parker) = {
        let _recording = recording(1, 1);
        let waited = while_asleep(move || (park_site(&parker), parker), || unparker.unpark());
        assert_only_wait("park", &leaf("park"), "park_site", waited.0);
        waited
    };
    assert!(truth.most >= HELD);
    let _recording = recording(1, 1);
    let truth = park_timeout_site(&parker);
    assert_waits(1, "park", &leaf("park_timeout"), "park_timeout_site", truth);
    let truth = park_deadline_site(&parker);
    assert_waits(
        1,
        "park",
        &leaf("park_deadline"),
        "park_deadline_site",
        truth,
    );
}

#[test]
fn parkers_survive_as_pointers() {
    let _recording = recording(0, 0);
    let raw = Parker::into_raw(Parker::default());
    // SAFETY: from `into_raw`, once.
    let parker = unsafe { Parker::from_raw(raw) };
    parker.unparker().unpark();
    parker.park();
    assert_eq!(format!("{parker:?}"), "Parker { .. }");
}

#[test]
fn wait_groups() {
    #[inline(never)]
    fn wait_site(group: WaitGroup) -> Between {
        timed!(group.wait()).0
    }
    let _recording = recording(1, 1);
    let group = WaitGroup::new();
    let member = group.clone();
    assert_eq!(format!("{group:?}"), "WaitGroup { count: 2 }");
    let truth = while_asleep(|| wait_site(group), || drop(member));
    let leaf = "contend::crossbeam_utils::sync::WaitGroup::wait";
    assert_only_wait("barrier", leaf, "wait_site", truth);
}

#[test]
fn sharded_readers_wait_for_a_writer() {
    #[inline(never)]
    fn writer_site(lock: &ShardedLock<u32>, start: &Barrier) {
        let mut value = lock.write().unwrap();
        start.wait();
        start.wait();
        *value = 1;
    }
    #[inline(never)]
    fn reader_site(lock: &ShardedLock<u32>) -> Between {
        timed!(assert_eq!(*lock.read().unwrap(), 1)).0
    }
    let _recording = recording(1, 1);
    let (lock, start) = (ShardedLock::new(0), Barrier::new(2));
    let truth = thread::scope(|scope| {
        scope.spawn(|| writer_site(&lock, &start));
        start.wait();
        while_asleep(
            || reader_site(&lock),
            || {
                start.wait();
            },
        )
    });
    let leaf = "contend::crossbeam_utils::sync::ShardedLock<T>::read";
    assert_only_wait("rwlock_read", leaf, "reader_site", truth);
    let profile = contend::mutex_profile();
    let leaf = "contend::crossbeam_utils::sync::ShardedLockWriteGuard<u32>::drop";
    let sample = samples_at(&profile, leaf, "writer_site")[0];
    assert_eq!(sample.label("kind"), Some("rwlock_write"));
    let all = sample.delay() + crate::ground_truth::delay_of_nobody(&profile);
    assert_between("writer_site", all, truth, TOLERANCE);
}

#[test]
fn a_sharded_writer_waits_for_readers() {
    #[inline(never)]
    fn reader_site(lock: &ShardedLock<u32>, start: &Barrier) {
        let _value = lock.read().unwrap();
        start.wait();
        start.wait();
    }
    #[inline(never)]
    fn writer_site(lock: &ShardedLock<u32>) -> Between {
        timed!(*lock.write().unwrap() = 1).0
    }
    let _recording = recording(1, 1);
    let (lock, start) = (ShardedLock::new(0), Barrier::new(2));
    let truth = thread::scope(|scope| {
        scope.spawn(|| reader_site(&lock, &start));
        start.wait();
        while_asleep(
            || writer_site(&lock),
            || {
                start.wait();
            },
        )
    });
    let leaf = "contend::crossbeam_utils::sync::ShardedLock<T>::write";
    assert_only_wait("rwlock_write", leaf, "writer_site", truth);
    let profile = contend::mutex_profile();
    let leaf = "contend::crossbeam_utils::sync::ShardedLockReadGuard<u32>::drop";
    let sample = samples_at(&profile, leaf, "reader_site")[0];
    let all = sample.delay() + crate::ground_truth::delay_of_nobody(&profile);
    assert_between("reader_site", all, truth, TOLERANCE);
}

/// The law: what releases are charged with is what was waited, to the nanosecond.
#[test]
fn sharded_blame_equals_waiting_exactly() {
    const THREADS: u64 = 8;
    let _recording = recording(1, 1);
    let lock = ShardedLock::new(0);
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (lock, start) = (&lock, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..6 {
                    if (thread + round) % 3 == 0 {
                        let mut value = lock.write().unwrap();
                        *value += 1;
                        nap(ms(2));
                    } else {
                        let _value = lock.read().unwrap();
                        nap(ms(1));
                    }
                }
            });
        }
    });
    assert_eq!(*lock.read().unwrap(), 16);
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert!(block.total_contentions() > 10);
    assert_eq!(mutex.lost().total(), 0);
    // A wait that ends within the spin is in the block profile alone: it is too short to matter.
    let spun = block.total_contentions() - mutex.total_contentions();
    assert!(block.total_delay() - mutex.total_delay() <= Duration::from_micros(20) * spun as u32);
}

#[test]
fn a_poisoned_sharded_lock_hands_out_our_guards() {
    let mut lock = ShardedLock::new(1);
    thread::scope(|scope| {
        let panicking = scope.spawn(|| {
            let _guard = lock.write().unwrap();
            panic!("on purpose");
        });
        assert!(panicking.join().is_err());
    });
    assert!(lock.is_poisoned());
    assert_eq!(*lock.read().unwrap_err().into_inner(), 1);
    *lock.write().unwrap_or_else(PoisonError::into_inner) = 2;
    {
        let Err(TryLockError::Poisoned(guard)) = lock.try_read() else {
            panic!("it is poisoned");
        };
        assert_eq!(format!("{}", guard.get_ref()), "2");
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    }
    assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
    assert_eq!(lock.get_mut().unwrap_err().into_inner(), &2);
    assert_eq!(lock.into_inner().unwrap_err().into_inner(), 2);
}

#[test]
fn looks_like_the_original() {
    use ::crossbeam_utils::sync as original;

    let (ours, bare) = (ShardedLock::new(3), original::ShardedLock::new(3));
    assert_eq!(format!("{ours:?}"), format!("{bare:?}"));
    {
        let (ours, bare) = (ours.read().unwrap(), bare.read().unwrap());
        assert_eq!(format!("{ours:?} {ours}"), format!("{bare:?} {bare}"));
    }
    let (ours, bare) = (ours.write().unwrap(), bare.write().unwrap());
    assert_eq!(format!("{ours:?} {ours}"), format!("{bare:?} {bare}"));
    let unsized_lock: Box<ShardedLock<[u8]>> = Box::new(ShardedLock::new([1, 2]));
    assert_eq!(unsized_lock.read().unwrap().len(), 2);
}

#[test]
fn what_does_not_wait_is_not_recorded() {
    let _recording = recording(1, 1);
    let lock = ShardedLock::new(0);
    for _ in 0..100 {
        *lock.write().unwrap() += 1;
        let _one = lock.read().unwrap();
        assert!(lock.try_write().is_err() && lock.try_read().is_ok());
    }
    assert_nothing_recorded();
}

/// There is no trying: what takes less than a microsecond did not wait. A thread may lose its
/// processor just then.
#[test]
fn what_need_not_wait_is_recorded_only_if_it_took_long() {
    let _recording = recording(1, 1);
    let parker = Parker::new();
    let took_long = |operation: fn(&Parker)| {
        parker.unparker().unpark();
        let start = Instant::now();
        operation(&parker);
        is_long(start)
    };
    let mut long = 0;
    for _ in 0..100 {
        long += u64::from(took_long(Parker::park));
        long += u64::from(took_long(|_| WaitGroup::new().wait()));
    }
    let recorded = contend::block_profile().total_contentions();
    assert!(recorded <= long, "{recorded}, where {long} took long");
}

/// Toggled while threads wait; afterwards the blame is the waiting again, exactly.
#[test]
fn rates_may_change_under_load() {
    let _recording = recording(1, 1);
    let lock = ShardedLock::new(0_u64);
    thread::scope(|scope| {
        let lock = &lock;
        for thread in 0..4 {
            scope.spawn(move || {
                for turn in 0..2_000 {
                    if (turn + thread) % 8 == 0 {
                        *lock.write().unwrap() += 1;
                    } else {
                        std::hint::black_box(*lock.read().unwrap());
                    }
                }
            });
        }
        for (fraction, rate) in [(0, 1), (100, 0), (1, 1_000), (0, 0), (1, 1)].repeat(5) {
            contend::set_mutex_profile_fraction(fraction);
            contend::set_block_profile_rate(rate);
            nap(ms(1));
        }
    });
    assert_eq!(*lock.read().unwrap(), 1_000);
    assert_eq!(contend::block_profile().lost().total(), 0);

    contend::reset();
    let held = lock.write().unwrap();
    // Sent to nobody: the guard stays with this thread.
    while_asleep(|| drop(lock.read().unwrap()), || drop(held));
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    assert_eq!(block.total_contentions(), 1, "{block}");
    assert_eq!(mutex.total_delay(), block.total_delay());
    assert_eq!(mutex.total_contentions(), 1);
}
