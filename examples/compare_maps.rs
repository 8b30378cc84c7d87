//! Which map shall the threads share? The same load on three of them, side by side.
//!
//! ```sh
//! cargo run --release --example compare_maps
//! cargo run --release --example compare_maps -- 50    # 50 in 1000 operations refresh a price
//! ```
//!
//! Four threads look prices up and have one refreshed now and then, which takes 0.2 ms and is done
//! under the lock: of a `Mutex<HashMap>`, of an `RwLock<HashMap>`, of a map in 64 shards. You
//! should see one table: how many operations each did in a second, how long threads waited per
//! operation, how often they had to, and the line that most of this is to blame on, the end of
//! `refresh` unless other programs keep the processors busy. Which map does the most depends on the
//! machine and on the argument. Below the table is what changes, site by site, from the first map
//! to the last; for `go tool pprof` both mutex profiles and their difference are left in the
//! current folder.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contend::sync::{Mutex, RwLock};
use contend::{Profile, Profiles};

const THREADS: u64 = 4;
const SHARDS: usize = 64;
const ARTICLES: u64 = 1_000;
/// It takes so long to ask the supplier for a price. The lock is held meanwhile: the mistake.
const REQUEST: Duration = Duration::from_micros(200);
const SHOW: Duration = Duration::from_micros(20);
const RUN: Duration = Duration::from_secs(1);

type Prices = HashMap<u64, u64>;

fn refresh(prices: &mut Prices, article: u64) -> u64 {
    thread::sleep(REQUEST);
    let price = prices.entry(article).or_default();
    *price += 1;
    *price
}

/// Uses a price, without a lock.
fn show(price: u64) {
    let start = Instant::now();
    while start.elapsed() < SHOW {
        hint::black_box(price);
    }
}

trait Map: Sync {
    fn price(&self, article: u64) -> u64;
    fn refresh(&self, article: u64) -> u64;
}

#[derive(Default)]
struct OneMutex(Mutex<Prices>);

impl Map for OneMutex {
    fn price(&self, article: u64) -> u64 {
        let prices = self.0.lock().unwrap();
        prices.get(&article).copied().unwrap_or_default()
    }

    fn refresh(&self, article: u64) -> u64 {
        let mut prices = self.0.lock().unwrap();
        refresh(&mut prices, article)
    }
}

#[derive(Default)]
struct OneRwLock(RwLock<Prices>);

impl Map for OneRwLock {
    fn price(&self, article: u64) -> u64 {
        let prices = self.0.read().unwrap();
        prices.get(&article).copied().unwrap_or_default()
    }

    fn refresh(&self, article: u64) -> u64 {
        let mut prices = self.0.write().unwrap();
        refresh(&mut prices, article)
    }
}

struct Sharded {
    hasher: RandomState,
    shards: Vec<OneMutex>,
}

impl Default for Sharded {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| OneMutex::default()).collect(),
        }
    }
}

impl Sharded {
    fn shard(&self, article: u64) -> &OneMutex {
        let hash = self.hasher.hash_one(article);
        &self.shards[hash as usize % SHARDS]
    }
}

impl Map for Sharded {
    fn price(&self, article: u64) -> u64 {
        self.shard(article).price(article)
    }

    fn refresh(&self, article: u64) -> u64 {
        self.shard(article).refresh(article)
    }
}

/// The load, for one second. Returns the number of operations and what was waited for meanwhile.
fn run(map: &dyn Map, refreshes_in_1000: u64) -> (u64, Profiles) {
    let operations = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let ((), profiles) = contend::measure(|| {
        thread::scope(|scope| {
            for seed in 1..=THREADS {
                let (operations, stop) = (&operations, &stop);
                scope.spawn(move || {
                    let done = work(map, refreshes_in_1000, seed, stop);
                    operations.fetch_add(done, Ordering::Relaxed);
                });
            }
            thread::sleep(RUN);
            stop.store(true, Ordering::Relaxed);
        });
    });
    (operations.into_inner(), profiles)
}

fn work(map: &dyn Map, refreshes_in_1000: u64, seed: u64, stop: &AtomicBool) -> u64 {
    let mut random = seed;
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        // Knuth's linear congruential generator; its high bits are good enough here.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let article = (random >> 33) % ARTICLES;
        show(match (random >> 20) % 1000 < refreshes_in_1000 {
            true => map.refresh(article),
            false => map.price(article),
        });
        done += 1;
    }
    done
}

/// The line of this file on the stack that most delay is charged to.
fn top_site(profile: &Profile) -> String {
    let Some(sample) = profile.samples().first() else {
        return "-".to_owned();
    };
    let is_ours = |frame: &&contend::Frame| {
        let file = frame.file().unwrap_or_default();
        file.ends_with("compare_maps.rs")
    };
    let mut frames = sample.frames().iter();
    match frames
        .find(is_ours)
        .map(|frame| (frame.function(), frame.line()))
    {
        Some((function, Some(line))) => {
            let name = function.rsplit("::").next().unwrap_or(function);
            format!("{name}, line {line}")
        }
        _ => "built without lines".to_owned(),
    }
}

/// One map's column of the table.
struct Column {
    title: &'static str,
    cells: [String; 4],
    profiles: Profiles,
}

impl Column {
    fn of(title: &'static str, map: &dyn Map, refreshes_in_1000: u64) -> Self {
        let (operations, profiles) = run(map, refreshes_in_1000);
        let (mutex, operations) = (&profiles.mutex, operations as f64);
        let cells = [
            format!("{:.0}", operations / profiles.wall.as_secs_f64()),
            format!(
                "{:.1} µs",
                mutex.total_delay().as_secs_f64() * 1e6 / operations
            ),
            format!(
                "{:.2}",
                mutex.total_contentions() as f64 * 1000.0 / operations
            ),
            top_site(mutex),
        ];
        Column {
            title,
            cells,
            profiles,
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let refreshes_in_1000 = match std::env::args().nth(1) {
        Some(argument) => argument.parse()?,
        None => 20,
    };
    let columns = [
        Column::of("Mutex<HashMap>", &OneMutex::default(), refreshes_in_1000),
        Column::of("RwLock<HashMap>", &OneRwLock::default(), refreshes_in_1000),
        Column::of("Sharded", &Sharded::default(), refreshes_in_1000),
    ];
    println!("{THREADS} threads, {refreshes_in_1000} in 1000 operations refresh a price:\n");
    let [a, b, c] = columns.each_ref().map(|column| column.title);
    println!("{:<24} {a:>20} {b:>20} {c:>20}", "");
    let rows = [
        "operations per second",
        "delay per operation",
        "contentions in 1000",
        "most of it released by",
    ];
    for (row, name) in rows.into_iter().enumerate() {
        let [a, b, c] = columns.each_ref().map(|column| &*column.cells[row]);
        println!("{name:<24} {a:>20} {b:>20} {c:>20}");
    }
    let [mutex, _, sharded] = &columns;
    let diff = sharded.profiles.mutex.diff(&mutex.profiles.mutex);
    println!("\nFrom {} to {}:\n\n{diff}", mutex.title, sharded.title);
    mutex.profiles.mutex.save("one_lock.pb.gz")?;
    sharded.profiles.mutex.save("sharded.pb.gz")?;
    diff.save("diff.pb.gz")?;
    println!(
        "Written: one_lock.pb.gz, sharded.pb.gz and, from the one to the other, diff.pb.gz:\n"
    );
    println!("    go tool pprof -top diff.pb.gz");
    println!("    go tool pprof -top -diff_base=one_lock.pb.gz sharded.pb.gz    # shows the same");
    Ok(())
}
