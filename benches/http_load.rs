//! The cost of requests to the program that answers them.
//!
//! ```text
//! cargo bench --bench http_load --features server
//! cargo bench --bench http_load --features server -- --filter "each" --json http_load.json
//! ```
//!
//! **Under load**: eight threads want one lock all of the time, once with nothing else on the
//! machine and once with 200 requests per second to the server in their process: the index, both
//! profiles, text, the table, the rates, and what is new since the last time, in turn. Ratio: time
//! per operation of the threads, with requests over without, so smaller is better; what they get
//! done is its inverse. The client is in the same process, too, and counts with it. A request that
//! fails ends the bench with exit code 1.
//!
//! **Each**: a thousand requests for one path, one after the other on one connection, with nothing
//! else going on; the time of the processor that client and server take for one, and the time until
//! the answer is there.
//!
//! In the block profile there are 256 stacks, as a service may have.

mod common;
#[path = "../tests/common/http_client.rs"]
mod http_client;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::contended::{self, Scene};
use common::contest::{Contestant, contest};
use common::options::Options;
use common::report::{Report, Row};
use common::work::Calibration;
use contend::http::Server;
use contend::sync::Mutex;
use http_client::{Client, SetOnDrop};

const PATHS: [&str; 7] = [
    "",
    "mutex",
    "block",
    "mutex?debug=1",
    "top?profile=block",
    "rates",
    "delta_mutex",
];

const THREADS: usize = 8;
const REQUESTS_PER_SECOND: u32 = 200;

/// Throughput of 0.97, as time per operation.
const BAR: f64 = 1.0 / 0.97;

/// Rounds of 300 ms each, so half a minute of each contestant.
const ROUNDS: usize = 100;
const SEGMENT: Duration = Duration::from_millis(300);

const STACKS: u32 = 256;

fn main() {
    let options = Options::from_args();
    let mut report = Report::begin("requests to a busy program", &options);
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    (0..STACKS).for_each(|stack| wait_at(stack, STACKS));
    let server = Server::builder().stop_on_drop(true).serve("127.0.0.1:0");
    let server = server.expect("a free port");

    each(server.local_addr(), &options, &mut report);
    let failed = under_load(server.local_addr(), &options, &mut report);
    report.end(&options);
    if failed > 0 {
        eprintln!("{failed} requests failed");
        std::process::exit(1);
    }
}

/// Waits at a stack of its own for each number below `end`, a power of two.
#[inline(never)]
fn wait_at(number: u32, end: u32) {
    match (end, number & 1) {
        (1, _) => contend::blocking("bench", || thread::sleep(Duration::from_micros(1))),
        (_, 0) => left(number >> 1, end >> 1),
        _ => right(number >> 1, end >> 1),
    }
}

#[inline(never)]
fn left(number: u32, end: u32) {
    wait_at(number, end);
    std::hint::black_box(());
}

#[inline(never)]
fn right(number: u32, end: u32) {
    wait_at(number, end);
    std::hint::black_box(());
}

fn each(server: SocketAddr, options: &Options, report: &mut Report) {
    let requests = options.scaled(1_000) as u32;
    report.section(&format!("each path, {requests} requests in a row"));
    for path in PATHS {
        let case = format!("each /{path}");
        if !options.wants(&case) {
            continue;
        }
        let mut client = Client::connect(server);
        assert_eq!(client.get(&target(path)).status, 200, "{path}");
        let (mut cpu, mut wall) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds(11) {
            let (cpu_start, start) = (cpu_time(), Instant::now());
            for _ in 0..requests {
                assert_eq!(client.get(&target(path)).status, 200, "{path}");
            }
            wall.push(micros(start.elapsed()) / f64::from(requests));
            cpu.push(micros(cpu_time() - cpu_start) / f64::from(requests));
        }
        report.add(Row::of_value(format!("{case}, processor"), "µs", cpu));
        report.add(Row::of_value(format!("{case}, until answered"), "µs", wall));
    }
}

fn target(path: &str) -> String {
    format!("/debug/pprof/{path}")
}

fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}

/// The processor time of all threads of this process.
fn cpu_time() -> Duration {
    // SAFETY: the time is plain data that all-zero bytes are valid for, and ours to be written.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time);
        time
    };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How the requests ended.
#[derive(Default)]
struct Requests {
    micros: Vec<f64>,
    failed: usize,
}

/// Returns how many requests failed.
fn under_load(server: SocketAddr, options: &Options, report: &mut Report) -> usize {
    let calibration = Calibration::measure();
    report.contests("8 threads, 200 requests/s over none");
    let mut failed = 0;
    for between_nanos in [0, 5_000] {
        let case = format!("under load, 600 ns, {} µs between", between_nanos / 1_000);
        if !options.wants(&case) {
            continue;
        }
        let scene = Scene {
            threads: THREADS,
            section: calibration.work(600),
            between: calibration.work(between_nanos),
            bystander: None,
            window: SEGMENT / if options.quick { 10 } else { 1 },
        };
        let lock = contended::lock::<Mutex<u64>>();
        let mut requests = Requests::default();
        let without = Contestant::new("none", || contended::run(&lock.0, scene));
        let with = Contestant::new("200/s", || {
            while_asking(server, &mut requests, || contended::run(&lock.0, scene))
        });
        let outcomes = contest(options.rounds(ROUNDS), without, vec![with]);
        for outcome in &outcomes {
            report.add(Row::of_outcome(case.clone(), outcome, Some(BAR)));
            println!(
                "    throughput {:.3} of that without; {} requests, {} failed",
                1.0 / outcome.ratio.median,
                requests.micros.len() + requests.failed,
                requests.failed
            );
        }
        failed += requests.failed;
        report.add(Row::of_value(
            format!("{case}: answer"),
            "µs",
            requests.micros,
        ));
    }
    failed
}

/// Runs `work` while requests come at their rate.
fn while_asking<R>(server: SocketAddr, requests: &mut Requests, work: impl FnOnce() -> R) -> R {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = SetOnDrop(&stop);
        scope.spawn(|| ask(server, requests, &stop));
        work()
    })
}

/// When the answers come late, so do the next requests, without making up for it in a burst.
fn ask(server: SocketAddr, requests: &mut Requests, stop: &AtomicBool) {
    let mut client = Client::connect(server);
    for path in PATHS.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let start = Instant::now();
        client.request("GET", &target(path), "");
        match client.read() {
            Ok(answer) if answer.status == 200 => requests.micros.push(micros(start.elapsed())),
            _ => requests.failed += 1,
        }
        let period = Duration::from_secs(1) / REQUESTS_PER_SECOND;
        thread::sleep(period.saturating_sub(start.elapsed()));
    }
}
