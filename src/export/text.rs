//! Writes the text form that Go serves as `debug=1`, which pprof reads, too.
//!
//! ```text
//! --- mutex:
//! cycles/second=1000000000
//! sampling period=1
//! 405685417 185 @ 0x4de72f 0x4de746
//! #    kind: mutex
//! #    0x4de72e    contend::sync::MutexGuard<T>::drop    src/sync/mutex.rs:65
//! #    0x4de745    shop::checkout    src/checkout.rs:12
//! ```
//!
//! A line is delay, contentions and return addresses; names stand in comments, between
//! tabs. Delays are
//! nanoseconds, hence the cycles per second, and are scaled already, hence a period of 1: pprof
//! would multiply by any other (as it does to the text of Go programs).
#![forbid(unsafe_code)]

use std::io::{self, BufWriter, Write};

use super::why_empty;
use crate::profile::{Location, Profile, Sample};
use crate::text::escape::OneLine;

/// See [`Profile::write_text`].
pub(crate) fn write(profile: &Profile, output: impl Write) -> io::Result<()> {
    let mut output = BufWriter::new(output);
    let heading = profile.kind().descriptor().text_heading;
    output.write_all(heading.as_bytes())?;
    for sample in profile.samples() {
        write_sample(sample, &mut output)?;
    }
    if profile.samples().is_empty() {
        writeln!(output, "# {}", why_empty(profile))?;
    } else if profile.lost().total() > 0 {
        writeln!(output, "# lost: {}", profile.lost())?;
    }
    profile
        .why_nameless()
        .try_for_each(|sentence| writeln!(output, "# {sentence}"))?;
    output.flush()
}

fn write_sample(sample: &Sample, output: &mut impl Write) -> io::Result<()> {
    write!(output, "{} {} @", sample.delay_nanos, sample.contentions())?;
    for location in &sample.stack.locations {
        write!(output, " {:#x}", return_address(location, sample))?;
    }
    writeln!(output, "\n#\tkind: {}", OneLine(sample.kind.label()))?;
    for location in &sample.stack.locations {
        write_frames(location, output)?;
    }
    writeln!(output)
}

/// A frame that stands for no code is known by its synthetic address, which is the only one of
/// its stack.
fn return_address(location: &Location, sample: &Sample) -> u64 {
    match location.address {
        0 => sample
            .stack
            .addresses
            .first()
            .map_or(0, |address| *address as u64),
        address => address + 1,
    }
}

fn write_frames(location: &Location, output: &mut impl Write) -> io::Result<()> {
    for frame in &location.frames {
        let function = OneLine(frame.function());
        write!(output, "#\t{:#x}\t{function}", frame.address())?;
        if let Some(file) = frame.file() {
            write!(output, "\t{}", OneLine(file))?;
            if let Some(line) = frame.line() {
                write!(output, ":{line}")?;
            }
        }
        writeln!(output)?;
    }
    Ok(())
}
