//! One request on its way: what the handlers of the routes get to see.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::memory::{Memory, Reserved};
use super::own_rates::OwnRates;
use super::query::{Query, number};
#[cfg(feature = "cli")]
use super::saved::Saved;
use super::scrapers::Scrapers;
use super::windows::{Window, Windows};
use super::{Cancel, Request, Response};

/// The state that requests share, and that outlives them. Clones share it, too.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) windows: Windows,
    pub(super) scrapers: Scrapers,
    pub(super) memory: Memory,
    pub(super) own_rates: OwnRates,
    /// The profiles that a handler of files serves.
    #[cfg(feature = "cli")]
    pub(super) saved: Option<Arc<Saved>>,
    turn: Arc<Mutex<()>>,
}

impl State {
    /// Waits until no other request makes a profile or writes one: that takes half a kilobyte for a
    /// stack, for a moment. It is not held while code of the program runs.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        // Guards nothing that a panic could leave half changed.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request, taken apart, and what its answer may need.
pub(super) struct Call<'a> {
    pub(super) state: &'a State,
    pub(super) request: &'a Request<'a>,
    /// The path behind `/debug/pprof/`, such as `mutex`; empty for the index.
    pub(super) name: &'a str,
    pub(super) query: Query<'a>,
    pub(super) cancel: &'a Cancel,
}

/// The answer of a route. The error is one, too, which ends the handling early.
pub(super) type Answer = Result<Response, Response>;

impl Call<'_> {
    /// The length of the window that `seconds=` asks for; `None` where it is missing or empty.
    pub(super) fn seconds(&self) -> Result<Option<Duration>, Response> {
        let Some(text) = self.query.get("seconds") else {
            return Ok(None);
        };
        let max = self.state.windows.max_seconds;
        match number(text) {
            None | Some(0) => Err(Response::error(
                400,
                "invalid value for \"seconds\" - must be a positive integer",
            )),
            Some(seconds) if seconds > max.into() => Err(Response::error(
                400,
                &format!("invalid value for \"seconds\" - must be at most {max}"),
            )),
            Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
        }
    }

    /// The same for a path that always takes its time: `default`, or what is allowed if that is
    /// less.
    pub(super) fn seconds_or(&self, default: Duration) -> Result<Duration, Response> {
        let max = Duration::from_secs(self.state.windows.max_seconds.into());
        Ok(self.seconds()?.unwrap_or(default.min(max)))
    }

    /// Opens a window, if there is room for another one.
    pub(super) fn window(&self, duration: Duration) -> Result<Window<'_>, Response> {
        self.state.windows.open(duration, self.cancel)
    }

    /// Memory that this request makes the process keep for a while.
    pub(super) fn keep(&self, bytes: usize) -> Result<Reserved, Response> {
        self.state.scrapers.make_room(&self.state.memory, bytes)
    }

    /// An error if `seconds=` is given, which this path does not know.
    pub(super) fn refuse_seconds(&self) -> Result<(), Response> {
        match self.seconds()? {
            None => Ok(()),
            Some(_) => Err(Response::error(
                400,
                "\"seconds\" parameter is not supported for this profile type",
            )),
        }
    }

    /// Asks as `GET name` would, without parameters, within this request.
    pub(super) fn get<R>(&self, name: &str, ask: impl FnOnce(&Call<'_>) -> R) -> R {
        ask(&Call {
            state: self.state,
            request: &Request::new("GET", name),
            name,
            query: Query::default(),
            cancel: self.cancel,
        })
    }
}
