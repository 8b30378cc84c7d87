//! A server as small as one can be, which answers what a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request's first line and its headers, as they came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: Vec<String>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{}: ", name.to_lowercase());
        let matches = |line: &&String| line.to_lowercase().starts_with(&prefix);
        self.headers
            .iter()
            .find(matches)
            .map(|line| &line[prefix.len()..])
    }
}

pub(crate) enum Reply {
    /// Status, content type and body.
    Whole(u16, &'static str, Vec<u8>),
    /// Bytes as they are, and then the end of the connection.
    Raw(Vec<u8>),
}

impl Reply {
    pub(crate) fn profile(bytes: Vec<u8>) -> Self {
        Self::Whole(200, "application/octet-stream", bytes)
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::Whole(status, "text/plain; charset=utf-8", text.into())
    }
}

/// Serves until the process ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) fn new(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, reply) = (Arc::clone(&asked), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, reply) = (Arc::clone(&log), Arc::clone(&reply));
                thread::spawn(move || answer(stream, &log, &*reply));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked()
            .into_iter()
            .map(|request| request.path)
            .collect()
    }
}

fn answer(stream: TcpStream, log: &Mutex<Vec<Asked>>, reply: &dyn Fn(&Asked) -> Reply) {
    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let mut lines = lines.take_while(|line| !line.is_empty());
    // A connection that was opened and closed.
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let asked = Asked {
        path,
        headers: lines.collect(),
    };
    log.lock().unwrap().push(asked.clone());
    let bytes = match reply(&asked) {
        Reply::Raw(bytes) => bytes,
        Reply::Whole(status, content_type, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            [head.into_bytes(), body].concat()
        }
    };
    // The client may have gone.
    let _ = (&stream).write_all(&bytes);
}
