//! The flight recorder: what came before something happened.

mod builder;
mod dumps;
mod settings;
#[cfg(unix)]
mod signal;
mod watch;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use super::Timeline;
use super::imp::{self, Hold};
pub use builder::FlightRecorderBuilder;
pub(crate) use settings::parse;
use watch::Watch;

/// Records all the time and keeps the last seconds: `runtime/trace.FlightRecorder` of Go.
///
/// Something that happens now has its cause in what came before, and nobody starts a recording
/// then. A flight recorder has it: [`write_to`](Self::write_to) writes the last 10 seconds. With
/// [triggers](FlightRecorderBuilder::on_wait) it does so by itself, into files.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use contend::trace::FlightRecorder;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir();
/// let recorder = FlightRecorder::builder()
///     .on_wait(Duration::from_millis(100))
///     .files_in(folder)
///     .start()?;
/// // … serve requests …
/// let mut file = Vec::new();
/// recorder.write_to(&mut file)?;
/// # Ok(())
/// # }
/// ```
#[must_use = "the recording ends when this is dropped"]
pub struct FlightRecorder {
    shared: Arc<Shared>,
    watch: Option<Watch>,
    /// In a forked child there is no thread to wait for.
    process: u32,
}

/// The part that the thread has which watches for triggers.
struct Shared {
    hold: Hold,
    min_age: Duration,
    /// Held while a timeline is taken.
    writing: Mutex<()>,
}

impl Shared {
    fn timeline(&self) -> Timeline {
        let age = u64::try_from(self.min_age.as_nanos()).unwrap_or(u64::MAX);
        imp::timeline(&self.hold, imp::now().saturating_sub(age))
    }
}

impl fmt::Debug for FlightRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightRecorder")
            .field("min_age", &self.shared.min_age)
            .field("files", &self.files())
            .finish_non_exhaustive()
    }
}

impl FlightRecorder {
    /// A recorder of 10 seconds and 10 MiB, as Go's, without triggers.
    pub fn builder() -> FlightRecorderBuilder {
        FlightRecorderBuilder::new()
    }

    /// The timeline of the last seconds.
    ///
    /// # Blocking
    ///
    /// Looks names up: up to a second the first time in a process.
    pub fn timeline(&self) -> Timeline {
        self.shared.timeline()
    }

    /// Writes the last seconds as Go's execution trace.
    ///
    /// # Errors
    ///
    /// Those of `writer`; and [`WouldBlock`](io::ErrorKind::WouldBlock) where another thread, or a
    /// trigger, is writing at the same moment.
    pub fn write_to(&self, writer: impl Write) -> io::Result<()> {
        let _writing = match self.shared.writing.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let message = "the flight recorder is writing already";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
            }
        };
        self.shared.timeline().write_go(writer)
    }

    /// Pulls the trigger: a file is written by the recorder's thread, after its
    /// [tail](FlightRecorderBuilder::tail). `reason` becomes a part of its name. False: there is no
    /// [folder for files](FlightRecorderBuilder::files_in), a file was written a moment ago (see
    /// [`cooldown`](FlightRecorderBuilder::cooldown)), or this is a forked child, which has no such
    /// thread.
    pub fn trigger(&self, reason: impl AsRef<str>) -> bool {
        self.watch()
            .is_some_and(|watch| watch.trigger(reason.as_ref()))
    }

    /// The files that triggers have written and that are kept, the oldest first. None in a forked
    /// child: they are its parent's.
    pub fn files(&self) -> Vec<PathBuf> {
        self.watch().map_or_else(Vec::new, Watch::files)
    }

    /// `None` in a forked child: what it has may be locked by the thread, which is not there.
    fn watch(&self) -> Option<&Watch> {
        let watch = self.watch.as_ref();
        watch.filter(|_| self.process == process::id())
    }
}

impl Drop for FlightRecorder {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.stop(self.process == process::id());
        }
    }
}
