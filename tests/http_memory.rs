//! The memory that requests make a process keep whose store of stacks is as full as it gets.
//!
//! `cargo test --release --all-features --test http_memory -- --nocapture` prints the table of the
//! documentation of `contend::http`.
#![cfg(all(feature = "http", feature = "profiling", target_os = "linux"))]

mod common;

use std::fs;
use std::hint::black_box;
use std::thread;

use common::profile_everything;
use contend::http::{Handler, Request};

/// Two to this power is how many stacks there are: 131,072, and fewer where each takes long.
const TURNS: u32 = if cfg!(debug_assertions) { 14 } else { 17 };

#[inline(never)]
fn left(path: u32, turns: u32) {
    turn(path, turns);
    black_box(());
}

#[inline(never)]
fn right(path: u32, turns: u32) {
    turn(path, turns);
    black_box(());
}

/// Goes left or right, as each bit of `path` says: so many turns, as many stacks.
#[inline(always)]
fn turn(path: u32, turns: u32) {
    match turns.checked_sub(1) {
        None => contend::blocking("nothing", || _ = black_box(path)),
        Some(turns) if path >> turns & 1 == 0 => left(path, turns),
        Some(turns) => right(path, turns),
    }
}

/// Megabytes, of a line of `/proc/self/status`.
fn megabytes(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.unwrap().trim_start_matches(':').trim();
    kilobytes.split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
}

fn tell(what: &str) {
    let (now, peak) = (megabytes("VmRSS"), megabytes("VmHWM"));
    println!("{what}: {now} MB resident, {peak} MB at most so far");
}

fn get(handler: &Handler, target: &str) -> u16 {
    handler.handle(&Request::new("GET", target)).status()
}

#[test]
fn scrapers_and_windows_of_a_full_store_take_a_bounded_memory() {
    contend::set_memory_limit(128 << 20).unwrap();
    let _alone = profile_everything();
    tell("at the start");
    for path in 0..1 << TURNS {
        left(path, TURNS);
    }
    let stacks = contend::block_profile().samples().len();
    assert!(stacks > 1 << TURNS >> 1, "{stacks}");
    tell(&format!("{stacks} stacks, and one profile of them"));
    let handler = Handler::new();
    assert_eq!(get(&handler, "block"), 200);
    let with_one = megabytes("VmRSS");
    tell("one GET");
    for number in 0..16 {
        let target = format!("delta_block?scraper={number}");
        assert_eq!(get(&handler, &target), 200);
    }
    tell("16 scrapers");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(get(&handler, "block?seconds=2"), 200));
        }
    });
    tell("8 windows");
    // The bound, and what an allocator does not give back of the memory of a profile in the making.
    let (bound, in_the_making) = (64, with_one);
    let limit = with_one + bound + in_the_making;
    assert!(megabytes("VmRSS") <= limit, "more than {limit} MB");
}
