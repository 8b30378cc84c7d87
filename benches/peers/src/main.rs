//! The same locks, bare and in three profilers' wrappers, in one run. See README.md.

#[path = "../../common/mod.rs"]
mod common;
mod wrappers;

use std::time::Duration;

use common::contended::{self, Scene};
use common::contest::{Contestant, contest};
use common::locks::Exclusive;
use common::options::Options;
use common::profiling::Profiling;
use common::report::{Report, Row};
use common::uncontended::{lock_loop, measured};
use common::work::Calibration;

const THREADS: [usize; 2] = [2, 8];
const SECTIONS_NANOS: [u64; 3] = [20, 600, 3_000];

fn main() {
    let options = Options::from_args_of_program();
    let mut report = Report::begin(
        "profiled locks by three crates, all of them recording",
        &options,
    );
    println!(
        "hotpath {}, locktick {}",
        version_of("hotpath"),
        version_of("locktick")
    );
    let hotpath = wrappers::start_hotpath();

    report.contests("uncontended");
    uncontended::<StdLocks>(&options, &mut report);
    uncontended::<ParkingLotLocks>(&options, &mut report);
    report.contests("contended");
    let calibration = Calibration::measure();
    for section_nanos in SECTIONS_NANOS {
        for threads in THREADS {
            let scene = Scene {
                threads,
                section: calibration.work(section_nanos),
                between: calibration.work(options.between_nanos),
                bystander: (!options.alone).then(|| calibration.work(500)),
                window: Duration::from_millis(options.scaled(10)),
            };
            let case = format!("{threads} x {section_nanos} ns");
            contended::<StdLocks>(&options, &mut report, &case, scene);
            contended::<ParkingLotLocks>(&options, &mut report, &case, scene);
        }
    }
    report.end(&options);
    drop(hotpath);
}

/// A lock, and what the three crates put in its place.
trait Family {
    const NAME: &'static str;
    type Bare: Exclusive + 'static;
    type Contend: Exclusive + 'static;
    type Hotpath: Exclusive + 'static;
    type Locktick: Exclusive + 'static;
}

struct StdLocks;

impl Family for StdLocks {
    const NAME: &'static str = "std";
    type Bare = std::sync::Mutex<u64>;
    type Contend = contend::sync::Mutex<u64>;
    type Hotpath = hotpath::wrap::std::sync::Mutex<u64>;
    type Locktick = locktick::std::Mutex<u64>;
}

struct ParkingLotLocks;

impl Family for ParkingLotLocks {
    const NAME: &'static str = "parking_lot";
    type Bare = parking_lot::Mutex<u64>;
    type Contend = contend::parking_lot::Mutex<u64>;
    type Hotpath = hotpath::wrap::parking_lot::Mutex<u64>;
    type Locktick = locktick::parking_lot::Mutex<u64>;
}

fn uncontended<F: Family>(options: &Options, report: &mut Report) {
    /// Fewer than in the overhead bench: hotpath queues an event for each, and takes up to 1.3
    /// million of them per second and thread from the queue.
    const OPERATIONS: u64 = 20_000;
    let case = format!("{} Mutex lock", F::NAME);
    if !options.wants(&format!("uncontended {case}")) {
        return;
    }
    let operations = options.scaled(OPERATIONS);
    let bare = measured(lock_loop::<F::Bare>);
    let ours = measured(lock_loop::<F::Contend>);
    let hotpath = measured(lock_loop::<F::Hotpath>);
    let locktick = measured(lock_loop::<F::Locktick>);
    Profiling::ALL.begin();
    let outcomes = contest(
        options.rounds(101),
        Contestant::new("bare", || bare(operations)),
        vec![
            Contestant::new("contend", || ours(operations)),
            Contestant::new("hotpath", || hotpath(operations)),
            Contestant::new("locktick", || locktick(operations)),
        ],
    );
    Profiling::ALL.end();
    for outcome in &outcomes {
        report.add(Row::of_outcome(case.clone(), outcome, None));
    }
}

fn contended<F: Family>(options: &Options, report: &mut Report, case: &str, scene: Scene) {
    let case = format!("{} {case}", F::NAME);
    if !options.wants(&format!("contended {case}")) {
        return;
    }
    let bare = contended::lock::<F::Bare>();
    let ours = contended::lock::<F::Contend>();
    let hotpath = contended::lock::<F::Hotpath>();
    let locktick = contended::lock::<F::Locktick>();
    Profiling::ALL.begin();
    let outcomes = contest(
        options.rounds(81),
        Contestant::new("bare", || contended::run(&bare.0, scene)),
        vec![
            Contestant::new("contend", || contended::run(&ours.0, scene)),
            Contestant::new("hotpath", || contended::run(&hotpath.0, scene)),
            Contestant::new("locktick", || contended::run(&locktick.0, scene)),
        ],
    );
    Profiling::ALL.end();
    for outcome in &outcomes {
        report.add(Row::of_outcome(case.clone(), outcome, None));
    }
}

/// The version that this program was built with, from its lock file.
fn version_of(package: &str) -> &'static str {
    let lock_file = include_str!("../Cargo.lock");
    let entry = lock_file.split_once(&format!("name = \"{package}\"\nversion = \""));
    entry
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or("unknown")
}
