//! `contend open`: what it prints, what it serves, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use super::handmade::{Builder, shop};
use super::{Folder, contend, run};

/// The command while it serves, and its address.
struct Open {
    child: Child,
    address: String,
}

impl Open {
    fn new(arguments: &[&str]) -> Self {
        let mut command = contend(["open"]);
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next());
        let address = address
            .unwrap_or_else(|| panic!("no address: {line:?}"))
            .to_owned();
        Self { child, address }
    }

    /// The head and the body of an answer.
    fn get(&self, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn files_are_pages_with_their_sources() {
    let folder = Folder::new();
    let mutex = folder.file("mutex.pb.gz", shop().gzip());
    let source = folder.file("src/a.rs", "// one\nfn slow() {} // two\n");
    let stack = format!("slow {source}:2");
    let other = Builder::contention().sample(&[1, 7_000], &[&stack]).gzip();
    let other = folder.file("other.pb.gz", other);
    let root = folder.path("src");
    let open = Open::new(&[&mutex, &other, "--source-path", &root]);
    let host = open.address.clone();
    let index = open.get("/", &host);
    assert!(index.starts_with("HTTP/1.1 200"), "{index}");
    assert!(
        index.contains("mutex.pb.gz") && index.contains("other.pb.gz"),
        "{index}"
    );
    let top = open.get("/top?profile=1", &host);
    assert!(top.contains("shop%3A%3Acheckout"), "{top}");
    let function = open.get("/function?profile=2&name=slow", &host);
    assert!(function.contains("fn slow() {} // two"), "{function}");
    assert!(function.contains("7.00µs"), "{function}");
    // A name that points here is not enough.
    assert!(open.get("/", "evil.example").starts_with("HTTP/1.1 403"));
}

#[test]
fn a_filter_leaves_a_part() {
    let folder = Folder::new();
    let mutex = folder.file("mutex.pb.gz", shop().gzip());
    let open = Open::new(&[&mutex, "--focus", "no such function"]);
    let index = open.get("/", "localhost");
    assert!(
        index.contains("only a part: --focus no such function"),
        "{index}"
    );
}

#[test]
fn what_cannot_be_served_is_an_error() {
    let folder = Folder::new();
    let missing = folder.path("missing.pb.gz");
    assert!(run(["open", &missing]).error().starts_with(&missing));
    let text = folder.file("text", "hello\n");
    assert_eq!(
        run(["open", &text]).error(),
        format!("{text}: text, not a profile")
    );
    let mutex = folder.file("mutex.pb.gz", shop().gzip());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = run(["open", &mutex, "--port", &port]).error();
    assert!(error.contains(&port), "{error}");
}
