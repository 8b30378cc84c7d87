//! From a request to its answer.
#![forbid(unsafe_code)]

use std::process;
#[cfg(feature = "cli")]
use std::sync::Arc;

use super::access::{Access, Token};
use super::call::{Answer, Call, State};
use super::query::Query;
use super::routes::{Found, Table};
#[cfg(feature = "cli")]
use super::saved::Saved;
use super::{Cancel, Request, Response, panics};
use crate::fork;

/// Where Go serves its profiles, and every tool looks for them.
const PREFIX: &str = "/debug/pprof";

/// Answers requests for `/debug/pprof/…`, whatever server received them.
///
/// It does no input or output, and starts no thread. Clones share what goes on: the windows of time
/// that are open, and what each scraper has seen. So keep one, and clone it as needed. (A forked
/// child makes one of its own: threads of its parent may have locked what they share.)
///
/// # Examples
///
/// ```
/// use contend::http::{Handler, Request};
///
/// let handler = Handler::new().token("open sesame");
/// let response = handler.handle(&Request::new("GET", "/debug/pprof/mutex"));
/// assert_eq!(response.status(), 401);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Handler {
    access: Access,
    state: State,
    table: Table,
}

/// Answers a request as the one handler of the process that asks for no token. The simplest use;
/// whatever has to be restricted has a [`Handler`] of its own.
///
/// # Blocking
///
/// As for [`Handler::handle`].
///
/// # Examples
///
/// ```
/// use contend::http::{Request, handle};
///
/// let response = handle(&Request::new("GET", "/debug/pprof/block?debug=1"));
/// assert_eq!(response.status(), 200);
/// assert!(response.body().starts_with(b"--- contention:"));
/// ```
pub fn handle(request: &Request<'_>) -> Response {
    static HANDLER: fork::Lock<Option<(u32, Handler)>> = fork::Lock::new();
    let process = process::id();
    let mut of_process = HANDLER.lock();
    // A forked child needs its own: threads of the parent may have locked what is in that.
    let handler = match &*of_process {
        Some((owner, handler)) if *owner == process => handler.clone(),
        _ => of_process.insert((process, Handler::new())).1.clone(),
    };
    drop(of_process);
    handler.handle(request)
}

impl Handler {
    /// A handler that asks for no token, for any host, with 8 windows at a time of 300 seconds at
    /// most.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let response = Handler::new().handle(&Request::new("GET", "/debug/pprof/nothing"));
    /// assert_eq!((response.status(), response.body()), (404, &b"Unknown profile\n"[..]));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers for profiles of files, at the root, instead of for this program.
    #[cfg(feature = "cli")]
    pub(crate) fn of_saved(saved: Saved) -> Self {
        let mut handler = Self {
            table: Table::of_saved(),
            ..Self::default()
        };
        handler.state.saved = Some(Arc::new(saved));
        handler
    }

