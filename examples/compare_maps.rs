//! Which map shall the threads share? The same load on three of them, side by side.
//!
//! ```sh
//! cargo run --release --example compare_maps
//! cargo run --release --example compare_maps -- 50    # half of the operations write
//! ```
//!
//! Four threads look prices up and change one now and then, in a `Mutex<HashMap>`, an `RwLock<HashMap>` and a map of 16 shards.
//! You should see one table: how many operations each map did in a second, what threads waited per operation, how often they had to,
//! and the line that most of this is to blame on. Which map is the fastest depends on your machine and on
//! the load; what the others lose, and where, is in the lower rows. Below it is what changes, line by line, from the first map to the last.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use contend::sync::{Mutex, RwLock};
use contend::{Profile, Profiles};

const THREADS: u64 = 4;
const ARTICLES: u64 = 10_000;
const RUN: Duration = Duration::from_secs(1);

/// A price with its history, which makes a write longer than a read.
type Prices = HashMap<u64, Vec<u64>>;

fn read(prices: &Prices, article: u64) -> u64 {
    prices.get(&article).map_or(0, |prices| prices.iter().sum())
}

fn write(prices: &mut Prices, article: u64, price: u64) {
    let prices = prices.entry(article).or_default();
    prices.insert(0, price);
    prices.truncate(20);
}

trait Map: Sync {
    fn price(&self, article: u64) -> u64;
    fn set_price(&self, article: u64, price: u64);
}

#[derive(Default)]
struct OneMutex(Mutex<Prices>);

impl Map for OneMutex {
    fn price(&self, article: u64) -> u64 {
        let prices = self.0.lock().unwrap();
        read(&prices, article)
    }

    fn set_price(&self, article: u64, price: u64) {
        let mut prices = self.0.lock().unwrap();
        write(&mut prices, article, price);
    }
}

#[derive(Default)]
struct OneRwLock(RwLock<Prices>);

impl Map for OneRwLock {
    fn price(&self, article: u64) -> u64 {
        let prices = self.0.read().unwrap();
        read(&prices, article)
    }

    fn set_price(&self, article: u64, price: u64) {
        let mut prices = self.0.write().unwrap();
        write(&mut prices, article, price);
    }
}

#[derive(Default)]
struct Sharded {
    hasher: RandomState,
    shards: [OneMutex; 16],
}

impl Sharded {
    fn shard(&self, article: u64) -> &OneMutex {
        let hash = self.hasher.hash_one(article);
        &self.shards[hash as usize % self.shards.len()]
    }
}

impl Map for Sharded {
    fn price(&self, article: u64) -> u64 {
        self.shard(article).price(article)
    }

    fn set_price(&self, article: u64, price: u64) {
        self.shard(article).set_price(article, price);
    }
}

/// The load, for one second. Returns the number of operations and what was waited for meanwhile.
fn run(map: &dyn Map, writes_in_100: u64) -> (u64, Profiles) {
    let operations = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let ((), profiles) = contend::measure(|| {
        thread::scope(|scope| {
            for seed in 1..=THREADS {
                let (operations, stop) = (&operations, &stop);
                scope.spawn(move || {
                    let done = work(map, writes_in_100, seed, stop);
                    operations.fetch_add(done, Ordering::Relaxed);
                });
            }
            thread::sleep(RUN);
            stop.store(true, Ordering::Relaxed);
        });
    });
    (operations.into_inner(), profiles)
}

fn work(map: &dyn Map, writes_in_100: u64, seed: u64, stop: &AtomicBool) -> u64 {
    let mut random = seed;
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        // Knuth's linear congruential generator; its high bits are good enough here.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let article = (random >> 33) % ARTICLES;
        match (random >> 20) % 100 < writes_in_100 {
            true => map.set_price(article, done),
            false => _ = std::hint::black_box(map.price(article)),
        }
        done += 1;
    }
    done
}

/// The line of this file that most of the delay is charged to.
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

/// What the table has of one map.
struct Column {
    title: &'static str,
    cells: [String; 4],
    profiles: Profiles,
}

impl Column {
    fn of(title: &'static str, map: &dyn Map, writes_in_100: u64) -> Self {
        let (operations, profiles) = run(map, writes_in_100);
        let (mutex, operations) = (&profiles.mutex, operations as f64);
        let cells = [
            format!("{:.2} M", operations / profiles.wall.as_secs_f64() / 1e6),
            format!(
                "{:.0} ns",
                mutex.total_delay().as_nanos() as f64 / operations
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
    let writes_in_100 = match std::env::args().nth(1) {
        Some(argument) => argument.parse()?,
        None => 10,
    };
    let columns = [
        Column::of("Mutex<HashMap>", &OneMutex::default(), writes_in_100),
        Column::of(
            "RwLock<HashMap>",
            &RwLock::<Prices>::default(),
            writes_in_100,
        ),
        Column::of("Sharded", &Sharded::default(), writes_in_100),
    ];
    println!("{THREADS} threads, {writes_in_100} % of the operations write:\n");
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
    Ok(())
}
