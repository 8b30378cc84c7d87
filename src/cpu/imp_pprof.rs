//! Samples with the pprof crate: a timer of the process, whose signal notes down the stack that it
//! interrupts.
//!
//! The crate's default unwinder may deadlock or crash in a signal handler, so its other one is
//! used, which follows frame pointers and checks each before it reads there. It has these
//! peculiarities:
//!
//! - It leaves out the function that was interrupted, of all. [`signal`] puts that back.
//! - Code without frame pointers loses its callers, or leads into data. Stacks end where their
//!   addresses are no code's; the interrupted function is right in any build.
//! - Stacks that differ in lines only are one, with the lines of the first.

#[path = "signal.rs"]
mod signal;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pprof::{ProfilerGuard, ProfilerGuardBuilder, UnresolvedReport};

use super::Error;
use crate::export::pprof::{Document, Row, write_rows};
use crate::profile::{Location, Mapping};
use crate::symbols::{self, Symbolizer};

/// Samples in these objects are left out. Their locks are what the crate would run into when it
/// asks in the signal handler which function an address is in.
const BLOCKLIST: &[&str] = &["/ld-linux", "/libgcc_s.so"];
/// The same for systems where that question goes through the loader's list: before glibc 2.35.
const BLOCKLIST_OF_OLD_SYSTEMS: &[&str] =
    &["/ld-", "/libgcc_s.so", "/libc.so", "/libc-", "/libpthread"];

/// A CPU profile that is being taken. There is at most one in a process.
pub(crate) struct Sampling {
    guard: ProfilerGuard<'static>,
    period: Duration,
}

/// Takes `frequency` samples per second of CPU time, from now on.
pub(crate) fn start(frequency: u32) -> Result<Sampling, Error> {
    // The crate looks a name up first, and no thread may fork meanwhile: see `symbols`.
    let _names = symbols::symbolizer();
    if signal::is_taken() {
        return Err(Error::InUse);
    }
    let blocklist = match signal::is_loader_lock_free() {
        true => BLOCKLIST,
        false => BLOCKLIST_OF_OLD_SYSTEMS,
    };
    let guard = ProfilerGuardBuilder::default()
        .frequency(i32::try_from(frequency).unwrap_or(i32::MAX))
        .blocklist(blocklist)
        .build()?;
    signal::stand_in_front().map_err(|error| Error::Failed(error.to_string()))?;
    Ok(Sampling {
        guard,
        // As the timer has it, which counts microseconds.
        period: Duration::from_micros(1_000_000 / u64::from(frequency)),
    })
}

impl Sampling {
    /// Ends the sampling. Looks names up.
    pub(crate) fn finish(self) -> Result<CpuProfile, Error> {
        let report = self.guard.report().build_unresolved()?;
        drop(self.guard);
        Ok(CpuProfile::new(report, self.period))
    }
}

/// Where the time of the CPUs went.
#[derive(Debug)]
pub(crate) struct CpuProfile {
    samples: Vec<CpuSample>,
    period: Duration,
    time: SystemTime,
    duration: Duration,
    mappings: Arc<[Arc<Mapping>]>,
}

#[derive(Debug)]
struct CpuSample {
    /// Leaf first.
    locations: Box<[Arc<Location>]>,
    thread: String,
    count: i64,
}

impl CpuSample {
    fn labels(&self) -> Vec<(&str, &str)> {
        match &*self.thread {
            "" => Vec::new(),
            name => vec![("thread", name)],
        }
    }
}

impl CpuProfile {
    fn new(report: UnresolvedReport, period: Duration) -> Self {
        let mut symbolizer = symbols::symbolizer();
        let frames = report.data.keys().flat_map(|stack| &stack.frames);
        symbolizer.prepare(frames.map(|frame| frame.ip));
        let samples = report.data.iter().map(|(stack, count)| {
            let name = &stack.thread_name[..stack.thread_name_length];
            CpuSample {
                locations: locations(&mut symbolizer, stack.frames.iter().map(|frame| frame.ip)),
                thread: String::from_utf8_lossy(name).into_owned(),
                count: *count as i64,
            }
        });
        let mut samples: Vec<CpuSample> = samples.collect();
        samples.sort_by_key(|sample| std::cmp::Reverse(sample.count));
        Self {
            samples,
            period,
            time: report.timing.start_time,
            duration: report.timing.duration,
            mappings: symbolizer.mappings(),
        }
    }

    /// As Go's CPU profile: samples and nanoseconds. Each sample has the name of its thread.
    pub(crate) fn write(&self, output: impl Write) -> io::Result<()> {
        let period = self.period.as_nanos() as i64;
        let document = Document {
            sample_types: &[("samples", "count"), ("cpu", "nanoseconds")],
            period_type: ("cpu", "nanoseconds"),
            period: period as u64,
            default_sample_type: "cpu",
            time: self.time,
            duration: Some(self.duration),
            comments: self.comments(),
            mappings: &self.mappings,
        };
        let rows = self.samples.iter().map(|sample| Row {
            locations: &sample.locations,
            values: [sample.count, sample.count.saturating_mul(period)],
            labels: sample.labels(),
        });
        write_rows(&document, rows, output)
    }

    fn comments(&self) -> Vec<String> {
        let mut comments = vec![
            concat!("contend ", env!("CARGO_PKG_VERSION")).to_owned(),
            "callers are found by frame pointers: build with -C force-frame-pointers=yes"
                .to_owned(),
        ];
        if self.samples.is_empty() {
            comments.push("the profile is empty: the program used no CPU in this time".to_owned());
        }
        comments
    }
}

fn locations(
    symbolizer: &mut Symbolizer,
    addresses: impl Iterator<Item = usize>,
) -> Box<[Arc<Location>]> {
    symbolizer.interrupted_stack(&addresses.collect::<Vec<_>>())
}

impl From<pprof::Error> for Error {
    fn from(error: pprof::Error) -> Self {
        match error {
            pprof::Error::Running => Self::InUse,
            // Found out once in the life of the process, when it makes a file for what its table
            // has no room for.
            pprof::Error::CreatingError => Self::Failed(
                "it takes a temporary folder that can be written to (see TMPDIR)".to_owned(),
            ),
            error => Self::Failed(error.to_string()),
        }
    }
}
