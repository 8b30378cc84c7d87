//! Profiles of the program's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use contend::http::{Handler, RegisterError, Request, Response, register_profile};

use super::{ask, get, text};

fn asked(target: &str) -> Response {
    ask(&Handler::new(), &get(&format!("/debug/pprof/{target}")))
}

#[test]
fn a_profile_is_served_as_a_file() {
    register_profile("memory", "What the allocator holds.", || {
        Ok(b"\0pprof\xff".to_vec())
    })
    .unwrap();
    let response = asked("memory");
    assert_eq!(response.status(), 200);
    assert_eq!(response.body(), b"\0pprof\xff");
    let header = |name| response.header(name);
    assert_eq!(header("Content-Type"), Some("application/octet-stream"));
    let disposition = header("Content-Disposition");
    assert_eq!(disposition, Some("attachment; filename=\"memory\""));
}

#[test]
fn it_is_taken_anew_for_each_request() {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let take = || Ok(TAKEN.fetch_add(1, Ordering::Relaxed).to_string().into());
    register_profile("counted", "", take).unwrap();
    assert_eq!(asked("counted").body(), b"0");
    assert_eq!(asked("counted").body(), b"1");
    assert_eq!(asked("counted?seconds=1").status(), 400);
    assert_eq!(asked("counted?debug=1").status(), 400);
    assert_eq!(
        asked("counted?debug=0&seconds=").body(),
        b"2",
        "not taken for an error"
    );
}

#[test]
fn what_it_does_not_know_is_an_error() {
    register_profile("plain", "", || Ok(Vec::new())).unwrap();
    for (query, message) in [
        (
            "seconds=1",
            "\"seconds\" parameter is not supported for this profile type\n",
        ),
        (
            "debug=1",
            "\"debug\" parameter is not supported for this profile type\n",
        ),
        (
            "seconds=x",
            "invalid value for \"seconds\" - must be a positive integer\n",
        ),
    ] {
        let response = asked(&format!("plain?{query}"));
        assert_eq!((response.status(), text(&response)), (400, message));
    }
}

#[test]
fn its_error_is_the_answer() {
    register_profile("failing", "", || Err("the allocator is asleep".into())).unwrap();
    let response = ask(&Handler::new(), &get("failing"));
    assert_eq!(response.status(), 500);
    let message = "failed to collect profile \"failing\": the allocator is asleep\n";
    assert_eq!(text(&response), message);
}

#[test]
fn its_panic_is_the_answer() {
    register_profile("panicking", "", || panic!("no heap today")).unwrap();
    for _ in 0..2 {
        let response = asked("panicking");
        assert_eq!(response.status(), 500);
        assert!(text(&response).contains("it panicked: no heap today"));
    }
}

/// It may do anything, so no page of another site can have it run.
#[test]
fn pages_of_other_sites_do_not_run_it() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let take = || {
        RUNS.fetch_add(1, Ordering::Relaxed);
        Ok(Vec::new())
    };
    register_profile("guarded", "", take).unwrap();
    let status = |method, headers: &[(&str, &'static str)]| {
        let request = Request::new(method, "guarded").header("Host", "localhost:6060");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        ask(&Handler::new(), &request).status()
    };
    for method in ["GET", "HEAD"] {
        for site in ["cross-site", "same-site"] {
            assert_eq!(status(method, &[("Sec-Fetch-Site", site)]), 403, "{site}");
        }
        assert_eq!(status(method, &[("Origin", "http://evil.example")]), 403);
    }
    assert_eq!(RUNS.load(Ordering::Relaxed), 0);
    let own = [("Origin", "http://localhost:6060")];
    assert_eq!(status("GET", &own), 200);
    assert_eq!(status("GET", &[]), 200);
    assert_eq!(RUNS.load(Ordering::Relaxed), 2);
}

/// No lock is held while a profile is taken.
#[test]
fn a_profile_may_ask_and_register() {
    register_profile("outer", "", || {
        let again = register_profile("outer", "", || Ok(Vec::new()));
        let inner = register_profile("inner", "", || Ok(b"inner".to_vec()));
        assert!(again.is_err() && inner.is_ok());
        Ok(asked("inner").into_body())
    })
    .unwrap();
    assert_eq!(asked("outer").body(), b"inner");
}

#[test]
fn a_taken_name_is_an_error() {
    register_profile("mine", "", || Ok(b"first".to_vec())).unwrap();
    for name in [
        "mine",
        "mutex",
        "block",
        "delta_mutex",
        "delta_block",
        "delta_heap",
        "profile",
        "cmdline",
        "symbol",
        "flamegraph",
        "top",
        "bundle",
        "rates",
        "assets",
        "index",
        "goroutine",
        "threads",
        "trace",
    ] {
        let error = register_profile(name, "", || Ok(Vec::new())).unwrap_err();
        assert_eq!(error, RegisterError::NameTaken(name.to_owned()));
        let message = format!("profile name already in use: {name:?}");
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(asked("mine").body(), b"first");
}

#[test]
fn a_name_that_is_no_part_of_a_path_is_an_error() {
    let long = "x".repeat(65);
    for name in [
        "", ".", "..", "a/b", "../mutex", "a b", "a?b", "<script>", "größe", "a\n", &long,
    ] {
        let error = register_profile(name, "", || Ok(Vec::new())).unwrap_err();
        assert_eq!(error, RegisterError::InvalidName(name.to_owned()));
        assert_eq!(error.to_string(), format!("invalid profile name: {name:?}"));
    }
}

#[test]
fn of_many_who_want_a_name_one_gets_it() {
    let wins = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let registered = register_profile("wanted", "", || Ok(Vec::new()));
                wins.fetch_add(registered.is_ok().into(), Ordering::Relaxed);
            });
        }
    });
    assert_eq!(wins.into_inner(), 1);
}
