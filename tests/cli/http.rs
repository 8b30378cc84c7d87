//! The command with a program that serves its profiles, and with one that does not.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};

use super::handmade::{Builder, gzip, shop};
use super::server::{Asked, Reply, Server};
use super::{Folder, Run, contend, run};

/// A program whose mutex profile is `shop`.
fn shop_server() -> Server {
    Server::new(|asked| match &*asked.path {
        "/debug/pprof/mutex" | "/debug/pprof/block" | "/my/mutex" => Reply::profile(shop().gzip()),
        _ => Reply::text(404, "Unknown profile\n"),
    })
}

#[test]
fn an_address_stands_for_the_mutex_profile() {
    let server = shop_server();
    let address = server.address;
    for url in [
        format!("{address}"),
        format!("http://{address}"),
        format!("http://{address}/"),
        format!("HTTP://{address}/debug/pprof"),
        format!("{address}/debug/pprof/"),
        format!("localhost:{}", address.port()),
        format!("{address}/debug/pprof/mutex#fragment"),
    ] {
        let text = run(["top", &url]).success();
        assert!(text.contains("shop::checkout"), "{url}: {text}");
    }
    assert!(
        server
            .paths()
            .iter()
            .all(|path| path == "/debug/pprof/mutex"),
        "{:?}",
        server.paths()
    );
}

#[test]
fn an_address_stands_for_the_pairs_profile_where_pairs_are_asked_for() {
    let server = Server::new(|asked| match &*asked.path {
        "/debug/pprof/pairs" => Reply::profile(shop().comment("pairs_profile_fraction=1").gzip()),
        _ => Reply::profile(shop().gzip()),
    });
    let address = server.address.to_string();
    let text = run(["top", "--pairs", &address]).success();
    assert!(text.contains("pairs of functions:"), "{text}");
    let mutex = format!("{address}/debug/pprof/mutex");
    let error = run(["top", "--pairs", &mutex]).error();
    assert!(error.contains("not a pairs profile"), "{error}");
    assert_eq!(server.paths(), ["/debug/pprof/pairs", "/debug/pprof/mutex"]);
}

#[test]
fn other_paths_are_asked_for_as_they_are() {
    let server = shop_server();
    let base = format!("http://{}", server.address);
    run([
        "diff",
        &format!("{base}/my/mutex"),
        &format!("{base}/debug/pprof/block"),
    ])
    .success();
    let error = run(["top", &format!("{base}/my/other?x=1")]).error();
    assert_eq!(
        error,
        format!("{base}/my/other?x=1: status 404: Unknown profile")
    );
    assert_eq!(
        server.paths(),
        ["/my/mutex", "/debug/pprof/block", "/my/other?x=1"]
    );
}

#[test]
fn what_is_on_this_machine_is_not_asked_through_a_proxy() {
    let server = shop_server();
    let proxy = Server::new(|_| Reply::text(502, "from the proxy"));
    let ask = |url: &str| {
        let proxy = format!("http://{}", proxy.address);
        let command = &mut contend(["top", url]);
        Run::from(command.env("http_proxy", proxy).output().unwrap())
    };
    ask(&server.address.to_string()).success();
    ask(&format!("localhost:{}", server.address.port())).success();
    let error = ask("http://elsewhere.invalid/").error();
    assert!(error.contains("proxy server responded 502"), "{error}");
    assert_eq!(proxy.paths(), ["elsewhere.invalid:80"]);
}

#[test]
fn a_file_goes_before_an_address() {
    let folder = Folder::new();
    folder.file("localhost:80", shop().gzip());
    let output = contend(["top", "localhost:80"])
        .current_dir(&folder.0)
        .output()
        .unwrap();
    assert!(Run::from(output).success().contains("shop::checkout"));
}

