//! The server of its own, over real sockets.
#![cfg(all(feature = "server", feature = "profiling"))]

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{hint, thread};

use crate::common::{in_child, ms, profile_everything, secs};
use crate::http_client::{Client, SetOnDrop, await_that, get};
use contend::http::{Handler, Server, serve};
use contend::sync::Mutex;

/// On any free port, for as long as the test runs.
fn server() -> Server {
    let builder = Server::builder().stop_on_drop(true).grace(ms(0));
    builder.serve("127.0.0.1:0").unwrap()
}

fn rates() -> (u32, u64) {
    (
        contend::mutex_profile_fraction(),
        contend::block_profile_rate(),
    )
}

/// It is a moment that no clock has.
#[test]
fn a_client_may_have_all_the_time_there_is() {
    let builder = Server::builder().stop_on_drop(true).grace(Duration::MAX);
    let builder = builder.client_timeout(Duration::MAX);
    let server = builder.serve("127.0.0.1:0").unwrap();
    let answer = get(server.local_addr(), "/debug/pprof/rates");
    assert_eq!(answer.status, 200);
}

/// An answer must look like this.
struct Expected {
    target: &'static str,
    status: u16,
    content_type: &'static str,
    disposition: Option<&'static str>,
    body: &'static str,
}

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Go's `TestHandlers`, with the profiles that there are here.
#[test]
fn go_s_table_of_handlers_holds() {
    let _alone = profile_everything();
    let file = |target, name| Expected {
        target,
        status: 200,
        content_type: BYTES,
        disposition: Some(name),
        body: "",
    };
    let text = |target, status, body| Expected {
        target,
        status,
        content_type: TEXT,
        disposition: None,
        body,
    };
    let index = Expected {
        content_type: "text/html; charset=utf-8",
        ..text("/debug/pprof/", 200, "mutex")
    };
    let table = [
        index,
        text(
            "/debug/pprof/%3Cscript%3Escripty%3Cscript%3E",
            404,
            "Unknown profile\n",
        ),
        file("/debug/pprof/mutex", "attachment; filename=\"mutex\""),
        text("/debug/pprof/mutex?debug=1", 200, "--- mutex:\n"),
        file("/debug/pprof/block", "attachment; filename=\"block\""),
        file(
            "/debug/pprof/block?seconds=1&rate=1",
            "attachment; filename=\"block-delta\"",
        ),
        text("/debug/pprof/block?debug=1", 200, "--- contention:\n"),
        text("/debug/pprof/cmdline", 200, "http-"),
        text("/debug/pprof/symbol", 200, "num_symbols: 1\n"),
        file(
            "/debug/pprof/goroutine",
            "attachment; filename=\"goroutine\"",
        ),
        text(
            "/debug/pprof/goroutine?debug=1",
            200,
            "goroutine profile: total ",
        ),
        text("/debug/pprof/goroutine?debug=2", 200, "goroutine "),
        file(
            "/debug/pprof/trace?seconds=0.1",
            "attachment; filename=\"trace\"",
        ),
        text(
            "/debug/pprof/trace?seconds=0.1&format=text",
            200,
            "timeline of ",
        ),
    ];
    let server = server();
    let mut client = Client::connect(server.local_addr());
    for expected in table {
        let target = expected.target;
        let answer = client.get(target);
        assert_eq!(
            answer.status,
            expected.status,
            "{target}: {}",
            answer.text()
        );
        let header = |name| answer.header(name);
        assert_eq!(
            header("content-type"),
            Some(expected.content_type),
            "{target}"
        );
        assert_eq!(
            header("content-disposition"),
            expected.disposition,
            "{target}"
        );
        assert_eq!(
            header("x-content-type-options"),
            Some("nosniff"),
            "{target}"
        );
        let go_pprof = (expected.status != 200).then_some("1");
        assert_eq!(header("x-go-pprof"), go_pprof, "{target}");
        let text = answer.text();
        assert!(text.contains(expected.body), "{target}: {text}");
    }
}

#[test]
fn the_prefix_without_its_slash_is_led_to_the_index() {
    let server = server();
    let answer = get(server.local_addr(), "/debug/pprof");
    assert_eq!(answer.status, 307);
    assert_eq!(answer.header("location"), Some("pprof/"));
}

/// Three threads that want one lock, until told to stop.
fn contended<R>(hog: fn(&Mutex<()>), meanwhile: impl FnOnce() -> R) -> R {
    let (lock, stop) = (Mutex::new(()), AtomicBool::new(false));
    thread::scope(|scope| {
        let _stop = SetOnDrop(&stop);
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    hog(&lock);
                }
            });
        }
        meanwhile()
    })
}

