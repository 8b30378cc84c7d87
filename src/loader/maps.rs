//! The loaded objects, as the kernel tells in `/proc/self/maps`: for a forked child, in which the
//! loader's lock may be closed for ever.
//!
//! The kernel knows where a file is mapped, but not how the file's own addresses lead there, nor
//! which build it is. For what was loaded before the fork that is known; for the rest the beginning
//! of the file is read, if it is still the file that is mapped.
#![forbid(unsafe_code)]

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use super::{Objects, build_id, hex};
use crate::profile::Mapping;

/// Bytes at the start of a file that hold its program headers: linkers put them behind the file's
/// own.
const HEAD_BYTES: usize = 16 << 10;
/// More than any linker writes as notes.
const MAX_NOTE_BYTES: usize = 1 << 20;

/// The objects that are loaded now; what was `known` is as it was, where nothing has changed.
pub(super) fn loaded(known: &Objects) -> Objects {
    match std::fs::read_to_string("/proc/self/maps") {
        Ok(maps) => listed(&maps, known),
        Err(_) => known.clone(),
    }
}

/// As [`loaded`], of another process. What cannot be asked for is as it was.
#[allow(dead_code)] // Where programs are profiled from outside.
pub(crate) fn of_process(process: u32, known: &Objects) -> Objects {
    match std::fs::read_to_string(format!("/proc/{process}/maps")) {
        Ok(maps) => listed(&maps, known),
        Err(_) => known.clone(),
    }
}

fn listed(maps: &str, known: &Objects) -> Objects {
    let code = maps.lines().filter_map(Line::parse);
    let code = code.filter(|line| line.is_code && line.file.starts_with('/'));
    let mut mappings: Vec<_> = code
        .filter_map(|line| line.known_in(known).or_else(|| line.read().map(Arc::new)))
        .collect();
    // The kernel's own object is always there.
    let mut without_file = known.mappings.to_vec();
    without_file.retain(|mapping| !mapping.file.starts_with('/'));
    mappings.append(&mut without_file);
    // The program first, as the loader has it.
    let program = known.mappings.first();
    mappings.sort_by_key(|mapping| Some(&mapping.file) != program.map(|program| &program.file));
    let has_all = |list: &[Arc<Mapping>], of: &[Arc<Mapping>]| {
        of.iter().all(|mapping| list.contains(mapping))
    };
    let is_new = !has_all(&known.mappings, &mappings);
    let is_gone = !has_all(&mappings, &known.mappings);
    if !is_new && !is_gone {
        return known.clone();
    }
    Objects {
        mappings: mappings.into(),
        loads: known.loads + u64::from(is_new),
        unloads: known.unloads + u64::from(is_gone),
    }
}

/// The build id of an ELF file, of which little is read.
pub(crate) fn build_id_of(file: &File) -> Option<String> {
    let head = read_head(file)?;
    Head::parse(&head)?.build_id(file)
}

fn read_head(file: &File) -> Option<Vec<u8>> {
    let mut head = vec![0; HEAD_BYTES];
    let len = file.read_at(&mut head, 0).ok()?;
    head.truncate(len);
    Some(head)
}

/// The file that is mapped at this address.
pub(super) fn file_at(address: u64) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let mut lines = maps.lines().filter_map(Line::parse);
    let line = lines.find(|line| (line.start..line.limit).contains(&address))?;
    Some(line.file.to_owned()).filter(|file| file.starts_with('/'))
}

/// `start-limit perms offset major:minor inode   file`, all numbers but the inode in hexadecimal.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    start: u64,
    limit: u64,
    is_code: bool,
    offset: u64,
    inode: u64,
    file: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let mut words = line.splitn(6, ' ');
        let (start, limit) = words.next()?.split_once('-')?;
        let permissions = words.next()?;
        let offset = hex(words.next()?)?;
        let _device = words.next()?;
        let inode = words.next()?.parse().ok()?;
        Some(Self {
            start: hex(start)?,
            limit: hex(limit)?,
            is_code: permissions.starts_with('r') && permissions.contains('x'),
            offset,
            inode,
            file: words.next().unwrap_or_default().trim_start(),
        })
    }

    /// The mapping of this place that was known before.
    ///
    /// One that was unloaded in the child, with another of the same size and name at the same place
    /// since, is taken for the old one: names are given by build id, so the worst is none.
    fn known_in(&self, known: &Objects) -> Option<Arc<Mapping>> {
        fn name(file: &str) -> &str {
            let file = file.strip_suffix(" (deleted)").unwrap_or(file);
            file.rsplit('/').next().unwrap_or_default()
        }
        let mut mappings = known.mappings.iter();
        let same = mappings.find(|mapping| {
            let place = (mapping.start, mapping.limit, mapping.file_offset);
            place == (self.start, self.limit, self.offset) && name(&mapping.file) == name(self.file)
        });
        same.cloned()
    }

    /// Reads what the kernel does not tell. `None`: the file is another one now, or none.
    fn read(&self) -> Option<Mapping> {
        let file = File::open(self.file).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.ino() != self.inode {
            return None;
        }
        let head = read_head(&file)?;
        let head = Head::parse(&head)?;
        Some(Mapping {
            start: self.start,
            limit: self.limit,
            file_offset: self.offset,
            bias: self.start.wrapping_sub(head.address_of(self.offset)?),
            file: self.file.into(),
            build_id: head.build_id(&file).unwrap_or_default().into(),
        })
    }
}

