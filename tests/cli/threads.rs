//! The threads of a program that runs: of this test.

use contend::http::{Handler, Request};

use super::run;
use super::server::{Asked, Reply, Server};

/// This process, as its own server would serve it.
pub(crate) fn own_server() -> Server {
    let handler = Handler::new();
    Server::new(move |asked: &Asked| {
        let mut request = Request::new("GET", &asked.path);
        if let Some(accept) = asked.header("Accept") {
            request = request.header("Accept", accept);
        }
        let response = handler.handle(&request);
        let content_type = match response.header("Content-Type") {
            Some(json) if json.contains("json") => "application/json",
            _ => "text/plain",
        };
        Reply::Whole(response.status(), content_type, response.into_body())
    })
}

/// A thread for the command to show: it sleeps until the process ends.
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
fn spawn_sleeper() {
    let sleeper = std::thread::Builder::new().name("cli-\u{1b}[2Jsleeper".to_owned());
    let sleep = || loop {
        std::thread::park();
    };
    sleeper.spawn(sleep).unwrap();
}

#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
#[test]
fn threads_are_shown_by_address_and_by_number() {
    spawn_sleeper();
    let server = own_server();
    let address = server.address.to_string();
    let pid = std::process::id().to_string();
    for program in [&address, &format!("{address}/debug/pprof/"), &pid] {
        let text = run(["threads", program]).success();
        assert!(
            text.contains("[futex]") && text.contains("spawn_sleeper"),
            "{program}: {text}"
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    let text = run(["threads", &address, "--seconds", "1"]).success();
    assert!(
        text.starts_with(|c: char| c.is_ascii_digit()) && text.contains("elsewhere"),
        "{text}"
    );
    let json = run(["threads", &address, "--json"]).success();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(value["threads"].as_array().unwrap().len() > 2);
}

#[test]
fn a_process_that_serves_nothing_is_told_what_it_lacks() {
    // One number above the kernel's largest.
    let error = run(["threads", "4194305"]).error();
    #[cfg(target_os = "linux")]
    assert_eq!(error, "process 4194305: there is none");
    let mut child = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let error = run(["threads", &child.id().to_string()]).error();
    child.kill().unwrap();
    child.wait().unwrap();
    #[cfg(target_os = "linux")]
    assert!(
        error.contains("it listens at no port") && error.contains("CONTEND_HTTP=127.0.0.1:6060"),
        "{error}"
    );
    let server = Server::new(|_| Reply::text(404, "Unknown profile\n"));
    let error = run(["threads", &server.address.to_string()]).error();
    assert!(error.contains("status 404: Unknown profile"), "{error}");
}

/// Two threads that wait for each other, and one behind them.
const DEADLOCK: &str = r#"{"deadlocks": [{"is_certain": true, "threads": [], "behind": [],
    "text": "deadlock: 2 threads wait for each other\n\n  thread 7 \"a\u001b[2J\"\n"}]}"#;

#[test]
fn a_deadlock_has_its_exit_code() {
    let server = Server::new(|asked: &Asked| match &*asked.path {
        "/debug/pprof/deadlock?form=json" => {
            Reply::Whole(200, "application/json", DEADLOCK.as_bytes().to_vec())
        }
        _ => Reply::text(404, "Unknown profile\n"),
    });
    let found = run(["deadlocks", &server.address.to_string()]);
    assert_eq!(found.code, Some(3), "{}", found.stderr);
    assert!(
        found.stdout.starts_with("deadlock: 2 threads"),
        "{}",
        found.stdout
    );
    assert!(!found.stdout.contains('\u{1b}'), "{:?}", found.stdout);
    let none = run(["deadlocks", &own_server().address.to_string()]).success();
    assert_eq!(none, "no deadlock\n");
    let error = run(["deadlocks", &format!("{}/else", server.address)]).error();
    assert!(error.contains("status 404"), "{error}");
}
