//! Lets a window of time end early: the client has gone, or the server stops.
#![forbid(unsafe_code)]

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Tells a request that waits for its window of time that nobody wants the answer any more.
///
/// Clones are of one and the same request: give one to
/// [`Handler::handle_until`](super::Handler::handle_until) and cancel the other.
///
/// # Examples
///
/// ```
/// use contend::http::{Cancel, Handler, Request};
///
/// let cancel = Cancel::new();
/// let client = cancel.clone();
/// std::thread::spawn(move || client.cancel()); // the client goes away
///
/// let request = Request::new("GET", "/mutex?seconds=30&fraction=1");
/// let response = Handler::new().handle_until(&request, &cancel);
/// assert_eq!(response.status(), 503);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_cancelled: Mutex<bool>,
    changed: Condvar,
}

/// The request was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cancelled;

impl Cancel {
    /// For a request that is still wanted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the window of whoever handles the request with this, now or later.
    pub fn cancel(&self) {
        *self
            .0
            .is_cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// Waits for `duration`, or until it is cancelled.
    pub(super) fn sleep(&self, duration: Duration) -> Result<(), Cancelled> {
        let is_cancelled = self
            .0
            .is_cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .0
            .changed
            .wait_timeout_while(is_cancelled, duration, |is_cancelled| !*is_cancelled);
        let (is_cancelled, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *is_cancelled {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}
