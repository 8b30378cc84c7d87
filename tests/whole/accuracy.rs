//! The numbers, compared with clocks that the program has around its own locks.

use crate::{Recorded, compiled, delay_of, recorded};

/// The program's own truth: the blame of each site, and all waiting, in nanoseconds.
fn truth(recorded: &Recorded) -> [u64; 4] {
    let said = String::from_utf8_lossy(&recorded.output.stdout);
    let line = said
        .lines()
        .find(|line| line.split(' ').count() == 4)
        .unwrap_or_default();
    let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

const SITES: [&str; 3] = ["slow_site", "quick_site", "tiny_site"];

/// Shares of the sites among what holds are to blame for, within points of the truth; and all
/// waiting.
///
/// The bounds hold on a busy machine: there a thread may be put aside between its lock and the
/// clock beside it, on either side. On an idle one the shares are within a point. Charged to
/// whoever wakes alone, parking_lot's would be wrong by 40 points.
fn assert_true(recorded: &Recorded, points: f64, least_seen: f64) {
    let [slow, quick, tiny, waited] = truth(recorded);
    let mutex = recorded.profile("mutex");
    let seen = SITES.map(|site| delay_of(&mutex, site, Some("mutex")));
    let share = |of: [u64; 3]| {
        let sum = of.iter().sum::<u64>() as f64;
        of.map(|nanos| 100.0 * nanos as f64 / sum)
    };
    let (expected, found) = (share([slow, quick, tiny]), share(seen));
    eprintln!("true {expected:.1?}, found {found:.1?}");
    for (expected, found) in expected.iter().zip(found) {
        assert!((expected - found).abs() < points, "{expected} is {found}");
    }
    let all: i64 = mutex.stacks().iter().map(|stack| stack.values[1]).sum();
    let of_truth = all as f64 / waited as f64;
    eprintln!("{:.1} % of the waiting is seen", 100.0 * of_truth);
    assert!((least_seen..1.05).contains(&of_truth), "{of_truth}");
}

#[test]
fn mutexes_of_c() {
    let Some(program) = compiled("accuracy.c", &[]) else {
        return;
    };
    for scenario in ["long", "queue"] {
        let recorded = recorded(&program, &[scenario]).success();
        assert_true(&recorded, 8.0, 0.9);
    }
}

/// A part of this executable, in a process of its own.
fn of_this_executable(program: &str) -> Recorded {
    let executable = std::env::current_exe().unwrap();
    let name = format!("rust_locks::{program}");
    recorded(&executable, &["--exact", &name, "--ignored", "--nocapture"]).success()
}

#[test]
fn mutexes_of_std() {
    for program in ["program_std_long", "program_std_queue"] {
        assert_true(&of_this_executable(program), 8.0, 0.9);
    }
}

/// Its waiters sleep at words of their own: whom they wait for is known along the chain of wakers.
/// Its spinning before that is no sleep.
#[cfg(feature = "parking_lot")]
#[test]
fn mutexes_of_parking_lot() {
    for program in ["program_parking_lot_long", "program_parking_lot_queue"] {
        assert_true(&of_this_executable(program), 12.0, 0.8);
    }
}