    /// Answers only requests that show `token`, as `Authorization: Bearer TOKEN`, or as the
    /// password of any user; so a browser asks its user for it, and
    /// `go tool pprof http://any:TOKEN@host/debug/pprof/mutex` works. All others get a 401, for
    /// every path.
    ///
    /// White space around the token is no part of it, such as the newline at the end of a file. How
    /// long the comparison takes tells the length of the token and nothing else. An empty token, as
    /// of a variable that is not set, is never right.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let handler = Handler::new().token("open sesame");
    /// let request = Request::new("GET", "/debug/pprof/rates");
    /// assert_eq!(handler.handle(&request).status(), 401);
    /// let request = request.header("Authorization", "Bearer open sesame");
    /// assert_eq!(handler.handle(&request).status(), 200);
    /// ```
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.access.token = Some(Token::new(token));
        self
    }

    /// Whether the `Host` of a request must be this machine: `localhost`, a name below it, or a
    /// loopback address, with any port. All others get a 403, a request without `Host` too.
    ///
    /// For servers that listen on loopback addresses only: it keeps web pages out that make
    /// their own name point there (DNS rebinding). Off at first.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let handler = Handler::new().loopback_hosts_only(true);
    /// let status = |host| {
    ///     let request = Request::new("GET", "/debug/pprof/mutex").header("Host", host);
    ///     handler.handle(&request).status()
    /// };
    /// assert_eq!(status("localhost:6060"), 200);
    /// assert_eq!(status("evil.example:6060"), 403);
    /// ```
    #[must_use]
    pub fn loopback_hosts_only(mut self, only: bool) -> Self {
        self.access.loopback_hosts_only = only;
        self
    }

    /// How many requests with `seconds=` may be under way at once, of all clones together; 8 at
    /// first, 0 for none. Others get a 429 that says when to try again.
    ///
    /// Each of them takes a thread of whoever calls [`handle`](Self::handle), for that time.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let handler = Handler::new().max_windows(0);
    /// let response = handler.handle(&Request::new("GET", "/mutex?seconds=1&fraction=1"));
    /// assert_eq!(response.status(), 429);
    /// ```
    #[must_use]
    pub fn max_windows(mut self, windows: usize) -> Self {
        self.state.windows.max = windows;
        self
    }

    /// The largest `seconds=` that is answered; 300 at first. More gets a 400.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let handler = Handler::new().max_seconds(10);
    /// let response = handler.handle(&Request::new("GET", "/mutex?seconds=11"));
    /// assert_eq!(response.status(), 400);
    /// ```
    #[must_use]
    pub fn max_seconds(mut self, seconds: u32) -> Self {
        self.state.windows.max_seconds = seconds;
        self
    }

    /// Bytes of memory that requests may make the process keep, of all clones together; 64 MiB at
    /// first. A scraper of `delta_mutex` or `delta_block` and an open window take 32 bytes for each
    /// stack. Beyond it the scrapers that did not ask for longest are forgotten, and are told
    /// everything when they ask again; then others get a 503.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let handler = Handler::new().max_memory(0);
    /// let response = handler.handle(&Request::new("GET", "/delta_mutex"));
    /// assert_eq!(response.status(), 503);
    /// ```
    #[must_use]
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.state.memory.max = bytes;
        self
    }

    /// Answers a request, whatever is in it. An error is an answer, too.
    ///
    /// # Blocking
    ///
    /// While the profile is taken and written, which is milliseconds; the first time names are
    /// looked up it may be more than a hundred. With `seconds=` for that time. In async code call
    /// it where blocking is allowed, such as in tokio's `spawn_blocking`.
    ///
    /// # Panics
    ///
    /// Never: what panics on the way, such as a profile of the program's own, is answered with
    /// status 500. (The panic hook is called, though, and with `panic = "abort"` the process ends.)
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let handler = Handler::new();
    /// let response = handler.handle(&Request::new("GET", "/debug/pprof/mutex?debug=1"));
    /// assert_eq!(response.status(), 200);
    /// print!("{}", String::from_utf8_lossy(response.body()));
    /// ```
    pub fn handle(&self, request: &Request<'_>) -> Response {
        self.handle_until(request, &Cancel::new())
    }

    /// As [`handle`](Self::handle), but a window of time ends when it is cancelled, with a 503
    /// for whoever still reads it. Rates that were set for the window are restored then.
    ///
    /// # Examples
    ///
    /// See [`Cancel`].
    pub fn handle_until(&self, request: &Request<'_>, cancel: &Cancel) -> Response {
        let answer = panics::caught(|| self.answer(request, cancel));
        let response = match answer {
            Ok(Ok(response) | Err(response)) => response,
            Err(message) => Response::error(500, &format!("the handler panicked: {message}")),
        };
        match request.method {
            "HEAD" => response.without_body(),
            _ => response,
        }
    }

    fn answer(&self, request: &Request<'_>, cancel: &Cancel) -> Answer {
        let (path, query) = request.path_and_query();
        let name = name(path);
        let call = Call {
            state: &self.state,
            request,
            name: name.unwrap_or_default(),
            query: Query::new(query),
            cancel,
        };
        self.state.scrapers.expire();
        let found = Found::at(self.table, call.name);
        self.access.check(&call, found.effect(&call))?;
        match name {
            Some(_) => found.answer(&call),
            // Relative, so that it is right behind a proxy that serves this below another path.
            None => Ok(Response::redirect("pprof/")),
        }
    }
}

/// The part behind the prefix; `None` for the prefix itself, without the slash that the relative
/// links of the index need.
fn name(path: &str) -> Option<&str> {
    let name = match path.strip_prefix(PREFIX) {
        Some("") => return None,
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    };
    Some(name.strip_prefix('/').unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_stand_behind_the_prefix_or_alone() {
        for (path, expected) in [
            ("/debug/pprof", None),
            ("/debug/pprof/", Some("")),
            ("/", Some("")),
            ("", Some("")),
            ("/debug/pprof/mutex", Some("mutex")),
            ("/mutex", Some("mutex")),
            ("mutex", Some("mutex")),
            ("/debug/pprof/assets/a.js", Some("assets/a.js")),
            ("/debug/pprofmutex", Some("debug/pprofmutex")),
            ("/debug/pprof//mutex", Some("/mutex")),
            ("/debug/pprof/debug/pprof/mutex", Some("debug/pprof/mutex")),
        ] {
            assert_eq!(name(path), expected, "{path}");
        }
    }
}
