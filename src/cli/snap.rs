//! `contend snap`: everything that a program offers, into a folder.
//!
//! The program may be broken or somebody else's: answers go to the disk as they come, there is a
//! limit to their sum, and few are asked for at a time.
#![forbid(unsafe_code)]

mod endpoints;
mod progress;

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::args::Snap;
use super::error::{Error, Result};
use super::fetch::{Client, Response, Url};
use super::output::{Output, printable};
use super::scale::Unit;
use crate::text::save::save;
use crate::text::utc::Utc;
use endpoints::{Endpoint, at_last, at_once};
use progress::Progress;

/// Folders that may be of the same second.
const NAME_TRIES: usize = 100;
/// Requests at a time. Those that take as long as the user said are among the first.
const THREADS: usize = 8;
/// A page that links to profiles is short.
const MAX_INDEX: u64 = 1 << 20;

pub(super) fn run(arguments: &Snap, output: &mut Output) -> Result<()> {
    let url = Url::required(&arguments.url)?;
    let (base, _) = url.split();
    let snap = Fetcher {
        client: arguments.access.client(),
        base,
        seconds: arguments.seconds,
        room: AtomicU64::new(u64::from(arguments.limit) << 20),
        limit: arguments.limit,
    };
    // Whoever does not answer this one does not answer the others.
    let index = snap.index()?;
    let folder = new_folder(&arguments.output, &snap.base)?;
    let mut results = snap.fetch(at_once(snap.seconds, &index), &folder);
    results.extend(snap.fetch(at_last(snap.seconds), &folder));
    let summary = Summary {
        folder: &folder,
        results: &results,
    };
    if summary.count(|outcome| matches!(outcome, Outcome::Saved(..))) == 0 {
        // It is empty, and so of no use if it should stay.
        let _ = fs::remove_dir(&folder);
        return Err(Error::about(&snap.base, summary.why_nothing()));
    }
    write!(output, "{summary}")?;
    let path = folder.join("summary.txt");
    fs::write(&path, summary.to_string()).map_err(|error| Error::about(path.display(), error))?;
    match summary.count(|outcome| matches!(outcome, Outcome::Failed(_))) {
        0 => Ok(()),
        failed => Err(Error::about(
            &snap.base,
            format!("{failed} of {} requests failed", results.len()),
        )),
    }
}

struct Fetcher {
    client: Client,
    base: Url,
    seconds: u32,
    /// Bytes that may still be kept. Relaxed: a number that publishes nothing else.
    room: AtomicU64,
    /// In megabytes, as the user knows it.
    limit: u32,
}

impl Fetcher {
    /// The page that links to all profiles; empty if the program has none.
    fn index(&self) -> Result<String> {
        let url = self.base.join("");
        let answer = self.client.ask(&url)?;
        match answer.status {
            401 | 403 => answer.success().map(|_| String::new()),
            200 => {
                let page = answer.bytes(MAX_INDEX).unwrap_or_default();
                Ok(String::from_utf8_lossy(&page).into_owned())
            }
            _ => Ok(String::new()),
        }
    }

    /// By threads, because each request waits for most of its time.
    fn fetch(&self, mut endpoints: Vec<Endpoint>, folder: &Path) -> Vec<(Endpoint, Outcome)> {
        let mut progress = Progress::new(&endpoints, self.seconds);
        // In the order of their names again in the summary.
        let order = endpoints.clone();
        endpoints.sort_by_key(|endpoint| !endpoint.is_window);
        let (done, outcomes) = mpsc::channel();
        // Relaxed: gives each thread another number, and publishes nothing.
        let next = AtomicUsize::new(0);
        let mut results = HashMap::new();
        thread::scope(|scope| {
            for _ in 0..THREADS.min(endpoints.len()) {
                let (done, next, endpoints) = (done.clone(), &next, &endpoints);
                let work = move || {
                    while let Some(endpoint) = endpoints.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcome = self.outcome(endpoint, folder);
                        let _ = done.send((endpoint, outcome));
                    }
                };
                scope.spawn(work);
            }
            drop(done);
            while let Some((endpoint, outcome)) = progress.until(&outcomes) {
                progress.done(endpoint);
                results.insert(endpoint.path.clone(), outcome);
            }
        });
        let lost = || Outcome::Failed("the request's thread panicked".to_owned());
        let order = order.into_iter();
        order
            .map(|endpoint| {
                let outcome = results.remove(&endpoint.path);
                (endpoint, outcome.unwrap_or_else(lost))
            })
            .collect()
    }

    fn outcome(&self, endpoint: &Endpoint, folder: &Path) -> Outcome {
        let url = self.base.join(&endpoint.path);
        match self.client.ask(&url) {
            Err(error) => Outcome::Failed(error.to_string()),
            Ok(answer) if answer.status == 200 => match self.store(endpoint, answer, folder) {
                Ok((name, bytes)) => Outcome::Saved(name, bytes),
                Err(what) => Outcome::Failed(what),
            },
            Ok(answer) => {
                let status = answer.status;
                let words = format!("status {status}: {}", answer.words());
                match status {
                    // Not there, not for GET, a window of a profile that is off, not built in.
                    404 | 405 | 409 | 501 => Outcome::NotOffered(words),
                    _ => Outcome::Failed(words),
                }
            }
        }
    }

    /// The file's name and its bytes.
    fn store(
        &self,
        endpoint: &Endpoint,
        answer: Response,
        folder: &Path,
    ) -> std::result::Result<(String, u64), String> {
        let content_type = answer.content_type.clone();
        let mut head = Vec::new();
        let mut body = Bounded {
            reader: answer.body()?,
            taken: 0,
            fetcher: self,
        };
        let says = |error: io::Error| error.to_string();
        body.by_ref()
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(says)?;
        let name = format!("{}.{}", endpoint.name, extension(&head, &content_type));
        let saved = save(&folder.join(&name), |file| {
            file.write_all(&head)?;
            io::copy(&mut body, file).map(drop)
        });
        match saved {
            Ok(()) => Ok((name, body.taken)),
            Err(error) => {
                // The disk has it again.
                self.room.fetch_add(body.taken, Ordering::Relaxed);
                Err(error.to_string())
            }
        }
    }
}

