//! One request in 500 is slow, and no profile says which: the pages of a shop are made from a cache
//! that another thread rebuilds now and then, holding its lock for 60 ms.
//!
//! ```sh
//! cargo run --release --example slow_request
//! ```
//!
//! A flight recorder keeps the last seconds. When a wait takes longer than 30 ms it writes them to
//! a file, whose name the program prints. `go tool trace FILE` opens it, and `contend trace FILE`
//! says who waited, and who woke whom. The page "timeline" of the documentation goes through it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contend::sync::RwLock;
use contend::thread;
use contend::trace::{self, FlightRecorder};

const WORKERS: usize = 4;
const REQUESTS: usize = 500;

type Prices = RwLock<HashMap<u32, u32>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let recorder = FlightRecorder::builder()
        .on_wait(Duration::from_millis(30))
        .files_in(folder)
        .start()?;

    let prices: Arc<Prices> = Arc::new(RwLock::new((0..1000).map(|id| (id, id * 7)).collect()));
    let is_over = Arc::new(AtomicBool::new(false));

    let rebuilder = {
        let (prices, is_over) = (Arc::clone(&prices), Arc::clone(&is_over));
        let builder = thread::Builder::new().name("rebuilder".into());
        builder.spawn(move || {
            thread::sleep(Duration::from_millis(150));
            rebuild(&prices);
            while !is_over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
            }
        })?
    };

    let workers: Vec<_> = (0..WORKERS)
        .map(|number| {
            let prices = Arc::clone(&prices);
            let builder = thread::Builder::new().name(format!("worker-{number}"));
            builder.spawn(move || serve(&prices, number))
        })
        .collect::<Result<_, _>>()?;
    let mut slowest = Duration::ZERO;
    for worker in workers {
        slowest = slowest.max(worker.join().expect("a worker does not panic"));
    }
    is_over.store(true, Ordering::Relaxed);
    rebuilder.join().expect("the rebuilder does not panic");

    // The recorder writes a moment after the wait, so that its file has what came of it.
    let deadline = Instant::now() + Duration::from_secs(30);
    while recorder.files().is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    println!(
        "the slowest of {} requests took {slowest:?}",
        WORKERS * REQUESTS
    );
    for file in recorder.files() {
        println!("{}", file.display());
    }
    Ok(())
}

/// Answers requests. Returns how long the slowest took.
fn serve(prices: &Prices, worker: usize) -> Duration {
    let mut slowest = Duration::ZERO;
    for number in 0..REQUESTS {
        let begin = Instant::now();
        let request = trace::task("GET /cart");
        {
            let _in_request = request.enter();
            trace::log("request", format!("{worker}-{number}"));
            answer(prices, number);
        }
        drop(request);
        slowest = slowest.max(begin.elapsed());
    }
    slowest
}

#[inline(never)]
fn answer(prices: &Prices, number: usize) -> u32 {
    let sum = {
        let _region = trace::region("look up prices");
        let prices = prices.read().expect("nobody panics with the lock");
        (0..20)
            .map(|item| prices[&((number as u32 * 31 + item) % 1000)])
            .sum()
    };
    let _region = trace::region("render");
    busy(Duration::from_micros(400));
    sum
}

/// Holds the lock for as long as the rebuilding takes: that is the mistake.
#[inline(never)]
fn rebuild(prices: &Prices) {
    let _region = trace::region("rebuild");
    let mut prices = prices.write().expect("nobody panics with the lock");
    busy(Duration::from_millis(60));
    for price in prices.values_mut() {
        *price += 1;
    }
}

fn busy(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}
