//! The cost of a profiled lock next to that of the bare one.
//!
//! ```text
//! cargo bench --bench overhead --features parking_lot               # everything, some 5 minutes
//! cargo bench --bench overhead --features parking_lot -- --filter "uncontended std" --rounds 201
//! cargo bench --bench overhead --features parking_lot -- --json overhead.json
//! cargo bench --bench overhead --features parking_lot -- --instructions      # needs valgrind
//! ```
//!
//! **Uncontended**: one thread in the tightest loop; time per lock + unlock, read or write.
//! **Contended**: 2, 8 and 32 threads that do nothing but take the same lock, for critical sections
//! of about 20 ns, 600 ns and 3 µs: two threads meet at the lock, 8 is a pool on a small machine,
//! 32 are more than there are cores, so that holders are preempted. Between release and next try
//! they do nothing (`--between 100`: work of 100 ns), which is the hardest case: a thread keeps the
//! lock over thousands of operations while the others sleep, so there are many releases per wait.
//! Beside them one thread works on its own (`--alone`: not); column `other` is its time per piece
//! of work as a multiple of that beside the bare lock. `waits ‰` is how many of a thousand
//! acquisitions waited.
//!
//! A ratio is of time per operation, ours over bare, so smaller is better; the throughput of all
//! threads counts. A `?` behind a verdict: the bar is within the error of the median.
//!
//! **Rounds.** Pairs of uncontended segments agree to a percent or two. Contended ones do not: the
//! scheduler decides whether a lock's line stays on one core for a while or moves with every
//! operation, and with a critical section of 20 ns the same lock differs from itself by a factor of
//! two to four from one segment to the next, above all std's. Longer segments help little: in 6 s
//! of `std 2 x 20 ns, off`, 29 pairs of 100 ms put the median at 1.05 (and at 0.98 with `--alone`),
//! 215 pairs of 8 ms at 1.00 (and 1.00). So segments are short and rounds many, most of all at 20
//! ns. `overall` is the ratio of all operations of all rounds; look at it where p10..p90 is wide.
//! For the bystander, who may not run at all in a short segment, `other` is that one.
//!
//! **Instructions.** `--instructions` runs every uncontended loop in valgrind's callgrind, once
//! with no and once with 100,000 operations, and divides the difference. It is exact, whatever
//! else the machine does. By hand:
//!
//! ```text
//! valgrind --tool=callgrind --callgrind-out-file=callgrind.out target/release/deps/overhead-… \
//!     --run-loop "std Mutex lock/contend" 100000
//! callgrind_annotate --inclusive=no callgrind.out
//! ```

mod common;

use std::time::Duration;

use common::contended::{self, Scene};
use common::contest::{Contestant, Outcome, contest};
use common::instructions;
use common::locks::Exclusive;
use common::options::Options;
use common::profiling::Profiling;
use common::report::{Report, Row};
use common::uncontended::{Loop, lock_loop, measured, read_loop};
use common::work::Calibration;

/// Bars of uncontended operations by what is wrapped, the same with profiling on as off.
const BAR_OF_STD: f64 = 1.10;
const BAR_OF_PARKING_LOT: f64 = 1.05;

const THREADS: [usize; 3] = [2, 8, 32];

/// Critical sections in nanoseconds, with the segments' milliseconds and the number of rounds.
const SECTIONS: [(u64, u64, usize); 3] = [(20, 10, 201), (600, 20, 81), (3_000, 20, 81)];

fn main() {
    let options = Options::from_args();
    if let Some((name, operations)) = &options.run_loop {
        return instructions::run_loop(&pairs(), name, *operations);
    }
    let mut report = Report::begin("overhead of profiled locks", &options);
    if options.instructions {
        instructions::compare(&pairs(), &options);
    } else {
        uncontended(&options, &mut report);
        contended(&options, &mut report);
    }
    report.end(&options);
}

