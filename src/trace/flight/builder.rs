//! The settings of a flight recorder.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::dumps::Dumps;
use super::watch::{Triggers, Watch};
use super::{FlightRecorder, Shared};
use crate::trace::StartError;
use crate::trace::imp;

/// As Go's.
const MIN_AGE: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 10 << 20;

/// The moments after an event are a part of its story.
const TAIL: Duration = Duration::from_millis(200);
const COOLDOWN: Duration = Duration::from_secs(60);
const MAX_FILES: usize = 10;

/// Makes a [`FlightRecorder`].
#[derive(Clone, Debug)]
pub struct FlightRecorderBuilder {
    min_age: Duration,
    max_bytes: usize,
    wait: Option<Duration>,
    deadlock: bool,
    alarm: bool,
    signal: Option<i32>,
    folder: Option<PathBuf>,
    tail: Duration,
    cooldown: Duration,
    max_files: usize,
}

impl FlightRecorderBuilder {
    pub(super) fn new() -> Self {
        Self {
            min_age: MIN_AGE,
            max_bytes: MAX_BYTES,
            wait: None,
            deadlock: false,
            alarm: false,
            signal: None,
            folder: None,
            tail: TAIL,
            cooldown: COOLDOWN,
            max_files: MAX_FILES,
        }
    }

    /// How much time is kept; 10 seconds by default. Less, where it does not fit into
    /// [`max_bytes`](Self::max_bytes).
    pub fn min_age(mut self, age: Duration) -> Self {
        self.min_age = age;
        self
    }

    /// The memory of the events, from 256 KiB to 64 MiB; 10 MiB by default. A wait takes 48 bytes,
    /// and one for a lock up to 41 more for the release that ended it: 16 MiB had 188,000 waits for
    /// one lock, a quarter of a second of 750,000 of them a second, and 17 s of 11,000 a second.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Triggers when a wait for a lock has taken this long, also one that goes on. Needs
    /// [`files_in`](Self::files_in).
    ///
    /// Waits for a channel, a condition or a thread do not trigger: a worker that has nothing to do
    /// waits as well.
    pub fn on_wait(mut self, longer_than: Duration) -> Self {
        self.wait = Some(longer_than);
        self
    }

    /// Triggers when threads wait for each other, once for each deadlock. Needs
    /// [`files_in`](Self::files_in).
    ///
    /// # Overhead
    ///
    /// Looks for one ([`deadlocks`](crate::deadlocks)) while some wait for a lock or a thread has
    /// taken a second: then, and each time after 1 s; after 10 s where there is one.
    pub fn on_deadlock(mut self) -> Self {
        self.deadlock = true;
        self
    }

    /// Triggers when a [`Monitor`](crate::Monitor) of the process raises an alarm, whatever its
    /// rule. Needs [`files_in`](Self::files_in).
    pub fn on_alarm(mut self) -> Self {
        self.alarm = true;
        self
    }

    /// Triggers when the process gets this signal, as `libc::SIGUSR2`. Needs
    /// [`files_in`](Self::files_in).
    #[cfg(unix)]
    pub fn on_signal(mut self, number: i32) -> Self {
        self.signal = Some(number);
        self
    }

    /// The folder into which triggers write, one file each: `contend-PID-NUMBER-REASON.trace`.
    pub fn files_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// How long after the trigger the file is written, so that it has what came of it; 200 ms by
    /// default.
    pub fn tail(mut self, tail: Duration) -> Self {
        self.tail = tail;
        self
    }

    /// How long after a file no trigger counts; a minute by default.
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// How many files are kept, at least 1; 10 by default. The recorder removes the oldest that it
    /// has written.
    pub fn max_files(mut self, count: usize) -> Self {
        self.max_files = count;
        self
    }

    /// Begins to record.
    ///
    /// # Errors
    ///
    /// [`StartError::TooMany`]: eight recordings are going on. [`StartError::NoThread`]: there is a
    /// folder, and no thread to write into it. [`StartError::SignalTaken`]: the signal has a
    /// handler.
    pub fn start(self) -> Result<FlightRecorder, StartError> {
        let shared = Arc::new(Shared {
            hold: imp::hold(self.max_bytes).ok_or(StartError::TooMany)?,
            min_age: self.min_age,
            writing: Mutex::new(()),
        });
        let triggers = Triggers {
            wait: self.wait,
            deadlock: self.deadlock,
            alarm: self.alarm,
            signal: self.signal,
            tail: self.tail,
            cooldown: self.cooldown,
        };
        let watch = match self.folder {
            None => None,
            Some(folder) => {
                let dumps = Dumps::new(folder, self.max_files);
                Some(Watch::start(Arc::clone(&shared), triggers, dumps)?)
            }
        };
        Ok(FlightRecorder {
            shared,
            watch,
            process: process::id(),
        })
    }
}
