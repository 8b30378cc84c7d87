//! Windows of time: their rates, their number, and their ending early.

use std::thread::{Scope, ScopedJoinHandle};

use contend::http::{Cancel, Handler, Response};

use super::{alone, ask, ask_until, get, rates_in_force, set_rates, text, until};

/// Asks for five minutes, on a thread of its own.
fn long<'scope>(
    scope: &'scope Scope<'scope, '_>,
    handler: &'scope Handler,
    target: &'scope str,
    cancel: &'scope Cancel,
) -> ScopedJoinHandle<'scope, Response> {
    scope.spawn(move || ask_until(handler, &get(target), cancel))
}

#[test]
fn two_at_once_get_the_finest_rate() {
    let _alone = alone();
    set_rates(100, 1_000_000);
    let handler = Handler::new();
    let (coarse_cancel, fine_cancel) = (Cancel::new(), Cancel::new());
    std::thread::scope(|scope| {
        let coarse = long(
            scope,
            &handler,
            "mutex?seconds=300&fraction=10",
            &coarse_cancel,
        );
        until(|| rates_in_force() == (10, 1_000_000));
        let fine = long(
            scope,
            &handler,
            "mutex?seconds=300&fraction=3",
            &fine_cancel,
        );
        until(|| rates_in_force() == (3, 1_000_000));
        fine_cancel.cancel();
        assert_eq!(fine.join().unwrap().status(), 503);
        assert_eq!(rates_in_force(), (10, 1_000_000), "the other one goes on");
        coarse_cancel.cancel();
        coarse.join().unwrap();
    });
    assert_eq!(rates_in_force(), (100, 1_000_000));
}

#[test]
fn the_first_to_end_does_not_take_the_rate_away() {
    let _alone = alone();
    let handler = Handler::new();
    let (coarse_cancel, fine_cancel) = (Cancel::new(), Cancel::new());
    std::thread::scope(|scope| {
        let fine = long(scope, &handler, "block?seconds=300&rate=10us", &fine_cancel);
        until(|| rates_in_force() == (0, 10_000));
        let coarse = long(
            scope,
            &handler,
            "block?seconds=300&rate=1ms",
            &coarse_cancel,
        );
        coarse_cancel.cancel();
        coarse.join().unwrap();
        assert_eq!(rates_in_force(), (0, 10_000));
        // A rate that the program sets meanwhile is its own.
        contend::set_block_profile_rate(500_000);
        assert_eq!(rates_in_force(), (0, 10_000));
        fine_cancel.cancel();
        fine.join().unwrap();
    });
    assert_eq!(rates_in_force(), (0, 500_000));
}

/// A window cannot make the program's own profile coarser.
#[test]
fn a_coarser_rate_changes_nothing() {
    let _alone = alone();
    set_rates(5, 0);
    let response = ask(&Handler::new(), &get("mutex?seconds=1&fraction=1000"));
    assert_eq!(response.status(), 200);
    assert_eq!(rates_in_force(), (5, 0));
}

#[test]
fn a_window_that_ends_restores_the_rate() {
    let _alone = alone();
    let handler = Handler::new();
    std::thread::scope(|scope| {
        let window = scope.spawn(|| ask(&handler, &get("block?seconds=1&rate=77")));
        until(|| rates_in_force() == (0, 77));
        assert_eq!(window.join().unwrap().status(), 200);
    });
    assert_eq!(rates_in_force(), (0, 0));
}

/// Would take five minutes else.
#[test]
fn a_request_that_is_cancelled_before_it_begins_ends_at_once() {
    let _alone = alone();
    let cancel = Cancel::new();
    cancel.cancel();
    let response = ask_until(
        &Handler::new(),
        &get("mutex?seconds=300&fraction=1"),
        &cancel,
    );
    assert_eq!(response.status(), 503);
    assert!(text(&response).contains("cancelled"));
    assert_eq!(rates_in_force(), (0, 0));
    let snapshot = ask_until(&Handler::new(), &get("mutex"), &cancel);
    assert_eq!(
        snapshot.status(),
        200,
        "needs no time that could be cut short"
    );
}

