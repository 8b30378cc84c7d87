//! Labels: which endpoint waits, and which one makes others wait.
//!
//! ```sh
//! cargo run --release --example endpoints
//! contend top --by label:endpoint mutex.pb.gz
//! ```
//!
//! Three endpoints of a shop use one ledger, by the same function: in a profile they are one stack.
//! Reports hold it for long and come seldom, carts and searches come often. You should see that
//! `/report` has nearly all of the mutex profile, so it makes others wait, and that `/cart` and
//! `/search` have most of the block profile: they are the ones that wait. `mutex.pb.gz` and
//! `block.pb.gz` are in the current folder.

use std::error::Error;
use std::time::{Duration, Instant};

use contend::sync::Mutex;
use contend::{Labels, Profile, thread};

const ENDPOINTS: [(&str, u64, u64); 3] = [
    // The endpoint, how long it holds the ledger, and its pause, in microseconds.
    ("/cart", 20, 200),
    ("/search", 20, 200),
    ("/report", 5_000, 15_000),
];

static LEDGER: Mutex<u64> = Mutex::new(0);

/// The one place that locks.
fn with_ledger(hold: Duration) {
    let mut ledger = LEDGER.lock().unwrap();
    let begin = Instant::now();
    while begin.elapsed() < hold {
        *ledger += 1;
    }
}

fn serve(endpoint: &str, hold: Duration, pause: Duration, until: Instant) {
    let labels = Labels::new([("endpoint", endpoint)]);
    while Instant::now() < until {
        {
            let _labels = labels.enter();
            with_ledger(hold);
        }
        std::thread::sleep(pause);
    }
}

fn print(profile: &Profile) {
    println!("{} profile: {}", profile.kind(), profile.kind().question());
    let total = profile.total_delay().as_secs_f64().max(f64::MIN_POSITIVE);
    for (endpoint, ..) in ENDPOINTS {
        let delay = profile.with_label("endpoint", endpoint).total_delay();
        let share = 100.0 * delay.as_secs_f64() / total;
        println!("  {endpoint:8} {delay:>12.2?} {share:5.1}%");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    let until = Instant::now() + Duration::from_secs(1);
    thread::scope(|scope| {
        for (endpoint, hold, pause) in ENDPOINTS {
            let [hold, pause] = [hold, pause].map(Duration::from_micros);
            scope.spawn(move || serve(endpoint, hold, pause, until));
        }
    });
    // Without the threads' end, which `main` has waited for.
    let profiles = [contend::mutex_profile(), contend::block_profile()];
    for profile in profiles.map(|profile| profile.with_label("kind", "mutex")) {
        print(&profile);
        profile.save(format!("{}.pb.gz", profile.kind()))?;
    }
    Ok(())
}
