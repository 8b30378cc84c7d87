//! Clients that are broken, slow, gone or hostile: each costs a connection, and nobody else.
#![cfg(all(feature = "server", feature = "profiling"))]

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{ms, profile_everything, secs};
use crate::http_client::{Client, await_that, get};
use contend::http::Server;

fn server() -> Server {
    patient_for(secs(15))
}

fn patient_for(timeout: Duration) -> Server {
    let builder = Server::builder().stop_on_drop(true).grace(ms(0));
    builder
        .client_timeout(timeout)
        .serve("127.0.0.1:0")
        .unwrap()
}

#[track_caller]
fn assert_it_answers(server: SocketAddr) {
    let start = Instant::now();
    assert_eq!(get(server, "/debug/pprof/rates").status, 200);
    assert!(start.elapsed() < secs(5), "{:?}", start.elapsed());
}

/// Sends these bytes on a connection of their own and returns the status, or `None` if the
/// server closes it without one.
fn status_of(server: SocketAddr, bytes: &[u8]) -> Option<u16> {
    let mut client = Client::connect(server);
    // The server may close while we send.
    let _ = client.send(bytes);
    client.read().ok().map(|answer| answer.status)
}

/// A request of so many lines, each ended by CR and LF, as is the head.
fn head<const N: usize>(lines: [&str; N]) -> String {
    lines.map(|line| format!("{line}\r\n")).concat() + "\r\n"
}

const RATES: &str = "GET /debug/pprof/rates HTTP/1.1";
const SYMBOL: &str = "POST /debug/pprof/symbol HTTP/1.1";
const HOST: &str = "Host: localhost";
const CHUNKED: &str = "Transfer-Encoding: chunked";

#[track_caller]
fn assert_statuses(table: &[(&str, String, u16)]) {
    let server = server();
    for (name, bytes, status) in table {
        let actual = status_of(server.local_addr(), bytes.as_bytes());
        assert_eq!(actual, Some(*status), "{name}");
        assert_it_answers(server.local_addr());
    }
}

#[test]
fn whom_a_request_is_for_is_checked() {
    let host = |host| head([RATES, host]);
    let absolute = |target, host| head([&format!("GET {target} HTTP/1.1"), host]);
    assert_statuses(&[
        ("ours", host("Host: localhost"), 200),
        ("ours with a port", host("Host: 127.0.0.1:6060"), 200),
        ("in capitals", host("HOST: LOCALHOST"), 200),
        ("HTTP/1.0", head(["GET /rates HTTP/1.0", HOST]), 200),
        ("none", head([RATES]), 403),
        ("empty", host("Host:"), 403),
        ("another", host("Host: evil.example"), 403),
        (
            "begins like ours",
            host("Host: localhost.evil.example"),
            403,
        ),
        ("of the net", host("Host: 192.0.2.1:6060"), 403),
        ("of other letters", host("Host: l\u{f6}calhost"), 403),
        ("with a user", host("Host: localhost@evil.example"), 403),
        (
            "in the target",
            absolute("http://localhost/rates", "Host: evil.example"),
            200,
        ),
        (
            "another in the target",
            absolute("http://evil.example/rates", HOST),
            403,
        ),
    ]);
}