#[test]
fn tokens_and_passwords_are_sent_and_never_shown() {
    let server = Server::new(|asked: &Asked| match asked.header("authorization") {
        // `ada:s3cret`, and the token.
        Some("Basic YWRhOnMzY3JldA==" | "Bearer s3cret") => Reply::profile(shop().gzip()),
        _ => Reply::text(401, "a token is needed"),
    });
    let address = server.address;
    run(["top", &format!("http://ada:s3cret@{address}")]).success();
    run(["top", &format!("ada:s3cret@{address}")]).success();
    run([
        "top",
        &format!("http://ada:s3%63ret@{address}"),
        "--token",
        "other",
    ])
    .success();
    run(["top", &format!("http://{address}"), "--token", "s3cret"]).success();
    let url = format!("http://{address}");
    let output = contend(["top", &url])
        .env("CONTEND_TOKEN", "s3cret")
        .output()
        .unwrap();
    Run::from(output).success();
    let error = run(["top", &format!("http://ada:wr0ng@{address}")]).error();
    assert_eq!(
        error,
        format!("http://{address}/debug/pprof/mutex: status 401: a token is needed")
    );
    for url in [
        "https://ada:wr0ng@localhost/",
        "http://ada:wr0ng@[::1/x",
        "ftp://ada:wr0ng@localhost/",
    ] {
        let error = run(["top", url]).error();
        assert!(!error.contains("wr0ng"), "{error}");
    }
    let help = contend(["top", "--help"])
        .env("CONTEND_TOKEN", "s3cret")
        .output()
        .unwrap();
    assert!(!Run::from(help).success().contains("s3cret"));
}

#[test]
fn whoever_does_not_answer_is_named() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = run(["top", &free.to_string()]).error();
    assert_eq!(
        error,
        format!("http://{free}/debug/pprof/mutex: nobody listens there")
    );
    for command in ["snap", "watch"] {
        let error = run([command, &free.to_string()]).error();
        assert!(
            error.contains(&free.to_string()) && error.ends_with("nobody listens there"),
            "{error}"
        );
    }
    let error = run(["top", "http://no-such-host.invalid/"]).error();
    assert!(
        error.starts_with("http://no-such-host.invalid/debug/pprof/mutex: "),
        "{error}"
    );
    let error = run(["top", "https://127.0.0.1/"]).error();
    assert!(error.contains("https is not built in"), "{error}");
    for command in ["snap", "watch"] {
        assert_eq!(
            run([command, "no url"]).error(),
            "no url: is no URL, such as localhost:6060"
        );
    }
}

