//! Asks the dynamic loader, through `dl_iterate_phdr`.
//!
//! The loader holds its lock while it calls back. Nothing is allocated there: an allocator may
//! hold a lock of its own while it waits for the loader's (it unwinds its stack because its
//! lock is profiled), and the two would wait for each other. So the callback fills vectors that
//! are large enough, and says when they were not.

use std::ffi::{CStr, c_int, c_void};
use std::mem::offset_of;
use std::slice;
use std::sync::Arc;

use libc::{dl_phdr_info, size_t};

use super::{Objects, build_id, hex};
use crate::profile::Mapping;

/// Executable segments that the first attempt has room for; ordinary programs have 5 to 50.
const FIRST_SEGMENTS: usize = 128;
/// Bytes of names and build ids that the first attempt has room for.
const FIRST_TEXT: usize = 16 * 1024;
/// Attempts, each with four times the room: 128 · 4^7 segments are 2 million.
const ATTEMPTS: u32 = 8;

#[cfg(target_pointer_width = "64")]
type ProgramHeader = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type ProgramHeader = libc::Elf32_Phdr;

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

pub(super) fn loaded() -> Objects {
    let mut scan = Scan::with_room(0);
    for attempt in 0..ATTEMPTS {
        scan = Scan::with_room(attempt);
        // SAFETY: the callback is called, during this call only, with the pointer given here,
        // which is a `Scan` that nobody else uses meanwhile.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut scan).cast()) };
        if !scan.is_full {
            break;
        }
    }
    scan.into_objects()
}

/// # Safety
///
/// - `info` points to the description of an object that stays loaded during the call, of which
///   `size` bytes are filled in.
/// - `data` points to a `Scan` that nobody else uses.
unsafe extern "C" fn visit(info: *mut dl_phdr_info, size: size_t, data: *mut c_void) -> c_int {
    // SAFETY: by the second duty.
    let scan = unsafe { &mut *data.cast::<Scan>() };
    // SAFETY: by the first duty; these fields are part of every loader's description.
    let (bias, name, headers, count) = unsafe {
        let info = &raw const *info;
        (
            (*info).dlpi_addr as usize,
            (*info).dlpi_name,
            (*info).dlpi_phdr,
            usize::from((*info).dlpi_phnum),
        )
    };
    if size >= offset_of!(dl_phdr_info, dlpi_subs) + size_of::<u64>() {
        // SAFETY: by the first duty, and the check that the description reaches this far.
        unsafe {
            scan.loads = (*info).dlpi_adds;
            scan.unloads = (*info).dlpi_subs;
        }
    }
    let is_of_program = scan.objects == 0;
    scan.objects += 1;
    if headers.is_null() {
        return 0;
    }
    // SAFETY: by the first duty the loader's headers are there and stay; `count` is how many.
    let headers = unsafe { slice::from_raw_parts(headers, count) };
    let name = if name.is_null() {
        &[]
    } else {
        // SAFETY: by the first duty the name is a C string that stays during the call.
        unsafe { CStr::from_ptr(name) }.to_bytes()
    };
    let id = headers
        .iter()
        .filter(|header| header.p_type == libc::PT_NOTE)
        .filter(|note| is_readable(headers, note.p_vaddr as usize, note.p_filesz as usize))
        .find_map(|note| {
            let start = bias.wrapping_add(note.p_vaddr as usize) as *const u8;
            // SAFETY: a readable segment of this object, which by the first duty stays mapped
            // and is not written to, covers these bytes.
            build_id(unsafe { slice::from_raw_parts(start, note.p_filesz as usize) })
        });
    let (name, build_id) = (scan.keep(name), scan.keep(id.unwrap_or_default()));
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_X == 0 {
            continue;
        }
        scan.push(Segment {
            is_of_program,
            bias,
            address: bias.wrapping_add(header.p_vaddr as usize),
            size: header.p_memsz as usize,
            file_offset: header.p_offset as usize,
            name,
            build_id,
        });
    }
    0
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

    fn into_objects(self) -> Objects {
        let page = page_size();
        let program = std::env::current_exe().unwrap_or_default();
        let mappings = self.segments.iter().map(|segment| {
            let name = &self.text[segment.name.0..segment.name.1];
            let file = if name.is_empty() && segment.is_of_program {
                program.to_string_lossy()
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

fn page_size() -> usize {
    // SAFETY: a question without arguments that could be wrong.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .unwrap_or(4096)
}
