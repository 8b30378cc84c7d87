//! The handler of `contend::http`, asked as any server would ask it: what it answers, and what
//! that changes in the process.
//!
//! Rates and profiles are the process's, so tests that set or read them take turns (see
//! [`alone`]). Every answer is held to the same headers (see [`ask`]).
mod access;
mod custom;
#[cfg(feature = "profiling")]
mod deltas;
mod malformed;
mod methods;
mod metrics;
#[cfg(feature = "profiling")]
mod profiles;
mod rates;
mod threads;
#[cfg(feature = "profiling")]
mod windows;

use std::sync::MutexGuard;

use contend::http::{Cancel, Handler, Request, Response};

use crate::common::{Watchdog, secs};

/// No other test that changes the process runs while this lives, and it begins with nothing
/// recorded and nothing on.
struct Alone {
    _watchdog: Watchdog,
    _turn: MutexGuard<'static, ()>,
}

fn alone() -> Alone {
    let turn = crate::common::turn();
    set_rates(0, 0);
    contend::reset();
    Alone {
        _watchdog: Watchdog::new(secs(60)),
        _turn: turn,
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        set_rates(0, 0);
    }
}

fn set_rates(fraction: u32, nanos: u64) {
    contend::set_mutex_profile_fraction(fraction);
    contend::set_block_profile_rate(nanos);
}

fn rates_in_force() -> (u32, u64) {
    (
        contend::mutex_profile_fraction(),
        contend::block_profile_rate(),
    )
}

fn get(target: &str) -> Request<'_> {
    Request::new("GET", target)
}

#[track_caller]
fn ask(handler: &Handler, request: &Request<'_>) -> Response {
    ask_until(handler, request, &Cancel::new())
}

#[track_caller]
fn ask_until(handler: &Handler, request: &Request<'_>, cancel: &Cancel) -> Response {
    let response = handler.handle_until(request, cancel);
    assert_headers(&response);
    response
}

/// Every answer has these headers, whatever its status.
#[track_caller]
fn assert_headers(response: &Response) {
    let header = |name| response.header(name).unwrap_or("");
    assert_eq!(header("X-Content-Type-Options"), "nosniff");
    assert_eq!(header("Cache-Control"), "no-store");
    assert_eq!(header("Referrer-Policy"), "no-referrer");
    let policy = header("Content-Security-Policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_ne!(header("Content-Type"), "");
    for (name, value) in response.headers() {
        let same = |(other, _): &(&str, &str)| other.eq_ignore_ascii_case(name);
        assert_eq!(response.headers().filter(same).count(), 1, "{name}");
        assert!(!value.contains(char::is_control), "{name}: {value:?}");
        assert!(!name.to_ascii_lowercase().starts_with("access-control"));
    }
    if response.status() >= 400 {
        assert_is_error(response);
    }
}

/// As `go tool pprof` wants an error, so that it shows the text to its user.
#[track_caller]
fn assert_is_error(response: &Response) {
    assert_eq!(response.header("X-Go-Pprof"), Some("1"));
    assert_eq!(
        response.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(response.header("Content-Disposition"), None);
    if response.header("Content-Length").is_none() {
        let text = text(response);
        assert!(text.ends_with('\n') && text.trim().len() > 3, "{text:?}");
        assert_eq!(text.lines().count(), 1, "{text:?}");
    }
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// Returns when it has come true, which it must.
#[cfg(feature = "profiling")]
fn until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::sleep(crate::common::ms(1));
    }
}
