//! The cost of dumps, for `benches/README.md`: these tests check nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{spawn, thread_when, turn};

/// The time that this thread has been on a processor.
fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the result goes to a live local.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(failed, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |tenths: usize| times[(times.len() - 1) * tenths / 10];
    println!("  {what}: {:?} ({:?}..{:?})", at(5), at(1), at(9));
}

/// The steps of the processor's time of a thread that does nothing but look at it. What other
/// threads take of the processor is not in them; a signal's handler is.
fn steps(is_over: &AtomicBool) -> Vec<Duration> {
    let mut longest = Vec::new();
    let mut before = cpu_time();
    while !is_over.load(Ordering::Relaxed) {
        let now = cpu_time();
        let step = now - before;
        before = now;
        if step > Duration::from_micros(2) {
            longest.push(step);
        }
    }
    longest.sort_unstable();
    longest
}

#[test]
#[ignore = "checks nothing, prints what a dump of 10, 100 and 1,000 threads takes: cargo test --release --test threads cost_of_a_dump -- --ignored --nocapture"]
fn cost_of_a_dump() {
    const DUMPS: usize = 101;
    let _turn = turn();
    let mut count = 0;
    for wanted in [10, 100, 1_000] {
        for number in count..wanted {
            let park = || loop {
                thread::park();
            };
            let thread = thread::Builder::new().stack_size(64 << 10);
            thread.name(format!("cost-{number}")).spawn(park).unwrap();
        }
        count = wanted;
        let last = format!("cost-{}", wanted - 1);
        thread_when(&last, |thread| thread.state().is_blocked());
        let once = || {
            let (wall, cpu) = (Instant::now(), cpu_time());
            drop(contend::threads());
            (wall.elapsed(), cpu_time() - cpu)
        };
        let (walls, cpus) = (0..DUMPS).map(|_| once()).unzip();
        println!("{wanted} threads, {DUMPS} dumps, median and p10..p90:");
        show("time", walls);
        show("processor's time", cpus);
    }
}

#[test]
#[ignore = "checks nothing, prints for how long a dump stops a thread that runs: cargo test --release --test threads pause_of_a_thread -- --ignored --nocapture"]
fn pause_of_a_thread() {
    const DUMPS: usize = 300;
    let _turn = turn();
    for dumps in [0, DUMPS] {
        let is_over = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&is_over);
        let runs = spawn("runs", move || {
            let steps = steps(&theirs);
            let count = steps.len();
            println!("  {count} steps of more than 2 µs of its own time, the longest:");
            println!("  {:?}", steps.iter().rev().take(12).collect::<Vec<_>>());
        });
        println!("a thread that runs, beside {dumps} dumps:");
        let mut answers = 0;
        for _ in 0..DUMPS {
            if dumps > 0 {
                let threads = contend::threads();
                let mut threads = threads.threads().iter();
                let other = threads.find(|thread| thread.name() == "runs");
                answers += usize::from(other.is_some_and(|other| !other.frames().is_empty()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        is_over.store(true, Ordering::Relaxed);
        runs.join().unwrap();
        println!("  {answers} answers");
    }
}
