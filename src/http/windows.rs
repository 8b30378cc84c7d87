//! Windows of time: what `seconds=` asks for, and how many of them there may be at once.
//!
//! Each holds a thread of the server for its time, and two profiles. So their number and their
//! length are bounded; who comes beyond is told when to come again.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Cancel, Response};

/// The limits, and the windows that are open. Clones share the latter.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) max: usize,
    pub(super) max_seconds: u32,
    /// When each of those that are open will end.
    ends: Arc<Mutex<Vec<Instant>>>,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            // A few people and a few scrapers at the same moment.
            max: 8,
            // Twice the longest that scrapers ask for; proxies give up on a silent answer before.
            max_seconds: 300,
            ends: Arc::default(),
        }
    }
}

/// A window that is open until it is dropped.
#[derive(Debug)]
pub(super) struct Window<'a> {
    windows: &'a Windows,
    cancel: &'a Cancel,
    duration: Duration,
    end: Instant,
}

impl Windows {
    /// Seconds that a window may last; `None` where there may be none.
    pub(super) fn longest(&self) -> Option<u32> {
        (self.max > 0 && self.max_seconds > 0).then_some(self.max_seconds)
    }

    /// Opens a window, if there is room for another one.
    pub(super) fn open<'a>(
        &'a self,
        duration: Duration,
        cancel: &'a Cancel,
    ) -> Result<Window<'a>, Response> {
        let mut ends = self.ends();
        if ends.len() >= self.max {
            return Err(self.too_many(&ends));
        }
        let end = Instant::now() + duration;
        ends.push(end);
        Ok(Window {
            windows: self,
            cancel,
            duration,
            end,
        })
    }

    /// Locked for a moment at a time. Every change is one step, so it is valid after a panic.
    fn ends(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn too_many(&self, ends: &[Instant]) -> Response {
        let max = self.max;
        let left = |end: &Instant| end.saturating_duration_since(Instant::now());
        let first = ends.iter().map(left).min().unwrap_or_default();
        let message = format!("too many windows of time: at most {max} may be open at once");
        Response::error(429, &message).with_header("Retry-After", (first.as_secs() + 1).to_string())
    }
}

impl Window<'_> {
    /// Waits for its end.
    ///
    /// The client of a cancelled request is usually gone. One that is not, because it is the server
    /// that stops, had better ask again; so 503, where Go says 500.
    pub(super) fn wait(&self) -> Result<(), Response> {
        let waited = self.cancel.sleep(self.duration);
        waited.map_err(|_| Response::error(503, "the window of time was cut short: cancelled"))
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let mut ends = self.windows.ends();
        // Any of several equal ones will do.
        if let Some(index) = ends.iter().position(|end| *end == self.end) {
            ends.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(max: usize) -> Windows {
        Windows {
            max,
            ..Windows::default()
        }
    }

    #[test]
    fn there_is_room_again_when_one_is_dropped() {
        let (windows, cancel) = (windows(2), Cancel::new());
        let minute = Duration::from_secs(60);
        let first = windows.open(minute, &cancel).unwrap();
        let _second = windows.open(2 * minute, &cancel).unwrap();
        let refused = windows.open(minute, &cancel).unwrap_err();
        assert_eq!(refused.status(), 429);
        let seconds: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        drop(first);
        windows.open(minute, &cancel).unwrap();
    }

    #[test]
    fn none_at_all_is_a_limit_too() {
        let (windows, cancel) = (windows(0), Cancel::new());
        let refused = windows.open(Duration::from_secs(1), &cancel).unwrap_err();
        assert_eq!(refused.status(), 429);
    }

    #[test]
    fn what_is_cancelled_does_not_wait() {
        let (windows, cancel) = (windows(1), Cancel::new());
        cancel.cancel();
        let window = windows.open(Duration::from_secs(600), &cancel).unwrap();
        assert_eq!(window.wait().unwrap_err().status(), 503);
    }
}
