//! Dumps, one each 100 ms, beside 8 threads that contend, threads that come and go, up to 5,000 a
//! second, and libraries that are loaded and unloaded.
//!
//! Nothing crashes or hangs, each thread that lives through a dump is in it, and resident memory
//! stays within 10 %. The time that is asked for is ten minutes:
//!
//! ```text
//! CONTEND_SOAK_SECS=600 cargo test --all-features --test threads_soak -- --ignored --nocapture
//! ```
#![cfg(all(
    feature = "profiling",
    feature = "framehop",
    target_os = "linux",
    target_arch = "x86_64"
))]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contend::sync::{Mutex, RwLock};

const CONTENDING: usize = 8;
const BETWEEN_DUMPS: Duration = Duration::from_millis(100);
/// Threads that come and go in each second, where the machine has the time.
const SHORT_LIVED: u32 = 5_000;
const AT_ONCE: u32 = 10;

struct Soak {
    is_over: AtomicBool,
    ended: AtomicU64,
    loads: AtomicU64,
    mutex: Mutex<u64>,
    rwlock: RwLock<u64>,
    bare: std::sync::Mutex<u64>,
}

impl Soak {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn contend(&self, number: usize) {
        while self.goes_on() {
            match number % 4 {
                0 => *self.mutex.lock().unwrap() += 1,
                1 => *self.rwlock.write().unwrap() += 1,
                2 => assert!(*self.rwlock.read().unwrap() < u64::MAX),
                _ => *self.bare.lock().unwrap() += 1,
            }
            if number >= 4 {
                // Some run all the time, some sleep.
                contend::thread::sleep(Duration::from_micros(200));
            }
        }
    }

    fn come_and_go(&self) {
        let turn = Duration::from_secs(1) / (SHORT_LIVED / AT_ONCE);
        let mut next = Instant::now();
        while self.goes_on() {
            thread::scope(|scope| {
                for _ in 0..AT_ONCE {
                    scope.spawn(|| *self.mutex.lock().unwrap() += 1);
                }
            });
            self.ended.fetch_add(AT_ONCE.into(), Ordering::Relaxed);
            next += turn;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            // A machine that is late does not run after what it has missed.
            next = next.max(Instant::now() - turn);
        }
    }

    fn load_and_unload(&self) {
        while self.goes_on() {
            for name in [c"libutil.so.1", c"libresolv.so.2", c"libBrokenLocale.so.1"] {
                // SAFETY: a string that ends with a zero; the libraries have no constructors that
                // matter.
                let handle =
                    unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
                if !handle.is_null() {
                    // SAFETY: opened above, closed once.
                    unsafe { libc::dlclose(handle) };
                }
            }
            self.loads.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn resident_megabytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (pages * 4096) as f64 / 1e6
}

/// Resident memory in each tenth of the time, mean.
struct Memory {
    sums: [(f64, u32); 10],
}

impl Memory {
    fn note(&mut self, passed: f64) {
        let (sum, count) = &mut self.sums[((passed * 10.0) as usize).min(9)];
        *sum += resident_megabytes();
        *count += 1;
    }

    /// The first two tenths warm up: tables fill, and names become known.
    fn check(&self) {
        let means = self.sums.map(|(sum, count)| sum / f64::from(count));
        println!("MB resident in each tenth of the time: {means:.1?}");
        let later = &means[2..];
        let least = later.iter().copied().fold(f64::MAX, f64::min);
        let most = later.iter().copied().fold(0.0, f64::max);
        assert!(most <= least * 1.1, "memory is not flat: {means:.1?}");
    }
}

/// Returns the memory, of which little can be said after a short time.
fn run(length: Duration) -> Memory {
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    let _watchdog = contend::watchdog(length + Duration::from_secs(120));
    let soak = &Soak {
        is_over: AtomicBool::new(false),
        ended: AtomicU64::new(0),
        loads: AtomicU64::new(0),
        mutex: Mutex::new(0),
        rwlock: RwLock::new(0),
        bare: std::sync::Mutex::new(0),
    };
    let mut memory = Memory {
        sums: [(0.0, 0); 10],
    };
    thread::scope(|scope| {
        let start = || {
            let spawn = |name: String, work: Box<dyn FnOnce() + Send>| {
                let thread = thread::Builder::new().name(name);
                thread.spawn_scoped(scope, work).unwrap();
            };
            let mut names: Vec<String> = (0..CONTENDING)
                .map(|number| format!("contends-{number}"))
                .collect();
            for (number, name) in names.iter().enumerate() {
                spawn(name.clone(), Box::new(move || soak.contend(number)));
            }
            spawn("come-and-go".to_owned(), Box::new(|| soak.come_and_go()));
            spawn("loads".to_owned(), Box::new(|| soak.load_and_unload()));
            names.extend(["come-and-go".to_owned(), "loads".to_owned()]);
            names
        };
        // Ends the workers also where a dump is not as it should be.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            dump_until_the_end(length, &start(), &mut memory)
        }));
        soak.is_over.store(true, Ordering::Relaxed);
        match result {
            Ok(dumps) => println!(
                "{length:.0?}: {dumps} dumps, {} threads came and went, {} times libraries were loaded",
                soak.ended.load(Ordering::Relaxed),
                soak.loads.load(Ordering::Relaxed)
            ),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    contend::set_mutex_profile_fraction(0);
    contend::set_block_profile_rate(0);
    memory
}

fn dump_until_the_end(length: Duration, names: &[String], memory: &mut Memory) -> u64 {
    let missing = |threads: &contend::Threads| {
        let is_missing = |name: &&String| {
            let mut there = threads.threads().iter();
            !there.any(|thread| thread.name() == *name)
        };
        names.iter().find(is_missing).cloned()
    };
    // A thread gives itself its name when it has started.
    while missing(&contend::threads()).is_some() {
        thread::yield_now();
    }
    let begin = Instant::now();
    let mut dumps = 0;
    while begin.elapsed() < length {
        let threads = contend::threads();
        if let Some(name) = missing(&threads) {
            panic!("{name} is not there:\n{threads}");
        }
        dumps += 1;
        memory.note(begin.elapsed().as_secs_f64() / length.as_secs_f64());
        thread::sleep(BETWEEN_DUMPS);
    }
    dumps
}

#[test]
fn a_second() {
    run(Duration::from_secs(1));
}

/// Ten minutes, or `CONTEND_SOAK_SECS`.
#[test]
#[ignore = "ten minutes of dumps beside threads that come and go: nothing hangs, no thread is lost, memory stays flat; see the head of the file"]
fn ten_minutes() {
    let secs = std::env::var("CONTEND_SOAK_SECS").map_or(600, |secs| secs.parse().unwrap());
    run(Duration::from_secs(secs)).check();
}
