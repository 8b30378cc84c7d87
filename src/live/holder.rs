//! The thread for which another one waits, as plain data.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::profile::Frame;
use crate::text::units::human;

/// A thread that has what another thread waits for: the holder of a lock, the thread that runs an
/// initialiser, the thread that is joined. Part of a [`WaitInProgress`](crate::WaitInProgress).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub(in crate::live) tid: u32,
    pub(in crate::live) name: String,
    pub(in crate::live) is_certain: bool,
    pub(in crate::live) held_for_at_least: Option<Duration>,
    pub(in crate::live) at: Option<Frame>,
}

impl Holder {
    /// The kernel's number of the thread.
    pub fn tid(&self) -> u32 {
        self.tid
    }

    /// The thread's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is known that this thread holds the lock. A lock that readers hold does not know
    /// them: threads whose stacks have an address inside the lock are its readers *probably*. A
    /// thread that only borrows the lock may be among them; one whose guard was forgotten is not,
    /// nor is the one that makes the dump.
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// How long it has been the holder, at least: since the longest wait for the lock began, if it
    /// was the holder then, or since its own wait began. A thread that takes the same lock again
    /// and again may have released it in between. `None` where nothing is known.
    pub fn held_for_at_least(&self) -> Option<Duration> {
        self.held_for_at_least
    }

    /// The place at which it is now: the first frame of its stack that is neither this crate's nor
    /// the standard library's, or else the first one.
    pub fn at(&self) -> Option<&Frame> {
        self.at.as_ref()
    }
}

/// `4712 "worker-7" for at least 12.00s, now in shop::cart::add (src/cart.rs:12)`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.tid, self.name)?;
        if let Some(time) = self.held_for_at_least {
            write!(f, " for at least {}", human(time))?;
        }
        if let Some(frame) = &self.at {
            write!(
                f,
                ", now in {}",
                super::threads::printable(frame.function())
            )?;
            if let (Some(file), Some(line)) = (frame.file(), frame.line()) {
                write!(f, " ({}:{line})", super::threads::printable(file))?;
            }
        }
        Ok(())
    }
}
