//! Requests that make no sense, or ask for too much: each gets its clear answer and changes
//! nothing.

use contend::http::{Handler, Request};

use super::{alone, ask, get, rates_in_force, set_rates, text};

fn put(body: &[u8]) -> Request<'_> {
    Request::new("PUT", "/debug/pprof/rates").body(body)
}

const SECONDS: &str = "invalid value for \"seconds\" - must be a positive integer\n";
const AT_MOST: &str = "invalid value for \"seconds\" - must be at most 300\n";
const FRACTION: &str =
    "invalid value for \"fraction\" - must be an integer from 1 to 4294967295, not ";
const RATE: &str = "invalid value for \"rate\" - must be nanoseconds from 1 to 18446744073709551615, \
                    or a time as 10us or 1ms, not ";
const DEBUG: &str = "invalid value for \"debug\" - must be an integer, 0 or more, not ";

/// The status, and a part of the text.
#[test]
fn queries() {
    let cases = [
        ("mutex?seconds=0", SECONDS),
        ("mutex?seconds=-1", SECONDS),
        ("mutex?seconds=1.5", SECONDS),
        ("mutex?seconds=abc", SECONDS),
        ("mutex?seconds=+5", SECONDS), // A plus is a space in a query.
        ("mutex?seconds=1s", SECONDS),
        ("mutex?seconds=0x10", SECONDS),
        ("mutex?seconds=%00", SECONDS),
        ("mutex?seconds=1%00", SECONDS),
        ("mutex?seconds=%zz", SECONDS),
        ("mutex?seconds=%", SECONDS),
        ("mutex?seconds=%ff", SECONDS),
        ("mutex?seconds=NaN", SECONDS),
        ("mutex?seconds=0&seconds=1", SECONDS),
        ("mutex?seconds=-99999999999999999999999999", SECONDS),
        ("mutex?seconds=%D9%A1", SECONDS), // An Arabic digit.
        ("mutex?seconds=301", AT_MOST),
        ("block?seconds=18446744073709551615", AT_MOST),
        ("block?seconds=99999999999999999999999999", AT_MOST),
        (
            "mutex?seconds=1&debug=1",
            "seconds and debug params are incompatible\n",
        ),
        (
            "block?debug=2&seconds=1",
            "seconds and debug params are incompatible\n",
        ),
        ("mutex?debug=-1", DEBUG),
        ("mutex?debug=x", DEBUG),
        ("mutex?debug=1.0", DEBUG),
        ("mutex?debug=true&seconds=1", DEBUG),
        ("mutex?fraction=1", "\"fraction\" needs \"seconds\""),
        ("block?rate=1ms", "\"rate\" needs \"seconds\""),
        ("mutex?debug=1&fraction=1", "\"fraction\" needs \"seconds\""),
        ("mutex?seconds=1&fraction=0", FRACTION),
        ("mutex?seconds=1&fraction=-1", FRACTION),
        ("mutex?seconds=1&fraction=4294967296", FRACTION),
        ("mutex?seconds=1&fraction=1ms", FRACTION),
        ("mutex?seconds=1&fraction=99999999999999999999999", FRACTION),
        ("block?seconds=1&rate=0", RATE),
        ("block?seconds=1&rate=0ms", RATE),
        ("block?seconds=1&rate=-1", RATE),
        ("block?seconds=1&rate=ms", RATE),
        ("block?seconds=1&rate=1.5ms", RATE),
        ("block?seconds=1&rate=1h", RATE),
        ("block?seconds=1&rate=18446744073709551616", RATE),
        ("block?seconds=1&rate=18446744074s", RATE),
        (
            "mutex?seconds=1&rate=1",
            "\"rate\" is not for the mutex profile",
        ),
        (
            "block?seconds=1&fraction=1",
            "\"fraction\" is not for the block profile",
        ),
        (
            "delta_mutex?seconds=1",
            "\"seconds\" parameter is not supported for this profile type\n",
        ),
        ("delta_block?seconds=0", SECONDS),
        ("delta_block?debug=y", DEBUG),
        ("delta_mutex?fraction=1", "\"fraction\" needs \"seconds\""),
    ];
    let _alone = alone();
    set_rates(7, 70);
    let rates = rates_in_force();
    for (target, part) in cases {
        let response = ask(&Handler::new(), &get(&format!("/debug/pprof/{target}")));
        assert_eq!(response.status(), 400, "{target}");
        assert!(
            text(&response).contains(part),
            "{target}: {}",
            text(&response)
        );
        assert_eq!(rates_in_force(), rates, "{target}");
    }
}

