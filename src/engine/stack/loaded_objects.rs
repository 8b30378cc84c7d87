//! The unwind tables of the loaded objects, read where they are mapped.
//!
//! A list made once is true only until the next `dlclose`: then reading a table that it names
//! may crash, and code of another object mapped there would be unwound by the old one's rules.
//! So a walk asks [`Inquiry::identify`] about each object that it meets, and uses a table, or
//! what was learned from it, only for the same identity. An object with code on our stack cannot
//! be unloaded while we look: what it is found to be it stays until the walk ends.

use std::ops::{Deref, Range};
use std::{ptr, slice};

use framehop::x86_64::UnwinderX86_64;
use framehop::{Module, ModuleSectionInfo, MustNotAllocateDuringUnwind, Unwinder};
use libc::{Elf64_Phdr, PF_R, PF_X, PT_GNU_EH_FRAME, PT_LOAD};

use super::headless;
use super::unwind_rules::mix;
use crate::loader::find_object::FindObject;
use crate::loader::list::{self, LoadedObject};

pub(super) struct LoadedObjects {
    pub(super) unwinder: UnwinderX86_64<Mapped, MustNotAllocateDuringUnwind>,
    /// By address. Those without tables that we read are not in it.
    objects: Box<[Object]>,
    /// Readable segments with code, by address.
    code: Box<[Mapped]>,
}

impl LoadedObjects {
    /// Reads the list. Allocates, but not while the loader holds its lock.
    pub(super) fn read(find_object: Option<FindObject>) -> Self {
        let inquiry = Inquiry::new(find_object);
        let (objects, code) = read_objects(inquiry);
        let mut unwinder = UnwinderX86_64::new();
        for object in &objects {
            unwinder.add_module(object.to_module());
        }
        Self {
            unwinder,
            objects: objects.into_boxed_slice(),
            code: code.into_boxed_slice(),
        }
    }

    /// How many bytes of code are mapped from `address` on, which must be in an object that the
    /// list contains and that is current.
    pub(super) fn code_from(&self, address: usize) -> usize {
        let after = self.code.partition_point(|code| code.start <= address);
        let code = after.checked_sub(1).and_then(|last| self.code.get(last));
        code.map_or(0, |code| code.end().saturating_sub(address))
    }

    /// Whether `address` is in an object that has this identity in the list too.
    pub(super) fn contain(&self, address: usize, identity: u64) -> bool {
        let after = self
            .objects
            .partition_point(|object| object.start <= address);
        let object = after.checked_sub(1).and_then(|last| self.objects.get(last));
        object.is_some_and(|object| address < object.end && object.identity == identity)
    }
}

/// Asks the loader, as it knows at this moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inquiry {
    find_object: Option<FindObject>,
    /// [`list::changes`] when this was made, if the loader cannot be asked by address.
    changes: Option<u64>,
}

/// An object, and the code addresses known to be in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identified {
    pub(super) range: Range<usize>,
    pub(super) identity: u64,
}

impl Identified {
    /// The program, if it has no table and `address` is in it. It is the same one as long as it
    /// runs.
    #[cold]
    fn headless(address: usize) -> Option<Self> {
        const IDENTITY: u64 = 1;
        let program = &headless::program()?.program;
        program.contains(&address).then(|| Self {
            range: program.clone(),
            identity: IDENTITY,
        })
    }
}

impl Inquiry {
    /// For one walk, or one reading of the list.
    #[inline]
    pub(super) fn new(find_object: Option<FindObject>) -> Self {
        Self {
            find_object,
            // Then any change at all makes every object another one. (This takes the loader's
            // lock for a moment, as the system's unwinder does there for every frame.)
            changes: match find_object {
                Some(_) => None,
                None => list::changes(),
            },
        }
    }

    /// The object that `address` is in. `None` if it has no tables that we read, or is code made
    /// at run time, or no code at all.
    ///
    /// `address` must be one found on this thread's stack, or in an object that cannot go away.
    pub(super) fn identify(self, address: usize) -> Option<Identified> {
        let Some(find_object) = self.find_object else {
            return Some(Identified {
                range: 0..usize::MAX,
                identity: self.changes?,
            });
        };
        let place = find_object.place_of(address)?;
        let range = place.map_start..place.map_end;
        if !range.contains(&place.eh_frame_hdr) {
            return Identified::headless(address);
        }
        let table = Table::at(place.eh_frame_hdr, place.map_end)?;
        let words = [range.start, range.end, place.eh_frame_hdr].map(|word| word as u64);
        let identity = words.into_iter().fold(table.fingerprint(), mix);
        Some(Identified { range, identity })
    }

