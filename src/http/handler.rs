//! From a request to its answer: who may ask, and which path is answered by what.
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::query::Query;
use super::{Cancel, Request, Response};
use super::{bundle, cpu, custom, pages, process, profiles, rates};

/// Answers requests for `/debug/pprof/…`. Clones share limits and windows.
#[derive(Clone, Debug)]
pub struct Handler {
    pub(super) shared: Arc<Shared>,
}

/// What all requests of a handler have in common.
#[derive(Debug, Default)]
pub(super) struct Shared {}

/// One request on its way: what routes get to see.
pub(super) struct Call<'a> {
    pub(super) handler: &'a Handler,
    pub(super) request: &'a Request<'a>,
    /// The path behind `/debug/pprof/`, such as `mutex`; empty for the index.
    pub(super) name: &'a str,
    pub(super) query: Query<'a>,
    pub(super) cancel: &'a Cancel,
}

impl Default for Handler {
    fn default() -> Self {
        Self::new()
    }
}

impl Handler {
    /// A handler without a token.
    pub fn new() -> Self {
        Self {
            shared: Arc::default(),
        }
    }

    /// Needs this token.
    pub fn token(self, _token: &str) -> Self {
        self
    }

    /// Only answers requests for this machine's own names.
    pub fn loopback_hosts_only(self, _only: bool) -> Self {
        self
    }

    /// Answers a request. Blocks while the profiles are taken; with `seconds=` for that time.
    pub fn handle(&self, request: &Request<'_>) -> Response {
        self.handle_until(request, &Cancel::new())
    }

    /// As [`handle`](Self::handle), but a window ends when `cancel` says so.
    pub fn handle_until(&self, request: &Request<'_>, cancel: &Cancel) -> Response {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((request.target, ""));
        let name = path
            .strip_prefix("/debug/pprof")
            .unwrap_or(path)
            .trim_start_matches('/');
        let call = Call {
            handler: self,
            request,
            name,
            query: Query::new(query),
            cancel,
        };
        call.route().unwrap_or_else(|response| response)
    }
}

/// A route's answer; the error is one, too, which ends the handling early.
pub(super) type Answer = Result<Response, Response>;

impl Call<'_> {
    fn route(&self) -> Answer {
        match self.name {
            "" => pages::index(self),
            "top" => pages::top(self),
            "flamegraph" => pages::flamegraph(self),
            "mutex" | "block" => profiles::profile(self),
            "delta_mutex" | "delta_block" => profiles::delta(self),
            "profile" => cpu::profile(self),
            "cmdline" => process::cmdline(self),
            "symbol" => process::symbol(self),
            "bundle" => bundle::bundle(self),
            "rates" => rates::rates(self),
            name => match name.strip_prefix("assets/") {
                Some(asset) => pages::asset(self, asset),
                None => custom::profile(self),
            },
        }
    }
}
