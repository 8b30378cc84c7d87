//! The loaded objects, from the loader's list; in a forked child from what the kernel tells.
//!
//! The loader holds its lock while it calls back. Nothing is allocated there: an allocator may
//! hold a lock of its own while it waits for the loader's (it unwinds its stack because its
//! lock is profiled), and the two would wait for each other. So the callback fills vectors that
//! are large enough, and says when they were not.

use std::slice;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use super::list::{self, LoadedObject, ProgramHeader};
use super::{Objects, build_id, hex, maps};
use crate::profile::Mapping;

/// Executable segments that the first attempt has room for; ordinary programs have 5 to 50.
const FIRST_SEGMENTS: usize = 128;
/// Bytes of names and build ids that the first attempt has room for.
const FIRST_TEXT: usize = 16 * 1024;
/// Attempts, each with four times the room: 128 · 4^7 segments are 2 million.
const ATTEMPTS: u32 = 8;

/// The callback writes this down. Ranges are of `text`.
#[derive(Debug)]
struct Scan {
    segments: Vec<Segment>,
    text: Vec<u8>,
    is_full: bool,
    /// How many objects were seen so far.
    objects: usize,
    loads: u64,
    unloads: u64,
}

#[derive(Debug)]
struct Segment {
    is_of_program: bool,
    bias: usize,
    address: usize,
    size: usize,
    file_offset: usize,
    name: (usize, usize),
    build_id: (usize, usize),
}

/// The latest result of [`loaded`]: all that a child has of the loader's knowledge.
///
/// Only tried, not waited for: in a child its holder may not exist.
static LATEST: Mutex<Option<Objects>> = Mutex::new(None);

pub(super) fn loaded() -> Objects {
    let Some(scan) = scan() else {
        return loaded_in_child();
    };
    let objects = scan.into_objects(file_of_program);
    let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
    *latest = Some(objects.clone());
    objects
}

/// The facts that the loader alone tells; nothing in a child.
#[cfg(contend_whole)]
pub(super) fn loaded_by_loader() -> Objects {
    scan().map_or_else(Objects::default, |scan| {
        scan.into_objects(|_| String::new())
    })
}

/// `None`: the loader must not be asked.
fn scan() -> Option<Scan> {
    let mut scan = Scan::with_room(0);
    for attempt in 0..ATTEMPTS {
        scan = Scan::with_room(attempt);
        if !list::for_each_object(|object| scan.take(object)) {
            return None;
        }
        if !scan.is_full {
            break;
        }
    }
    Some(scan)
}

fn loaded_in_child() -> Objects {
    let mut latest = match LATEST.try_lock() {
        Ok(latest) => latest,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return maps::loaded(&Objects::default()),
    };
    let objects = maps::loaded(&latest.clone().unwrap_or_default());
    *latest = Some(objects.clone());
    objects
}

/// Whether the loader mapped all of these addresses (relative to the object) for reading.
fn is_readable(headers: &[ProgramHeader], start: usize, len: usize) -> bool {
    let Some(end) = start.checked_add(len) else {
        return false;
    };
    headers.iter().any(|header| {
        let mapped = header.p_vaddr as usize;
        header.p_type == libc::PT_LOAD
            && header.p_flags & libc::PF_R != 0
            && mapped <= start
            && mapped
                .checked_add(header.p_filesz as usize)
                .is_some_and(|mapped_end| end <= mapped_end)
    })
}

impl Scan {
    fn with_room(attempt: u32) -> Self {
        Self {
            segments: Vec::with_capacity(FIRST_SEGMENTS << (2 * attempt)),
            text: Vec::with_capacity(FIRST_TEXT << (2 * attempt)),
            is_full: false,
            objects: 0,
            loads: 0,
            unloads: 0,
        }
    }

    /// Writes an object down, without allocating.
    fn take(&mut self, object: &LoadedObject<'_>) -> bool {
        let LoadedObject { bias, headers, .. } = *object;
        (self.loads, self.unloads) = (object.loads, object.unloads);
        let is_of_program = self.objects == 0;
        self.objects += 1;
        let notes = headers.iter().filter(|header| {
            header.p_type == libc::PT_NOTE
                && is_readable(headers, header.p_vaddr as usize, header.p_filesz as usize)
        });
        let id = notes.clone().find_map(|note| {
            let start = bias.wrapping_add(note.p_vaddr as usize) as *const u8;
            // SAFETY: a readable segment of this object covers these bytes. The object stays mapped
            // while the loader calls back, and nobody writes to its notes.
            build_id(unsafe { slice::from_raw_parts(start, note.p_filesz as usize) })
        });
        let name = self.keep(object.name);
        let build_id = self.keep(id.unwrap_or_default());
        for header in headers {
            if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_X == 0 {
                continue;
            }
            self.push(Segment {
                is_of_program,
                bias,
                address: bias.wrapping_add(header.p_vaddr as usize),
                size: header.p_memsz as usize,
                file_offset: header.p_offset as usize,
                name,
                build_id,
            });
        }
        true
    }

    /// Copies `bytes` if there is room, without allocating.
    fn keep(&mut self, bytes: &[u8]) -> (usize, usize) {
        if self.text.capacity() - self.text.len() < bytes.len() {
            self.is_full = true;
            return (0, 0);
        }
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        (start, self.text.len())
    }

    /// Keeps `segment` if there is room, without allocating.
    fn push(&mut self, segment: Segment) {
        if self.segments.capacity() == self.segments.len() {
            self.is_full = true;
            return;
        }
        self.segments.push(segment);
    }

    /// `name_program` is told an address in the program.
    fn into_objects(self, name_program: impl FnOnce(usize) -> String) -> Objects {
        let page = page_size();
        let program = self.segments.iter().find(|segment| segment.is_of_program);
        let program = program.map_or_else(String::new, |segment| name_program(segment.address));
        let mappings = self.segments.iter().map(|segment| {
            let name = &self.text[segment.name.0..segment.name.1];
            let file = if segment.is_of_program {
                program.as_str().into()
            } else {
                String::from_utf8_lossy(name)
            };
            // Pages are mapped whole, and readers of profiles reckon with that.
            let within_page = segment.address % page;
            let limit = segment.address.saturating_add(segment.size);
            Arc::new(Mapping {
                start: (segment.address - within_page) as u64,
                limit: limit.checked_next_multiple_of(page).unwrap_or(limit) as u64,
                file_offset: segment.file_offset.saturating_sub(within_page) as u64,
                bias: segment.bias as u64,
                file: file.into(),
                build_id: hex(&self.text[segment.build_id.0..segment.build_id.1]).into(),
            })
        });
        Objects {
            mappings: mappings.collect(),
            loads: self.loads,
            unloads: self.unloads,
        }
    }
}

/// The loader has no name for the program.
fn file_of_program(address: usize) -> String {
    // SAFETY: a question about a number, which has no duties.
    let base_of_loader = unsafe { libc::getauxval(libc::AT_BASE) };
    // 0: the kernel started the loader itself, as in `ld-linux-x86-64.so.2 ./program`, or there is
    // none. Then `/proc/self/exe` may be the loader.
    let mapped = (base_of_loader == 0)
        .then(|| maps::file_at(address as u64))
        .flatten();
    mapped.unwrap_or_else(|| {
        let program = std::env::current_exe().unwrap_or_default();
        program.to_string_lossy().into_owned()
    })
}

fn page_size() -> usize {
    // SAFETY: a question without arguments that could be wrong.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .unwrap_or(4096)
}
