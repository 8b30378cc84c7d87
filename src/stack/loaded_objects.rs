//! The unwind tables of the loaded objects, read where they are mapped.
//!
//! A list made once is true only until the next `dlclose`: then reading a table that it names
//! may crash, and code of another object mapped there would be unwound by the old one's rules.
//! So a walk asks [`LoadedObjects::look_up`] about each object that it meets. An object with
//! code on our stack cannot be unloaded while we look: once found to be the one that was read,
//! it stays so until the walk ends.

use std::ops::{Deref, Range};
use std::{ptr, slice};

use framehop::x86_64::UnwinderX86_64;
use framehop::{Module, ModuleSectionInfo, MustNotAllocateDuringUnwind, Unwinder};
use libc::{Elf64_Phdr, PF_R, PT_GNU_EH_FRAME, PT_LOAD};

use super::loader::{self, FindObject, Place};

pub(super) struct LoadedObjects {
    pub(super) unwinder: UnwinderX86_64<Mapped, MustNotAllocateDuringUnwind>,
    /// By address. Those without tables that we read are not in it.
    objects: Box<[Object]>,
    /// What [`loader::changes`] was when the list was made.
    pub(super) changes: u64,
    find_object: Option<FindObject>,
}

/// Whose code an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Of the object that was read at these addresses.
    Current(Range<usize>),
    /// Of an object that is not in the list, or came to the place of one that is.
    Changed,
    /// Of no object with tables: compiled at run time, or no code at all.
    NoObject,
}

impl LoadedObjects {
    /// Reads the list. Allocates, but not while the loader holds its lock.
    pub(super) fn read(find_object: Option<FindObject>) -> Self {
        let changes = loader::changes();
        let objects = read_objects(find_object);
        let mut unwinder = UnwinderX86_64::new();
        for object in &objects {
            unwinder.add_module(object.to_module());
        }
        Self {
            unwinder,
            objects: objects.into_boxed_slice(),
            changes,
            find_object,
        }
    }

    /// `address` must be a code address found on the stack of this thread.
    pub(super) fn look_up(&self, address: usize) -> Lookup {
        let listed = self.find(address);
        let Some(find_object) = self.find_object else {
            // Then any change at all voids the list. (This takes the loader's lock for a moment,
            // as the system's unwinder there does for every frame.)
            return match listed {
                _ if self.changes != loader::changes() => Lookup::Changed,
                Some(object) => object.current(),
                None => Lookup::NoObject,
            };
        };
        match (listed, find_object.place_of(address)) {
            (Some(object), Some(place)) if object.is_at(place) => object.current(),
            (_, Some(place)) if place.eh_frame_hdr != 0 => Lookup::Changed,
            _ => Lookup::NoObject,
        }
    }

    fn find(&self, address: usize) -> Option<&Object> {
        let after = self
            .objects
            .partition_point(|object| object.start <= address);
        let object = self.objects.get(after.checked_sub(1)?)?;
        (address < object.end).then_some(object)
    }
}

fn read_objects(find_object: Option<FindObject>) -> Vec<Object> {
    let mut objects = Vec::new();
    // Makes room first, then fills it; again if more were loaded in between.
    let mut room = 16;
    loop {
        objects.clear();
        objects.reserve(room);
        let mut seen = 0;
        loader::for_each_object(|base, headers| {
            seen += 1;
            if let Some(object) = Object::read(base, headers, find_object)
                && objects.len() < objects.capacity()
            {
                objects.push(object);
            }
            true
        });
        if seen <= objects.capacity() {
            break;
        }
        room = seen + 16;
    }
    objects.sort_unstable_by_key(|object: &Object| object.start);
    objects
}

/// One loaded object, as it was when the list was made.
#[derive(Clone, Copy, Debug)]
struct Object {
    start: usize,
    end: usize,
    eh_frame_hdr: Mapped,
    eh_frame: Mapped,
    /// `None` where the loader cannot be asked by address.
    place: Option<Place>,
    fingerprint: Fingerprint,
}

/// What every linker writes at the start of `.eh_frame_hdr` (LSB Core, "Exception Frames"):
/// version 1, a relative pointer to `.eh_frame`, a 32 bit count, and a sorted table of as many
/// pairs of 32 bit offsets. An object with anything else is left to the system's unwinder.
const FORMAT: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
const POINTER_OFFSET: usize = 4;
const HEADER_BYTES: usize = 12;
const PAIR_BYTES: usize = 8;

impl Object {
    /// Called while the loader holds its lock, so that the object stays mapped.
    fn read(base: usize, headers: &[Elf64_Phdr], find_object: Option<FindObject>) -> Option<Self> {
        let segments = Segments { base, headers };
        let Range { start, end } = segments.span()?;
        // framehop counts in 32 bits from the start, and silently guesses beyond.
        u32::try_from(end - start).ok()?;

        let table = segments.of_type(PT_GNU_EH_FRAME).next()?;
        let mut eh_frame_hdr = segments.readable_from(table.start)?;
        if eh_frame_hdr.len < HEADER_BYTES + PAIR_BYTES || eh_frame_hdr.bytes_at(0) != FORMAT {
            return None;
        }
        let eh_frame_offset = i32::from_le_bytes(eh_frame_hdr.bytes_at(POINTER_OFFSET));
        let pairs = u32::from_le_bytes(eh_frame_hdr.bytes_at(POINTER_OFFSET + 4));
        let len = HEADER_BYTES + PAIR_BYTES * pairs as usize;
        if pairs == 0 || len > eh_frame_hdr.len {
            return None;
        }
        eh_frame_hdr.len = len;
        // Relative to the place of the pointer itself. The program headers do not tell how long
        // `.eh_frame` is; the table's offsets keep within it.
        let eh_frame = (table.start + POINTER_OFFSET).wrapping_add_signed(eh_frame_offset as isize);
        let eh_frame = segments.readable_from(eh_frame)?;

        // An object that is just being added may be in the one list and not yet in the other.
        // It is left out, `Changed` when met, and read again then.
        let place = match find_object {
            Some(find_object) => {
                let place = find_object.place_of(table.start)?;
                Some((place.eh_frame_hdr == table.start).then_some(place)?)
            }
            None => None,
        };
        Some(Self {
            start,
            end,
            eh_frame_hdr,
            eh_frame,
            place,
            fingerprint: Fingerprint::of(eh_frame_hdr),
        })
    }