    /// Where the function begins that `address` is in, by the object's table.
    ///
    /// `address` must be as for [`identify`](Self::identify).
    pub(super) fn function_start(self, address: usize) -> Option<usize> {
        let place = self.find_object?.place_of(address)?;
        if !(place.map_start..place.map_end).contains(&place.eh_frame_hdr) {
            return None;
        }
        Table::at(place.eh_frame_hdr, place.map_end)?.function_start(address)
    }
}

/// The objects, and their segments with code.
fn read_objects(inquiry: Inquiry) -> (Vec<Object>, Vec<Mapped>) {
    let (mut objects, mut code) = (Vec::new(), Vec::new());
    // Makes room first, then fills it; again if more were loaded in between.
    let mut room = 16;
    loop {
        objects.clear();
        objects.reserve(room);
        code.clear();
        code.reserve(2 * room);
        let (mut seen, mut seen_code) = (0, 0);
        list::for_each_object(|loaded| {
            let segments = Segments::of(loaded);
            seen += 1;
            let Some(object) = Object::read(&segments, inquiry) else {
                return true;
            };
            if objects.len() < objects.capacity() {
                objects.push(object);
            }
            for segment in segments.code() {
                seen_code += 1;
                if code.len() < code.capacity() {
                    code.push(segment);
                }
            }
            true
        });
        if seen <= objects.capacity() && seen_code <= code.capacity() {
            break;
        }
        room = seen.max(seen_code) + 16;
    }
    objects.sort_unstable_by_key(|object: &Object| object.start);
    code.sort_unstable_by_key(|code: &Mapped| code.start);
    (objects, code)
}

/// One loaded object, as it was when the list was made.
#[derive(Clone, Copy, Debug)]
struct Object {
    start: usize,
    end: usize,
    /// `None`: the program has none.
    eh_frame_hdr: Option<Mapped>,
    eh_frame: Mapped,
    identity: u64,
}

impl Object {
    /// Called while the loader holds its lock, so that the object stays mapped.
    fn read(segments: &Segments<'_>, inquiry: Inquiry) -> Option<Self> {
        let Range { start, end } = segments.span()?;
        // framehop counts in 32 bits from the start, and silently guesses beyond.
        u32::try_from(end - start).ok()?;

        let Some(header) = segments.of_type(PT_GNU_EH_FRAME).next() else {
            return Self::headless(start..end, inquiry);
        };
        let header = header.start;
        let table = Table::at(header, segments.readable_from(header)?.end())?;
        // The program headers do not tell how long `.eh_frame` is; the table's offsets keep
        // within it.
        let eh_frame = segments.readable_from(table.eh_frame())?;
        // An object that is just being added may be in the one list and not yet in the other.
        // It is left out, and read when it is met.
        let identity = inquiry.identify(header)?.identity;
        Some(Self {
            start,
            end,
            eh_frame_hdr: Some(table.0),
            eh_frame,
            identity,
        })
    }

    fn headless(span: Range<usize>, inquiry: Inquiry) -> Option<Self> {
        let headless = headless::program().filter(|headless| headless.program == span)?;
        let Range { start, end } = headless.eh_frame;
        Some(Self {
            start: span.start,
            end: span.end,
            eh_frame_hdr: None,
            eh_frame: Mapped {
                start,
                len: end - start,
            },
            identity: inquiry.identify(span.start)?.identity,
        })
    }

    fn to_module(self) -> Module<Mapped> {
        let range = self.start as u64..self.end as u64;
        Module::new(String::new(), range, self.start as u64, self)
    }
}

/// An object's `.eh_frame_hdr`: finds the entry of an address in `.eh_frame`.
#[derive(Clone, Copy, Debug)]
struct Table(Mapped);

impl Table {
    /// The bytes that every linker writes at its start (LSB Core, "Exception Frames"): version 1, a
    /// relative pointer to `.eh_frame`, a 32 bit count, and a sorted table of as many pairs of 32
    /// bit offsets. An object with anything else is left to the system's unwinder.
    const FORMAT: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
    const POINTER_OFFSET: usize = 4;
    const COUNT_OFFSET: usize = 8;
    const HEADER_BYTES: usize = 12;
    const PAIR_BYTES: usize = 8;

    /// `start` must be what an object that cannot go away now says is its `.eh_frame_hdr`, in a
    /// segment that ends at `end`, or later in the same object.
    #[inline]
    fn at(start: usize, end: usize) -> Option<Self> {
        let len = end.checked_sub(start)?;
        if len < Self::HEADER_BYTES + Self::PAIR_BYTES {
            return None;
        }
        // The bytes that are read first say that the rest is there.
        let header = Mapped { start, len };
        if header.bytes_at(0) != Self::FORMAT {
            return None;
        }
        let pairs = u32::from_le_bytes(header.bytes_at(Self::COUNT_OFFSET)) as usize;
        let table = Self::HEADER_BYTES + Self::PAIR_BYTES * pairs;
        (pairs > 0 && table <= len).then_some(Self(Mapped { start, len: table }))
    }

