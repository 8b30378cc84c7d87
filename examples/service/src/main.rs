//! An axum service with profiled state, its profiles mounted beside its own routes.
//!
//! ```sh
//! cargo run --release -p service
//! cargo run --release -p service -- --port 0 --seconds 30
//! ```
//!
//! A store of sessions. Its table is behind one mutex, which `Store::log_in` holds while it derives
//! a key, much longer than `Store::look_up` does; the settings are behind an RwLock that a reload
//! holds while it parses; an audit log takes events through a queue of 32, whose writer
//! stops now and then. Eight threads call the store as its routes do, so that there is something to
//! watch.
//!
//! You should see a line per second that tells what the load gets done and how many of the threads
//! were waiting meanwhile, and addresses to open:
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7070/sessions/ada
//! curl http://127.0.0.1:7070/sessions/ada
//! go tool pprof -top http://127.0.0.1:7070/debug/pprof/mutex
//! go tool pprof -top http://127.0.0.1:7070/debug/pprof/mutex_since_reload
//! ```
//!
//! The index at `/debug/pprof/` lists the last of these, too: the program has registered it.

use std::error::Error;
use std::hint;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use contend::http::{Handler, Service};

/// Keeps the processor busy, as work does that happens under a lock.
fn work(micros: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        hint::spin_loop();
    }
}

mod sessions {
    use std::collections::HashMap;
    use std::hash::Hash;

    use contend::sync::Mutex;

    /// The sessions by user, behind one lock.
    pub(crate) struct Store<User> {
        keys: Mutex<HashMap<User, u64>>,
    }

    impl<User: Hash + Eq> Store<User> {
        pub(crate) fn new() -> Self {
            Self {
                keys: Mutex::new(HashMap::new()),
            }
        }

        /// Derives the key with the table locked: that should come before.
        #[inline(never)]
        pub(crate) fn log_in(&self, user: User) -> u64 {
            let mut keys = self.keys.lock().unwrap();
            super::work(200);
            let key = keys.len() as u64 + 1;
            *keys.entry(user).or_insert(key)
        }

        #[inline(never)]
        pub(crate) fn look_up(&self, user: &User) -> Option<u64> {
            let keys = self.keys.lock().unwrap();
            super::work(5);
            keys.get(user).copied()
        }

        /// Walks over the whole table.
        #[inline(never)]
        pub(crate) fn expire(&self, keep: impl Fn(u64) -> bool) {
            let mut keys = self.keys.lock().unwrap();
            super::work(2_000);
            keys.retain(|_, key| keep(*key));
        }
    }
}

mod settings {
    use contend::sync::RwLock;

    pub(crate) struct Settings(RwLock<String>);

    impl Settings {
        pub(crate) fn new() -> Self {
            Self(RwLock::new("version 0".into()))
        }

        #[inline(never)]
        pub(crate) fn read(&self) -> usize {
            self.0.read().unwrap().len()
        }

        /// Parses with the lock held.
        #[inline(never)]
        pub(crate) fn reload(&self, version: u64) {
            let mut settings = self.0.write().unwrap();
            super::work(3_000);
            *settings = format!("version {version}");
        }
    }
}

mod audit {
    use std::thread;
    use std::time::Duration;

    use contend::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// Where events go in.
    #[derive(Clone)]
    pub(crate) struct Log(SyncSender<String>);

    impl Log {
        pub(crate) fn new() -> (Self, Receiver<String>) {
            let (events, written) = sync_channel(32);
            (Self(events), written)
        }

        /// Waits while 32 events are on their way: back-pressure.
        #[inline(never)]
        pub(crate) fn record(&self, event: String) {
            // The writer ends with the program.
            let _ = self.0.send(event);
        }
    }

    #[inline(never)]
    pub(crate) fn write(events: Receiver<String>) {
        for (number, _event) in events.iter().enumerate() {
            if number.is_multiple_of(256) {
                thread::sleep(Duration::from_millis(20)); // The disk is flushed.
            }
        }
    }
}

/// The state that routes and load share.
struct App {
    store: sessions::Store<String>,
    settings: settings::Settings,
    log: audit::Log,
    requests: AtomicU64,
}

