//! A program that deadlocks, and says so.
//!
//! ```sh
//! cargo run --release --example stuck --features server              # until Ctrl-C
//! cargo run --release --example stuck --features server -- --port 0  # on any free port
//! ```
//!
//! Two clerks transfer money between two accounts, one in each direction. Each locks the account
//! that it takes from, then the one that it gives to: the same two locks, in another order. Sooner
//! or later each has one and waits for the other, for ever. Eight customers who ask for a balance
//! wait behind them, and two mailmen have nothing to do with it.
//!
//! You should see an address, and soon an alarm on the standard error. Open the address: the first
//! page says that the program is stuck, and the page of the threads shows who waits for whom. Or,
//! meanwhile:
//!
//! ```sh
//! curl http://127.0.0.1:6060/debug/pprof/deadlock
//! curl http://127.0.0.1:6060/debug/pprof/threads
//! curl 'http://127.0.0.1:6060/debug/pprof/goroutine?debug=2'
//! ```

use std::error::Error;
use std::time::Duration;

use contend::http::Server;
use contend::sync::{Barrier, Mutex, mpsc};
use contend::thread;
use contend::{Monitor, MonitorRule};

static SAVINGS: Mutex<i64> = Mutex::new(1_000);
static EXPENSES: Mutex<i64> = Mutex::new(1_000);
/// Lets the clerks meet, so that it happens at once and not on a busy day, and the rest come later.
static MEET: Barrier = Barrier::new(3);

#[inline(never)]
fn transfer(from: &Mutex<i64>, to: &Mutex<i64>, amount: i64) {
    let mut from = from.lock().unwrap();
    MEET.wait();
    *to.lock().unwrap() += amount;
    *from -= amount;
}

#[inline(never)]
fn balance(account: &Mutex<i64>) -> i64 {
    *account.lock().unwrap()
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Box<dyn Error>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = port(std::env::args().skip(1))?;
    let server = Server::builder().serve(("127.0.0.1", port))?;
    let address = server.local_addr();
    println!("http://{address}/debug/pprof/");
    // Says so on the standard error, a second or two later.
    let rule = MonitorRule::deadlock();
    let _monitor = Monitor::builder().rule(rule).start()?;
    spawn("clerk-1", || transfer(&SAVINGS, &EXPENSES, 30))?;
    spawn("clerk-2", || transfer(&EXPENSES, &SAVINGS, 20))?;
    MEET.wait();
    for number in 0..8 {
        let account = if number % 4 == 0 { &EXPENSES } else { &SAVINGS };
        spawn(&format!("customer-{number}"), move || {
            println!("balance: {}", balance(account));
        })?;
    }
    let (letters, letter_box) = mpsc::channel::<String>();
    spawn("mailman-1", move || {
        while let Ok(letter) = letter_box.recv() {
            println!("{letter}");
        }
    })?;
    spawn("mailman-2", move || {
        loop {
            thread::sleep(Duration::from_secs(60));
            if letters.send("nothing".to_owned()).is_err() {
                return;
            }
        }
    })?;
    loop {
        std::thread::park();
    }
}

fn port(mut arguments: impl Iterator<Item = String>) -> Result<u16, Box<dyn Error>> {
    match arguments.next() {
        None => Ok(6060),
        Some(flag) if flag == "--port" => {
            Ok(arguments.next().ok_or("--port needs a number")?.parse()?)
        }
        Some(other) => Err(format!("unknown argument {other:?}").into()),
    }
}
