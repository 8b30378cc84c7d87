//! Counts events that were chosen but could not be recorded in full, by cause.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::profile::lost::Lost;

/// Why an event was not recorded in full.
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

static COUNTS: [AtomicU64; CAUSES] = [const { AtomicU64::new(0) }; CAUSES];

#[cold]
pub(crate) fn count(cause: Cause) {
    // Relaxed: a statistic, read for display.
    COUNTS[cause as usize].fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn reset() {
    for count in &COUNTS {
        count.store(0, Ordering::Relaxed);
    }
}

/// The counts at this moment.
pub(crate) fn now() -> Lost {
    let read = |cause: Cause| COUNTS[cause as usize].load(Ordering::Relaxed);
    Lost {
        stack_table_full: read(Cause::StackTableFull),
        lock_table_full: read(Cause::LockTableFull),
        reentrant: read(Cause::Reentrant),
        no_stack: read(Cause::NoStack),
    }
}