#[test]
fn what_is_no_request_is_told_so() {
    let line = |line| head([line, HOST]);
    let header = |header| head([RATES, HOST, header]);
    assert_statuses(&[
        ("HTTP/0.9", "GET /debug/pprof/rates\r\n\r\n".into(), 400),
        ("a version to come", line("GET /rates HTTP/3.0"), 400),
        ("no version", line("GET /rates HTTP"), 400),
        ("words", "hello, is anybody there?\r\n\r\n".into(), 400),
        ("TLS", "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".into(), 400),
        ("zeros", "\0".repeat(64), 400),
        ("no path", line("GET  HTTP/1.1"), 400),
        ("zeros in the path", line("GET /\0\0 HTTP/1.1"), 400),
        (
            "a path that climbs",
            line("GET /debug/pprof/../../etc/passwd HTTP/1.1"),
            404,
        ),
        (
            "a path of escapes",
            line("GET /debug/pprof/%2e%2e%2f%00%zz HTTP/1.1"),
            404,
        ),
        (
            "a query of zeros",
            line("GET /mutex?debug=%00 HTTP/1.1"),
            400,
        ),
        ("asterisk form", line("OPTIONS * HTTP/1.1"), 204),
        ("authority form", line("CONNECT localhost:80 HTTP/1.1"), 405),
        (
            "another method",
            line("BREW /debug/pprof/mutex HTTP/1.1"),
            405,
        ),
        ("no method", line(" /debug/pprof/mutex HTTP/1.1"), 400),
        ("no colon", header("X"), 400),
        ("a blank in a name", header("X Y: z"), 400),
        ("a folded header", header(" z"), 400),
        ("zeros in a header", header("X: \0"), 400),
        ("lone line feeds", format!("{RATES}\n{HOST}\n\n"), 200),
        ("a length in words", header("Content-Length: many"), 400),
        ("a negative length", header("Content-Length: -1"), 400),
        (
            "two lengths",
            head([RATES, HOST, "Content-Length: 1", "Content-Length: 2"]),
            400,
        ),
        (
            "another encoding",
            head([SYMBOL, HOST, "Transfer-Encoding: smoke"]),
            400,
        ),
        (
            "a broken chunk",
            head([SYMBOL, HOST, CHUNKED]) + "zz\r\n",
            400,
        ),
        (
            "a chunk of 2^64",
            head([SYMBOL, HOST, CHUNKED]) + "10000000000000000\r\n",
            400,
        ),
        (
            "length and chunks",
            head([SYMBOL, HOST, "Content-Length: 4", CHUNKED]) + "0\r\n\r\n",
            200,
        ),
    ]);
    let server = server();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_eq!(
        status_of(server.local_addr(), preface),
        None,
        "HTTP/2 is not spoken"
    );
    assert_it_answers(server.local_addr());
}

/// The answer may get lost: the system resets a connection that is closed with bytes unread.
#[test]
fn heads_that_are_too_large_are_not_read() {
    let long = "x".repeat(100_000);
    let server = server();
    for head in [
        head([&format!("GET /{long} HTTP/1.1"), HOST]),
        head([&format!("{long} / HTTP/1.1"), HOST]),
        head([RATES, HOST, &format!("X: {long}")]),
        head([RATES, HOST, &format!("{long}: x")]),
        head([RATES, HOST, &["X: y"; 100].join("\r\n")]),
        long,
    ] {
        let status = status_of(server.local_addr(), head.as_bytes());
        let start = &head[..20];
        assert!(matches!(status, None | Some(431)), "{start}: {status:?}");
        assert_it_answers(server.local_addr());
    }
}

#[test]
fn requests_that_break_off_end_with_their_connection() {
    let server = patient_for(ms(500));
    let whole =
        "PUT /debug/pprof/rates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n{}";
    for end in 0..whole.len() {
        let mut client = Client::connect(server.local_addr());
        client.send(&whole[..end]).unwrap();
        drop(client);
    }
    assert_it_answers(server.local_addr());
    // Those who stay, and send nothing more, are sent away.
    let mut clients: Vec<Client> = [0, 3, 30, 60, whole.len()]
        .map(|end| {
            let mut client = Client::connect(server.local_addr());
            client.send(&whole[..end]).unwrap();
            client
        })
        .into();
    let of_the_body = clients.pop().unwrap().read();
    assert_eq!(of_the_body.unwrap().status, 408);
    for client in &mut clients {
        while client.read().is_ok_and(|answer| answer.status == 408) {}
        assert!(client.is_closed());
    }
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = server();
    let mut client = Client::connect(server.local_addr());
    let request =
        |target: &str| format!("GET /debug/pprof/{target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let requests = [
        "rates",
        "mutex?seconds=-1",
        "block?debug=1",
        "nothing",
        "rates",
    ];
    client.send(requests.map(request).concat()).unwrap();
    let statuses = requests.map(|_| client.read().unwrap().status);
    assert_eq!(statuses, [200, 400, 200, 404, 200]);
}

/// One byte of a header every now and then keeps no connection open.
#[test]
fn a_head_that_drips_in_costs_one_connection_for_the_timeout() {
    let server = patient_for(ms(500));
    let mut client = Client::connect(server.local_addr());
    let start = Instant::now();
    let mut bytes = b"GET /debug/pprof/rates HTTP/1.1\r\nHost: localhost\r\nX: "
        .iter()
        .chain(std::iter::repeat(&b'x'));
    while client.send([*bytes.next().unwrap()]).is_ok() {
        assert!(start.elapsed() < secs(20), "it is still read");
        thread::sleep(ms(20));
    }
    assert!(start.elapsed() >= ms(450), "{:?}", start.elapsed());
    assert_it_answers(server.local_addr());
}