impl App {
    fn log_in(&self, user: &str) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let key = self.store.log_in(user.to_owned());
        self.log.record(format!("{user} has logged in"));
        key
    }

    fn look_up(&self, user: &str) -> Option<u64> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        hint::black_box(self.settings.read());
        self.store.look_up(&user.to_owned())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port: u16 = option(&arguments, "--port")?.unwrap_or(7070);
    let seconds = option(&arguments, "--seconds")?.map_or(Duration::MAX, Duration::from_secs);

    contend::set_mutex_profile_fraction(10);
    contend::set_block_profile_rate(100_000);
    let (log, events) = audit::Log::new();
    let app = Arc::new(App {
        store: sessions::Store::new(),
        settings: settings::Settings::new(),
        log,
        requests: AtomicU64::new(0),
    });

    // The server listens on loopback: pages that make a name of theirs point there get no answer.
    let profiles = Service::new(Handler::new().loopback_hosts_only(true));
    let routes = Router::new()
        .route("/sessions/{user}", post(log_in).get(look_up))
        .route("/", get(|| async { "POST or GET /sessions/{user}\n" }))
        .route_service("/debug/pprof", profiles.clone())
        .nest_service("/debug/pprof/", profiles)
        .with_state(app.clone());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("profiles at http://{}/debug/pprof/", listener.local_addr()?);

    start_load(&app, events)?;
    // Ends when the time is up; the server itself does not.
    let _ = tokio::time::timeout(seconds, axum::serve(listener, routes)).await;
    Ok(())
}

async fn log_in(State(app): State<Arc<App>>, Path(user): Path<String>) -> String {
    // A call that blocks does not belong on the executor's thread.
    let key = tokio::task::spawn_blocking(move || app.log_in(&user)).await;
    format!("{}\n", key.expect("a log-in does not panic"))
}

async fn look_up(
    State(app): State<Arc<App>>,
    Path(user): Path<String>,
) -> Result<String, StatusCode> {
    let key = tokio::task::spawn_blocking(move || app.look_up(&user)).await;
    let key = key.expect("a look-up does not panic");
    key.map(|key| format!("{key}\n"))
        .ok_or(StatusCode::NOT_FOUND)
}

const LOAD_THREADS: u64 = 8;

/// Everybody works until the program ends.
fn start_load(
    app: &Arc<App>,
    events: contend::sync::mpsc::Receiver<String>,
) -> Result<(), Box<dyn Error>> {
    start("audit writer", app, move |_| audit::write(events))?;
    start("expiry", app, |app| {
        loop {
            thread::sleep(Duration::from_millis(25));
            app.store.expire(|key| key < 500);
        }
    })?;
    reload_settings(app)?;
    for user in 0..LOAD_THREADS {
        start(&format!("user {user}"), app, move |app| {
            for round in 0_u64.. {
                let user = format!("user {}", (round + user) % 1_000);
                match round % 10 {
                    0 => drop(app.log_in(&user)),
                    _ => drop(app.look_up(&user)),
                }
            }
        })?;
    }
    start("watch", app, watch)
}

/// Reloads the settings each second, and registers the mutex profile since the last time.
fn reload_settings(app: &Arc<App>) -> Result<(), Box<dyn Error>> {
    let at_reload = Arc::new(std::sync::Mutex::new(contend::mutex_profile()));
    let base = at_reload.clone();
    contend::http::register_profile(
        "mutex_since_reload",
        "The mutex profile since the settings were reloaded the last time, which is done each second.",
        move || {
            let mut file = Vec::new();
            let base = base.lock().map_err(|error| error.to_string())?.clone();
            contend::mutex_profile()
                .since(&base)
                .write_pprof(&mut file)?;
            Ok(file)
        },
    )?;
    start("reload", app, move |app| {
        for version in 1.. {
            app.settings.reload(version);
            *at_reload.lock().unwrap() = contend::mutex_profile();
            thread::sleep(Duration::from_secs(1));
        }
    })
}

/// Says each second what gets done, and how many threads wait.
fn watch(app: &App) {
    let (mut start, mut requests_before, mut profile_before) =
        (Instant::now(), 0, contend::block_profile());
    loop {
        thread::sleep(Duration::from_secs(1));
        let seconds = start.elapsed().as_secs_f64();
        let (requests, profile) = (
            app.requests.load(Ordering::Relaxed),
            contend::block_profile(),
        );
        let waited = profile.since(&profile_before).total_delay().as_secs_f64();
        println!(
            "{:>8.0} requests/s, {:>4.1} threads waiting",
            (requests - requests_before) as f64 / seconds,
            waited / seconds
        );
        start = Instant::now();
        (requests_before, profile_before) = (requests, profile);
    }
}

fn start(
    name: &str,
    app: &Arc<App>,
    work: impl FnOnce(&App) + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let app = app.clone();
    thread::Builder::new()
        .name(name.into())
        .spawn(move || work(&app))?;
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
