//! Names of locks: as labels of profiles, in dumps, and the numbers that are kept by them.
#![cfg(feature = "profiling")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "parking_lot")]
use common::in_child;
use common::{ms, profile_everything, release_when_asleep};
use contend::sync::{Mutex, RwLock, named_mutex, named_rwlock};
use contend::{LockWaits, Profile, thread};

/// The system's allocator, which counts what is in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all that is asked for comes from the system's, which is one.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn of_lock<'l>(locks: &'l [LockWaits], name: &str, kind: &str) -> Option<&'l LockWaits> {
    let mut locks = locks.iter();
    locks.find(|lock| lock.name() == name && lock.kind() == kind)
}

/// The values of `lock`, each once, of samples that have a release or a wait of this kind.
fn names<'p>(profile: &'p Profile, kind: &str) -> Vec<Option<&'p str>> {
    let samples = profile.samples().iter();
    let of_kind = samples.filter(|sample| sample.kind() == kind);
    let mut names: Vec<_> = of_kind.map(|sample| sample.label("lock")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn a_name_is_a_label_in_both_profiles() {
    static MUTEX: Mutex<u32> = named_mutex(&"static mutex", 7);
    static LOCK: RwLock<[u32; 2]> = named_rwlock(&"static lock", [1, 2]);

    let _profiling = profile_everything();
    let guard = MUTEX.lock().unwrap();
    assert_eq!(*guard, 7);
    release_when_asleep(|| drop(MUTEX.lock()), || drop(guard));
    let read = LOCK.read().unwrap();
    release_when_asleep(|| drop(LOCK.write()), || drop(read));
    let write = LOCK.write().unwrap();
    release_when_asleep(|| drop(LOCK.read()), || drop(write));
    let nameless = Mutex::new(());
    let guard = nameless.lock().unwrap();
    release_when_asleep(|| drop(nameless.lock()), || drop(guard));

    for profile in [contend::mutex_profile(), contend::block_profile()] {
        assert_eq!(names(&profile, "mutex"), [None, Some("static mutex")]);
        assert_eq!(names(&profile, "rwlock_read"), [Some("static lock")]);
        assert_eq!(names(&profile, "rwlock_write"), [Some("static lock")]);
    }
    let block = contend::block_profile().with_label("lock", "static lock");
    let locks = contend::locks();
    let of_kinds = ["rwlock_read", "rwlock_write"].map(|kind| {
        let lock = of_lock(&locks, "static lock", kind).unwrap();
        assert_eq!((lock.contentions(), lock.waiting()), (1, 0), "{lock}");
        lock.delay()
    });
    assert_eq!(of_kinds[0] + of_kinds[1], block.total_delay());
}

/// The thread that waits has labels, and so has the one that releases: the name is one more.
#[test]
fn a_name_comes_to_the_labels_of_the_thread() {
    let _profiling = profile_everything();
    let mutex = named_mutex(&"labelled mutex", ());
    let labels = |endpoint| contend::Labels::new([("endpoint", endpoint)]);
    let guard = mutex.lock().unwrap();
    let wait = || contend::with_labels(labels("/waits"), || drop(mutex.lock()));
    let release = || contend::with_labels(labels("/holds"), || drop(guard));
    release_when_asleep(wait, release);
    for (profile, endpoint) in [
        (contend::mutex_profile(), "/holds"),
        (contend::block_profile(), "/waits"),
    ] {
        for sample in profile.samples() {
            let labels = [sample.label("lock"), sample.label("endpoint")];
            assert_eq!(labels, [Some("labelled mutex"), Some(endpoint)]);
        }
    }
}

/// With all rates at 0, too.
#[test]
fn who_waits_now_is_known_by_name() {
    let _turn = common::turn();
    contend::reset();
    let mutex = named_mutex(&"waited for now", ());
    let guard = mutex.lock().unwrap();
    let look = || {
        let locks = contend::locks();
        let lock = of_lock(&locks, "waited for now", "mutex").expect("somebody waits for it");
        assert_eq!((lock.waiting(), lock.contentions()), (1, 0));
        assert_eq!(lock.quantile(0.5), Duration::ZERO);
        let threads = contend::threads();
        let mut waits = threads.threads().iter().filter_map(|thread| thread.wait());
        let wait = waits.find(|wait| wait.lock_name() == Some("waited for now"));
        let address = wait.expect("a thread waits for it").lock().unwrap();
        let shown = threads.to_string();
        let expected = format!(" for the lock waited for now at {address:#x}");
        assert!(shown.contains(&expected), "{shown}");
        let profile = contend::block_profile().with_waits_in_progress();
        assert_eq!(names(&profile, "mutex"), [Some("waited for now")]);
        drop(guard);
    };
    release_when_asleep(|| drop(mutex.lock()), look);
    assert!(of_lock(&contend::locks(), "waited for now", "mutex").is_none());
}

/// The truth lies between what the holder has measured, from when the waiter slept on, and what the
/// waiter has measured around its call.
#[test]
fn histograms_are_the_truth() {
    let _profiling = profile_everything();
    let mutex = named_mutex(&"measured", ());
    let (mut least, mut most) = (Vec::new(), Vec::new());
    for turn in 0..50_u32 {
        let guard = mutex.lock().unwrap();
        let hold = Duration::from_micros(20) * 2_u32.pow(turn % 10);
        let wait = || {
            let start = Instant::now();
            drop(mutex.lock());
            start.elapsed()
        };
        let release = || {
            let start = Instant::now();
            std::thread::sleep(hold);
            least.push(start.elapsed());
            drop(guard);
        };
        most.push(release_when_asleep(wait, release));
    }
    let locks = contend::locks();
    let lock = of_lock(&locks, "measured", "mutex").unwrap();
    assert_eq!(lock.contentions(), 50, "{lock}");
    let counts = lock.histogram().map(|(_, count)| count);
    assert_eq!(counts.sum::<f64>(), 50.0);
    let sum = |waits: &[Duration]| waits.iter().sum::<Duration>();
    assert!((sum(&least)..=sum(&most)).contains(&lock.delay()), "{lock}");
    let profile = contend::block_profile().with_label("lock", "measured");
    assert_eq!(lock.delay(), profile.total_delay());

    least.sort_unstable();
    most.sort_unstable();
    for (part, nth) in [(0.02, 0), (0.5, 24), (0.9, 44), (0.99, 49), (1.0, 49)] {
        // The bound of a bucket: not too short, and at most four times too long.
        let found = lock.quantile(part);
        let truth = least[nth]..=4 * most[nth];
        assert!(
            truth.contains(&found),
            "{part}: {found:?}, {truth:?}, {lock}"
        );
    }
    assert!((least[49]..=most[49]).contains(&lock.longest()), "{lock}");
    assert_eq!(lock.quantile(1.0), lock.longest());
}

/// Without the block profile it is the mutex profile that samples.
#[test]
fn the_mutex_profile_alone_counts_too() {
    let _profiling = profile_everything();
    contend::set_block_profile_rate(0);
    let mutex = named_mutex(&"for one profile", ());
    for _ in 0..3 {
        let guard = mutex.lock().unwrap();
        release_when_asleep(|| drop(mutex.lock()), || drop(guard));
    }
    let locks = contend::locks();
    let lock = of_lock(&locks, "for one profile", "mutex").unwrap();
    assert_eq!(lock.contentions(), 3);
    let profile = contend::mutex_profile().with_label("lock", "for one profile");
    assert_eq!(lock.delay(), profile.total_delay(), "{profile}");
}

/// Waits for each lock once, without success: the thread that waits holds it. It does not sleep,
/// but parking_lot gives its turn away a few times, so several threads share the work.
#[cfg(feature = "parking_lot")]
fn wait_for_each(locks: &[contend::parking_lot::Mutex<u32>]) {
    std::thread::scope(|scope| {
        let threads = locks.chunks(locks.len().div_ceil(16)).map(|locks| {
            scope.spawn(move || {
                for lock in locks {
                    let _guard = lock.lock();
                    assert!(lock.try_lock_for(Duration::ZERO).is_none());
                }
            })
        });
        // Joined, since the end of a scope does not wait until they have freed all that is theirs.
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
    });
}

#[cfg(feature = "parking_lot")]
#[test]
fn memory_is_flat_with_many_locks() {
    use contend::parking_lot::{Mutex, named_mutex};

    in_child("memory_is_flat_with_many_locks", || {
        let _profiling = profile_everything();
        let numbers: Vec<String> = (0..1000).map(|number| format!("lock {number}")).collect();
        let names: Vec<_> = numbers
            .iter()
            .map(|name| contend::lock_name(name))
            .collect();
        let named: Vec<_> = names.iter().map(|name| named_mutex(name, 0)).collect();
        let unnamed: Vec<Mutex<u32>> = (0..100_000).map(|_| Mutex::new(0)).collect();
        // Some things are made at the first time.
        wait_for_each(&unnamed[..160]);

        let before = IN_USE.load(Ordering::Relaxed);
        wait_for_each(&named);
        wait_for_each(&unnamed[..2000]);
        for lock in &unnamed {
            *lock.lock() += 1;
        }
        assert_eq!(IN_USE.load(Ordering::Relaxed), before);

        let locks = contend::locks();
        for name in names {
            let lock = of_lock(&locks, name, "mutex").unwrap();
            assert_eq!(lock.contentions(), 1, "{lock}");
        }
        let block = contend::block_profile();
        assert_eq!(block.lost().total(), 0, "{}", block.lost());
    });
}

#[cfg(feature = "parking_lot")]
#[test]
fn names_that_are_too_many_are_one_and_counted() {
    use contend::lock_name;
    use contend::parking_lot::named_mutex;

    in_child("names_that_are_too_many_are_one_and_counted", || {
        let _profiling = profile_everything();
        // As constants: nobody hands them out.
        let names = (0..2500).map(|number| &*format!("too many {number}").leak());
        let named: Vec<_> = names
            .map(|name: &'static str| named_mutex(Box::leak(Box::new(name)), 0))
            .collect();
        wait_for_each(&named);
        let locks = contend::locks();
        let known = locks.iter().map(LockWaits::name);
        let known = known.filter(|name| name.starts_with("too many "));
        let known = known.count() as u64;
        assert!((1024..=2048).contains(&known), "{known}");
        let others = of_lock(&locks, "contend::overflow", "mutex").unwrap();
        assert_eq!(others.contentions(), 2500 - known);
        // The wait of each, and the release.
        let block = contend::block_profile();
        assert_eq!(block.lost().label_table_full, 2 * (2500 - known));
        for profile in [block, contend::mutex_profile()] {
            let overflow = profile.with_label("lock", "contend::overflow");
            assert_eq!(overflow.total_contentions(), 2500 - known);
        }

        // Those that are handed out are bounded, too.
        let texts: Vec<String> = (0..1100).map(|number| format!("made {number}")).collect();
        let made: Vec<_> = texts.iter().map(|text| lock_name(text)).collect();
        let is_kept = |(text, name): (&String, &&&str)| text == **name;
        assert!(texts.iter().zip(&made).take(1024).all(is_kept));
        assert!(
            made[1024..]
                .iter()
                .all(|name| **name == "contend::overflow")
        );
        assert!(std::ptr::eq(lock_name("made 0"), made[0]));
    });
}

#[test]
fn an_empty_name_is_none() {
    let _profiling = profile_everything();
    let mutex = named_mutex(&"", ());
    let guard = mutex.lock().unwrap();
    release_when_asleep(|| drop(mutex.lock()), || drop(guard));
    assert_eq!(names(&contend::block_profile(), "mutex"), [None]);
    assert_eq!(names(&contend::mutex_profile(), "mutex"), [None]);
}

#[test]
fn counts_are_whole_while_many_count() {
    let _profiling = profile_everything();
    let mutex = named_mutex(&"for many", 0_u64);
    let before = contend::locks();
    assert!(of_lock(&before, "for many", "mutex").is_none());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let end = Instant::now() + ms(100);
                while Instant::now() < end {
                    *mutex.lock().unwrap() += 1;
                }
            });
        }
        for _ in 0..20 {
            contend::locks();
        }
    });
    let locks = contend::locks();
    let profile = contend::block_profile().with_label("lock", "for many");
    let (contentions, delay) = match of_lock(&locks, "for many", "mutex") {
        Some(lock) => (lock.contentions(), lock.delay()),
        None => (0, Duration::ZERO),
    };
    assert_eq!(contentions, profile.total_contentions());
    assert_eq!(delay, profile.total_delay());
}

