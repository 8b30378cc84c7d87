//! Which methods each path takes.

use contend::http::{Handler, Request, Response};

use super::{alone, ask, text};

const READ: &str = "GET, HEAD";

/// Paths and their methods.
const PATHS: [(&str, &str); 20] = [
    ("", READ),
    ("mutex", READ),
    ("block", READ),
    ("wake", READ),
    ("pairs", READ),
    ("delta_mutex", "GET"),
    ("delta_block", "GET"),
    ("delta_wake", "GET"),
    ("delta_pairs", "GET"),
    ("profile", READ),
    ("cmdline", READ),
    ("symbol", "GET, HEAD, POST"),
    ("flamegraph", READ),
    ("top", READ),
    ("blockers", READ),
    ("trace", READ),
    ("timeline", READ),
    ("bundle", READ),
    ("rates", "GET, HEAD, PUT"),
    ("assets/nothing.js", READ),
];

fn asked(method: &str, name: &str) -> Response {
    let target = format!("/debug/pprof/{name}");
    ask(&Handler::new(), &Request::new(method, &target))
}

#[test]
fn other_methods_are_told_which_there_are() {
    for (name, allowed) in PATHS {
        for method in [
            "PUT", "POST", "DELETE", "PATCH", "TRACE", "CONNECT", "HEAD", "get", "", "G T",
        ] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let response = asked(method, name);
            assert_eq!(response.status(), 405, "{method} {name}");
            assert_eq!(response.header("Allow"), Some(allowed), "{method} {name}");
        }
    }
}

/// A page of another origin that asks whether it may is not told so.
#[test]
fn options_grants_nothing() {
    for (name, allowed) in PATHS {
        let response = asked("OPTIONS", name);
        assert_eq!(response.status(), 204, "{name}");
        assert_eq!(response.header("Allow"), Some(allowed), "{name}");
        assert_eq!(response.body(), b"", "{name}");
    }
}

#[test]
fn head_has_the_headers_of_get() {
    let _alone = alone();
    for name in [
        "mutex",
        "block?debug=1",
        "rates",
        "mutex?seconds=0",
        "nothing",
        "assets/nothing",
    ] {
        let (get, head) = (asked("GET", name), asked("HEAD", name));
        assert_eq!(head.status(), get.status(), "{name}");
        assert_eq!(head.body(), b"", "{name}");
        let mut headers: Vec<_> = head.headers().collect();
        let length = headers.pop().unwrap();
        assert!(headers.into_iter().eq(get.headers()), "{name}");
        assert_eq!(length.0, "Content-Length", "{name}");
        assert!(length.1.parse::<usize>().unwrap() > 0, "{name}");
    }
}

#[test]
fn head_tells_the_length() {
    let (get, head) = (
        asked("GET", "mutex?debug=x"),
        asked("HEAD", "mutex?debug=x"),
    );
    let length = get.body().len().to_string();
    assert_eq!(head.header("Content-Length"), Some(&*length));
    assert_eq!(get.header("Content-Length"), None, "for the server to add");
}

/// The links of the index are relative.
#[test]
fn the_bare_prefix_leads_to_the_index() {
    for method in ["GET", "HEAD", "POST"] {
        for target in ["/debug/pprof", "/debug/pprof?debug=1\r\nX: y"] {
            let response = ask(&Handler::new(), &Request::new(method, target));
            assert_eq!(response.status(), 307, "{method} {target}");
            assert_eq!(response.header("Location"), Some("pprof/"));
        }
    }
}

#[test]
fn the_handler_of_the_process_answers_as_any() {
    let _alone = alone();
    let request = Request::new("GET", "/debug/pprof/mutex?debug=1");
    let response = contend::http::handle(&request);
    assert_eq!(response, ask(&Handler::new(), &request));
    assert!(
        text(&response).starts_with("--- mutex:\n"),
        "{}",
        text(&response)
    );
}
