//! Why a recording does not begin.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

/// Why a recording does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// [`start`](super::start) was called, and not [`stop`](super::stop).
    AlreadyStarted,
    /// There are eight recordings already.
    TooMany,
    /// The thread that watches for triggers cannot be started.
    NoThread,
    /// The signal has a handler, or is none that can be handled.
    SignalTaken(i32),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted => f.write_str("a trace is being recorded already"),
            Self::TooMany => f.write_str("too many recordings at once: there may be eight"),
            Self::NoThread => f.write_str("the system has no thread for the flight recorder"),
            Self::SignalTaken(number) => {
                write!(f, "signal {number} has a handler, or cannot have one")
            }
        }
    }
}

impl Error for StartError {}
