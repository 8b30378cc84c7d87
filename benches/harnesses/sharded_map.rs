//! A map behind one big lock against a map in shards, both counting page views from four threads.
//!
//! ```text
//! cargo bench -p contend-harnesses --bench sharded_map                        # how fast
//! cargo bench -p contend-harnesses --bench sharded_map -- --profile-time 5    # who waits for whom
//! ```
//!
//! The second leaves in `target/criterion/page_views/<map>/profile` what was waited for: `top.txt`
//! to read, `mutex.pb.gz` and `block.pb.gz` for `go tool pprof`. You should see `count` as the
//! place where threads wait and as the one to blame, and far fewer contentions with shards.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::hint;
// Not contend's: that the bench waits for its threads is no news.
use std::thread;
use std::time::Duration;

use contend::sync::Mutex;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const THREADS: usize = 4;
const VIEWS_PER_THREAD: usize = 2_000;
const PAGES: usize = 500;
const SHARDS: usize = 16;

trait PageViews: Default + Sync {
    /// Returns how often the page has been seen.
    fn count(&self, page: &str) -> u64;
    fn total(&self) -> u64;
}

fn count_in(map: &mut HashMap<String, u64>, page: &str) -> u64 {
    let views = map.entry(page.to_owned()).or_default();
    *views += 1;
    *views
}

#[derive(Default)]
struct OneLock(Mutex<HashMap<String, u64>>);

impl PageViews for OneLock {
    fn count(&self, page: &str) -> u64 {
        count_in(&mut self.0.lock().unwrap(), page)
    }

    fn total(&self) -> u64 {
        self.0.lock().unwrap().values().sum()
    }
}

#[derive(Default)]
struct Sharded {
    hasher: RandomState,
    shards: [Mutex<HashMap<String, u64>>; SHARDS],
}

impl PageViews for Sharded {
    fn count(&self, page: &str) -> u64 {
        let shard = self.hasher.hash_one(page) as usize % SHARDS;
        count_in(&mut self.shards[shard].lock().unwrap(), page)
    }

    fn total(&self) -> u64 {
        let total = |shard: &Mutex<HashMap<_, u64>>| shard.lock().unwrap().values().sum::<u64>();
        self.shards.iter().map(total).sum()
    }
}

/// Every thread visits the pages in another order.
fn visit<V: PageViews>(pages: &[String]) -> V {
    let views = V::default();
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            let views = &views;
            scope.spawn(move || {
                for view in 0..VIEWS_PER_THREAD {
                    hint::black_box(views.count(&pages[view * (2 * thread + 1) % PAGES]));
                }
            });
        }
    });
    views
}

fn page_views(criterion: &mut Criterion) {
    let pages: Vec<_> = (0..PAGES).map(|page| format!("/articles/{page}")).collect();
    let views = THREADS * VIEWS_PER_THREAD;
    let mut group = criterion.benchmark_group("page_views");
    group.throughput(Throughput::Elements(views as u64));
    group.bench_function(BenchmarkId::from_parameter("one_lock"), |bencher| {
        bencher.iter(|| assert_eq!(visit::<OneLock>(&pages).total(), views as u64));
    });
    group.bench_function(BenchmarkId::from_parameter("sharded"), |bencher| {
        bencher.iter(|| assert_eq!(visit::<Sharded>(&pages).total(), views as u64));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_profiler(contend::criterion_profiler!())
        .warm_up_time(Duration::from_secs(1));
    targets = page_views
}
criterion_main!(benches);
