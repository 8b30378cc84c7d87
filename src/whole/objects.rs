//! The objects loaded in the program, told by the program and by the kernel.
//!
//! The program tells when it starts and when it exits. In between the command asks the kernel from
//! time to time, so that what was loaded by `dlopen` is known also where the program is killed.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use super::region::Region;
use crate::loader::{self, Objects};
use crate::profile::Mapping;

/// In the program: tells what is loaded now and was not told before. One thread at a time.
///
/// `has_sandbox`: only the loader is asked, since the kernel may kill for a question.
pub(super) fn tell(region: &Region, has_sandbox: bool) {
    let told: HashSet<_> = parse(&region.objects())
        .map(|mapping| (mapping.start, mapping.limit))
        .collect();
    let objects = match has_sandbox {
        false => loader::loaded(),
        true => loader::loaded_by_loader(),
    };
    let mut text = String::new();
    for mapping in &*objects.mappings {
        // The program has no name there if the kernel was not asked, and was told at the start.
        if mapping.file.is_empty() || told.contains(&(mapping.start, mapping.limit)) {
            continue;
        }
        let Mapping {
            start,
            limit,
            file_offset,
            bias,
            file,
            build_id,
        } = &**mapping;
        let file = file.replace('\n', "?");
        let _ = writeln!(
            text,
            "{start:x} {limit:x} {file_offset:x} {bias:x} .{build_id} {file}"
        );
    }
    region.append_objects(&text);
}

/// In the command: what the program has told.
pub(super) fn told(region: &Region) -> Vec<Arc<Mapping>> {
    parse(&region.objects()).map(Arc::new).collect()
}

fn parse(text: &str) -> impl Iterator<Item = Mapping> + '_ {
    text.lines().filter_map(|line| {
        let mut words = line.splitn(6, ' ');
        let mut number = || u64::from_str_radix(words.next()?, 16).ok();
        let (start, limit, file_offset, bias) = (number()?, number()?, number()?, number()?);
        Some(Mapping {
            start,
            limit,
            file_offset,
            bias,
            build_id: words.next()?.strip_prefix('.')?.into(),
            file: words.next()?.into(),
        })
    })
}

/// In the command: all that was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    mappings: Vec<Arc<Mapping>>,
    latest: Objects,
    /// The process has ended: its number may be another one's by now.
    is_over: bool,
}

impl Seen {
    /// Asks the kernel what is loaded in that process now.
    pub(super) fn look(&mut self, process: u32) {
        self.is_over |= !Path::new(&format!("/proc/{process}")).exists();
        if self.is_over {
            return;
        }
        self.latest = loader::maps::of_process(process, &self.latest);
        let latest = self.latest.mappings.to_vec();
        self.add(latest);
    }

    pub(super) fn add(&mut self, mappings: Vec<Arc<Mapping>>) {
        for new in mappings {
            let is_same = |known: &Arc<Mapping>| {
                (known.start, known.limit, &known.file) == (new.start, new.limit, &new.file)
            };
            if !self.mappings.iter().any(is_same) {
                self.mappings.push(new);
            }
        }
    }

    /// The latest first: where something was unloaded, another object may stand at its place.
    pub(super) fn mappings(&self) -> Vec<Arc<Mapping>> {
        self.mappings.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read() {
        let text = "1000 2000 0 ff00 .ab01 /usr/lib/a b.so\n3000 4000 10 0 . [vdso]\nbroken\n";
        let read: Vec<_> = parse(text).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(
            (&*read[0].file, &*read[0].build_id),
            ("/usr/lib/a b.so", "ab01")
        );
        assert_eq!(
            (read[1].start, read[1].file_offset, &*read[1].build_id),
            (0x3000, 0x10, "")
        );
    }
}
