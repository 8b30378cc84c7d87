//! The one trace of the process that is begun and ended by calls, as in Go.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, Write};
use std::process;

use super::{Recording, StartError};
use crate::fork;

/// Locked for a moment.
static TRACE: fork::Lock<Option<Trace>> = fork::Lock::new();

struct Trace {
    recording: Recording,
    writer: Box<dyn Write + Send>,
    /// A forked child has a copy of it, which is not its own.
    process: u32,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

/// Begins to record a timeline, which [`stop`] writes to `writer`: `runtime/trace.Start` of Go.
///
/// The file is Go's: `go tool trace FILE` opens it. It has the newest 750,000 waits or more (64
/// MiB).
///
/// # Errors
///
/// [`StartError::AlreadyStarted`]: a trace is being recorded already; `writer` is dropped.
/// [`StartError::TooMany`]: eight recordings are going on.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join("contend-doc-run.trace");
/// contend::trace::start(std::fs::File::create(&path)?)?;
/// // … the part of the program to look at …
/// contend::trace::stop()?;
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
pub fn start(writer: impl Write + Send + 'static) -> Result<(), StartError> {
    let mut trace = TRACE.lock();
    let process = process::id();
    if trace.as_ref().is_some_and(|trace| trace.process == process) {
        return Err(StartError::AlreadyStarted);
    }
    let recording = Recording::start()?;
    *trace = Some(Trace {
        recording,
        writer: Box::new(writer),
        process,
    });
    Ok(())
}

/// Ends what [`start`] began and writes it. Does nothing if nothing was started.
///
/// # Errors
///
/// Those of the writer.
///
/// # Blocking
///
/// Looks names up, and writes. Takes some microseconds for each wait.
pub fn stop() -> io::Result<()> {
    let trace = TRACE.lock().take_if(|trace| trace.process == process::id());
    let Some(mut trace) = trace else {
        return Ok(());
    };
    let timeline = trace.recording.finish();
    timeline.write_go(&mut trace.writer)?;
    trace.writer.flush()
}
