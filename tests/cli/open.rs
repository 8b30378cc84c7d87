//! `contend open`: what it prints, what it serves, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use super::handmade::{Builder, shop};
use super::{Folder, contend, run};

/// The command while it serves, and its address.
pub(super) struct Open {
    pub(super) child: Child,
    pub(super) address: String,
}

impl Open {
    fn new(arguments: &[&str]) -> Self {
        let mut command = contend(["open"]);
        command.args(arguments).stderr(Stdio::null());
        Self::start(command).unwrap_or_else(|output| panic!("no address: {output:?}"))
    }

    /// # Errors
    ///
    /// The output of one that ends without an address.
    pub(super) fn start(mut command: Command) -> Result<Self, Output> {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next());
        match address {
            Some(address) => Ok(Self {
                child,
                address: address.to_owned(),
            }),
            None => Err(child.wait_with_output().unwrap()),
        }
    }

    /// The head and the body of an answer.
    pub(super) fn get(&self, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
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
