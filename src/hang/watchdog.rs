//! A time within which something must be done.
#![forbid(unsafe_code)]

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::text::say::say;
use crate::text::units::human;

/// How long the words may take before the process ends without them.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// Aborts the process if its value is not dropped within `time`, and says before what every thread
/// does: for tests that may hang.
///
/// The words go to the standard error, and are those of [`deadlocks`](crate::deadlocks()) and
/// [`threads`](crate::threads()). If it cannot
/// start its thread, a line says so, and nothing is watched.
///
/// With the variable `CONTEND_WATCHDOG=60s` [`init`](crate::init) sets one for the whole program.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// // #[test]
/// fn the_answer_comes() {
///     let _watchdog = contend::watchdog(Duration::from_secs(60));
///     // … what may hang
/// }
/// # the_answer_comes();
/// ```
pub fn watchdog(time: Duration) -> Watchdog {
    let shared = Arc::new(Shared::default());
    let theirs = Arc::clone(&shared);
    let started = thread::Builder::new()
        .name("contend-watchdog".to_owned())
        .spawn(move || theirs.watch(time));
    if let Err(error) = started {
        say(format_args!("no watchdog: {error}"));
    }
    Watchdog { shared }
}

/// Ends the watch of [`watchdog`] when it is dropped.
#[derive(Debug)]
#[must_use = "the watch ends when this is dropped: give it a name, as `_watchdog`"]
pub struct Watchdog {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_done: Mutex<bool>,
    done: Condvar,
}

impl Watchdog {
    /// Watches to the end of the program.
    pub(crate) fn detach(self) {
        std::mem::forget(self);
    }
}

impl Shared {
    fn watch(&self, time: Duration) {
        let start = Instant::now();
        let mut is_done = self.is_done.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_done {
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                // Whoever ends now waits in `drop` for the end of the process.
                bite(time);
            }
            let waited = self.done.wait_timeout(is_done, left);
            is_done = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn bite(time: Duration) -> ! {
    // A thread may hang with a lock that names cannot be looked up without.
    let _ = thread::Builder::new().spawn(|| {
        thread::sleep(LAST_WORDS);
        std::process::abort();
    });
    let why = format!("the watchdog's {} are over; the process ends", human(time));
    // A panic's hook has said what it was.
    let _ = std::panic::catch_unwind(|| super::tell(&why));
    std::process::abort()
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let shared = &self.shared;
        *shared
            .is_done
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        shared.done.notify_all();
    }
}
