//! How many instructions an uncontended operation takes, counted by valgrind.

use std::env;
use std::process::Command;

use super::options::Options;
use super::uncontended::Loop;

/// A name, a bar (of time, not used here), the loop on the bare lock and the one on ours.
type Pair = (&'static str, f64, [Loop; 2]);

const CONTESTANTS: [&str; 2] = ["bare", "contend"];

/// Counts for every pair, in processes of their own, and prints a table.
pub(crate) fn compare(pairs: &[Pair], options: &Options) {
    println!("\ninstructions per uncontended operation, with its loop");
    println!("  {:<28} {:>8} {:>8} {:>8}", "", "bare", "contend", "more");
    for (name, ..) in pairs.iter().filter(|(name, ..)| options.wants(name)) {
        let [bare, ours] = CONTESTANTS.map(|contestant| per_operation(name, contestant));
        println!("  {name:<28} {bare:>8.2} {ours:>8.2} {:>8.2}", ours - bare);
    }
}

/// The difference between none and many operations, so that neither the start of the process nor
/// what surrounds the loop counts.
fn per_operation(name: &str, contestant: &str) -> f64 {
    const OPERATIONS: u64 = 100_000;
    let [none, many] = [0, OPERATIONS].map(|operations| {
        let target = format!("{name}/{contestant}");
        instructions_of(&["--run-loop", &target, &operations.to_string()])
    });
    (many as f64 - none as f64) / OPERATIONS as f64
}

/// The instructions of a run of this program with `args`.
fn instructions_of(args: &[&str]) -> u64 {
    let program = env::current_exe().expect("this program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(args)
        .output()
        .expect("valgrind can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind failed:\n{said}");
    // "==123== Collected : 456"
    said.lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
        .unwrap_or_else(|| panic!("valgrind said no count:\n{said}"))
}

/// Runs the loop called `name/contestant`: the work of the child processes.
pub(crate) fn run_loop(pairs: &[Pair], target: &str, operations: u64) {
    for (name, _, loops) in pairs {
        for (contestant, measured_loop) in CONTESTANTS.iter().zip(loops) {
            if target == format!("{name}/{contestant}") {
                measured_loop(operations);
                return;
            }
        }
    }
    panic!("there is no loop {target}");
}
