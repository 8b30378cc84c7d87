//! CPU profiles over HTTP. There is one sampler per process, so each test has a process of its own.
#![cfg(all(
    feature = "cpu",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::{Watchdog, in_child, ms, secs};
use crate::raw_profile::RawProfile;
use contend::http::{Cancel, Handler, Request, Response};

fn get(target: &str) -> Response {
    Handler::new().handle(&Request::new("GET", target))
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// Needs nothing but the processor: no call to another function, not even unoptimised.
#[inline(never)]
fn busy(mut value: u64) -> u64 {
    let mut round = 0;
    while round < 1_000_000 {
        value = value * 31 % 1_000_003;
        round += 1;
    }
    value
}

#[inline(never)]
fn while_busy<T>(run: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("worker".to_owned());
        let spin = || {
            let mut value = 7;
            while !is_done.load(Ordering::Relaxed) {
                value = black_box(busy(black_box(value)));
            }
        };
        worker.spawn_scoped(scope, spin).unwrap();
        let result = run();
        is_done.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn the_function_that_was_interrupted_is_the_leaf() {
    in_child("cpu::the_function_that_was_interrupted_is_the_leaf", || {
        let response = while_busy(|| get("/debug/pprof/profile?seconds=2"));
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(
            response.header("Content-Disposition"),
            Some("attachment; filename=\"profile\"")
        );
        let profile = RawProfile::decode(response.body());
        assert_eq!(
            profile.sample_types(),
            [("samples", "count"), ("cpu", "nanoseconds")]
        );
        assert_eq!(profile.period(), (("cpu", "nanoseconds"), 10_000_000));
        assert!(profile.duration_nanos() >= 2_000_000_000);
        let (program, build_id) = profile.mappings()[0];
        assert!(program.contains("http-"), "{program}");
        assert!(!build_id.is_empty());
        let (mut total, mut at_busy) = (0, 0);
        for stack in profile.stacks() {
            assert_eq!(stack.values[1], stack.values[0] * 10_000_000);
            total += stack.values[0];
            // Whatever the signal hit, it was in this function: it calls no other.
            if stack.functions[0] == "http::cpu::busy" {
                assert_eq!(stack.labels, [("thread", "worker")]);
                at_busy += stack.values[0];
            }
        }
        assert!(at_busy >= 10, "{at_busy} of {total} samples");
        assert!(at_busy * 2 > total, "{at_busy} of {total} samples");
    });
}

#[test]
fn the_frequency_is_the_one_asked_for() {
    in_child("cpu::the_frequency_is_the_one_asked_for", || {
        let response = while_busy(|| get("/profile?seconds=1&frequency=20"));
        let profile = RawProfile::decode(response.body());
        assert_eq!(profile.period().1, 50_000_000);
        for frequency in ["0", "-1", "251", "1e2", "99999999999999999999"] {
            let response = get(&format!("/profile?seconds=1&frequency={frequency}"));
            assert_eq!(response.status(), 400, "{frequency}");
            assert!(text(&response).contains("an integer from 1 to 250"));
        }
    });
}

#[test]
fn a_second_profile_at_once_is_refused_and_cancelling_ends_the_first() {
    let name = "cpu::a_second_profile_at_once_is_refused_and_cancelling_ends_the_first";
    in_child(name, || {
        let _watchdog = Watchdog::new(secs(60));
        let (first, gone) = (Cancel::new(), Cancel::new());
        gone.cancel();
        let request = Request::new("GET", "/profile?seconds=60");
        let handler = Handler::new();
        thread::scope(|scope| {
            // Each may come while the other one is at it, and then comes again.
            let waiting = scope.spawn(|| {
                let mut responses =
                    std::iter::repeat_with(|| handler.handle_until(&request, &first));
                responses.find(|response| response.status() != 500).unwrap()
            });
            // Without the first, it would start and be cancelled at once.
            let refused = loop {
                thread::sleep(ms(50));
                let response = handler.handle_until(&request, &gone);
                if response.status() != 503 {
                    break response;
                }
            };
            assert_eq!(refused.status(), 500);
            assert_eq!(
                text(&refused),
                "Could not enable CPU profiling: cpu profiling already in use\n"
            );
            assert_eq!(refused.header("X-Go-Pprof"), Some("1"));
            first.cancel();
            assert_eq!(waiting.join().unwrap().status(), 503);
        });
        assert_eq!(get("/profile?seconds=1").status(), 200);
    });
}

#[test]
fn the_signal_is_not_taken_from_another_profiler() {
    in_child("cpu::the_signal_is_not_taken_from_another_profiler", || {
        extern "C" fn other(_: i32) {}
        let other = other as extern "C" fn(i32) as *const () as libc::sighandler_t;
        // SAFETY: the handler does nothing.
        unsafe { libc::signal(libc::SIGPROF, other) };
        let response = get("/profile?seconds=1");
        assert_eq!(response.status(), 500);
        assert!(text(&response).contains("already in use"), "{response:?}");
        // SAFETY: as above.
        let still = unsafe { libc::signal(libc::SIGPROF, libc::SIG_IGN) };
        assert_eq!(still, other);
    });
}
