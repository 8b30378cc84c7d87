//! Events that were chosen but could not be recorded in full, counted by cause.

use std::fmt;
#[cfg(feature = "profiling")]
use std::sync::atomic::{AtomicU64, Ordering};

/// Why an event was not recorded in full.
#[cfg(feature = "profiling")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No room for another stack. Its numbers went to the frame `contend::overflow`.
    StackTableFull,
    /// No room for another lock that is waited for. The wait is missing from the mutex profile.
    LockTableFull,
    /// The thread was already recording, as in a signal handler. The event is missing.
    Reentrant,
    /// The stack could not be walked, or the thread had too little left of it. The numbers went
    /// to the frame `contend::no_stack`.
    NoStack,
}

const CAUSES: usize = 4;

#[cfg(feature = "profiling")]
static COUNTS: [AtomicU64; CAUSES] = [const { AtomicU64::new(0) }; CAUSES];

#[cfg(feature = "profiling")]
#[cold]
pub(crate) fn count(cause: Cause) {
    // Relaxed: a statistic, read for display.
    COUNTS[cause as usize].fetch_add(1, Ordering::Relaxed);
}

#[cfg(feature = "profiling")]
pub(crate) fn reset() {
    for count in &COUNTS {
        count.store(0, Ordering::Relaxed);
    }
}

/// How many events were chosen by the sampler but not recorded in full, by cause.
///
/// The counts cover both profiles since the process started, or since
/// [`reset`](crate::reset). They count events as they happened, not scaled by their weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The table of stacks was full. Delay and contentions are in the totals, under the frame
    /// `contend::overflow`.
    pub stack_table_full: u64,
    /// Too many locks were waited for at once. These waits are missing from the mutex profile.
    pub lock_table_full: u64,
    /// The thread was already recording an event, as in a signal handler or an allocator.
    /// These events are missing.
    pub reentrant: u64,
    /// The stack could not be walked, or too little of it was left. Delay and contentions are
    /// in the totals, under the frame `contend::no_stack`.
    pub no_stack: u64,
}

impl Lost {
    /// The counts at this moment.
    #[cfg(feature = "profiling")]
    pub(crate) fn now() -> Self {
        let read = |cause: Cause| COUNTS[cause as usize].load(Ordering::Relaxed);
        Self {
            stack_table_full: read(Cause::StackTableFull),
            lock_table_full: read(Cause::LockTableFull),
            reentrant: read(Cause::Reentrant),
            no_stack: read(Cause::NoStack),
        }
    }

    /// All causes together.
    pub fn total(&self) -> u64 {
        self.causes().into_iter().map(|(_, count)| count).sum()
    }

    /// What was lost since `earlier`; a cause that was reset in between counts from the reset.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let since = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
        Self {
            stack_table_full: since(self.stack_table_full, earlier.stack_table_full),
            lock_table_full: since(self.lock_table_full, earlier.lock_table_full),
            reentrant: since(self.reentrant, earlier.reentrant),
            no_stack: since(self.no_stack, earlier.no_stack),
        }
    }

    fn causes(&self) -> [(&'static str, u64); CAUSES] {
        [
            ("stack table full", self.stack_table_full),
            ("lock table full", self.lock_table_full),
            ("reentrant", self.reentrant),
            ("no stack", self.no_stack),
        ]
    }
}

/// Names each cause that happened and its count: `stack table full 3, reentrant 1`; `none`
/// where nothing was lost.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (cause, count) in self.causes().into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{cause} {count}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}
