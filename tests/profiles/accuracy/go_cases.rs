//! Go's demands on its own profiles (`runtime/pprof/pprof_test.go`, Go 1.27), made here.
//! `TestBlockProfileBias`, which feeds the sampler directly, is with the sampler.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use contend::sync::Mutex;

use crate::ground_truth::*;

#[inline(never)]
fn hold_until_all_wait(mutex: &Mutex<()>, start: &Barrier, hold: Duration) {
    let _guard = mutex.lock().unwrap();
    start.wait();
    nap(hold);
}

/// Go's `blockMutexN`: `waiters` threads wait for one that holds the lock for `hold`.
fn block_mutex_n(waiters: usize, hold: Duration) {
    let mutex = Mutex::new(());
    let start = Barrier::new(waiters + 1);
    thread::scope(|scope| {
        for _ in 0..waiters {
            scope.spawn(|| {
                start.wait();
                drop(mutex.lock().unwrap());
            });
        }
        hold_until_all_wait(&mutex, &start, hold);
    });
}

/// Go's `TestMutexProfile`: 100 waiters of 100 ms each.
#[test]
fn a_hundred_waiters_count_a_hundred_times() {
    const N: u32 = 100;
    const D: Duration = Duration::from_millis(100);
    let _recording = recording(1, 0);
    let start = Instant::now();
    block_mutex_n(N as usize, D);
    let wall = start.elapsed();
    let profile = contend::mutex_profile();
    let total = profile.total_delay();
    // Threads are not all asking when the holder starts its nap, hence Go's 0.9.
    assert!(total >= (N * D).mul_f64(0.9), "{total:?}");
    assert!(total <= (N * wall).mul_f64(1.1), "{total:?}, wall {wall:?}");
    let samples = samples_of(&profile, "hold_until_all_wait");
    let frames = samples[0].frames();
    assert_eq!(frames[0].function(), "contend::sync::MutexGuard<()>::drop");
    assert!(frames[1].function().ends_with("::hold_until_all_wait"));
    assert_eq!(
        frames[1].file().map(|file| file.ends_with("go_cases.rs")),
        Some(true)
    );

    let mut text = Vec::new();
    profile.write_text(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("--- mutex:"));
    assert_eq!(lines.next(), Some("cycles/second=1000000000"));
    assert_eq!(lines.next(), Some("sampling period=1"));
    let (numbers, addresses) = lines.next().unwrap().split_once(" @ ").unwrap();
    assert!(
        numbers
            .split(' ')
            .all(|number| number.parse::<u64>().is_ok())
    );
    assert!(
        addresses
            .split(' ')
            .all(|address| address.starts_with("0x"))
    );
}

/// Go's `TestMutexProfileRateAdjust`.
#[test]
fn a_later_rate_changes_nothing_that_was_recorded() {
    let _recording = recording(1, 1);
    block_mutex_n(1, ms(20));
    let before = contend::mutex_profile();
    assert!(before.total_contentions() > 0);
    for fraction in [0, 5, 1000] {
        contend::set_mutex_profile_fraction(fraction);
        let after = contend::mutex_profile();
        assert_eq!(after.total_contentions(), before.total_contentions());
        assert_eq!(after.total_delay(), before.total_delay());
    }
}

/// Go's `TestProfilerStackDepth`: 128 frames, and those at the leaf.
#[test]
fn stacks_are_kept_to_a_depth_of_128() {
    #[inline(never)]
    fn deep(mutex: &Mutex<()>, start: &Barrier, depth: usize) -> usize {
        if depth > 0 {
            return deep(mutex, start, depth - 1) + 1;
        }
        hold_until_all_wait(mutex, start, ms(20));
        0
    }
    let _recording = recording(1, 0);
    let mutex = Mutex::new(());
    let start = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            drop(mutex.lock().unwrap());
        });
        assert_eq!(deep(&mutex, &start, 200), 200);
    });
    let profile = contend::mutex_profile();
    let samples = samples_of(&profile, "hold_until_all_wait");
    let frames = samples[0].frames();
    let recursive = frames
        .iter()
        .filter(|frame| frame.function().ends_with("::deep"))
        .count();
    let addresses: HashSet<_> = frames.iter().map(|frame| frame.address()).collect();
    println!("{} frames, {recursive} of them recursive", frames.len());
    // 128 addresses were kept, of which a few (without optimisation) are the wrapper's own and are
    // shown as one.
    assert!((115..=128).contains(&frames.len()), "{}", frames.len());
    assert_eq!(
        recursive,
        frames.len() - 2,
        "leaf, holder, then recursion only"
    );
    assert!(addresses.len() >= 3);
}

/// Go's `TestMutexBlockFullAggregation`: no stack is there twice.
#[test]
fn equal_stacks_are_one_sample() {
    let _recording = recording(1, 1);
    let mutex = Mutex::new(());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let _guard = mutex.lock().unwrap();
                    nap(ms(1));
                }
            });
        }
    });
    for profile in [contend::mutex_profile(), contend::block_profile()] {
        assert!(!profile.samples().is_empty());
        let mut seen = HashSet::new();
        for sample in profile.samples() {
            let addresses: Vec<u64> = sample.frames().iter().map(|f| f.address()).collect();
            let names: Vec<&str> = sample.frames().iter().map(|f| f.function()).collect();
            let key = (sample.label("kind"), addresses, names);
            assert!(seen.insert(key), "twice: {sample:?}");
        }
    }
}

/// Go's `TestBlockMutexProfileInlineExpansion`: inlined callers are frames of their own.
#[test]
fn inlined_frames_are_expanded() {
    #[inline(never)]
    fn outer_of_inlined(mutex: &Mutex<()>) {
        middle_inlined(mutex);
    }
    #[inline(always)]
    fn middle_inlined(mutex: &Mutex<()>) {
        inner_inlined(mutex);
    }
    #[inline(always)]
    fn inner_inlined(mutex: &Mutex<()>) {
        drop(mutex.lock().unwrap());
    }
    let _recording = recording(1, 1);
    let mutex = Mutex::new(());
    let start = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            outer_of_inlined(&mutex);
        });
        hold_until_all_wait(&mutex, &start, ms(20));
    });
    let profile = contend::block_profile();
    let samples = samples_of(&profile, "outer_of_inlined");
    let names: Vec<&str> = samples[0]
        .frames()
        .iter()
        .map(|frame| frame.function().rsplit("::").next().unwrap())
        .collect();
    let expected = [
        "lock",
        "inner_inlined",
        "middle_inlined",
        "outer_of_inlined",
    ];
    assert_eq!(names[..4], expected);
}
