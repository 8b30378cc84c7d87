//! The truths whenever all stand still.

use std::time::Duration;

use contend::bench_support::{Ledger, ledger};

/// Resident memory: pages, as the system counts them.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Bytes that are allocated, in all of the allocator's arenas.
///
/// Resident memory does not tell whether something leaks. In twelve minutes it grew from 643 to 767
/// MB while 185 to 190 MB were allocated throughout: threads that come and go leave holes in
/// sixteen arenas, the 64 MB for events fill slowly, and pages of debug information come and go.
#[cfg(target_env = "gnu")]
fn allocated_bytes() -> u64 {
    // SAFETY: takes nothing and returns plain numbers.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as u64
}

#[cfg(not(target_env = "gnu"))]
fn allocated_bytes() -> u64 {
    resident_bytes()
}

pub(crate) struct Books {
    /// Allocated memory in each tenth of the time.
    tenths: Vec<Vec<u64>>,
    length: Duration,
    closings: u64,
    most_waiting: f64,
    last: Ledger,
}

impl Books {
    pub(crate) fn new(length: Duration) -> Self {
        Self {
            tenths: vec![Vec::new(); 10],
            length,
            closings: 0,
            most_waiting: 0.0,
            last: ledger(),
        }
    }

    pub(crate) fn close(&mut self, passed: Duration, rounds: u64) {
        let book = ledger();
        assert_eq!(book.missing(), 0.0, "{book:?}");
        assert_eq!(book.in_the_recorder(), 0.0, "{book:?}");
        self.closings += 1;
        self.most_waiting = self.most_waiting.max(book.waiting);
        self.last = book;
        let allocated = allocated_bytes();
        let tenth = (passed.as_secs_f64() / self.length.as_secs_f64() * 10.0) as usize;
        self.tenths[tenth.min(9)].push(allocated);
        if self.closings % 60 == 1 {
            println!(
                "{passed:>8.0?}: {rounds} rounds, {:.1} MB allocated, {:.1} MB resident, {book:?}",
                allocated as f64 / 1e6,
                resident_bytes() as f64 / 1e6
            );
        }
    }

    /// The first two tenths warm up: tables fill, and names become known. The least of each tenth
    /// counts: an answer that is being made takes tens of megabytes, which a leak would add to.
    pub(crate) fn conclude(&self) {
        let tenths = self.tenths.iter();
        let least: Vec<f64> = tenths
            .filter_map(|tenth| tenth.iter().min())
            .map(|bytes| *bytes as f64 / 1e6)
            .collect();
        println!(
            "closed {} times, at most {} waits in progress then; MB allocated, least of each tenth: {least:.1?}",
            self.closings, self.most_waiting
        );
        println!("{:?}", self.last);
        let later = least.get(2..).unwrap_or_default();
        let lowest = later.iter().copied().fold(f64::MAX, f64::min);
        let highest = later.iter().copied().fold(0.0, f64::max);
        assert!(highest <= lowest * 1.1, "memory is not flat: {least:.1?}");
    }
}
