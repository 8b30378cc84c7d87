//! Replays the fuzzer's corpus of requests (`tests/fuzz`) on every compiler.
//!
//! The requests change rates and the handler registers profiles, so each test has a process of its
//! own.

mod check;

use std::fs;
use std::path::Path;

#[test]
fn every_kept_request_is_answered_as_it_should_be() {
    let name = "corpus::every_kept_request_is_answered_as_it_should_be";
    crate::common::in_child(name, replay);
}

fn replay() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/http_handler");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        check::checked_answer(&fs::read(entry.unwrap().path()).unwrap(), true);
        count += 1;
    }
    assert!(count >= 50, "{count} requests in {}", corpus.display());
}

/// Else the check that pages escape would check nothing.
#[test]
fn pages_show_what_has_to_be_escaped() {
    let name = "corpus::pages_show_what_has_to_be_escaped";
    crate::common::in_child(name, look_at_pages);
}

fn look_at_pages() {
    let page = |target: &str| {
        let request = format!("\nGET\n/debug/pprof/{target}\n\n");
        let response = check::checked_answer(request.as_bytes(), false);
        assert_eq!(response.status(), 200, "{target}");
        String::from_utf8(response.into_body()).unwrap()
    };
    let mut pages = vec![""];
    if cfg!(feature = "profiling") {
        pages.push("top?profile=block");
    }
    if cfg!(feature = "profiling") && cfg!(feature = "flamegraph") {
        pages.push("flamegraph?profile=block");
    }
    for target in pages {
        assert!(page(target).contains("&lt;fuzz"), "{target}");
    }
}
