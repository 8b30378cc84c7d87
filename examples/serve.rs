//! One line serves the profiles of a program that has no async and no server of its own.
//!
//! ```sh
//! cargo run --release --example serve --features server              # until Ctrl-C
//! cargo run --release --example serve --features server -- 30        # for 30 seconds
//! cargo run --release --example serve --features server -- --port 0  # on any free port
//! cargo run --release --example serve --features server -- --token xyz
//! ```
//!
//! A warehouse: six clerks reserve items from the stock, which an auditor counts every now and
//! then, with the stock locked; each reservation is written to a journal, which is locked while a
//! line goes to the disk; prices are read by all and published by one; parcels go through a queue
//! that holds four, to a packer who is too slow.
//!
//! You should see an address. Open it: `stock::Stock<K>::recount` and
//! `journal::Journal::append` lead the mutex profile, `packing::hand_over` the block profile.
//! Or, meanwhile:
//!
//! ```sh
//! go tool pprof -top http://127.0.0.1:6060/debug/pprof/mutex
//! go tool pprof -http=: 'http://127.0.0.1:6060/debug/pprof/block?seconds=5'
//! curl 'http://127.0.0.1:6060/debug/pprof/mutex?debug=1'
//! ```

use std::error::Error;
use std::hint;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use contend::http::Server;

/// Keeps the processor busy, as work does that happens under a lock.
fn work(micros: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        hint::spin_loop();
    }
}

mod stock {
    use std::collections::HashMap;
    use std::hash::Hash;

    use contend::sync::Mutex;

    /// How many there are of each item.
    pub(crate) struct Stock<K> {
        items: Mutex<HashMap<K, u64>>,
    }

    impl<K: Hash + Eq + Clone> Stock<K> {
        pub(crate) fn new(items: impl IntoIterator<Item = K>) -> Self {
            let items = items.into_iter().map(|item| (item, 0)).collect();
            Self {
                items: Mutex::new(items),
            }
        }

        /// Short: it should hardly be seen.
        #[inline(never)]
        pub(crate) fn reserve(&self, item: &K) -> u64 {
            let mut items = self.items.lock().unwrap();
            let count = items.entry(item.clone()).or_default();
            *count += 1;
            super::work(20);
            *count
        }

        /// Rare, and much too long under the lock.
        #[inline(never)]
        pub(crate) fn recount(&self) -> u64 {
            let items = self.items.lock().unwrap();
            super::work(4_000);
            items.values().sum()
        }
    }
}

mod journal {
    use std::thread;
    use std::time::Duration;

    use contend::sync::Mutex;

    #[derive(Default)]
    pub(crate) struct Journal {
        lines: Mutex<u64>,
    }

    impl Journal {
        /// Waits for the disk with the journal locked, so that all others wait for it, too. Returns
        /// the line's number. (In a function that ended with the unlock, an optimised build would
        /// jump to it, and the profile show the caller.)
        #[inline(never)]
        pub(crate) fn append(&self, _line: &str) -> u64 {
            let mut lines = self.lines.lock().unwrap();
            *lines += 1;
            if lines.is_multiple_of(8) {
                thread::sleep(Duration::from_micros(300)); // fsync
            }
            *lines
        }
    }
}

mod prices {
    use contend::sync::RwLock;

    #[derive(Default)]
    pub(crate) struct Prices(RwLock<Vec<u64>>);

    impl Prices {
        #[inline(never)]
        pub(crate) fn of(&self, item: usize) -> Option<u64> {
            self.0.read().unwrap().get(item).copied()
        }

        /// Computes the new prices under the lock, rather than before it.
        #[inline(never)]
        pub(crate) fn publish(&self, round: u64) -> usize {
            let mut prices = self.0.write().unwrap();
            super::work(1_500);
            *prices = (round..round + 16).collect();
            prices.len()
        }
    }
}

mod packing {
    use std::thread;
    use std::time::Duration;

    use contend::sync::mpsc::{Receiver, SyncSender};

    pub(crate) struct Parcel(pub(crate) u64);

    /// Waits while four parcels lie in front of the packer.
    #[inline(never)]
    pub(crate) fn hand_over(parcels: &SyncSender<Parcel>, number: u64) {
        parcels.send(Parcel(number)).expect("the packer is there");
    }

    #[inline(never)]
    pub(crate) fn pack(parcels: Receiver<Parcel>) {
        for Parcel(number) in parcels {
            thread::sleep(Duration::from_micros(if number.is_multiple_of(64) {
                2_000
            } else {
                150
            }));
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port: u16 = option(&arguments, "--port")?.unwrap_or(6060);
    let seconds: Option<u64> = arguments.first().and_then(|seconds| seconds.parse().ok());

    contend::set_mutex_profile_fraction(10);
    contend::set_block_profile_rate(100_000);
    let address = format!("127.0.0.1:{port}");
    let server = match option::<String>(&arguments, "--token")? {
        None => contend::http::serve(address)?,
        Some(token) => Server::builder().token(&token).serve(address)?,
    };
    println!("profiles at http://{}/debug/pprof/", server.local_addr());

    open_the_warehouse();
    match seconds {
        Some(seconds) => thread::sleep(Duration::from_secs(seconds)),
        None => loop {
            thread::park();
        },
    }
    Ok(())
}

/// The value behind `name` on the command line.
fn option<T: FromStr<Err: Error + 'static>>(
    arguments: &[String],
    name: &str,
) -> Result<Option<T>, Box<dyn Error>> {
    let mut rest = arguments
        .iter()
        .skip_while(|argument| *argument != name)
        .skip(1);
    Ok(rest.next().map(|value| value.parse()).transpose()?)
}

/// Everybody works until the program ends.
fn open_the_warehouse() {
    let items = (0..16).map(|item| format!("item {item}"));
    let stock = leak(stock::Stock::new(items));
    let journal = leak(journal::Journal::default());
    let prices = leak(prices::Prices::default());
    let (parcels, to_pack) = contend::sync::mpsc::sync_channel(4);

    for clerk in 0..6 {
        let parcels = parcels.clone();
        start(format!("clerk {clerk}"), move || {
            for round in 0.. {
                let item = (round as usize + clerk) % 16;
                let number = stock.reserve(&format!("item {item}"));
                let line = format!("{number} of item {item} at {:?}", prices.of(item));
                hint::black_box(journal.append(&line));
                packing::hand_over(&parcels, number);
            }
        });
    }
    start("packer".into(), move || packing::pack(to_pack));
    start("auditor".into(), move || {
        loop {
            thread::sleep(Duration::from_millis(20));
            hint::black_box(stock.recount());
        }
    });
    start("pricing".into(), move || {
        for round in 0.. {
            thread::sleep(Duration::from_millis(15));
            hint::black_box(prices.publish(round));
        }
    });
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn start(name: String, work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name(name).spawn(work);
    thread.expect("the system has a thread for it");
}