    /// The table's last function that begins at or before `address`. Its pairs are sorted, and
    /// their addresses relative to the table.
    fn function_start(self, address: usize) -> Option<usize> {
        let wanted = address.wrapping_sub(self.0.start) as isize;
        let start_of = |pair: usize| {
            let offset = Self::HEADER_BYTES + Self::PAIR_BYTES * pair;
            i32::from_le_bytes(self.0.bytes_at(offset)) as isize
        };
        let (mut low, mut high) = (0, (self.0.len - Self::HEADER_BYTES) / Self::PAIR_BYTES);
        while low < high {
            let middle = low + (high - low) / 2;
            match start_of(middle) <= wanted {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let last = low.checked_sub(1)?;
        Some(self.0.start.wrapping_add_signed(start_of(last)))
    }

    /// The pointer is relative to its own place.
    fn eh_frame(self) -> usize {
        let offset = i32::from_le_bytes(self.0.bytes_at(Self::POINTER_OFFSET));
        (self.0.start + Self::POINTER_OFFSET).wrapping_add_signed(offset as isize)
    }

    /// Where `.eh_frame` begins, how many functions there are, and the last one's address and
    /// entry. Another object, or the same one compiled again, hardly ever has the same. (If it
    /// has, and came to the same place, its frames may come out wrong; it is safe to read.)
    #[inline]
    fn fingerprint(self) -> u64 {
        let start = u64::from_le_bytes(self.0.bytes_at(Self::POINTER_OFFSET));
        let last = u64::from_le_bytes(self.0.bytes_at(self.0.len - Self::PAIR_BYTES));
        mix(start, last)
    }
}

/// The parts of an object that are mapped, by its program headers.
pub(super) struct Segments<'a> {
    base: usize,
    headers: &'a [Elf64_Phdr],
}

impl<'a> Segments<'a> {
    pub(super) fn of(object: &LoadedObject<'a>) -> Self {
        Self {
            base: object.bias,
            headers: object.headers,
        }
    }

    pub(super) fn of_type(&self, kind: u32) -> impl Iterator<Item = Range<usize>> {
        let headers = self
            .headers
            .iter()
            .filter(move |header| header.p_type == kind);
        headers.filter_map(|header| self.range(header))
    }

    fn range(&self, header: &Elf64_Phdr) -> Option<Range<usize>> {
        let start = self.base.wrapping_add(header.p_vaddr as usize);
        Some(start..start.checked_add(header.p_memsz as usize)?)
    }

    pub(super) fn span(&self) -> Option<Range<usize>> {
        let start = self.of_type(PT_LOAD).map(|segment| segment.start).min()?;
        let end = self.of_type(PT_LOAD).map(|segment| segment.end).max()?;
        Some(start..end)
    }

    /// The readable ones with code.
    fn code(&self) -> impl Iterator<Item = Mapped> {
        let wanted = PF_R | PF_X;
        let is_code = move |header: &&Elf64_Phdr| {
            header.p_type == PT_LOAD && header.p_flags & wanted == wanted
        };
        let code = self.headers.iter().filter(is_code);
        code.filter_map(|header| {
            let Range { start, end } = self.range(header)?;
            let len = end - start;
            Some(Mapped { start, len })
        })
    }

    /// From `start` to the end of the readable segment that it lies in.
    pub(super) fn readable_from(&self, start: usize) -> Option<Mapped> {
        let readable =
            |header: &&Elf64_Phdr| header.p_type == PT_LOAD && header.p_flags & PF_R != 0;
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
/// - the list is made, as the loader's lock is held then,
/// - they are the program's, which stays, and
/// - a walk is at a frame in the object, which it has identified.
///
/// They are read at no other time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapped {
    start: usize,
    len: usize,
}

impl Mapped {
    pub(super) fn end(self) -> usize {
        self.start + self.len
    }

    fn bytes_at<const N: usize>(self, offset: usize) -> [u8; N] {
        debug_assert!(offset + N <= self.len);
        // SAFETY: the bytes are mapped and readable at the times listed at the type (`Table::at`
        // argues its own), and not written to: the segment is. Any alignment will do.
        unsafe { ptr::with_exposed_provenance::<[u8; N]>(self.start + offset).read() }
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: framehop dereferences it in `unwind_frame`, for an address in the object, and
        // lets go of the slice before it returns. The walk calls that only with the address of a
        // frame whose object it found current. `headless` looks at the program's, and framehop when
        // it makes a table of it: that one stays mapped.
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
            b".eh_frame_hdr" => self.eh_frame_hdr,
            b".eh_frame" => Some(self.eh_frame),
            _ => None,
        }
    }
}