/// Enough to see what a file is.
const HEAD: u64 = 16;

/// A body that ends with an error where all of them together are too much.
struct Bounded<'f, R> {
    reader: R,
    taken: u64,
    fetcher: &'f Fetcher,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(bytes)?;
        let room = &self.fetcher.room;
        let less = |room: u64| room.checked_sub(count as u64);
        if room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_err()
        {
            let limit = self.fetcher.limit;
            let what = format!("the answers are more than {limit} MB in sum (--limit allows more)");
            return Err(io::Error::new(ErrorKind::FileTooLarge, what));
        }
        self.taken += count as u64;
        Ok(count)
    }
}

/// After what it is, as far as the bytes tell; else after what the server says.
fn extension(head: &[u8], content_type: &str) -> &'static str {
    let content_type = content_type.split(';').next().unwrap_or_default();
    match (head, content_type) {
        ([0x1f, 0x8b, ..], _) => "pb.gz",
        ([b'P', b'K', 3, 4, ..], _) => "zip",
        ([b'g', b'o', b' ', b'1', b'.', ..], _) => "trace",
        (_, "text/html") => "html",
        (_, "image/svg+xml") => "svg",
        (_, "application/json") => "json",
        (_, "text/plain") => "txt",
        _ => "bin",
    }
}

/// `contend-HOST-PORT-TIME`, within `parent`.
fn new_folder(parent: &Path, base: &Url) -> Result<PathBuf> {
    let host: String = base
        .host_and_port()
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = format!("contend-{host}-{}", Utc::now().compact());
    fs::create_dir_all(parent).map_err(|error| Error::about(parent.display(), error))?;
    let names = (1..=NAME_TRIES).map(|index| match index {
        1 => parent.join(&name),
        _ => parent.join(format!("{name}-{index}")),
    });
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for path in names {
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(Error::about(path.display(), error)),
        }
    }
    Err(Error::about(parent.join(&name).display(), last))
}

/// The outcome of a request.
#[derive(Debug)]
enum Outcome {
    /// The file's name and its bytes.
    Saved(String, u64),
    /// The server's words.
    NotOffered(String),
    Failed(String),
}

struct Summary<'a> {
    folder: &'a Path,
    results: &'a [(Endpoint, Outcome)],
}

impl Summary<'_> {
    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.results
            .iter()
            .filter(|(_, outcome)| is(outcome))
            .count()
    }

    /// With the words of the first answer, which as a rule are those of all.
    fn why_nothing(&self) -> String {
        let words = self.results.iter().find_map(|(_, outcome)| match outcome {
            Outcome::Saved(..) => None,
            Outcome::NotOffered(words) | Outcome::Failed(words) => Some(&**words),
        });
        let requests = self.results.len();
        let words = words.unwrap_or_default();
        format!("nothing saved of {requests} requests: {words}")
    }

    fn write_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (endpoint, outcome) in self.results {
            match outcome {
                Outcome::Saved(..) => {}
                Outcome::NotOffered(words) => {
                    writeln!(f, "not offered: {}: {}", endpoint.title(), printable(words))?;
                }
                Outcome::Failed(words) => {
                    writeln!(f, "failed: {}: {}", endpoint.title(), printable(words))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.folder.display())?;
        for (_, outcome) in self.results {
            if let Outcome::Saved(name, bytes) = outcome {
                let size = Unit::of_each("bytes").print(*bytes as i64);
                writeln!(f, "  {name:<32} {size:>10}")?;
            }
        }
        self.write_words(f)?;
        writeln!(
            f,
            "{} saved, {} not offered, {} failed",
            self.count(|outcome| matches!(outcome, Outcome::Saved(..))),
            self.count(|outcome| matches!(outcome, Outcome::NotOffered(_))),
            self.count(|outcome| matches!(outcome, Outcome::Failed(_))),
        )
    }
}