#[test]
fn an_idle_connection_is_closed() {
    let server = patient_for(ms(300));
    let mut client = Client::connect(server.local_addr());
    assert_eq!(client.get("/debug/pprof/rates").status, 200);
    let start = Instant::now();
    while client.read().is_ok_and(|answer| answer.status == 408) {}
    assert!(client.is_closed());
    assert!(start.elapsed() >= ms(250), "{:?}", start.elapsed());
}

#[test]
fn a_body_that_is_too_long_is_not_read() {
    let server = server();
    for head in [
        "Content-Length: 99999999999",
        "Content-Length: 1048577",
        "Transfer-Encoding: chunked",
    ] {
        let mut client = Client::connect(server.local_addr());
        client.request("POST", "/debug/pprof/symbol", &format!("{head}\r\n"));
        let chunk = [b"10000\r\n".to_vec(), vec![b'+'; 1 << 16], b"\r\n".to_vec()].concat();
        // Refused on the way, or when it is all there.
        for _ in 0..32 {
            if client.send(&chunk).is_err() {
                break;
            }
        }
        match client.read() {
            Ok(answer) => assert_eq!(answer.status, 413, "{head}: {}", answer.text()),
            // The answer may be lost behind what we had sent and nobody read.
            Err(error) => assert!(client.is_closed(), "{head}: {error}"),
        }
        assert_it_answers(server.local_addr());
    }
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let _alone = profile_everything();
    let server = Server::builder()
        .stop_on_drop(true)
        .client_timeout(ms(500))
        .max_connections(1)
        .serve("127.0.0.1:0")
        .unwrap();
    let mut deaf = Client::connect(server.local_addr());
    let request = "GET /debug/pprof/rates HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1 << 8);
    // Until the answers fill all buffers, the server's socket is full, and ours, too.
    let start = Instant::now();
    deaf.set_write_timeout(ms(200));
    while deaf.send(&request).is_ok() {
        assert!(start.elapsed() < secs(30), "the buffers have no end");
    }
    // There is one connection, and it is this one, until the server gives it up.
    assert_it_answers_within(server.local_addr(), secs(30));
}

fn assert_it_answers_within(server: SocketAddr, limit: Duration) {
    let start = Instant::now();
    assert_eq!(get(server, "/debug/pprof/rates").status, 200);
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
}

#[test]
fn twenty_slow_clients_cost_twenty_connections() {
    let server = server();
    let mut slow: Vec<Client> = (0..20)
        .map(|_| Client::connect(server.local_addr()))
        .collect();
    for client in &mut slow {
        client.send("GET /debug/pprof/mutex HTT").unwrap();
    }
    assert_it_answers(server.local_addr());
}

/// Requests in work keep their places, whoever waits.
#[test]
fn connections_beyond_the_bound_wait_for_their_turn() {
    let _alone = profile_everything();
    contend::set_mutex_profile_fraction(100);
    let builder = Server::builder().stop_on_drop(true).grace(ms(0));
    let server = builder.max_connections(2).serve("127.0.0.1:0").unwrap();
    let mut first: Vec<Client> = [5, 4]
        .map(|fraction| {
            let mut client = Client::connect(server.local_addr());
            let target = format!("/debug/pprof/mutex?seconds=200&fraction={fraction}");
            client.request("GET", &target, "");
            await_that("the window is open", || {
                contend::mutex_profile_fraction() == fraction
            });
            client
        })
        .into();
    let mut third = Client::connect(server.local_addr());
    third.request("GET", "/debug/pprof/rates", "");
    thread::sleep(ms(300));
    assert!(!third.has_answer(), "there are two connections");
    drop(first.pop());
    assert_eq!(third.read().unwrap().status, 200);
    assert_eq!(
        contend::mutex_profile_fraction(),
        5,
        "the other one goes on"
    );
}

/// No client is given up by a timeout here: an answer comes because one of the slow gives way.
fn patient() -> Server {
    patient_for(secs(3600))
}

#[test]
fn two_hundred_clients_that_send_nothing_more_keep_nobody_waiting() {
    let _alone = profile_everything();
    let server = patient();
    let heads = ["", "GET /debug/pprof/mutex HTT", "GET / HTTP/1.1\r\nHost: "];
    let body = "PUT /debug/pprof/rates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n{";
    let _slow: Vec<Client> = (0..200)
        .map(|number| {
            let mut client = Client::connect(server.local_addr());
            let begun = *heads.get(number % 4).unwrap_or(&body);
            // One that has given way already cannot be sent to.
            let _ = client.send(begun);
            client
        })
        .collect();
    assert_eq!(get(server.local_addr(), "/debug/pprof/rates").status, 200);
}

