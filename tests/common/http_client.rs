//! A client of HTTP/1.1 that sends what a test wants, right or wrong, and reads what comes back;
//! and a reader of the profiles in it.
#![allow(dead_code)] // Each test binary uses a part of it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use prost::Message;

/// A connection to a server.
pub(crate) struct Client(BufReader<TcpStream>);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(server: SocketAddr) -> Self {
        Self::over(TcpStream::connect(server).expect("the server listens"))
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        // So that a server which never answers fails the test, rather than hang it.
        let limit = Some(Duration::from_secs(40));
        stream.set_read_timeout(limit).unwrap();
        stream.set_write_timeout(limit).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// Sends a request with a `Host`, and with these headers, each ended by CR and LF.
    pub(crate) fn request(&mut self, method: &str, target: &str, headers: &str) {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        self.send(request).unwrap();
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target, "");
        self.read()
            .unwrap_or_else(|error| panic!("{target}: {error}"))
    }

    /// The next answer. An error of kind `UnexpectedEof`: the server closed the connection.
    pub(crate) fn read(&mut self) -> io::Result<Answer> {
        self.read_answer(true)
    }

    /// To a HEAD request.
    pub(crate) fn read_without_body(&mut self) -> io::Result<Answer> {
        self.read_answer(false)
    }

    fn read_answer(&mut self, has_body: bool) -> io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {status_line}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                assert_eq!(line, "", "a header");
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if has_body && status != 204 {
            let length = answer.header("content-length").unwrap_or_else(|| {
                panic!("an answer without a length: {:?}", answer.headers);
            });
            answer.body = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.strip_suffix("\r\n");
        Ok(line.expect("a whole line, ended by CR and LF").to_owned())
    }

    pub(crate) fn set_write_timeout(&self, limit: Duration) {
        self.0.get_ref().set_write_timeout(Some(limit)).unwrap();
    }

    /// Whether something has arrived that was not read.
    pub(crate) fn has_answer(&self) -> bool {
        let stream = self.0.get_ref();
        stream.set_nonblocking(true).unwrap();
        let arrived = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).unwrap();
        arrived
    }

    /// Whether the server closes the connection now, without a further byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(it, _)| it == name)?;
        Some(value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, as a compressed profile.
    #[track_caller]
    pub(crate) fn pprof(&self) -> Pprof {
        assert_eq!(self.status, 200, "{}", self.text());
        let mut bytes = Vec::new();
        let mut gzip = GzDecoder::new(&*self.body);
        gzip.read_to_end(&mut bytes).expect("compressed with gzip");
        Pprof::decode(&*bytes).expect("a pprof profile")
    }
}

pub(crate) fn get(server: SocketAddr, target: &str) -> Answer {
    Client::connect(server).get(target)
}

/// Waits until it is so, for at most ten seconds.
#[track_caller]
pub(crate) fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "not so: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sets it when it is dropped, so that a test's threads end when the test fails, too.
pub(crate) struct SetOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The messages that the tests look at, after pprof's `proto/profile.proto`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pprof {
    #[prost(message, repeated, tag = "1")]
    sample_types: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    locations: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    functions: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    strings: Vec<String>,
    #[prost(int64, tag = "9")]
    pub(crate) time_nanos: i64,
    #[prost(int64, tag = "10")]
    pub(crate) duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    pub(crate) period: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    name: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    values: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

impl Pprof {
    /// As `contentions/count`.
    pub(crate) fn sample_types(&self) -> Vec<String> {
        let types = self.sample_types.iter();
        types.map(|found| self.value_type(found)).collect()
    }

    pub(crate) fn period_type(&self) -> String {
        self.value_type(self.period_type.as_ref().expect("a period type"))
    }

    fn value_type(&self, it: &ValueType) -> String {
        format!("{}/{}", self.string(it.name), self.string(it.unit))
    }

    fn string(&self, index: i64) -> &str {
        &self.strings[index as usize]
    }

    pub(crate) fn has_function(&self, part: &str) -> bool {
        let mut functions = self.functions.iter();
        functions.any(|function| self.string(function.name).contains(part))
    }

    /// Contentions and nanoseconds, by the names on the stack.
    pub(crate) fn by_stack(&self) -> BTreeMap<Vec<&str>, (i64, i64)> {
        let mut stacks = BTreeMap::new();
        for sample in &self.samples {
            let locations = sample.locations.iter().map(|id| self.location(*id));
            let lines = locations.flat_map(|location| &location.lines);
            let names = lines.map(|line| self.function(line.function)).collect();
            let sum: &mut (i64, i64) = stacks.entry(names).or_default();
            sum.0 += sample.values[0];
            sum.1 += sample.values[1];
        }
        stacks
    }

    fn location(&self, id: u64) -> &Location {
        let mut locations = self.locations.iter();
        locations
            .find(|location| location.id == id)
            .expect("a location")
    }

    fn function(&self, id: u64) -> &str {
        let mut functions = self.functions.iter();
        let function = functions
            .find(|function| function.id == id)
            .expect("a function");
        self.string(function.name)
    }

    /// Contentions and nanoseconds.
    pub(crate) fn totals(&self) -> (i64, i64) {
        let samples = self.samples.iter();
        samples.fold((0, 0), |sum, sample| {
            (sum.0 + sample.values[0], sum.1 + sample.values[1])
        })
    }
}
