//! The truths whenever all stand still.

use std::time::Duration;

use contend::bench_support::{Ledger, ledger};

/// Resident memory: pages, as the system counts them.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Bytes that are allocated, in all of the allocator's arenas. Where resident memory grows and
/// these do not, nothing leaks: the arenas have holes.
fn allocated_bytes() -> u64 {
    // SAFETY: takes nothing and returns plain numbers.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as u64
}

/// Threads that come and go leave holes in each arena. A few arenas have all their holes within
/// minutes; the sixteen that the C library has here do not.
pub(crate) fn have_few_arenas() {
    // SAFETY: sets a number of the allocator's, before there are threads.
    let is_set = unsafe { libc::mallopt(libc::M_ARENA_MAX, 2) };
    assert_eq!(is_set, 1);
}

pub(crate) struct Books {
    /// Mean memory of each tenth of the time.
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
        let resident = resident_bytes();
        let tenth = (passed.as_secs_f64() / self.length.as_secs_f64() * 10.0) as usize;
        self.tenths[tenth.min(9)].push(resident);
        if self.closings % 60 == 1 {
            println!(
                "{passed:>8.0?}: {rounds} rounds, {:.1} MB resident, {:.1} MB allocated, {book:?}",
                resident as f64 / 1e6,
                allocated_bytes() as f64 / 1e6
            );
        }
    }

    /// The first two tenths warm up: tables fill, and names become known.
    pub(crate) fn conclude(&self) {
        let means = self.tenths.iter().filter(|tenth| !tenth.is_empty());
        let means: Vec<f64> = means
            .map(|tenth| tenth.iter().sum::<u64>() as f64 / tenth.len() as f64 / 1e6)
            .collect();
        println!(
            "closed {} times, at most {} waits in progress then; MB resident, mean of each tenth: {means:.1?}",
            self.closings, self.most_waiting
        );
        println!("{:?}", self.last);
        let later = means.get(2..).unwrap_or_default();
        let (least, most) = later
            .iter()
            .fold((f64::MAX, 0.0_f64), |(least, most), mean| {
                (least.min(*mean), most.max(*mean))
            });
        assert!(most <= least * 1.1, "memory is not flat: {means:.1?}");
    }
}
