//! The requests of Parca and Grafana Alloy with their default settings, and the answers.
//!
//! Parca scrapes `/debug/pprof/{allocs,block,goroutine,mutex}` as they are and `profile` with
//! `seconds=`; Alloy's `pyroscope.scrape` the same ones, and `delta_mutex` and `delta_block` if it
//! is told to. Both compute what is new between two scrapes themselves, for exactly the types of
//! value `contentions/count` and `delay/nanoseconds`.
#![cfg(all(feature = "server", feature = "profiling"))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::{ms, profile_everything};
use crate::http_client::{Client, Pprof, SetOnDrop, await_that};
use contend::http::Server;
use contend::sync::{Mutex, RwLock};

const TYPES: [&str; 2] = ["contentions/count", "delay/nanoseconds"];

/// Runs `scrape` while threads wait for locks.
fn under_load<R>(scrape: impl FnOnce(&Server) -> R) -> R {
    let _alone = profile_everything();
    let builder = Server::builder().stop_on_drop(true).grace(ms(0));
    let server = builder.serve("127.0.0.1:0").unwrap();
    let (mutex, rwlock) = (Mutex::new(0), RwLock::new(0));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = SetOnDrop(&stop);
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    update(&mutex);
                    *rwlock.write().unwrap() += 1;
                }
            });
        }
        await_that("there is something to scrape", || {
            contend::mutex_profile().total_contentions() > 10
        });
        scrape(&server)
    })
}

#[inline(never)]
fn update(mutex: &Mutex<u64>) {
    let mut count = mutex.lock().unwrap();
    thread::sleep(ms(1));
    *count += 1;
}

/// As a scraper asks: with its name, and compression that it need not get.
fn scrape(client: &mut Client, path: &str, agent: &str) -> Pprof {
    let headers = format!("User-Agent: {agent}\r\nAccept-Encoding: gzip\r\n");
    client.request("GET", path, &headers);
    let answer = client.read().unwrap();
    // The file itself is compressed. Said in a header it would be unpacked on the way.
    assert_eq!(answer.header("content-encoding"), None);
    answer.pprof()
}

#[test]
fn cumulative_profiles_have_their_types_and_never_go_down() {
    under_load(|server| {
        let mut client = Client::connect(server.local_addr());
        for path in ["/debug/pprof/mutex", "/debug/pprof/block"] {
            let mut last = scrape(&mut client, path, "Parca/0.24");
            for _ in 0..5 {
                thread::sleep(ms(100));
                let next = scrape(&mut client, path, "Parca/0.24");
                assert_eq!(next.sample_types(), TYPES);
                assert_eq!(next.period_type(), "contentions/count");
                assert_eq!((next.period, next.duration_nanos), (1, 0));
                assert!(next.time_nanos > last.time_nanos);
                assert_never_down(&last, &next);
                assert!(next.totals() > last.totals(), "threads go on waiting");
                last = next;
            }
        }
    });
}

/// No stack's numbers go down, and so not their sum alone.
#[track_caller]
fn assert_never_down(last: &Pprof, next: &Pprof) {
    let now = next.by_stack();
    for (stack, (contentions, delay)) in last.by_stack() {
        let (now_contentions, now_delay) = now[&stack];
        assert!(now_contentions >= contentions, "{stack:?}");
        assert!(now_delay >= delay, "{stack:?}");
    }
}

#[test]
fn deltas_add_up_to_what_happened() {
    under_load(|server| {
        let mut client = Client::connect(server.local_addr());
        for name in ["mutex", "block"] {
            let delta = format!("/debug/pprof/delta_{name}");
            let whole = format!("/debug/pprof/{name}");
            let mut sum = 0;
            let mut before = (0, 0);
            for round in 0..4 {
                let profile = scrape(&mut client, &delta, "Alloy/v1.10.0");
                assert_eq!(profile.sample_types(), TYPES);
                sum += profile.totals().0;
                let after = scrape(&mut client, &whole, "Alloy/v1.10.0").totals();
                // The last delta was taken between the two.
                assert!(before.0 <= sum && sum <= after.0, "round {round}: {sum}");
                before = after;
                thread::sleep(ms(100));
            }
        }
    });
}

/// Profiles that Rust does not have, or not yet: they are to be switched off in the scraper.
#[test]
fn what_is_not_there_is_not_found() {
    under_load(|server| {
        let mut client = Client::connect(server.local_addr());
        for name in ["allocs", "heap", "threadcreate", "fgprof"] {
            let answer = client.get(&format!("/debug/pprof/{name}"));
            assert_eq!(answer.status, 404, "{name}");
            assert_eq!(answer.text(), "Unknown profile\n");
        }
    });
}

#[test]
fn the_processor_s_profile_is_there_or_says_how_to_get_it() {
    under_load(|server| {
        let mut client = Client::connect(server.local_addr());
        let answer = client.get("/debug/pprof/profile?seconds=1");
        if cfg!(feature = "cpu") {
            let profile = answer.pprof();
            assert_eq!(profile.sample_types(), ["samples/count", "cpu/nanoseconds"]);
            assert_eq!(profile.period_type(), "cpu/nanoseconds");
            assert!(profile.duration_nanos >= 1_000_000_000);
        } else {
            assert_eq!(answer.status, 501);
            assert!(answer.text().contains("cpu"), "{}", answer.text());
        }
    });
}
