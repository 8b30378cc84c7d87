//! The mutex and the block profile, whole and of a window: what Go's own tests of its handlers ask.

use std::thread;
use std::time::Duration;

use contend::http::{Handler, Response};
use contend::sync::Mutex;

use super::{alone, ask, get, rates_in_force, set_rates, text};
use crate::common::release_when_asleep;
use crate::decoder::Decoded;

/// One contention each, with these functions on the stacks of both who held and who waited.
#[inline(never)]
pub(crate) fn hog1() {
    contend_once(|mutex, release| release_when_asleep(|| drop(mutex.lock().unwrap()), release));
}

#[inline(never)]
pub(crate) fn hog2() {
    contend_once(|mutex, release| release_when_asleep(|| drop(mutex.lock().unwrap()), release));
}

fn contend_once(hog: fn(&Mutex<()>, &mut dyn FnMut())) {
    let mutex = Mutex::new(());
    let mut guard = Some(mutex.lock().unwrap());
    hog(&mutex, &mut || drop(guard.take()));
}

/// The contentions of all samples with `function` on their stack.
#[track_caller]
pub(crate) fn contentions_of(response: &Response, function: &str) -> i64 {
    assert_eq!(
        response.status(),
        200,
        "{}",
        String::from_utf8_lossy(response.body())
    );
    let profile = Decoded::from_gzip(response.body());
    let samples = profile.stacks().into_iter();
    samples
        .filter(|(_, _, frames)| frames.iter().any(|frame| frame.contains(function)))
        .map(|(values, _, _)| values[0])
        .sum()
}

fn asked(target: &str) -> Response {
    ask(&Handler::new(), &get(&format!("/debug/pprof/{target}")))
}

/// The rows of Go's `TestHandlers` that are about these profiles.
#[test]
fn types_and_names_of_files_are_those_of_go() {
    let _alone = alone();
    let (bytes, plain) = ("application/octet-stream", "text/plain; charset=utf-8");
    for (target, content_type, name) in [
        ("mutex", bytes, Some("mutex")),
        ("block", bytes, Some("block")),
        ("mutex?debug=0", bytes, Some("mutex")),
        ("mutex?debug=1", plain, None),
        ("block?debug=2", plain, None),
        ("mutex?seconds=1&fraction=1", bytes, Some("mutex-delta")),
        ("block?seconds=1&rate=1", bytes, Some("block-delta")),
        ("wake?seconds=1&wake_rate=1", bytes, Some("wake-delta")),
        (
            "pairs?seconds=1&pairs_fraction=1",
            bytes,
            Some("pairs-delta"),
        ),
        ("pairs", bytes, Some("pairs")),
        ("pairs?debug=1", plain, None),
        ("block?seconds=1&debug=0&rate=1", bytes, Some("block-delta")),
        ("delta_mutex", bytes, Some("delta_mutex")),
        ("delta_block?debug=1", plain, None),
    ] {
        let response = asked(target);
        assert_eq!(response.status(), 200, "{target}");
        assert_eq!(
            response.header("Content-Type"),
            Some(content_type),
            "{target}"
        );
        let disposition = name.map(|name| format!("attachment; filename=\"{name}\""));
        assert_eq!(
            response.header("Content-Disposition"),
            disposition.as_deref(),
            "{target}"
        );
    }
}

/// Go's `TestDeltaProfile`.
#[test]
fn a_window_has_what_came_in_it_and_nothing_else() {
    let _alone = alone();
    set_rates(1, 1);
    hog1();
    let handler = Handler::new();
    for name in ["mutex", "block"] {
        let target = format!("/debug/pprof/{name}?seconds=1");
        let window = thread::scope(|scope| {
            let window = scope.spawn(|| ask(&handler, &get(&target)));
            while !window.is_finished() {
                hog2();
            }
            window.join().unwrap()
        });
        assert_eq!(contentions_of(&window, "hog1"), 0);
        assert!(contentions_of(&window, "hog2") > 0);
        let duration = Decoded::from_gzip(window.body()).raw.duration_nanos;
        let second = Duration::from_secs(1).as_nanos() as i64;
        assert!((second..60 * second).contains(&duration), "{duration}");

        let whole = asked(name);
        assert_eq!(contentions_of(&whole, "hog1"), 1);
        assert!(contentions_of(&whole, "hog2") > 0);
        assert_eq!(Decoded::from_gzip(whole.body()).raw.duration_nanos, 0);
    }
}

