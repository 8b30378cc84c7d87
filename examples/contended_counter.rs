//! A program that waits on purpose: what the profiles look like.
//!
//! ```sh
//! cargo run --release --example contended_counter
//! cargo run --release --example contended_counter -- 10    # sample one contention in ten
//! ```
//!
//! Three stories run at once for two seconds:
//!
//! - four threads share a counter. `slow_update` holds its lock three times as long as
//!   `quick_update`, so three quarters of the waiting should be blamed on it;
//! - `publish_config` writes what two readers read, and holds the lock while it "parses";
//! - a queue with a condition variable, whose consumer is faster than its producer, so that the
//!   consumer waits: that is in the block profile alone, as kind `condvar`.
//!
//! You should see two tables, the first by whose release ended the waiting, the second by where
//! the waiting was, and two files for `go tool pprof`. With sampling the numbers stay about the
//! same, and the table says how far off they may be.

use std::collections::VecDeque;
use std::error::Error;
use std::fs::File;
use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contend::sync::{Condvar, Mutex, RwLock};

/// Keeps the processor busy, as a critical section does that should have been shorter.
fn work(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        hint::spin_loop();
    }
}

#[inline(never)]
fn slow_update(counter: &Mutex<u64>) {
    let mut counter = counter.lock().unwrap();
    *counter += 1;
    work(Duration::from_micros(300));
}

#[inline(never)]
fn quick_update(counter: &Mutex<u64>) {
    let mut counter = counter.lock().unwrap();
    *counter += 1;
    work(Duration::from_micros(100));
}

#[inline(never)]
fn publish_config(config: &RwLock<String>) {
    let mut config = config.write().unwrap();
    work(Duration::from_millis(2));
    *config = format!("version {:?}", Instant::now());
}

#[inline(never)]
fn read_config(config: &RwLock<String>) -> usize {
    config.read().unwrap().len()
}

/// A queue that blocks whoever takes from it while it is empty.
struct Queue<T> {
    items: Mutex<VecDeque<T>>,
    filled: Condvar,
}

impl<T> Queue<T> {
    fn push(&self, item: T) {
        self.items.lock().unwrap().push_back(item);
        self.filled.notify_one();
    }

    #[inline(never)]
    fn pop(&self) -> Option<T> {
        let items = self.items.lock().unwrap();
        let (mut items, _) = self
            .filled
            .wait_timeout_while(items, Duration::from_millis(50), |items| items.is_empty())
            .unwrap();
        items.pop_front()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let fraction = match std::env::args().nth(1) {
        Some(argument) => argument.parse()?,
        None => 1,
    };
    contend::set_mutex_profile_fraction(fraction);
    contend::set_block_profile_rate(1);

    let counter = Mutex::new(0);
    let config = RwLock::new(String::new());
    let queue = Queue {
        items: Mutex::new(VecDeque::new()),
        filled: Condvar::new(),
    };
    let stop = AtomicBool::new(false);
    let running = || !stop.load(Ordering::Relaxed);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while running() {
                    slow_update(&counter);
                    quick_update(&counter);
                }
            });
            scope.spawn(|| {
                while running() {
                    quick_update(&counter);
                    slow_update(&counter);
                }
            });
            scope.spawn(|| {
                while running() {
                    hint::black_box(read_config(&config));
                    thread::sleep(Duration::from_micros(200));
                }
            });
        }
        scope.spawn(|| {
            while running() {
                publish_config(&config);
                thread::sleep(Duration::from_millis(10));
            }
        });
        scope.spawn(|| {
            while running() {
                thread::sleep(Duration::from_millis(5));
                queue.push(Instant::now());
            }
        });
        scope.spawn(|| {
            while running() {
                hint::black_box(queue.pop());
            }
        });
        thread::sleep(Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
    });

    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    println!("Whose release ended the waiting:\n\n{mutex}");
    println!("Where the waiting was:\n\n{block}");
    mutex.save("mutex.pb.gz")?;
    block.save("block.pb.gz")?;
    mutex.write_text(File::create("mutex.txt")?)?;
    println!("Written: mutex.pb.gz, block.pb.gz, and mutex.txt to read. To look around:\n");
    println!("    go tool pprof -http=: mutex.pb.gz");
    println!("    go tool pprof -top block.pb.gz");
    Ok(())
}
