//! A program to look at with a browser: some of its names are markup. `.ci/pages.py` starts it.
//!
//! ```sh
//! cargo run --all-features --example hostile -- 6060
//! ```
//!
//! It waits in many ways, serves `/debug/pprof/` at that port, and runs until it is stopped. No
//! page may run or show as markup what it is called.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use contend::sync::{Condvar, Mutex, RwLock, named_mutex, named_rwlock};
use contend::thread;

const MARKUP: &str = "<script>alert('name')</script><img src=x onerror=alert('kind')>";

struct Cache<K>(Mutex<Vec<K>>);

trait Store {
    fn put(&self);
    fn evict(&self);
}

impl<K: Default + Send> Store for Cache<[K; 8]> {
    #[inline(never)]
    fn put(&self) {
        let mut entries = self.0.lock().unwrap();
        work(80);
        entries.clear();
    }

    #[inline(never)]
    fn evict(&self) {
        let mut entries = self.0.lock().unwrap();
        work(400);
        entries.clear();
    }
}

mod orders {
    use super::*;

    static CACHE: Cache<[u8; 8]> = Cache(named_mutex(&"cache of <b>orders</b>", Vec::new()));
    // Counted after a call, so that it is no tail call and its caller stays on the stack.
    static PAID: AtomicU64 = AtomicU64::new(0);
    static SHIPPED: AtomicU64 = AtomicU64::new(0);

    #[inline(never)]
    pub(super) fn checkout() {
        CACHE.put();
        pay();
        SHIPPED.fetch_add(1, Ordering::Relaxed);
    }

    #[inline(never)]
    pub(super) fn expire() {
        CACHE.evict();
    }

    #[inline(never)]
    fn pay() {
        contend::blocking(MARKUP, || std::thread::sleep(Duration::from_micros(300)));
        PAID.fetch_add(1, Ordering::Relaxed);
    }
}

mod config {
    use super::*;

    static VALUES: RwLock<u64> = named_rwlock(&"config", 0);

    #[inline(never)]
    pub(super) fn publish() {
        let mut values = VALUES.write().unwrap();
        work(100);
        *values += 1;
    }

    #[inline(never)]
    pub(super) fn read() {
        let _values = VALUES.read().unwrap();
        work(50);
    }
}

mod queue {
    use super::*;

    static JOBS: Mutex<u32> = Mutex::new(0);
    static ADDED: Condvar = Condvar::new();

    #[inline(never)]
    pub(super) fn push() {
        *JOBS.lock().unwrap() += 1;
        ADDED.notify_one();
    }

    #[inline(never)]
    pub(super) fn pop() {
        let jobs = JOBS.lock().unwrap();
        let timeout = Duration::from_millis(20);
        let (mut jobs, _) = ADDED
            .wait_timeout_while(jobs, timeout, |jobs| *jobs == 0)
            .unwrap();
        *jobs = jobs.saturating_sub(1);
    }
}

mod stuck {
    use super::*;

    static LOCKS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];
    static MEET: std::sync::Barrier = std::sync::Barrier::new(2);

    /// Two threads that do this for one lock each wait for each other.
    #[inline(never)]
    pub(super) fn transfer(from: usize) {
        let _from = LOCKS[from].lock().unwrap();
        MEET.wait();
        drop(LOCKS[1 - from].lock());
    }

    #[inline(never)]
    pub(super) fn balance() {
        drop(LOCKS[0].lock());
    }
}

/// Keeps the processor busy, as work under a lock does.
fn work(micros: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
}

/// Steps again and again on a thread of its own.
fn again(pause_millis: u64, step: impl Fn() + Send + 'static) {
    let pause = Duration::from_millis(pause_millis);
    let steps = move || loop {
        step();
        std::thread::sleep(pause);
    };
    let thread = thread::Builder::new().name(MARKUP.to_owned());
    thread.spawn(steps).unwrap();
}

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).unwrap_or_default().parse()?;
    // Sampled, so that the table has errors to show.
    contend::set_mutex_profile_fraction(2);
    contend::set_block_profile_rate(100_000);
    contend::set_pairs_profile_fraction(2);
    contend::http::register_profile("heap", MARKUP, || Ok(Vec::new()))?;
    for _ in 0..3 {
        again(2, orders::checkout);
        again(3, config::read);
        again(0, queue::pop);
    }
    again(4, orders::expire);
    again(5, config::publish);
    again(7, queue::push);
    again(0, || stuck::transfer(0));
    again(0, || stuck::transfer(1));
    for _ in 0..20 {
        again(0, stuck::balance);
    }
    let _monitor = contend::Monitor::builder().start()?;
    let _server = contend::http::serve(format!("127.0.0.1:{port}"))?;
    loop {
        thread::park();
    }
}
