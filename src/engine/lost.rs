//! Counts events that were chosen but could not be recorded in full, by cause.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

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
    /// No room for another set of labels. Events of that scope have the label of the overflow.
    LabelTableFull,
    /// No room for another waiter's stack. Its numbers went to the frame `contend::unknown_waiter`.
    WaiterTableFull,
}

pub(crate) const CAUSES: usize = 6;

/// By the number of their cause.
type Counts = [AtomicU64; CAUSES];

static OWN: Counts = [const { AtomicU64::new(0) }; CAUSES];

/// Null: they are counted in [`OWN`]. Stored with `Release`, once, after the memory was mapped;
/// `Acquire` sees it mapped.
static SHARED: AtomicPtr<Counts> = AtomicPtr::new(ptr::null_mut());

/// Counts there from now on: memory that another process reads.
#[allow(dead_code)] // Where programs are profiled from outside.
pub(crate) fn count_in(counts: &'static Counts) {
    SHARED.store(ptr::from_ref(counts).cast_mut(), Ordering::Release);
}

fn counts() -> &'static Counts {
    // SAFETY: null, or a reference that lives for ever (`count_in`), of which only shared ones are
    // made.
    unsafe { SHARED.load(Ordering::Acquire).as_ref() }.unwrap_or(&OWN)
}

#[cold]
pub(crate) fn count(cause: Cause) {
    // Relaxed: a statistic, read for display.
    counts()[cause as usize].fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn reset() {
    for count in counts() {
        count.store(0, Ordering::Relaxed);
    }
}

/// The counts at this moment.
pub(crate) fn now() -> Lost {
    read(counts())
}

pub(crate) fn read(counts: &Counts) -> Lost {
    let read = |cause: Cause| counts[cause as usize].load(Ordering::Relaxed);
    Lost {
        stack_table_full: read(Cause::StackTableFull),
        lock_table_full: read(Cause::LockTableFull),
        reentrant: read(Cause::Reentrant),
        no_stack: read(Cause::NoStack),
        label_table_full: read(Cause::LabelTableFull),
        waiter_table_full: read(Cause::WaiterTableFull),
    }
}
