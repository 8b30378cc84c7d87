//! The changes since a scraper last asked.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use contend::http::{Handler, Request};

use super::profiles::{contentions_of, hog1, hog2};
use super::{Alone, alone, ask, get, set_rates};
use crate::decoder::Decoded;

fn recording() -> Alone {
    let alone = alone();
    set_rates(1, 1);
    alone
}

/// The contentions of each hog that a scraper is told of.
#[track_caller]
fn told(handler: &Handler, request: &Request<'_>) -> (i64, i64) {
    let response = ask(handler, request);
    let of = |hog| contentions_of(&response, hog);
    (of("hog1"), of("hog2"))
}

fn delta_mutex(user_agent: &str) -> Request<'_> {
    get("/debug/pprof/delta_mutex").header("User-Agent", user_agent)
}

#[test]
fn the_first_answer_is_everything_and_then_what_is_new() {
    let _recording = recording();
    let (handler, alloy) = (Handler::new(), delta_mutex("Alloy/v1.9"));
    hog1();
    assert_eq!(told(&handler, &alloy), (1, 0));
    assert_eq!(told(&handler, &alloy), (0, 0));
    hog2();
    hog2();
    assert_eq!(told(&handler, &alloy), (0, 2));
    hog1();
    assert_eq!(told(&handler, &alloy), (1, 0));
}

#[test]
fn each_scraper_sees_everything_once() {
    let _recording = recording();
    let handler = Handler::new();
    let alloy = delta_mutex("Alloy/v1.9");
    let curl = delta_mutex("curl/8");
    let nobody = get("/debug/pprof/delta_mutex");
    let named = get("/debug/pprof/delta_mutex?scraper=a").header("User-Agent", "Alloy/v1.9");
    hog1();
    for scraper in [&alloy, &curl, &nobody, &named] {
        assert_eq!(told(&handler, scraper), (1, 0));
    }
    hog2();
    let named = named.header("User-Agent", "ignored: another copy of the same scraper");
    for scraper in [&named, &nobody, &curl, &alloy] {
        assert_eq!(told(&handler, scraper), (0, 1));
    }
}

#[test]
fn the_two_profiles_are_apart() {
    let _recording = recording();
    let handler = Handler::new();
    hog1();
    assert_eq!(told(&handler, &delta_mutex("alloy")), (1, 0));
    let block = get("delta_block").header("User-Agent", "alloy");
    assert_eq!(told(&handler, &block), (1, 0));
    assert_eq!(told(&handler, &block), (0, 0));
}

#[test]
fn a_delta_has_its_duration() {
    let _recording = recording();
    let handler = Handler::new();
    let duration = |request| {
        let response = ask(&handler, &request);
        Decoded::from_gzip(response.body()).raw.duration_nanos
    };
    assert_eq!(duration(delta_mutex("alloy")), 0, "since the start");
    assert!(duration(delta_mutex("alloy")) > 0);
}

/// Requests for the profiles themselves, and for text, change nothing for the next delta.
#[test]
fn other_requests_are_not_counted() {
    let _recording = recording();
    let handler = Handler::new();
    hog1();
    ask(&handler, &get("mutex").header("User-Agent", "alloy"));
    let head = Request::new("HEAD", "delta_mutex").header("User-Agent", "alloy");
    assert_eq!(ask(&handler, &head).status(), 405);
    let wrong = get("delta_mutex?debug=x").header("User-Agent", "alloy");
    assert_eq!(ask(&handler, &wrong).status(), 400);
    assert_eq!(told(&handler, &delta_mutex("alloy")), (1, 0));
}

#[test]
fn handlers_remember_for_themselves_and_clones_together() {
    let _recording = recording();
    let (handler, other) = (Handler::new(), Handler::new());
    hog1();
    assert_eq!(told(&handler, &delta_mutex("alloy")), (1, 0));
    assert_eq!(told(&handler.clone(), &delta_mutex("alloy")), (0, 0));
    assert_eq!(told(&other, &delta_mutex("alloy")), (1, 0));
}

/// Whoever is forgotten is told everything again; none is told of something twice in a row.
#[test]
fn a_bounded_number_of_scrapers_is_remembered() {
    let _recording = recording();
    let handler = Handler::new();
    hog1();
    let regular = delta_mutex("regular");
    assert_eq!(told(&handler, &regular), (1, 0));
    for number in 0..100 {
        let name = format!("scraper {number}");
        assert_eq!(told(&handler, &delta_mutex(&name)), (1, 0));
        assert_eq!(told(&handler, &regular), (0, 0), "asks often enough");
    }
    assert_eq!(told(&handler, &delta_mutex("scraper 0")), (1, 0));
}

/// Requests of one scraper at the same moment divide what is new; nothing is told twice or never.
#[test]
fn at_once_each_event_is_told_once() {
    const EVENTS: i64 = 50;

    let _recording = recording();
    let handler = Handler::new();
    let (sum, is_over) = (AtomicI64::new(0), AtomicBool::new(false));
    let scrape = || {
        let (_, events) = told(&handler, &delta_mutex("alloy"));
        sum.fetch_add(events, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    scrape();
                }
            });
        }
        (0..EVENTS).for_each(|_| hog2());
        is_over.store(true, Ordering::Relaxed);
    });
    scrape();
    assert_eq!(sum.into_inner(), EVENTS);
}