#[test]
fn who_comes_beyond_the_limit_is_told_when_to_come_again() {
    let _alone = alone();
    let (handler, cancel) = (Handler::new().max_windows(1), Cancel::new());
    let clone = handler.clone();
    std::thread::scope(|scope| {
        let first = long(scope, &handler, "mutex?seconds=300&fraction=9", &cancel);
        until(|| rates_in_force() == (9, 0));
        let refused = ask(&clone, &get("block?seconds=1&rate=1"));
        assert_eq!(refused.status(), 429);
        assert!(text(&refused).contains("at most 1"), "{}", text(&refused));
        let seconds: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
        assert!((1..=300).contains(&seconds), "{seconds}");
        assert_eq!(
            rates_in_force(),
            (9, 0),
            "a window that is refused sets nothing"
        );
        assert_eq!(ask(&clone, &get("mutex")).status(), 200, "no window");
        assert_eq!(ask(&clone, &get("mutex?seconds=x")).status(), 400);
        cancel.cancel();
        first.join().unwrap();
    });
    assert_eq!(
        ask(&clone, &get("mutex?seconds=1&fraction=1")).status(),
        200
    );
}

#[test]
fn eight_are_allowed_at_first() {
    let _alone = alone();
    let (handler, cancel) = (Handler::new(), Cancel::new());
    let targets: Vec<_> = (1..=8)
        .map(|fraction| format!("mutex?seconds=300&fraction={fraction}"))
        .collect();
    std::thread::scope(|scope| {
        let open = targets.iter().rev().map(|target| {
            let window = long(scope, &handler, target, &cancel);
            let (_, fraction) = target.rsplit_once('=').unwrap();
            until(|| rates_in_force().0.to_string() == fraction);
            window
        });
        let open: Vec<_> = open.collect();
        assert_eq!(ask(&handler, &get("mutex?seconds=1")).status(), 429);
        cancel.cancel();
        for window in open {
            assert_eq!(window.join().unwrap().status(), 503);
        }
    });
}

#[test]
fn the_bound_of_seconds_can_be_set() {
    let _alone = alone();
    let handler = Handler::new().max_seconds(2);
    let refused = ask(&handler, &get("mutex?seconds=3"));
    assert_eq!(refused.status(), 400);
    assert!(text(&refused).contains("at most 2"));
    assert_eq!(
        ask(&handler, &get("mutex?seconds=2&fraction=1")).status(),
        200
    );
}

/// At once: a window of five minutes would be one of nothing.
#[test]
fn a_window_of_what_is_off_is_refused() {
    let _alone = alone();
    let handler = Handler::new();
    for (name, parameter) in [("mutex", "fraction=1"), ("block", "rate=1")] {
        let response = ask(&handler, &get(&format!("{name}?seconds=300")));
        assert_eq!(response.status(), 409, "{name}");
        let (off, add) = (format!("{name} profile is off"), format!("\"{parameter}\""));
        assert!(text(&response).contains(&off) && text(&response).contains(&add));
    }
    set_rates(1, 0);
    assert_eq!(ask(&handler, &get("mutex?seconds=1")).status(), 200);
    assert_eq!(ask(&handler, &get("block?seconds=1")).status(), 409);
}

/// A page has the button that turns it on for the window that was asked for.
#[test]
fn a_page_of_what_is_off_offers_to_record_it() {
    let _alone = alone();
    let request = get("top?profile=block&seconds=300");
    let response = Handler::new().handle(&request);
    assert_eq!(response.status(), 409);
    assert_eq!(
        response.header("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    let page = text(&response);
    for part in [
        "the block profile is off",
        "name=\"seconds\" value=\"300\"",
        "name=\"rate\" value=\"1\"",
        "Record every wait for 300 s</button>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}
