//! The files of a flight recorder: a bounded number of them.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::text::save::save;
use crate::timeline::Timeline;

/// Bytes of a reason in a file's name.
const MAX_REASON: usize = 40;

#[derive(Debug)]
pub(super) struct Dumps {
    folder: PathBuf,
    max: usize,
    /// The next number in this process, whichever recorder writes.
    next: u64,
    written: VecDeque<PathBuf>,
}

impl Dumps {
    pub(super) fn new(folder: PathBuf, max: usize) -> Self {
        Self {
            folder,
            max: max.max(1),
            next: 1,
            written: VecDeque::new(),
        }
    }

    pub(super) fn written(&self) -> Vec<PathBuf> {
        self.written.iter().cloned().collect()
    }

    /// Writes a file, and removes the oldest if there are too many.
    pub(super) fn write(&mut self, timeline: &Timeline, reason: &str) -> io::Result<&Path> {
        let path = self.free_path(reason);
        save(&path, |file| timeline.write_go(file)).map_err(io::Error::other)?;
        while self.written.len() >= self.max {
            if let Some(oldest) = self.written.pop_front() {
                // Whoever has removed it before us has done what is wanted.
                let _ = fs::remove_file(oldest);
            }
        }
        self.written.push_back(path);
        Ok(&self.written[self.written.len() - 1])
    }

    /// A path that nothing has: an earlier process of this number may have left files.
    fn free_path(&mut self, reason: &str) -> PathBuf {
        let fit = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let reason: String = reason.chars().map(fit).take(MAX_REASON).collect();
        loop {
            let name = format!("contend-{}-{}-{reason}.trace", process::id(), self.next);
            self.next += 1;
            let path = self.folder.join(name);
            if !path.exists() {
                return path;
            }
        }
    }
}