/// One uncontended operation, on the bare lock and on ours.
fn pairs() -> Vec<(&'static str, f64, [Loop; 2])> {
    use contend::{parking_lot as our_parking_lot, sync};
    use std::sync as std_sync;
    let (std, lot) = (BAR_OF_STD, BAR_OF_PARKING_LOT);
    vec![
        (
            "std Mutex lock",
            std,
            [
                measured(lock_loop::<std_sync::Mutex<u64>>),
                measured(lock_loop::<sync::Mutex<u64>>),
            ],
        ),
        (
            "std RwLock read",
            std,
            [
                measured(read_loop::<std_sync::RwLock<u64>>),
                measured(read_loop::<sync::RwLock<u64>>),
            ],
        ),
        (
            "std RwLock write",
            std,
            [
                measured(lock_loop::<std_sync::RwLock<u64>>),
                measured(lock_loop::<sync::RwLock<u64>>),
            ],
        ),
        (
            "parking_lot Mutex lock",
            lot,
            [
                measured(lock_loop::<parking_lot::Mutex<u64>>),
                measured(lock_loop::<our_parking_lot::Mutex<u64>>),
            ],
        ),
        (
            "parking_lot RwLock read",
            lot,
            [
                measured(read_loop::<parking_lot::RwLock<u64>>),
                measured(read_loop::<our_parking_lot::RwLock<u64>>),
            ],
        ),
        (
            "parking_lot RwLock write",
            lot,
            [
                measured(lock_loop::<parking_lot::RwLock<u64>>),
                measured(lock_loop::<our_parking_lot::RwLock<u64>>),
            ],
        ),
    ]
}

fn uncontended(options: &Options, report: &mut Report) {
    /// Some 5 ms at 15 ns each.
    const OPERATIONS: u64 = 300_000;
    report.contests("uncontended");
    for profiling in [Profiling::OFF, Profiling::ALL] {
        for (name, bar, [bare, ours]) in pairs() {
            let case = format!("{name}, {}", profiling.name);
            if !options.wants(&format!("uncontended {case}")) {
                continue;
            }
            let operations = options.scaled(OPERATIONS);
            profiling.begin();
            let outcomes = contest(
                options.rounds(101),
                Contestant::new("bare", || bare(operations)),
                vec![Contestant::new("contend", || ours(operations))],
            );
            profiling.end();
            for outcome in &outcomes {
                report.add(Row::of_outcome(case.clone(), outcome, Some(bar)));
            }
        }
    }
}

fn contended(options: &Options, report: &mut Report) {
    report.contests("contended");
    let calibration = Calibration::measure();
    for (section_nanos, window_millis, rounds) in SECTIONS {
        for threads in THREADS {
            let scene = Scene {
                threads,
                section: calibration.work(section_nanos),
                between: calibration.work(options.between_nanos),
                bystander: (!options.alone).then(|| calibration.work(500)),
                window: Duration::from_millis(options.scaled(window_millis)),
            };
            let rounds = options.rounds(rounds);
            // Nothing new is known when profiling is off: there the bar is as low as any.
            let levels = [
                (Profiling::OFF, 1.03),
                (Profiling::SOME, 1.03),
                (Profiling::ALL, 1.06),
            ];
            for (profiling, bar) in levels {
                let case = |family| {
                    let profiling = profiling.name;
                    format!("{family} {threads} x {section_nanos} ns, {profiling}")
                };
                let mut add = |case: String, outcome: fn(_, _, _) -> _| {
                    if options.wants(&format!("contended {case}")) {
                        let (outcome, waits) = outcome(rounds, scene, profiling);
                        report.add(row(case, &outcome, waits, bar));
                    }
                };
                add(
                    case("std"),
                    contended_pair::<std::sync::Mutex<u64>, contend::sync::Mutex<u64>>,
                );
                add(
                    case("parking_lot"),
                    contended_pair::<parking_lot::Mutex<u64>, contend::parking_lot::Mutex<u64>>,
                );
            }
        }
    }
}

/// Also returns how many waits the profile counted, of all operations on our lock.
fn contended_pair<B: Exclusive, O: Exclusive>(
    rounds: usize,
    scene: Scene,
    profiling: Profiling,
) -> (Outcome, Option<u64>) {
    let (bare, ours) = (contended::lock::<B>(), contended::lock::<O>());
    profiling.begin();
    let outcome = contest(
        rounds,
        Contestant::new("bare", || contended::run(&bare.0, scene)),
        vec![Contestant::new("contend", || {
            contended::run(&ours.0, scene)
        })],
    )
    .remove(0);
    (outcome, profiling.end())
}

fn row(case: String, outcome: &Outcome, waits: Option<u64>, bar: f64) -> Row {
    let per_thousand = |waits: u64| 1_000.0 * waits as f64 / outcome.operations as f64;
    Row {
        waits_per_thousand: waits.map(per_thousand),
        ..Row::of_outcome(case, outcome, Some(bar))
    }
}