#[inline(never)]
fn hog_before(lock: &Mutex<()>) {
    let _guard = lock.lock().unwrap();
    thread::sleep(ms(1));
    hint::black_box(());
}

#[inline(never)]
fn hog_during(lock: &Mutex<()>) {
    let _guard = lock.lock().unwrap();
    thread::sleep(ms(1));
    hint::black_box(());
}

/// Go's `TestDeltaProfile`.
#[test]
fn a_window_has_what_happened_in_it_and_nothing_before() {
    let _alone = profile_everything();
    let server = server();
    let mut client = Client::connect(server.local_addr());
    contended(hog_before, || {
        await_that("hog_before is seen", || {
            contend::mutex_profile().total_contentions() > 10
        });
    });
    let start = Instant::now();
    let (window, whole) = contended(hog_during, || {
        let window = client.get("/debug/pprof/mutex?seconds=1");
        (window.pprof(), client.get("/debug/pprof/mutex").pprof())
    });
    assert!(start.elapsed() >= secs(1));
    assert!(window.has_function("hog_during"));
    assert!(!window.has_function("hog_before"));
    assert!(whole.has_function("hog_during") && whole.has_function("hog_before"));
    assert!(window.duration_nanos >= 1_000_000_000);
    assert!(window.time_nanos > 0);
}

/// Go's `TestDeltaProfileEmptyBase`: a program that has profiled nothing.
#[test]
fn a_window_of_nothing_is_a_profile() {
    in_child("server::a_window_of_nothing_is_a_profile", || {
        let server = server();
        for window in ["mutex?seconds=1&fraction=1", "block?seconds=1&rate=1"] {
            let target = format!("/debug/pprof/{window}");
            let profile = get(server.local_addr(), &target).pprof();
            assert_eq!(
                profile.sample_types(),
                ["contentions/count", "delay/nanoseconds"]
            );
            assert_eq!(profile.period_type(), "contentions/count");
            assert_eq!((profile.period, profile.totals()), (1, (0, 0)));
            assert!(profile.duration_nanos >= 1_000_000_000);
        }
    });
}

#[test]
fn a_client_that_leaves_ends_its_window_at_once() {
    let _alone = profile_everything();
    let server = server();
    contend::set_mutex_profile_fraction(100);
    contend::set_block_profile_rate(1_000_000);
    let mut clients = [
        ("mutex?seconds=200&fraction=3", (3, 1_000_000)),
        ("block?seconds=200&rate=5000", (3, 5_000)),
    ]
    .map(|(target, in_force)| {
        let mut client = Client::connect(server.local_addr());
        client.request("GET", &format!("/debug/pprof/{target}"), "");
        await_that("the window's rate is in force", || rates() == in_force);
        Some(client)
    });
    clients[0] = None;
    await_that("the fraction is restored", || rates() == (100, 5_000));
    clients[1] = None;
    await_that("the rate is restored", || rates() == (100, 1_000_000));
}

#[test]
fn stopping_ends_windows_when_the_grace_is_over() {
    let _alone = profile_everything();
    contend::set_mutex_profile_fraction(100);
    let grace = ms(300);
    let server = Server::builder().grace(grace).serve("127.0.0.1:0").unwrap();
    let address = server.local_addr();
    let mut client = Client::connect(address);
    client.request("GET", "/debug/pprof/mutex?seconds=200&fraction=3", "");
    await_that("the window is open", || {
        contend::mutex_profile_fraction() == 3
    });
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() >= grace && start.elapsed() < secs(20));
    await_that("the fraction is restored", || {
        contend::mutex_profile_fraction() == 100
    });
    assert!(client.is_closed());
    let error = std::net::TcpStream::connect(address).expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn stopping_lets_a_request_in_progress_be_answered() {
    let server = Server::builder().grace(secs(30)).serve("127.0.0.1:0");
    let server = server.unwrap();
    let mut idle = Client::connect(server.local_addr());
    idle.get("/debug/pprof/rates");
    let mut client = Client::connect(server.local_addr());
    client.request("GET", "/debug/pprof/block?seconds=1&rate=1", "");
    thread::sleep(ms(300)); // The server has it by then.
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < secs(20), "idle connections are closed");
    assert_eq!(client.read().unwrap().status, 200);
    assert!(client.is_closed() && idle.is_closed());
}

