//! Time and memory of turning what was recorded into a gzipped pprof file.
//!
//! ```text
//! cargo bench --bench export
//! cargo bench --bench export -- --json export.json
//! ```
//!
//! 10,000 stacks of 24 frames are recorded, all different, over 2,000 addresses spread evenly over
//! this program's own code, so that they have names, files, lines and inlined frames to be found.
//! Then a snapshot is taken (which looks the names up) and written: once with no symbol known, then
//! again and again with all of them known. Memory is the most that was allocated at a time beyond
//! what was at the beginning. The memory of writing must not grow with the number of samples, so it
//! is compared with that of 1,000 stacks over the same addresses.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use common::options::Options;
use common::report::{Report, Row};
use contend::bench_support;

const STACKS: u64 = 10_000;
const FEWER_STACKS: u64 = 1_000;
const DEPTH: u64 = 24;
const ADDRESSES: u64 = 2_000;

fn main() {
    let options = Options::from_args();
    let mut report = Report::begin("cost of exporting", &options);
    // A thread keeps to one shard of the store, and these stacks come from one thread.
    contend::set_memory_limit(256 << 20).expect("nothing was recorded yet");
    let (stacks, fewer, count) = match options.quick {
        false => (STACKS, FEWER_STACKS, ADDRESSES),
        true => (200, 100, 50),
    };
    let Some(addresses) = addresses_of_code(count) else {
        println!("this system does not say where the program's code is");
        return;
    };

    contend::set_block_profile_rate(1);
    record_stacks(stacks, &addresses);
    report.section(&format!("{stacks} stacks, no symbol known"));
    let cold = export(stacks, 1);
    cold.report(&format!("{stacks} stacks, cold"), &mut report);

    let rounds = options.rounds(11);
    report.section(&format!("{stacks} stacks, symbols known"));
    let warm = export(stacks, rounds);
    warm.report(&format!("{stacks} stacks, warm"), &mut report);

    contend::reset();
    record_stacks(fewer, &addresses);
    report.section(&format!("{fewer} stacks, symbols known"));
    let small = export(fewer, rounds);
    small.report(&format!("{fewer} stacks, warm"), &mut report);

    report.section("memory of writing, many samples over few");
    let growth = warm.write_kilobytes[0] / small.write_kilobytes[0];
    let case = format!("{stacks} over {fewer}");
    // Not 1: a file that is ten times longer fills the last buffers of its compressor, too.
    report.add(Row::of_value(case, "times", vec![growth]).with_bar(1.10));
    report.end(&options);
}

/// The cost of exporting, round by round.
#[derive(Default)]
struct Costs {
    snapshot_millis: Vec<f64>,
    snapshot_kilobytes: Vec<f64>,
    write_millis: Vec<f64>,
    write_kilobytes: Vec<f64>,
    file_kilobytes: f64,
}

impl Costs {
    fn report(&self, name: &str, report: &mut Report) {
        let rows = [
            ("snapshot", "ms", &self.snapshot_millis),
            ("snapshot", "kB peak", &self.snapshot_kilobytes),
            ("write_pprof", "ms", &self.write_millis),
            ("write_pprof", "kB peak", &self.write_kilobytes),
            ("file", "kB", &vec![self.file_kilobytes]),
        ];
        for (what, unit, rounds) in rows {
            report.add(Row::of_value(
                format!("{name}: {what}"),
                unit,
                rounds.clone(),
            ));
        }
    }
}

fn export(stacks: u64, rounds: usize) -> Costs {
    let mut costs = Costs::default();
    for _ in 0..rounds {
        let (profile, millis, kilobytes) = measured(contend::block_profile);
        costs.snapshot_millis.push(millis);
        costs.snapshot_kilobytes.push(kilobytes);
        assert_eq!(profile.total_contentions(), stacks, "stacks were lost");
        // Not all: a profile leaves out the frames of the profiler and of threads' beginnings.
        let samples = profile.samples().len() as u64;
        assert!(samples > stacks / 2, "{samples} of {stacks}");

        let mut file = Count::default();
        let (result, millis, kilobytes) = measured(|| profile.write_pprof(&mut file));
        result.expect("counting bytes does not fail");
        costs.write_millis.push(millis);
        costs.write_kilobytes.push(kilobytes);
        assert_eq!(file.first, [0x1f, 0x8b], "no gzip");
        costs.file_kilobytes = file.bytes as f64 / 1e3;
    }
    costs
}

/// The result, the time in milliseconds, and the memory in kilobytes.
fn measured<R>(work: impl FnOnce() -> R) -> (R, f64, f64) {
    let at_start = ALLOCATED.load(Ordering::Relaxed);
    PEAK.store(at_start, Ordering::Relaxed);
    let start = Instant::now();
    let result = work();
    let millis = start.elapsed().as_secs_f64() * 1e3;
    let bytes = PEAK.load(Ordering::Relaxed) - at_start;
    (result, millis, bytes as f64 / 1e3)
}

/// Records `count` different stacks, the same ones each time. Few or many, they meet every address:
/// stack i has address i·DEPTH + j at place j, so ADDRESSES / DEPTH stacks suffice for that; and
/// the leaf moves on by one each time that all have been met, so none comes twice.
fn record_stacks(count: u64, addresses: &[usize]) {
    let len = addresses.len() as u64;
    for stack in 0..count {
        let first = stack * DEPTH;
        let lap = first / len;
        let frames: Vec<usize> = (0..DEPTH)
            .map(|place| {
                let shift = if place == 0 { lap } else { 0 };
                addresses[((first + place + shift) % len) as usize]
            })
            .collect();
        bench_support::add_stack(&frames, 1_000 + stack);
    }
}

/// So many addresses, evenly spread over this program's code.
fn addresses_of_code(count: u64) -> Option<Vec<usize>> {
    let here = main as fn() as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    // "55d0a6a00000-55d0a6c00000 r-xp 0001f000 fe:00 1234   /path"
    let (start, end) = maps
        .lines()
        .filter_map(|line| line.split_once(' ')?.0.split_once('-'))
        .filter_map(|(start, end)| {
            let parse = |text| usize::from_str_radix(text, 16).ok();
            Some((parse(start)?, parse(end)?))
        })
        .find(|(start, end)| (*start..*end).contains(&here))?;
    let step = (end - start) / (count as usize + 1);
    let addresses: BTreeSet<usize> = (1..=count as usize).map(|i| start + i * step).collect();
    Some(addresses.into_iter().collect())
}

/// Counts the bytes written to it.
#[derive(Default)]
struct Count {
    bytes: u64,
    first: [u8; 2],
}

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            if let Some(first) = self.first.get_mut(self.bytes as usize) {
                *first = byte;
            }
            self.bytes += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The system's allocator, with its bytes counted.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Relaxed, both: this program allocates on one thread when it matters.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: both calls are handed on as they are; counting touches two atomics only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let before = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        PEAK.fetch_max(before + layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}
