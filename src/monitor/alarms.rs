//! The alarms of all monitors, for whoever acts on any of them.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many there were. Relaxed: a hint to look at [`LAST`].
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The words of the last one. Locked for a moment.
static LAST: Mutex<String> = Mutex::new(String::new());

/// An alarm is raised.
pub(super) fn note(message: &str) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    message.clone_into(&mut last);
    COUNT.fetch_add(1, Ordering::Relaxed);
}

/// How many alarms there were.
pub(crate) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// The words of the last alarm.
pub(crate) fn last() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