/// The beginning of a 64-bit ELF file of this machine's byte order.
struct Head<'a> {
    headers: &'a [u8],
}

/// A program header: type u32, flags u32, offset, address, physical address, size in the file.
struct Part {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    size: u64,
}

impl<'a> Head<'a> {
    const HEADER_LEN: usize = 56;

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        const CLASS_64: u8 = 2;
        let order = if cfg!(target_endian = "little") { 1 } else { 2 };
        if !bytes.starts_with(&[0x7f, b'E', b'L', b'F', CLASS_64, order]) {
            return None;
        }
        let first = usize::try_from(u64::from_ne_bytes(at(bytes, 0x20)?)).ok()?;
        let header_len = u16::from_ne_bytes(at(bytes, 0x36)?);
        let count = usize::from(u16::from_ne_bytes(at(bytes, 0x38)?));
        if usize::from(header_len) != Self::HEADER_LEN {
            return None;
        }
        let end = first.checked_add(count * Self::HEADER_LEN)?;
        let headers = bytes.get(first..end)?;
        Some(Self { headers })
    }

    fn parts(&self, kind: u32) -> impl Iterator<Item = Part> {
        let headers = self.headers.chunks_exact(Self::HEADER_LEN);
        let parts = headers.filter_map(|header| {
            Some(Part {
                kind: u32::from_ne_bytes(at(header, 0)?),
                flags: u32::from_ne_bytes(at(header, 4)?),
                offset: u64::from_ne_bytes(at(header, 8)?),
                address: u64::from_ne_bytes(at(header, 16)?),
                size: u64::from_ne_bytes(at(header, 32)?),
            })
        });
        parts.filter(move |part| part.kind == kind)
    }

    /// The address that the file speaks of, of the code at this page of it. (The same page may be
    /// mapped twice: the end of one segment is the beginning of the next.)
    fn address_of(&self, offset: u64) -> Option<u64> {
        const PAGE: u64 = 4096;
        let mut parts = self.parts(libc::PT_LOAD);
        let part = parts.find(|part| {
            if part.flags & libc::PF_X == 0 {
                return false;
            }
            let first = part.offset & !(PAGE - 1);
            (first..part.offset.saturating_add(part.size)).contains(&offset)
        })?;
        Some(part.address.wrapping_sub(part.offset).wrapping_add(offset))
    }

    fn build_id(&self, file: &File) -> Option<String> {
        let notes = self.parts(libc::PT_NOTE);
        let mut ids = notes.filter_map(|note| {
            let mut bytes = vec![0; usize::try_from(note.size).ok()?.min(MAX_NOTE_BYTES)];
            file.read_exact_at(&mut bytes, note.offset).ok()?;
            build_id(&bytes).map(hex)
        });
        ids.next()
    }
}

fn at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_apart() {
        let line = "7f0a-7f0c r-xp 00026000 fe:01 4711                       /usr/lib/a b.so";
        let expected = Line {
            start: 0x7f0a,
            limit: 0x7f0c,
            is_code: true,
            offset: 0x26000,
            inode: 4711,
            file: "/usr/lib/a b.so",
        };
        assert_eq!(Line::parse(line), Some(expected));
        assert_eq!(Line::parse("7f0a-7f0c rw-p 0 0:0 0").unwrap().file, "");
        assert_eq!(Line::parse("no map"), None);
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn tells_what_the_loader_tells() {
        let theirs = super::super::loaded();
        let ours = loaded(&Objects::default());
        // The loader also names the kernel's own object, which is no file.
        let files = theirs
            .mappings
            .iter()
            .filter(|mapping| mapping.file.starts_with('/'));
        for mapping in files {
            let same = ours.mapping_of(mapping.start).expect("it is mapped");
            assert_eq!((same.start, same.bias), (mapping.start, mapping.bias));
            assert_eq!(same.build_id, mapping.build_id, "{mapping:?}");
        }
        let again = loaded(&ours);
        assert_eq!((again.loads, again.unloads), (ours.loads, ours.unloads));
    }
}