#[test]
fn paths() {
    let targets = [
        "/debug/pprof/nothing",
        "/debug/pprof/<script>scripty<script>",
        "/debug/pprof/nothing?seconds=x&debug=-1",
        "/debug/pprofmutex",
        "/debug/pprof//mutex",
        "/debug/pprof/mutex/",
        "/debug/pprof/../pprof/mutex",
        "/debug/pprof/Mutex",
        "/debug/pprof/%6dutex",
        "/debug/pprof/mutex%00",
        "/debug/pprof/goroutines",
        "/debug/pprof/delta_heap",
        "/debug/pprof/debug/pprof/mutex",
        "/debug",
        "http://localhost/debug/pprof/mutex",
        "*",
        "mutex\0",
        "\u{1f980}",
    ];
    for target in targets {
        let response = ask(&Handler::new(), &get(target));
        assert_eq!(response.status(), 404, "{target}");
        assert_eq!(text(&response), "Unknown profile\n", "{target}");
    }
}

/// Odd, but they ask for something.
#[test]
fn what_can_be_understood_is_answered() {
    let _alone = alone();
    for target in [
        "/debug/pprof/mutex?",
        "/debug/pprof/mutex?seconds=",
        "/debug/pprof/mutex?seconds",
        "/debug/pprof/mutex?debug=",
        "/debug/pprof/mutex?debug=0",
        "/debug/pprof/mutex?debug=0&debug=x",
        "/debug/pprof/mutex?fraction=&rate=",
        // A form that asks for no window sends its other fields too.
        "/debug/pprof/mutex?seconds=&fraction=1",
        "/debug/pprof/mutex?gc=1&who=knows",
        "/debug/pprof/mutex?&&==&%zz=%ff&?",
    ] {
        let response = ask(&Handler::new(), &get(target));
        assert_eq!(response.status(), 200, "{target}");
        assert_eq!(
            response.header("Content-Type"),
            Some("application/octet-stream"),
            "{target}"
        );
    }
}

#[test]
fn a_long_wrong_value_is_not_repeated_in_full() {
    let long = "9".repeat(100_000);
    let target = format!("mutex?seconds=1&fraction=x{long}");
    let response = ask(&Handler::new(), &get(&target));
    assert_eq!(response.status(), 400);
    assert!(response.body().len() < 300);
    let target = format!("/{long}?{long}={long}");
    assert_eq!(ask(&Handler::new(), &get(&target)).status(), 404);
}

/// Values that a terminal, a log or a page would take for more than text.
#[test]
fn wrong_values_are_repeated_harmlessly() {
    let target = "mutex?seconds=1&fraction=%0d%0aSet-Cookie:%20a%1b%5b2J%e2%80%ae";
    let response = ask(&Handler::new(), &get(target));
    assert_eq!(response.status(), 400);
    let shown = r#""\r\nSet-Cookie: a\u{1b}[2J\u{202e}""#;
    assert!(text(&response).contains(shown), "{}", text(&response));
}

#[cfg(feature = "profiling")]
#[test]
fn bodies() {
    let long = format!("{{\"mutex_profile_fraction\": {}1}}", " ".repeat(5000));
    let deep = "[".repeat(4000);
    let cases: [(&[u8], u16, &str); 17] = [
        (b"", 400, "must be a JSON object"),
        (b"many", 400, "must be a JSON object"),
        (b"[]", 400, "something else"),
        (b"null", 400, "something else"),
        (b"7", 400, "something else"),
        (b"{", 400, "must be a JSON object"),
        (b"{} {}", 400, "trailing characters"),
        (b"{\"a\xff\": 1}", 400, "must be a JSON object"),
        (deep.as_bytes(), 400, "recursion limit"),
        (long.as_bytes(), 413, "too large: at most 4096 bytes"),
        (br#"{"mutex": 1}"#, 400, "unknown rate \"mutex\""),
        (
            br#"{"mutex_profile_fraction": -1}"#,
            400,
            "from 0 to 4294967295, not \"-1\"",
        ),
        (
            br#"{"mutex_profile_fraction": 4294967296}"#,
            400,
            "from 0 to 4294967295",
        ),
        (
            br#"{"mutex_profile_fraction": "1"}"#,
            400,
            "must be an integer",
        ),
        (
            br#"{"mutex_profile_fraction": 1.5}"#,
            400,
            "must be an integer",
        ),
        (
            br#"{"block_profile_rate": 18446744073709551616}"#,
            400,
            "from 0 to 18446744073709551615",
        ),
        (
            br#"{"block_profile_rate": 1, "mutex_profile_fraction": null}"#,
            400,
            "\"mutex_profile_fraction\" must be an integer",
        ),
    ];
    let _alone = alone();
    set_rates(7, 70);
    for (body, status, part) in cases {
        let shown = String::from_utf8_lossy(body);
        let response = ask(&Handler::new(), &put(body));
        assert_eq!(response.status(), status, "{shown}");
        assert!(
            text(&response).contains(part),
            "{shown}: {}",
            text(&response)
        );
        assert_eq!(rates_in_force(), (7, 70), "{shown}");
    }
}

#[cfg(not(feature = "profiling"))]
#[test]
fn without_the_profiler_there_are_no_rates() {
    let response = ask(&Handler::new(), &put(br#"{"mutex_profile_fraction": 1}"#));
    assert_eq!(response.status(), 501);
    assert!(text(&response).contains("without its feature `profiling`"));
    let _alone = alone();
    assert_eq!(rates_in_force(), (0, 0));
}