/// parking_lot's locks, of one version.
#[cfg(any(feature = "parking_lot", feature = "parking_lot_0_13"))]
macro_rules! parking_lot {
    ($($test:ident: $module:ident, $prefix:literal;)*) => {$(
        #[test]
        fn $test() {
            use contend::$module::{
                FairMutex, Mutex, ReentrantMutex, RwLock, named_fair_mutex, named_mutex,
                named_reentrant_mutex, named_rwlock,
            };

            static MUTEX: Mutex<u32> = named_mutex(&concat!($prefix, " mutex"), 7);
            static FAIR: FairMutex<u32> = named_fair_mutex(&concat!($prefix, " fair"), 7);
            static REENTRANT: ReentrantMutex<u32> =
                named_reentrant_mutex(&concat!($prefix, " reentrant"), 7);
            static LOCK: RwLock<u32> = named_rwlock(&concat!($prefix, " lock"), 7);

            let _profiling = profile_everything();
            let guard = MUTEX.lock();
            release_when_asleep(|| drop(MUTEX.lock()), || drop(guard));
            let guard = FAIR.lock();
            release_when_asleep(|| drop(FAIR.lock()), || drop(guard));
            let guard = REENTRANT.lock();
            release_when_asleep(|| drop(REENTRANT.lock()), || drop(guard));
            let read = LOCK.read();
            release_when_asleep(|| drop(LOCK.write()), || drop(read));
            let upgradable = LOCK.upgradable_read();
            release_when_asleep(|| drop(LOCK.upgradable_read()), || drop(upgradable));
            // A wait that gives up is one too.
            let write = LOCK.write();
            assert!(LOCK.try_read_for(ms(1)).is_none());
            drop(write);

            let mutexes = [" fair", " mutex", " reentrant"].map(|name| format!("{}{name}", $prefix));
            let mutexes: Vec<_> = mutexes.iter().map(|name| Some(name.as_str())).collect();
            for profile in [contend::mutex_profile(), contend::block_profile()] {
                assert_eq!(names(&profile, "mutex"), mutexes);
                let lock = [Some(concat!($prefix, " lock"))];
                assert_eq!(names(&profile, "rwlock_read"), lock);
                assert_eq!(names(&profile, "rwlock_write"), lock);
            }
            let locks = contend::locks();
            for (name, kind, contentions) in [
                (" mutex", "mutex", 1),
                (" fair", "mutex", 1),
                (" reentrant", "mutex", 1),
                (" lock", "rwlock_write", 1),
                (" lock", "rwlock_read", 2),
            ] {
                let lock = of_lock(&locks, &format!("{}{name}", $prefix), kind).unwrap();
                assert_eq!(lock.contentions(), contentions, "{lock}");
            }
        }
    )*};
}

#[cfg(feature = "parking_lot")]
parking_lot! {
    locks_of_parking_lot_have_names: parking_lot, "0.12";
}

#[cfg(feature = "parking_lot_0_13")]
parking_lot! {
    locks_of_parking_lot_0_13_have_names: parking_lot_0_13, "0.13";
}