/// Go's `TestDeltaProfileEmptyBase`: with nothing recorded the result is still a profile.
#[test]
fn a_window_without_events_has_its_types() {
    let _alone = alone();
    for window in ["mutex?seconds=1&fraction=1", "block?seconds=1&rate=1"] {
        let window = asked(window);
        let profile = Decoded::from_gzip(window.body());
        let types = [("contentions", "count"), ("delay", "nanoseconds")];
        assert_eq!(profile.sample_types(), types);
        assert_eq!(profile.period_type(), ("contentions", "count"));
        assert_eq!(profile.raw.period, 1);
        assert!(profile.raw.sample.is_empty());
        assert!(profile.raw.duration_nanos >= 1_000_000_000);
        assert!(profile.raw.time_nanos > 0);
        let comments = profile.comments().join("\n");
        assert!(
            comments.contains("no wait has ended in this time"),
            "{comments}"
        );
    }
}

/// Nothing is on but for the time of the request.
#[test]
fn a_window_records_at_the_rate_that_it_asks_for() {
    let _alone = alone();
    let handler = Handler::new();
    for (target, others) in [
        ("mutex?seconds=1&fraction=1", "block"),
        ("block?seconds=1&rate=1ns", "mutex"),
    ] {
        hog1();
        let window = thread::scope(|scope| {
            let window = scope.spawn(|| ask(&handler, &get(target)));
            while !window.is_finished() {
                hog2();
            }
            window.join().unwrap()
        });
        hog1();
        assert!(contentions_of(&window, "hog2") > 0, "{target}");
        assert_eq!(contentions_of(&window, "hog1"), 0, "{target}");
        assert_eq!(contentions_of(&asked(others), ""), 0, "{target}");
        assert_eq!(rates_in_force(), (0, 0), "{target}");
        contend::reset();
    }
}

#[test]
fn text_is_the_profile_of_this_moment() {
    let _alone = alone();
    let empty = asked("mutex?debug=1");
    assert!(text(&empty).contains("is off"), "{}", text(&empty));
    set_rates(1, 0);
    hog1();
    let response = asked("mutex?debug=1");
    let header = "--- mutex:\ncycles/second=1000000000\nsampling period=1\n";
    assert!(text(&response).starts_with(header));
    assert!(text(&response).contains("hog1"), "{}", text(&response));
}

#[test]
fn a_label_leaves_its_part_and_pages_offer_all_values() {
    let _alone = alone();
    set_rates(1, 1);
    for endpoint in ["/a b", "/c&d"] {
        let _labels = contend::labels! {"endpoint" => endpoint};
        hog1();
    }
    // The releaser is this thread: the waiter, another one, has no labels.
    let of_one = asked("mutex?label=endpoint%3D%2Fa+b");
    assert_eq!(contentions_of(&of_one, "hog1"), 1);
    let of_none = asked("block?label=endpoint%3D%2Fa+b");
    assert_eq!(contentions_of(&of_none, "hog1"), 0);
    let page = asked("top?profile=mutex&label=endpoint%3D%2Fa+b");
    let page = text(&page);
    assert!(page.contains("of <b>endpoint=/a b</b>"), "{page}");
    assert!(
        page.contains("label=endpoint%3D%2Fc%26d"),
        "the others are offered"
    );
    let wrong = asked("mutex?label=endpoint");
    assert_eq!(wrong.status(), 400);
    assert!(
        text(&wrong).contains("as endpoint=/cart"),
        "{}",
        text(&wrong)
    );
}

#[test]
fn without_names_there_are_the_addresses_and_build_ids() {
    let _alone = alone();
    set_rates(1, 1);
    hog1();
    for which in ["mutex", "block"] {
        let named = Decoded::from_gzip(asked(which).body());
        let nameless = asked(&format!("{which}?names=0"));
        assert_eq!(contentions_of(&nameless, "hog1"), 0, "{which}");
        let nameless = Decoded::from_gzip(nameless.body());
        let sums = |profile: &Decoded| {
            let values = profile.stacks().into_iter().map(|(values, ..)| values);
            values.fold([0, 0], |sums, values| {
                [sums[0] + values[0], sums[1] + values[1]]
            })
        };
        assert_eq!(sums(&nameless), sums(&named), "{which}");
        let raw = &nameless.raw;
        assert!(!raw.location.is_empty(), "{which}");
        for location in &raw.location {
            // A frame that stands for no code has its name all the same.
            assert_eq!(location.line.is_empty(), location.address != 0, "{which}");
        }
        // The user's functions are among them, for who has the program.
        let addresses: Vec<u64> = raw.location.iter().map(|at| at.address).collect();
        for location in &named.raw.location {
            assert!(addresses.contains(&location.address), "{which}");
        }
        let has_id = raw.mapping.iter().any(|mapping| mapping.build_id != 0);
        assert!(has_id || !cfg!(target_os = "linux"), "{which}");
        let nothing_named = raw.mapping.iter().all(|mapping| !mapping.has_functions);
        assert!(nothing_named, "{which}");
    }
    let window = asked("mutex?seconds=1&names=0&fraction=1");
    assert_eq!(window.status(), 200);
    let wrong = asked("mutex?names=no");
    assert_eq!(wrong.status(), 400);
    assert!(text(&wrong).contains("0 or 1"), "{}", text(&wrong));
}
