//! Checks that hold for every request, however broken. Shared by the fuzz target and by the test
//! that replays its corpus.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use contend::http::{Cancel, Handler, Request, Response};

/// No window lasts longer, so that many requests can be tried.
const MAX_SECONDS: u32 = 1;

/// The time that the handler needs for itself. It takes milliseconds; much more, under sanitizers,
/// on a machine that does other things, or where names are looked up for the first time.
const MAX_WORK: Duration = Duration::from_secs(30);

/// Stands in requests. Wherever a page shows it, it is escaped.
const MARKER: &str = "<fuzz \"'&>";

/// All that [`contend::http`] documents, and nothing else.
const STATUSES: [u16; 15] = [
    200, 204, 307, 400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 501, 503,
];

/// The answer to the request that `bytes` make, as [`Parts::split`] says, after checking it.
/// Unless it `may_wait`, a window of time is cut short.
pub(crate) fn checked_answer(bytes: &[u8], may_wait: bool) -> Response {
    let parts = Parts::split(bytes);
    let request = parts.request();
    let cancel = Cancel::new();
    if !may_wait || !parts.lets_windows_run {
        cancel.cancel();
    }
    let start = Instant::now();
    let response = handler(parts.has_token).handle_until(&request, &cancel);
    let elapsed = start.elapsed();
    let limit = MAX_WORK + Duration::from_secs(MAX_SECONDS.into());
    assert!(elapsed < limit, "{elapsed:?} for {request:?}");
    check_response(&request, &response);
    response
}

/// One for all inputs: what a request leaves behind is there for the next.
fn handler(has_token: bool) -> &'static Handler {
    static OPEN: LazyLock<Handler> = LazyLock::new(|| {
        let_pages_show_the_marker();
        Handler::new().max_seconds(MAX_SECONDS).max_windows(2)
    });
    static GUARDED: LazyLock<Handler> = LazyLock::new(|| {
        let handler = Handler::new().max_seconds(MAX_SECONDS);
        handler.token("sesame").loopback_hosts_only(true)
    });
    if has_token { &GUARDED } else { &OPEN }
}

/// In what programs name: a kind of wait, a profile's description, an error.
fn let_pages_show_the_marker() {
    let rate = contend::set_block_profile_rate(1);
    contend::blocking(MARKER, || std::thread::sleep(Duration::from_millis(1)));
    contend::set_block_profile_rate(rate);
    contend::http::register_profile("custom", MARKER, || Ok(Vec::new())).expect("the name is free");
    contend::http::register_profile("broken", MARKER, || Err(MARKER.into())).expect("so is this");
}

/// A request in the form of the corpus, which people can read and write:
///
/// ```text
/// -- flags: `t` has a token and checks hosts, `w` lets windows run
/// -- method
/// -- target
/// -- headers, `Name: value`, up to an empty line
/// -- body
/// ```
///
/// `{m}` stands for [`MARKER`].
#[derive(Debug)]
struct Parts {
    has_token: bool,
    lets_windows_run: bool,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Parts {
    fn split(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let flags = line(&mut rest);
        let (method, target) = (line(&mut rest), line(&mut rest));
        let mut headers = Vec::new();
        loop {
            let header = line(&mut rest);
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').unwrap_or((&header, ""));
            headers.push((name.to_owned(), value.trim_start().to_owned()));
        }
        Self {
            has_token: flags.contains('t'),
            lets_windows_run: flags.contains('w'),
            method,
            target,
            headers,
            body: rest.to_vec(),
        }
    }

    fn request(&self) -> Request<'_> {
        let request = Request::new(&self.method, &self.target).body(&self.body);
        let headers = self.headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    }
}

/// Takes a line off `rest`. A server hands on text, so this is text.
fn line(rest: &mut &[u8]) -> String {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let line = &rest[..end.unwrap_or(rest.len())];
    *rest = rest.get(line.len() + 1..).unwrap_or_default();
    String::from_utf8_lossy(line).replace("{m}", MARKER)
}

fn check_response(request: &Request<'_>, response: &Response) {
    let status = response.status();
    assert!(STATUSES.contains(&status), "{status} for {request:?}");
    let header = |name: &str| response.header(name).unwrap_or_default();
    assert_eq!(header("X-Content-Type-Options"), "nosniff");
    assert_eq!(header("Cache-Control"), "no-store");
    assert!(header("Content-Security-Policy").starts_with("default-src 'none'"));
    assert!(!header("Content-Type").is_empty(), "{request:?}");
    for (name, value) in response.headers() {
        let is_sendable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        assert!(is_sendable, "{name}: {value:?} for {request:?}");
        let same = response.headers().filter(|(other, _)| *other == name);
        assert_eq!(same.count(), 1, "{name} for {request:?}");
    }
    let panicked = b"the handler panicked";
    assert!(!response.body().starts_with(panicked), "{request:?}");
    // Browsers show these as what they claim to be; all else is text or a file.
    let content_type = header("Content-Type");
    if ["text/html", "image/svg"]
        .iter()
        .any(|start| content_type.starts_with(start))
    {
        let body = std::str::from_utf8(response.body()).expect("pages are text");
        assert!(!body.contains(MARKER), "not escaped: {request:?}");
        assert!(!body.contains("<fuzz"), "a tag: {request:?}");
    }
    if content_type == "application/json" && !response.body().is_empty() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(response.body());
        assert!(parsed.is_ok(), "{request:?}");
    }
}