#[test]
fn dropping_leaves_the_server_running_unless_told_otherwise() {
    let server = serve("127.0.0.1:0").unwrap();
    let address = server.local_addr();
    drop(server);
    assert_eq!(get(address, "/debug/pprof/rates").status, 200);

    let server = Server::builder().stop_on_drop(true).serve("127.0.0.1:0");
    let server = server.unwrap();
    let address = server.local_addr();
    assert_eq!(get(address, "/debug/pprof/rates").status, 200);
    drop(server);
    std::net::TcpStream::connect(address).expect_err("nobody listens");
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_address() {
    let server = server();
    let address = server.local_addr();
    let error = serve(address).expect_err("in use");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert_eq!(get(address, "/debug/pprof/rates").status, 200);
}

#[test]
fn other_machines_are_let_in_only_on_request() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let error = serve(address).expect_err(address);
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let text = error.to_string();
        assert!(
            text.contains(address) && text.contains("allow_remote(true)"),
            "{text}"
        );
    }
    let builder = Server::builder().allow_remote(true).stop_on_drop(true);
    let server = builder.serve("0.0.0.0:0").unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], server.local_addr().port()));
    let mut client = Client::connect(address);
    client
        .send("GET /debug/pprof/rates HTTP/1.1\r\nHost: profiles.example\r\n\r\n")
        .unwrap();
    assert_eq!(client.read().unwrap().status, 200, "any host is fine then");
}

/// Where the system has it.
#[test]
fn ipv6_is_served() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("no IPv6 here: nothing was tested");
        return;
    }
    let server = Server::builder().stop_on_drop(true).serve("[::1]:0");
    let server = server.unwrap();
    let mut client = Client::connect(server.local_addr());
    let host = server.local_addr();
    client
        .send(format!(
            "GET /debug/pprof/rates HTTP/1.1\r\nHost: {host}\r\n\r\n"
        ))
        .unwrap();
    assert_eq!(client.read().unwrap().status, 200);
}

#[test]
fn a_token_is_asked_for() {
    let builder = Server::builder().stop_on_drop(true);
    let by_builder = builder.clone().token("open sesame").serve("127.0.0.1:0");
    let by_handler = builder
        .handler(Handler::new().token("open sesame"))
        .serve("127.0.0.1:0");
    for server in [by_builder, by_handler].map(io::Result::unwrap) {
        let mut client = Client::connect(server.local_addr());
        assert_eq!(client.get("/debug/pprof/mutex").status, 401);
        let right = "Authorization: Bearer open sesame\r\n";
        client.request("GET", "/debug/pprof/mutex", right);
        assert_eq!(client.read().unwrap().status, 200);
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let server = server();
    let mut client = Client::connect(server.local_addr());
    client.request("HEAD", "/debug/pprof/mutex?debug=1", "");
    let answer = client.read_without_body().unwrap();
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("content-length"), Some("0"));
    // The next bytes are the next answer, not a body.
    assert_eq!(client.get("/debug/pprof/rates").status, 200);
}

#[test]
fn a_stuck_program_can_still_be_asked() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    let server = server();
    let address = server.local_addr();
    // The program's runtime waits for an answer that it would have to let happen itself, as a
    // deadlock does; the server does not care.
    let status = runtime.block_on(async { get(address, "/debug/pprof/mutex").status });
    assert_eq!(status, 200);
    // Nor may starting and stopping it disturb a runtime that it is called in.
    runtime.block_on(async {
        let server = Server::builder().grace(ms(0)).serve("127.0.0.1:0").unwrap();
        assert_eq!(get(server.local_addr(), "/debug/pprof/rates").status, 200);
        server.stop();
        serve(address).expect_err("in use");
    });
}

#[test]
fn a_forked_child_has_no_server_and_waits_for_none() {
    in_child(
        "server::a_forked_child_has_no_server_and_waits_for_none",
        || {
            let server = server();
            // SAFETY: the child makes no call but dropping the handle and ending.
            match unsafe { libc::fork() } {
                0 => {
                    drop(server);
                    // SAFETY: has no preconditions.
                    unsafe { libc::_exit(7) };
                }
                child => {
                    let mut status = 0;
                    let start = Instant::now();
                    // SAFETY: the status is ours to write.
                    while unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == 0 {
                        assert!(start.elapsed() < Duration::from_secs(20), "it hangs");
                        thread::sleep(ms(1));
                    }
                    assert_eq!(libc::WEXITSTATUS(status), 7);
                    // The parent's goes on.
                    let answer = get(server.local_addr(), "/debug/pprof/rates");
                    assert_eq!(answer.status, 200);
                }
            }
        },
    );
}