    /// Whether this object, and not another, is what the loader has at `place` now.
    fn is_at(&self, place: Place) -> bool {
        // The order matters: what is compared first makes sure that the rest can be read. The
        // loader has a table at this address; its first bytes say that it has a header as ours;
        // the header says that it is as long as ours.
        self.place == Some(place)
            && self.eh_frame_hdr.bytes_at(0) == FORMAT
            && self.eh_frame_hdr.bytes_at(POINTER_OFFSET) == self.fingerprint.pointer_and_count
            && Fingerprint::of(self.eh_frame_hdr) == self.fingerprint
    }

    fn current(&self) -> Lookup {
        Lookup::Current(self.start..self.end)
    }

    fn to_module(self) -> Module<Mapped> {
        let range = self.start as u64..self.end as u64;
        Module::new(String::new(), range, self.start as u64, self)
    }
}

/// Of an object's table: where `.eh_frame` begins, how many functions there are, and the last
/// function's address and place in `.eh_frame`. Another object, or the same one compiled again,
/// hardly ever has the same. (If it has, its frames may come out wrong until the next refresh;
/// reads stay within its table.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    pointer_and_count: [u8; 8],
    last_pair: [u8; PAIR_BYTES],
}

impl Fingerprint {
    fn of(table: Mapped) -> Self {
        Self {
            pointer_and_count: table.bytes_at(POINTER_OFFSET),
            last_pair: table.bytes_at(table.len - PAIR_BYTES),
        }
    }
}

/// The parts of an object that are mapped, by its program headers.
struct Segments<'a> {
    base: usize,
    headers: &'a [Elf64_Phdr],
}

impl Segments<'_> {
    fn of_type(&self, kind: u32) -> impl Iterator<Item = Range<usize>> {
        let headers = self.headers.iter().filter(move |it| it.p_type == kind);
        headers.filter_map(|header| self.range(header))
    }

    fn range(&self, header: &Elf64_Phdr) -> Option<Range<usize>> {
        let start = self.base.wrapping_add(header.p_vaddr as usize);
        Some(start..start.checked_add(header.p_memsz as usize)?)
    }

    fn span(&self) -> Option<Range<usize>> {
        let start = self.of_type(PT_LOAD).map(|segment| segment.start).min()?;
        let end = self.of_type(PT_LOAD).map(|segment| segment.end).max()?;
        Some(start..end)
    }

    /// From `start` to the end of the readable segment that it lies in.
    fn readable_from(&self, start: usize) -> Option<Mapped> {
        let readable = |it: &&Elf64_Phdr| it.p_type == PT_LOAD && it.p_flags & PF_R != 0;
        let mut segments = self.headers.iter().filter(readable);
        let segment = segments.find_map(|header| {
            self.range(header)
                .filter(|segment| segment.contains(&start))
        })?;
        Some(Mapped {
            start,
            len: segment.end - start,
        })
    }
}

/// Bytes of an object's file, as mapped by the loader.
///
/// An address, not a reference: the list outlives the mapping. The bytes are there while
///
/// - the list is made, as the loader's lock is held then, and
/// - a walk is between a frame in the object, found current, and the next one.
///
/// They are used at no other time, nor is the type known outside of this module's users.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapped {
    start: usize,
    len: usize,
}

impl Mapped {
    fn bytes_at<const N: usize>(self, offset: usize) -> [u8; N] {
        debug_assert!(offset + N <= self.len);
        // SAFETY: the bytes are mapped and readable at the times listed at the type (`is_at`
        // argues the one between them), and not written to: the segment is. Any alignment will do.
        unsafe { ptr::with_exposed_provenance::<[u8; N]>(self.start + offset).read() }
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: framehop dereferences it in `unwind_frame` only, for an address in the object,
        // and lets go of the slice before it returns. The walk calls that only with the address
        // of a frame whose object it found current.
        unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(self.start), self.len) }
    }
}

/// Addresses in the tables are, or are relative to, addresses in memory: none is translated.
impl ModuleSectionInfo<Mapped> for Object {
    fn base_svma(&self) -> u64 {
        self.start as u64
    }

    fn section_svma_range(&mut self, name: &[u8]) -> Option<Range<u64>> {
        let section = self.section_data(name)?;
        Some(section.start as u64..(section.start + section.len) as u64)
    }

    fn section_data(&mut self, name: &[u8]) -> Option<Mapped> {
        match name {
            b".eh_frame_hdr" => Some(self.eh_frame_hdr),
            b".eh_frame" => Some(self.eh_frame),
            _ => None,
        }
    }
}
