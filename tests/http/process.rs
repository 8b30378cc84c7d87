//! Questions about the process itself: its command line, and names of addresses.

use contend::http::{Handler, Request, Response};

fn answer(request: &Request<'_>) -> Response {
    Handler::new().handle(request)
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[inline(never)]
fn landmark() -> u32 {
    std::process::id()
}

/// Any place in it, not its first instruction only.
fn in_landmark() -> u64 {
    assert!(landmark() > 0);
    landmark as fn() -> u32 as usize as u64 + 1
}

#[test]
fn the_command_line_is_joined_by_zeros() {
    let response = answer(&Request::new("GET", "/debug/pprof/cmdline"));
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    let arguments: Vec<String> = std::env::args().collect();
    assert_eq!(text(&response), arguments.join("\0"));
}

#[cfg(feature = "profiling")]
#[test]
fn names_are_looked_up_in_the_query_and_in_the_body() {
    let address = in_landmark();
    let expected = format!("num_symbols: 1\n{address:#x} http::process::landmark\n");
    let list = format!("0x1+{address:#x}+nonsense+{}", u64::MAX);
    let target = format!("/debug/pprof/symbol?{list}");
    let response = answer(&Request::new("GET", &target));
    assert_eq!(response.status(), 200);
    assert_eq!(text(&response), expected);
    let posted = Request::new("POST", "/debug/pprof/symbol").body(list.as_bytes());
    assert_eq!(text(&answer(&posted)), expected);
    // In decimal, too: this is how C reads integers.
    let target = format!("/symbol?{address}");
    assert_eq!(text(&answer(&Request::new("GET", &target))), expected);
}

#[test]
fn without_addresses_there_is_only_the_first_line() {
    for body in [&b""[..], b"+++", b"0x", b"\xff\xfe", b"0x0"] {
        let request = Request::new("POST", "/debug/pprof/symbol").body(body);
        assert_eq!(text(&answer(&request)), "num_symbols: 1\n", "{body:?}");
    }
}

#[test]
fn too_many_addresses_are_an_error() {
    let list = "0x1+".repeat(10_000);
    let request = Request::new("POST", "/debug/pprof/symbol").body(list.as_bytes());
    assert_eq!(answer(&request).status(), 200);
    let list = list + "0x1";
    let request = Request::new("POST", "/debug/pprof/symbol").body(list.as_bytes());
    let response = answer(&request);
    assert_eq!(response.status(), 413);
    assert_eq!(
        text(&response),
        "too many addresses: at most 10000 are answered at once\n"
    );
}

#[test]
fn names_are_there_if_the_profiler_is_built_in() {
    let address = in_landmark();
    let target = format!("/symbol?{address:#x}");
    let response = answer(&Request::new("GET", &target));
    let has_name = text(&response).contains("landmark");
    assert_eq!(has_name, cfg!(feature = "profiling"));
}

/// `go tool pprof HOST:PORT` asks for a CPU profile, and shows its user this.
#[cfg(not(feature = "cpu"))]
#[test]
fn without_cpu_profiles_it_is_said_how_to_get_them() {
    let response = answer(&Request::new("GET", "/debug/pprof/profile"));
    assert_eq!(response.status(), 501);
    assert_eq!(response.header("X-Go-Pprof"), Some("1"));
    assert_eq!(
        response.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    let text = text(&response);
    assert!(text.contains("enable the feature `cpu`"), "{text}");
    assert!(text.contains("force-frame-pointers=yes"), "{text}");
}
