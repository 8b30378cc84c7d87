//! Why a command ended without what was asked of it.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, ErrorKind};

#[derive(Debug)]
pub(super) enum Error {
    /// Names the file or the URL, then what is wrong with it.
    Message(String),
    /// Standard output did not take what was written.
    Output(io::Error),
}

pub(super) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `subject` is the file or the URL.
    pub(super) fn about(subject: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Message(format!("{subject}: {what}"))
    }

    /// Whoever read the output has seen enough: that is how `contend top FILE | head` ends.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => f.write_str(message),
            Self::Output(error) => write!(f, "standard output: {error}"),
        }
    }
}

/// For the commands' tables and texts; what concerns a file is an [`about`](Error::about).
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