#[test]
fn what_a_server_gets_wrong_is_an_error() {
    let cases: [(&'static [u8], &str); 9] = [
        (b"", ""),
        (b"SSH-2.0-OpenSSH_9\r\n", ""),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            "the answer is cut off: 95 of 100 bytes are missing",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
            "the answer is cut off after 5 bytes",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\x1b\r\nContent-Length: 1\r\n\r\nx",
            "",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
            "the answer is in the encoding \"br\", which was not asked for",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
            "a web page, not a profile",
        ),
        (
            b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
            "status 500: no more is said",
        ),
        (
            b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n a\x1b[2J\n b\t",
            r"status 503: a\u{1b}[2J b",
        ),
    ];
    for (bytes, expected) in cases {
        let server = Server::new(|_| Reply::Raw(bytes.to_vec()));
        let error = run(["top", &server.address.to_string()]).error();
        let prefix = format!("http://{}/debug/pprof/mutex: ", server.address);
        assert!(
            error.starts_with(&prefix) && error.contains(expected),
            "{error}"
        );
        assert!(error.len() > prefix.len(), "{error}");
    }
}

/// Some servers and proxies compress what is compressed, and some say so.
#[test]
fn compressions_are_undone_and_no_more_than_one_is_kept() {
    let answer = |encoding: &str, body: &[u8]| {
        let len = body.len();
        let head = format!("HTTP/1.1 200 OK\r\n{encoding}Content-Length: {len}\r\n\r\n");
        Reply::Raw([head.as_bytes(), body].concat())
    };
    let once = shop().gzip();
    let twice = gzip(&once);
    let (one, two) = (
        "Content-Encoding: gzip\r\n",
        "Content-Encoding: x-gzip, GZIP\r\n",
    );
    for (encoding, body) in [
        ("Content-Encoding: identity\r\n", once.clone()),
        (one, twice.clone()),
        (two, gzip(&twice)),
        // Nobody says so.
        ("", twice.clone()),
        (one, gzip(&twice)),
        // The profile itself comes without.
        (one, once.clone()),
    ] {
        let server = Server::new(move |asked| match &*asked.path {
            "/debug/pprof/mutex" => answer(encoding, &body),
            _ => Reply::text(404, "nothing else"),
        });
        let address = server.address.to_string();
        assert!(run(["top", &address]).success().contains("shop::checkout"));
        let folder = Folder::new();
        run(["snap", &address, "--seconds", "1", "-o", &folder.path("")]).success();
        let files = files_of(&folder);
        let [name, _] = &files[..] else {
            panic!("{files:?}")
        };
        let snap = fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap();
        let saved = fs::read(snap.path().join(name)).unwrap();
        assert!(saved == once || saved == shop().plain(), "{encoding}{name}");
    }
    let asked = shop_server();
    run(["top", &asked.address.to_string()]).success();
    assert_eq!(asked.asked()[0].header("accept-encoding"), Some("identity"));
}

/// A program may serve its profiles anywhere.
#[test]
fn a_folder_stands_for_the_mutex_profile_in_it() {
    let server = shop_server();
    let base = format!("http://{}", server.address);
    let file = shop_server();
    let file = format!("http://{}/my/mutex", file.address);
    for arguments in [
        vec!["top", "URL"],
        vec!["list", "shop", "URL"],
        vec!["diff", "URL", &file],
        vec!["diff", &file, "URL"],
    ] {
        for folder in ["my", "my/"] {
            let url = format!("{base}/{folder}");
            run(arguments
                .iter()
                .map(|argument| argument.replace("URL", &url)))
            .success();
        }
    }
    let error = run(["top", &format!("{base}/other")]).error();
    assert_eq!(error, format!("{base}/other: status 404: Unknown profile"));
    // A command that may not ask does not ask twice.
    let server = Server::new(|_| Reply::text(401, "a token is needed"));
    run(["top", &format!("{}/my", server.address)]).error();
    assert_eq!(server.paths(), ["/my"]);
}

#[test]
fn text_from_a_server_is_told_from_a_profile() {
    let server = Server::new(|_| Reply::text(200, "--- mutex:\ncycles/second=1000000000\n"));
    let error = run([
        "top",
        &format!("{}/debug/pprof/mutex?debug=1", server.address),
    ])
    .error();
    assert!(
        error.contains("a text profile; ask for the protocol buffer form"),
        "{error}"
    );
}

/// Everything a full server has, and a profile of its own.
fn full(asked: &Asked) -> Reply {
    let path = asked
        .path
        .strip_prefix("/debug/pprof/")
        .unwrap_or("elsewhere");
    match path.split('?').next().unwrap() {
        "" => Reply::Whole(
            200,
            "text/html; charset=utf-8",
            b"<a href='mutex?debug=1'>mutex</a> <a href=\"sessions\">x</a> <a href='../../evil'>y</a>".into(),
        ),
        "mutex" | "block" | "wake" | "pairs" if path.contains("debug=1") => Reply::text(200, "--- mutex:\n"),
        "mutex" | "block" | "wake" | "pairs" | "sessions" => Reply::profile(shop().gzip()),
        "flamegraph" => Reply::Whole(200, "image/svg+xml", b"<svg/>".into()),
        "cmdline" => Reply::text(200, "shop\0--port"),
        "rates" => Reply::Whole(200, "application/json", b"{}".into()),
        "bundle" => Reply::Whole(200, "application/zip", b"PK\x03\x04".into()),
        "profile" => Reply::text(501, "CPU profiles are not built in: enable contend's feature `cpu`"),
        _ => Reply::text(404, "Unknown profile"),
    }
}

fn files_of(folder: &Folder) -> Vec<String> {
    let snap = fs::read_dir(&folder.0)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let name = snap.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(
        name.starts_with("contend-127.0.0.1-") && name.ends_with('Z'),
        "{name}"
    );
    let mut files: Vec<_> = fs::read_dir(snap)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

#[test]
fn snap_fetches_everything_and_notes_what_is_not_offered() {
    let server = Server::new(full);
    let folder = Folder::new();
    let arguments = [
        "snap",
        &format!("http://{}/", server.address),
        "-o",
        &folder.path(""),
        "--seconds",
        "3",
    ];
    let text = run(arguments).success();
    let expected = [
        "block-3s.pb.gz",
        "block-contentions.svg",
        "block-delay.svg",
        "block.pb.gz",
        "block.txt",
        "bundle.zip",
        "cmdline.txt",
        "index.html",
        "mutex-3s.pb.gz",
        "mutex-contentions.svg",
        "mutex-delay.svg",
        "mutex.pb.gz",
        "mutex.txt",
        "pairs-3s.pb.gz",
        "pairs.pb.gz",
        "pairs.txt",
        "rates.json",
        "sessions.pb.gz",
        "summary.txt",
        "wake-3s.pb.gz",
        "wake-delay.svg",
        "wake.pb.gz",
        "wake.txt",
    ];
    assert_eq!(files_of(&folder), expected, "{text}");
    assert!(
        text.contains("not offered: profile?seconds=3: status 501: CPU profiles are not built in"),
        "{text}"
    );
    assert!(
        text.ends_with("22 saved, 9 not offered, 0 failed\n"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(
        server
            .paths()
            .contains(&"/debug/pprof/mutex?seconds=3".to_owned())
    );
    assert!(server.paths().iter().all(|path| !path.contains("evil")));
}

/// The wake profile is off unless it is asked for.
#[test]
fn snap_takes_a_profile_that_is_off_for_no_failure() {
    let off = "the wake profile is off, so nothing would be recorded";
    let server = Server::new(move |asked| match &*asked.path {
        "/debug/pprof/wake?seconds=1" => Reply::text(409, off),
        _ => full(asked),
    });
    let folder = Folder::new();
    let address = server.address.to_string();
    let arguments = ["snap", &address, "-o", &folder.path(""), "--seconds", "1"];
    let text = run(arguments).success();
    assert!(
        text.contains(&format!("not offered: wake?seconds=1: status 409: {off}")),
        "{text}"
    );
    assert!(
        text.ends_with("21 saved, 10 not offered, 0 failed\n"),
        "{text}"
    );
}

#[test]
fn snap_keeps_the_rest_when_something_fails() {
    let server = Server::new(|asked| match &*asked.path {
        "/debug/pprof/block" => Reply::text(500, "out of memory"),
        "/debug/pprof/mutex" => {
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".into())
        }
        _ => full(asked),
    });
    let folder = Folder::new();
    let run = run([
        "snap",
        &server.address.to_string(),
        "-o",
        &folder.path("new/folder"),
        "--seconds",
        "1",
    ]);
    assert!(
        run.stdout
            .contains("failed: block: status 500: out of memory"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("20 saved, 9 not offered, 2 failed"),
        "{}",
        run.stdout
    );
    assert_eq!(
        run.error(),
        format!(
            "http://{}/debug/pprof: 2 of 31 requests failed",
            server.address
        )
    );
}

#[test]
fn snap_of_whom_has_nothing_is_an_error_and_leaves_no_folder() {
    let server = Server::new(|_| Reply::text(404, "not here"));
    let folder = Folder::new();
    let address = server.address.to_string();
    let error = run(["snap", &address, "-o", &folder.path(""), "--seconds", "1"]).error();
    assert!(
        error.starts_with(&format!("http://{address}/debug/pprof: nothing saved of ")),
        "{error}"
    );
    assert!(error.ends_with("requests: status 404: not here"), "{error}");
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn snap_of_whom_one_may_not_ask_ends_at_once() {
    let server = Server::new(|_| Reply::text(401, "a token is needed"));
    let folder = Folder::new();
    let error = run([
        "snap",
        &server.address.to_string(),
        "-o",
        &folder.path("new"),
    ])
    .error();
    assert_eq!(
        error,
        format!(
            "http://{}/debug/pprof/: status 401: a token is needed",
            server.address
        )
    );
    assert_eq!(server.paths().len(), 1);
    assert!(!fs::exists(folder.path("new")).unwrap());
}

/// The program may be broken, or somebody else's.
#[test]
fn snap_keeps_no_more_than_its_limit() {
    let server = Server::new(|asked| match &*asked.path {
        "/debug/pprof/" => Reply::text(404, "no index"),
        "/debug/pprof/cmdline" => Reply::text(200, "shop"),
        path if path.contains("seconds=") => Reply::text(404, "no windows"),
        // Not all of them fit, and each by itself does.
        _ => Reply::profile(vec![0; 700 << 10]),
    });
    let folder = Folder::new();
    let address = server.address.to_string();
    let run = run(["snap", &address, "--limit", "2", "-o", &folder.path("")]);
    assert_eq!(run.code, Some(1));
    let what = "the answers are more than 2 MB in sum (--limit allows more)";
    assert!(run.stdout.matches(what).count() >= 5, "{}", run.stdout);
    let snap = fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap();
    let files = fs::read_dir(snap.path()).unwrap().map(|file| file.unwrap());
    let files: Vec<_> = files
        .map(|file| (file.file_name(), file.metadata().unwrap().len()))
        .collect();
    assert!(
        files
            .iter()
            .all(|(name, _)| !name.to_str().unwrap().ends_with(".tmp")),
        "{files:?}"
    );
    let whole = files.iter().filter(|(_, len)| *len == 700 << 10).count();
    assert!((1..=2).contains(&whole), "{files:?}");
    let sum: u64 = files.iter().map(|(_, len)| len).sum();
    assert!(sum < 3 << 20, "{files:?}");
}

#[test]
fn snap_asks_for_few_things_at_a_time() {
    const AT_A_TIME: usize = 8;
    let links: String = (0..64)
        .map(|index| format!("<a href='p{index}'>"))
        .collect();
    let (now, most) = (AtomicI64::new(0), Arc::new(AtomicI64::new(0)));
    let (seen, first) = (Arc::clone(&most), Barrier::new(AT_A_TIME));
    let arrived = AtomicI64::new(0);
    let server = Server::new(move |asked| {
        if asked.path == "/debug/pprof/" && arrived.load(Ordering::SeqCst) == 0 {
            arrived.fetch_add(1, Ordering::SeqCst);
            return Reply::Whole(200, "text/html", links.clone().into());
        }
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Those that come first are there together.
        if arrived.fetch_add(1, Ordering::SeqCst) <= AT_A_TIME as i64 {
            first.wait();
        }
        now.fetch_sub(1, Ordering::SeqCst);
        Reply::profile(shop().gzip())
    });
    let folder = Folder::new();
    let address = server.address.to_string();
    run(["snap", &address, "--seconds", "1", "-o", &folder.path("")]).success();
    assert_eq!(seen.load(Ordering::SeqCst), AT_A_TIME as i64);
    // Requests that take as long as was asked for are among them.
    let paths = server.paths();
    let windows = paths[1..=AT_A_TIME]
        .iter()
        .filter(|path| path.contains("seconds=1"));
    assert_eq!(windows.count(), 7, "{paths:?}");
}

/// Each time it is asked `checkout` has 3 contentions of 2 ms more.
fn growing() -> Server {
    let looks = AtomicI64::new(0);
    Server::new(move |_| {
        let looks = looks.fetch_add(1, Ordering::Relaxed);
        let stack = [
            "contend::sync::MutexGuard<T>::drop",
            "shop::checkout src/cart.rs:12",
        ];
        let other = [
            "contend::sync::MutexGuard<T>::drop",
            "core::mem::drop",
            "shop::idle src/cart.rs:40",
        ];
        let profile = Builder::contention()
            .sample(&[100 + 3 * looks, 50_000_000 + 6_000_000 * looks], &stack)
            .sample(&[1, 1_000_000], &other);
        Reply::profile(profile.gzip())
    })
}

#[test]
fn watch_prints_what_was_added() {
    let server = growing();
    let url = format!("{}/debug/pprof/block", server.address);
    let text = run(["watch", &url, "--every", "0.1", "--count", "2"]).success();
    let heading = format!("block of {}: in the last ", server.address);
    assert_eq!(text.matches(&heading).count(), 2, "{text}");
    assert_eq!(
        text.matches("6.00ms in 3 contentions; 0.0").count(),
        2,
        "{text}"
    );
    let row = "  6.00ms  100.0%           3   2.00ms  mutex         shop::checkout cart.rs:12\n";
    assert_eq!(text.matches(row).count(), 2, "{text}");
    assert!(!text.contains("shop::idle"), "{text}");
    assert_eq!(server.paths(), vec!["/debug/pprof/block"; 3]);
}

#[test]
fn watch_says_when_a_profile_is_off() {
    let why =
        "the mutex profile is empty: it is off; call contend::set_mutex_profile_fraction(100)";
    let server = Server::new(move |_| {
        let empty = Builder::contention()
            .comment("mutex_profile_fraction=0")
            .comment(why);
        Reply::profile(empty.gzip())
    });
    let text = run([
        "watch",
        &server.address.to_string(),
        "--every",
        "0.1",
        "--count",
        "1",
    ])
    .success();
    let expected = format!("nothing was recorded\n{why}; mutex_profile_fraction=0\n");
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn watch_of_what_is_no_contention_profile_is_an_error() {
    let server = Server::new(|_| {
        let cpu = Builder::with_types(&[("samples", "count"), ("cpu", "nanoseconds")]);
        Reply::profile(cpu.gzip())
    });
    let error = run(["watch", &server.address.to_string()]).error();
    assert!(
        error.ends_with("has no values \"contentions\"; it has samples, cpu"),
        "{error}"
    );
}
