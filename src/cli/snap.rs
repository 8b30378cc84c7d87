//! `contend snap`: everything that a program offers, into a folder.
#![forbid(unsafe_code)]

mod endpoints;
mod progress;

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use super::args::Snap;
use super::error::{Error, Result};
use super::fetch::{Answer, Client, Url};
use super::output::{Output, printable};
use super::scale::Unit;
use crate::text::save::save;
use crate::text::utc::Utc;
use endpoints::{Endpoint, at_last, at_once};
use progress::Progress;

/// Folders that may be of the same second.
const NAME_TRIES: usize = 100;

pub(super) fn run(arguments: &Snap, output: &mut Output) -> Result<()> {
    let url = Url::required(&arguments.url)?;
    let (base, _) = url.split();
    let snap = Fetcher {
        client: arguments.access.client(),
        base,
        seconds: arguments.seconds,
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
    if summary.count(|it| matches!(it, Outcome::Saved(..))) == 0 {
        // It is empty, and so of no use if it should stay.
        let _ = fs::remove_dir(&folder);
        return Err(Error::about(&snap.base, summary.why_nothing()));
    }
    write!(output, "{summary}")?;
    let path = folder.join("summary.txt");
    fs::write(&path, summary.to_string()).map_err(|error| Error::about(path.display(), error))?;
    match summary.count(|it| matches!(it, Outcome::Failed(_))) {
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
}

impl Fetcher {
    /// The page that links to all profiles; empty if the program has none.
    fn index(&self) -> Result<String> {
        let url = self.base.join("");
        let answer = self.client.get(&url)?;
        match answer.status {
            401 | 403 => answer.success(&url).map(|_| String::new()),
            200 => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            _ => Ok(String::new()),
        }
    }

    /// A thread for each request, because each waits for most of its time.
    fn fetch(&self, endpoints: Vec<Endpoint>, folder: &Path) -> Vec<(Endpoint, Outcome)> {
        let mut progress = Progress::new(&endpoints, self.seconds);
        let (done, outcomes) = mpsc::channel();
        let mut results: Vec<(Endpoint, Option<Outcome>)> =
            endpoints.iter().map(|it| (it.clone(), None)).collect();
        thread::scope(|scope| {
            for (index, endpoint) in endpoints.iter().enumerate() {
                let done = done.clone();
                scope.spawn(move || done.send((index, self.outcome(endpoint, folder))));
            }
            drop(done);
            while let Some((index, outcome)) = progress.until(&outcomes) {
                progress.done(&endpoints[index]);
                results[index].1 = Some(outcome);
            }
        });
        let lost = || Outcome::Failed("the request's thread panicked".to_owned());
        let results = results.into_iter();
        results
            .map(|(endpoint, outcome)| (endpoint, outcome.unwrap_or_else(lost)))
            .collect()
    }

    fn outcome(&self, endpoint: &Endpoint, folder: &Path) -> Outcome {
        let url = self.base.join(&endpoint.path);
        match self.client.get(&url) {
            Err(error) => Outcome::Failed(error.to_string()),
            Ok(answer) if answer.status == 200 => store(endpoint, &answer, folder),
            Ok(answer) => {
                let words = format!("status {}: {}", answer.status, answer.words());
                match answer.status {
                    // Not there, not for GET, not built in.
                    404 | 405 | 501 => Outcome::NotOffered(words),
                    _ => Outcome::Failed(words),
                }
            }
        }
    }
}

fn store(endpoint: &Endpoint, answer: &Answer, folder: &Path) -> Outcome {
    let name = format!("{}.{}", endpoint.name, extension(answer));
    match save(&folder.join(&name), |mut file| file.write_all(&answer.body)) {
        Ok(()) => Outcome::Saved(name, answer.body.len()),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// After what it is, as far as the bytes tell; else after what the server says.
fn extension(answer: &Answer) -> &'static str {
    let content_type = answer.content_type.split(';').next().unwrap_or_default();
    match (&*answer.body, content_type) {
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

/// What became of a request.
#[derive(Debug)]
enum Outcome {
    /// The file's name and its bytes.
    Saved(String, usize),
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
            self.count(|it| matches!(it, Outcome::Saved(..))),
            self.count(|it| matches!(it, Outcome::NotOffered(_))),
            self.count(|it| matches!(it, Outcome::Failed(_))),
        )
    }
}