#[test]
fn clients_that_are_idle_give_way() {
    let _alone = profile_everything();
    let builder = Server::builder().stop_on_drop(true).grace(ms(0));
    let builder = builder.client_timeout(secs(3600)).max_connections(2);
    let server = builder.serve("127.0.0.1:0").unwrap();
    let mut idle = [(); 2].map(|()| {
        let mut client = Client::connect(server.local_addr());
        assert_eq!(client.get("/debug/pprof/rates").status, 200);
        client
    });
    let mut third = Client::connect(server.local_addr());
    assert_eq!(third.get("/debug/pprof/rates").status, 200);
    assert!(idle[0].is_closed(), "the first has been idle for longest");
    assert_eq!(idle[1].get("/debug/pprof/rates").status, 200);
}

#[test]
fn clients_that_do_not_read_keep_nobody_waiting() {
    let _alone = profile_everything();
    let builder = Server::builder().stop_on_drop(true).grace(ms(0));
    let builder = builder.client_timeout(secs(3600)).max_connections(2);
    let server = builder.serve("127.0.0.1:0").unwrap();
    let request = "GET /debug/pprof/rates HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1 << 8);
    let _deaf = [(); 2].map(|()| {
        let mut deaf = Client::connect(server.local_addr());
        deaf.set_write_timeout(ms(200));
        // Until the answers fill all buffers, the server's socket is full, and ours, too.
        while deaf.send(&request).is_ok() {}
        deaf
    });
    assert_eq!(get(server.local_addr(), "/debug/pprof/rates").status, 200);
}

/// Each window of time has a thread; those beyond the handler's bound are refused, and all that is
/// quick is answered meanwhile.
#[test]
fn windows_are_bounded_and_hold_nobody_up() {
    let _alone = profile_everything();
    let server = server();
    let mut windows: Vec<Client> = (0..20)
        .map(|_| {
            let mut client = Client::connect(server.local_addr());
            client.request("GET", "/debug/pprof/mutex?seconds=2", "");
            client
        })
        .collect();
    assert_it_answers(server.local_addr());
    let mut statuses: Vec<u16> = windows
        .iter_mut()
        .map(|client| client.read().unwrap().status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[200; 8].as_slice(), &[429; 12]].concat());
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let _alone = profile_everything();
    let server = server();
    for round in 0..200 {
        let mut client = Client::connect(server.local_addr());
        if round % 2 == 0 {
            client.request("GET", "/debug/pprof/block?seconds=200&rate=5000", "");
        }
        drop(client);
    }
    contend::set_block_profile_rate(1_000_000);
    await_that("the rate is restored", || {
        contend::block_profile_rate() == 1_000_000
    });
    // No window is left open: there is room for as many as at first.
    await_that("a window opens", || {
        get(server.local_addr(), "/debug/pprof/block?seconds=1").status == 200
    });
    drop(server);
    // Each stays for two seconds after its last request, those of other tests, too.
    while threads_named("contend-http") > 0 {
        thread::sleep(ms(10));
    }
}

/// How many threads of this process have the name, where the system tells.
fn threads_named(name: &str) -> usize {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return 0;
    };
    let names = threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|found| found.trim_end() == name).count()
}

/// A reset in the place of a proper end.
#[test]
fn a_connection_that_is_reset_ends_its_window() {
    let _alone = profile_everything();
    contend::set_mutex_profile_fraction(100);
    let server = server();
    let mut client = Client::connect(server.local_addr());
    // An answer that is not read makes closing a reset.
    client.request("GET", "/debug/pprof/rates", "");
    await_that("an answer is there", || client.has_answer());
    client.request("GET", "/debug/pprof/mutex?seconds=200&fraction=2", "");
    await_that("the window is open", || {
        contend::mutex_profile_fraction() == 2
    });
    drop(client);
    await_that("the fraction is restored", || {
        contend::mutex_profile_fraction() == 100
    });
}

/// A client that closes its sending side only counts as gone: what it wants to read cannot be told
/// from what it does not.
#[test]
fn half_closed_is_gone() {
    let _alone = profile_everything();
    contend::set_mutex_profile_fraction(100);
    let server = server();
    let stream = TcpStream::connect(server.local_addr()).unwrap();
    let mut client = Client::over(stream.try_clone().unwrap());
    client.request("GET", "/debug/pprof/mutex?seconds=200&fraction=2", "");
    await_that("the window is open", || {
        contend::mutex_profile_fraction() == 2
    });
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    await_that("the fraction is restored", || {
        contend::mutex_profile_fraction() == 100
    });
}
