//! An async service that waits in four ways, and what its profiles say of each.
//!
//! ```sh
//! cargo run --release -p service --bin async_service
//! cargo run --release -p service --bin async_service -- profiles    # writes files there, too
//! ```
//!
//! A shop on two workers. An order takes an item out of the stock, which is behind a lock of the
//! standard library; asks the database through one of four connections; charges the customer, two
//! at a time; and leaves a letter in a queue of eight. Meanwhile reports keep connections for long,
//! and the stock is counted anew with its lock held. Customers order over HTTP, and the program
//! ends when all of them have what they wanted.
//!
//! You should see both profiles as tables, then four findings. The waiting at the lock is not the
//! longest but the worst, because a worker stands still meanwhile, so the table of the block
//! profile has it in a section of its own. Connections are waited for in `find`, and it is `report`
//! that has them. Permits are waited for and held by `charge` alone: that is what the limit is
//! for. The queue has no owner: who sends letters waits for the post, which stops now and then. The
//! waiting for work, of the post for letters and of the server for its end, is one line.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use contend::tokio::net::{TcpListener, TcpStream};
use contend::tokio::runtime::Builder;
use contend::tokio::sync::Notify;
use contend::tokio::task::JoinSet;
use contend::tokio::time::sleep;
use contend::{Profile, Sample, tokio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Keeps the processor busy, as work does that happens under a lock.
fn work(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A lock of the standard library: right for short sections, and a trap for long ones.
mod stock {
    use std::time::Duration;

    use contend::sync::Mutex;

    pub(crate) struct Stock(Mutex<Vec<u32>>);

    impl Stock {
        pub(crate) fn new() -> Self {
            Self(Mutex::new(vec![1_000_000; 64]))
        }

        #[inline(never)]
        pub(crate) fn take(&self, item: usize) -> bool {
            let mut items = self.0.lock().unwrap();
            let left = items[item].checked_sub(1);
            left.map(|left| items[item] = left).is_some()
        }

        /// Counts with the lock held: a copy should be counted instead.
        #[inline(never)]
        pub(crate) fn recount(&self) -> u32 {
            let items = self.0.lock().unwrap();
            super::work(Duration::from_millis(4));
            items.iter().sum()
        }
    }
}

/// A pool of another crate, which contend has no wrapper for.
mod database {
    use std::time::Duration;

    use contend::Resource;
    use contend::tokio::time::sleep;
    use deadpool::unmanaged::Pool;

    static CONNECTIONS: Resource = Resource::new("db connection");

    pub(crate) struct Connection;

    pub(crate) struct Database(Pool<Connection>);

    impl Database {
        pub(crate) fn with_connections(connections: usize) -> Self {
            let connections = (0..connections).map(|_| Connection);
            Self(Pool::from(connections.collect::<Vec<_>>()))
        }

        pub(crate) async fn find(&self) {
            let connection = CONNECTIONS.wait(self.0.get()).await;
            let _held = CONNECTIONS.hold(connection.expect("the pool is never closed"));
            sleep(Duration::from_millis(1)).await;
        }

        /// Keeps its connection while the rows are written out, too.
        pub(crate) async fn report(&self) {
            let connection = CONNECTIONS.wait(self.0.get()).await;
            let _held = CONNECTIONS.hold(connection.expect("the pool is never closed"));
            sleep(Duration::from_millis(40)).await;
        }
    }
}

/// The bank takes two charges at a time.
mod bank {
    use std::time::Duration;

    use contend::tokio::sync::Semaphore;
    use contend::tokio::time::sleep;

    pub(crate) struct Bank(Semaphore);

    impl Bank {
        pub(crate) fn new() -> Self {
            Self(Semaphore::new(2))
        }

        pub(crate) async fn charge(&self) {
            let _permit = self.0.acquire().await.expect("it is never closed");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Letters wait in a queue, and where it is full, so does who writes them.
mod mail {
    use std::time::Duration;

    use contend::tokio::sync::mpsc::{Receiver, Sender, channel};
    use contend::tokio::time::sleep;

    #[derive(Clone)]
    pub(crate) struct Mail(Sender<&'static str>);

    impl Mail {
        pub(crate) fn new() -> (Self, Receiver<&'static str>) {
            let (letters, sent) = channel(8);
            (Self(letters), sent)
        }

        pub(crate) async fn confirm(&self) {
            // The post goes on until all senders are gone.
            let _ = self.0.send("thank you").await;
        }
    }

    /// Takes letters as they come, and brings each 32 of them away, during which it takes none.
    pub(crate) async fn post(mut letters: Receiver<&'static str>) -> u32 {
        let mut sent = 0_u32;
        while letters.recv().await.is_some() {
            sent += 1;
            if sent.is_multiple_of(32) {
                sleep(Duration::from_millis(40)).await;
            }
        }
        sent
    }
}

struct Shop {
    stock: stock::Stock,
    database: database::Database,
    bank: bank::Bank,
    mail: mail::Mail,
}

async fn order(State(shop): State<Arc<Shop>>) -> StatusCode {
    if !shop.stock.take(7) {
        return StatusCode::GONE;
    }
    shop.database.find().await;
    shop.bank.charge().await;
    shop.mail.confirm().await;
    StatusCode::OK
}

async fn report(State(shop): State<Arc<Shop>>) -> StatusCode {
    shop.database.report().await;
    StatusCode::OK
}

async fn recount(State(shop): State<Arc<Shop>>) -> String {
    shop.stock.recount().to_string()
}

/// Serves until `end` comes. Returns how many letters were sent.
async fn serve(listener: TcpListener, end: Arc<Notify>) -> Result<u32, Box<dyn Error>> {
    let (mail, letters) = mail::Mail::new();
    let shop = Arc::new(Shop {
        stock: stock::Stock::new(),
        database: database::Database::with_connections(4),
        bank: bank::Bank::new(),
        mail,
    });
    let post_office = tokio::spawn(mail::post(letters));
    let routes = Router::new()
        .route("/order", post(order))
        .route("/report", get(report))
        .route("/recount", get(recount))
        .with_state(shop);
    let server =
        axum::serve(listener, routes).with_graceful_shutdown(async move { end.notified().await });
    server.await?;
    Ok(post_office.await?)
}

/// One request on a connection of its own.
async fn ask(address: std::net::SocketAddr, line: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("{line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(std::io::Error::other(format!("{line}: {answer}"))),
    }
}

const CUSTOMERS: usize = 16;
const ORDERS: usize = 40;

/// All that is asked for, each line by so many, so many times, with pauses between.
const LOAD: [(&str, usize, usize, Duration); 3] = [
    ("POST /order", CUSTOMERS, ORDERS, Duration::ZERO),
    ("GET /report", 5, 24, Duration::from_millis(20)),
    ("GET /recount", 2, 80, Duration::from_millis(4)),
];

async fn make_load(address: std::net::SocketAddr) -> std::io::Result<()> {
    let mut users = JoinSet::new();
    for (line, users_of_it, times, pause) in LOAD {
        for _ in 0..users_of_it {
            users.spawn(async move {
                for _ in 0..times {
                    ask(address, line).await?;
                    sleep(pause).await;
                }
                Ok::<(), std::io::Error>(())
            });
        }
    }
    while let Some(user) = users.join_next().await {
        user.map_err(std::io::Error::other)??;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    let service = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let listener = service.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let end = Arc::new(Notify::new());
    let ended = end.clone();
    let letters = thread::scope(|scope| {
        // The customers have a thread of their own: the workers are the shop's.
        let customers = scope.spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let result = runtime.block_on(make_load(address));
            end.notify_one();
            result
        });
        let letters = service.block_on(serve(listener, ended))?;
        customers.join().expect("customers do not panic")?;
        Ok::<u32, Box<dyn Error>>(letters)
    })?;
    assert_eq!(letters as usize, CUSTOMERS * ORDERS);

    let (block, mutex) = (contend::block_profile(), contend::mutex_profile());
    println!("{block}\n{mutex}");
    for finding in [
        ("mutex", "stops whole workers: copy, then count"),
        ("db connection", "give it back before the rows are written"),
        ("async_semaphore", "the bank's own limit: ask for more"),
        (
            "async_send",
            "nobody holds a queue: the post stops now and then",
        ),
    ] {
        print_finding(&block, &mutex, finding);
    }
    if let Some(folder) = std::env::args_os().nth(1) {
        let folder = Path::new(&folder);
        std::fs::create_dir_all(folder)?;
        block.save(folder.join("block.pb.gz"))?;
        mutex.save(folder.join("mutex.pb.gz"))?;
    }
    Ok(())
}

/// Prints who waits most for things of this kind, and whose code has them meanwhile.
fn print_finding(block: &Profile, mutex: &Profile, (kind, remedy): (&str, &str)) {
    let of_kind = |profile: &Profile| {
        let samples = profile.samples().iter();
        let delays = samples.filter(|sample| sample.kind() == kind);
        delays.map(Sample::delay).sum::<Duration>()
    };
    let holder = worst(mutex, kind).map_or("nobody".to_owned(), |(function, delay)| {
        let share = delay.as_secs_f64() / of_kind(mutex).as_secs_f64() * 100.0;
        format!("{function} ({share:.0}%)")
    });
    let waiter = worst(block, kind).map_or("nobody".to_owned(), |(function, _)| function);
    let waited = of_kind(block);
    println!("{kind}: {waited:.1?} waited, most in {waiter}; held by {holder}: {remedy}");
}

/// The function of this program with the largest delay at this kind.
fn worst(profile: &Profile, kind: &str) -> Option<(String, Duration)> {
    let mut delays = std::collections::HashMap::<&str, Duration>::new();
    for sample in profile.samples() {
        let mut frames = sample.frames().iter();
        let own = frames.find(|frame| frame.function().starts_with("async_service::"));
        if let Some(own) = own.filter(|_| sample.kind() == kind) {
            *delays.entry(own.function()).or_default() += sample.delay();
        }
    }
    let worst = delays.into_iter().max_by_key(|(_, delay)| *delay)?;
    Some((worst.0.to_owned(), worst.1))
}
