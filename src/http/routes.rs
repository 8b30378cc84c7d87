//! Which path is answered by what, and to which methods.
#![forbid(unsafe_code)]

use super::handler::{Answer, Call};
use super::response::TEXT;
use super::{Response, bundle, cpu, custom, pages, process, profiles, rates};
use crate::profile::kind::ProfileKind;

struct Route {
    name: &'static str,
    /// As the header `Allow` lists them.
    methods: &'static str,
    answer: fn(&Call<'_>) -> Answer,
}

const READ: &str = "GET, HEAD";

/// Beside these each kind of profile has its name and `delta_` with its name.
const ROUTES: [Route; 8] = [
    route("", READ, pages::index),
    route("profile", READ, cpu::profile),
    route("cmdline", READ, process::cmdline),
    route("symbol", "GET, HEAD, POST", process::symbol),
    route("flamegraph", READ, pages::flamegraph),
    route("top", READ, pages::top),
    route("bundle", READ, bundle::bundle),
    route("rates", "GET, HEAD, PUT", rates::rates),
];

/// Stands before the name of a kind where only what is new is asked for.
const DELTA: &str = "delta_";

/// Files that pages load.
const ASSETS: &str = "assets";

/// Names that are not served, and not to be had either: others would expect something else there,
/// now or when it is.
const KEPT: [&str; 4] = ["index", "goroutine", "threads", "trace"];

const fn route(
    name: &'static str,
    methods: &'static str,
    answer: fn(&Call<'_>) -> Answer,
) -> Route {
    Route {
        name,
        methods,
        answer,
    }
}

/// Whether a profile of the program's own cannot have this name.
pub(super) fn is_taken(name: &str) -> bool {
    let is_served = ROUTES.iter().any(|route| route.name == name);
    is_served
        || ProfileKind::of_name(name).is_some()
        || name == ASSETS
        || KEPT.contains(&name)
        || name.starts_with(DELTA)
}

pub(super) fn answer(call: &Call<'_>) -> Answer {
    let route = find(call.name);
    let mut methods = route.methods.split(", ");
    let response = match call.request.method {
        // Nothing is granted to pages of other origins.
        "OPTIONS" => Response::new(TEXT, "").with_status(204),
        method if methods.any(|it| it == method) => return (route.answer)(call),
        _ => Response::error(405, "Method Not Allowed"),
    };
    Ok(response.with_header("Allow", route.methods))
}

fn find(name: &str) -> Route {
    let known = ROUTES.into_iter().find(|route| route.name == name);
    known
        .or_else(|| of_kind(name))
        .unwrap_or_else(|| match name.split_once('/') {
            Some((ASSETS, _)) => route(ASSETS, READ, asset),
            _ => route("", READ, custom::profile),
        })
}

fn of_kind(name: &str) -> Option<Route> {
    let is_of_kind = |name| ProfileKind::of_name(name).is_some();
    if is_of_kind(name) {
        return Some(route("", READ, |call| {
            profiles::profile(call, kind(call.name)?)
        }));
    }
    // No HEAD: asking is what makes the next answer another one.
    is_of_kind(name.strip_prefix(DELTA)?).then_some(route("", "GET", |call| {
        let name = call.name.strip_prefix(DELTA).unwrap_or_default();
        profiles::delta(call, kind(name)?)
    }))
}

fn kind(name: &str) -> Result<ProfileKind, Response> {
    ProfileKind::of_name(name).ok_or_else(|| Response::error(404, "Unknown profile"))
}

fn asset(call: &Call<'_>) -> Answer {
    let (_, name) = call.name.split_once('/').unwrap_or_default();
    pages::asset(call, name)
}
