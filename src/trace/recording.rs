//! A recording of a piece of time.
#![forbid(unsafe_code)]

use super::imp::{self, Hold, MAX_BYTES};
use super::{StartError, Timeline};

/// Records a timeline from [`start`](Self::start) to [`finish`](Self::finish).
///
/// Several may go on at once, also beside a [`FlightRecorder`](super::FlightRecorder).
///
/// # Examples
///
/// ```
/// use contend::sync::mpsc;
/// use contend::trace::Recording;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let recording = Recording::start()?;
/// let (sender, receiver) = mpsc::channel();
/// let thread = contend::thread::spawn(move || receiver.recv());
/// sender.send(1)?;
/// thread.join().unwrap()?;
/// let timeline = recording.finish();
/// println!("{} waits in {:?}", timeline.waits().len(), timeline.duration());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the recording ends when this is dropped"]
pub struct Recording {
    hold: Hold,
    since: u64,
}

impl Recording {
    /// Begins to record, into at most 64 MiB: 750,000 waits or more. They become resident as they
    /// fill, and stay with the process for the next recording.
    ///
    /// # Errors
    ///
    /// [`StartError::TooMany`]: eight recordings are going on already.
    pub fn start() -> Result<Self, StartError> {
        let hold = imp::hold(MAX_BYTES).ok_or(StartError::TooMany)?;
        let since = imp::now();
        Ok(Self { hold, since })
    }

    /// The timeline up to now. The recording goes on.
    ///
    /// # Blocking
    ///
    /// Looks names up: each address once in the life of the process.
    pub fn timeline(&self) -> Timeline {
        imp::timeline(&self.hold, self.since)
    }

    /// Ends the recording.
    ///
    /// # Blocking
    ///
    /// As [`timeline`](Self::timeline).
    pub fn finish(self) -> Timeline {
        self.timeline()
    }
}
