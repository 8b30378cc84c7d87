//! A program of Rust's locks, in this executable: run by other tests as a process of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// One hold, and the wait before it, in nanoseconds since the start.
struct Span {
    wait: u64,
    begin: u64,
    end: u64,
    site: usize,
}

/// Has a site for each length of a hold.
trait Lock: Sync {
    fn hold(&self, site: usize, hold: &dyn Fn());
}

struct OfStd(Mutex<()>);
#[cfg(feature = "parking_lot")]
struct OfParkingLot(parking_lot::Mutex<()>);

macro_rules! sites {
    ($lock:ty, |$self:ident| $take:expr) => {
        impl $lock {
            #[inline(never)]
            fn slow_site(&$self, hold: &dyn Fn()) {
                let guard = $take;
                hold();
                drop(guard);
                std::hint::black_box(());
            }

            #[inline(never)]
            fn quick_site(&$self, hold: &dyn Fn()) {
                let guard = $take;
                hold();
                drop(guard);
                std::hint::black_box(());
            }

            #[inline(never)]
            fn tiny_site(&$self, hold: &dyn Fn()) {
                let guard = $take;
                hold();
                drop(guard);
                std::hint::black_box(());
            }
        }

        impl Lock for $lock {
            fn hold(&self, site: usize, hold: &dyn Fn()) {
                match site {
                    0 => self.slow_site(hold),
                    1 => self.quick_site(hold),
                    _ => self.tiny_site(hold),
                }
            }
        }
    };
}

sites!(OfStd, |self| self.0.lock().unwrap());
#[cfg(feature = "parking_lot")]
sites!(OfParkingLot, |self| self.0.lock());

/// Prints the blame of each site and all waiting, as the program of C does.
fn run(lock: &dyn Lock, is_queue: bool) {
    let start = Instant::now();
    let now = || start.elapsed().as_nanos() as u64;
    let (threads, rounds, holds) = match is_queue {
        true => (6, 40, [2000, 1000, 500]),
        false => (4, 60, [3000, 1000, 300]),
    };
    let spans = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..threads {
            let spans = &spans;
            scope.spawn(move || {
                let mut own = Vec::new();
                let mut seed = thread + 1_u64;
                for _ in 0..rounds {
                    seed = seed
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    let site = [0, 0, 1, 1, 1, 2, 2, 2][(seed >> 61) as usize];
                    let (begin, end) = (AtomicU64::new(0), AtomicU64::new(0));
                    let wait = now();
                    lock.hold(site, &|| {
                        begin.store(now(), Ordering::Relaxed);
                        let hold = Duration::from_micros(holds[site]);
                        let from = Instant::now();
                        while from.elapsed() < hold {
                            thread::sleep(Duration::from_micros(100));
                        }
                        end.store(now(), Ordering::Relaxed);
                    });
                    own.push(Span {
                        wait,
                        begin: begin.into_inner(),
                        end: end.into_inner(),
                        site,
                    });
                }
                spans.lock().unwrap().append(&mut own);
            });
        }
    });
    let spans = spans.into_inner().unwrap();
    let (mut blame, mut waited) = ([0; 3], 0);
    for waiter in &spans {
        waited += waiter.begin - waiter.wait;
        for holder in &spans {
            let from = waiter.wait.max(holder.begin);
            let to = waiter.begin.min(holder.end);
            blame[holder.site] += to.saturating_sub(from);
        }
    }
    // The harness may have begun a line of its own.
    println!("\n{} {} {} {waited}", blame[0], blame[1], blame[2]);
}

#[test]
#[ignore = "a program, recorded by the tests in accuracy.rs"]
fn program_std_long() {
    run(&OfStd(Mutex::new(())), false);
}

#[test]
#[ignore = "a program, recorded by the tests in accuracy.rs"]
fn program_std_queue() {
    run(&OfStd(Mutex::new(())), true);
}

#[cfg(feature = "parking_lot")]
#[test]
#[ignore = "a program, recorded by the tests in accuracy.rs"]
fn program_parking_lot_long() {
    run(&OfParkingLot(parking_lot::Mutex::new(())), false);
}

#[cfg(feature = "parking_lot")]
#[test]
#[ignore = "a program, recorded by the tests in accuracy.rs"]
fn program_parking_lot_queue() {
    run(&OfParkingLot(parking_lot::Mutex::new(())), true);
}
