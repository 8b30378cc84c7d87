//! A program that was linked without `.eh_frame_hdr`, which leads from an address to its entry in
//! `.eh_frame`.
//!
//! The system's unwinder knows no way out of its functions then: a panic aborts. The entries are
//! there all the same, but only the section headers of the file say where, and these are not
//! mapped. They are read when profiling is first switched on, and framehop makes a table of its
//! own.
//!
//! This is for the program alone, which stays loaded. A library without the table cannot be told
//! from another one that came to its place.

use std::ops::Range;

use libc::PT_GNU_EH_FRAME;
use object::{Object, ObjectSection};

use super::loaded_objects::Segments;
use crate::engine::published::Published;
use crate::loader::file::{Mapped, open_mapped};
use crate::loader::{self, list};

/// `None`: it has its table, as nearly all have, or nothing is known of it.
static PROGRAM: Published<Option<Headless>> = Published::new();

/// Where the program and its `.eh_frame` are mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Headless {
    pub(super) program: Range<usize>,
    pub(super) eh_frame: Range<usize>,
}

pub(super) fn start() {
    PROGRAM.get_or_publish(read);
}

/// The program, if it is such a one.
pub(super) fn program() -> Option<&'static Headless> {
    PROGRAM.get()?.as_ref()
}

fn read() -> Option<Headless> {
    let (bias, program) = place_of_headless()?;
    let objects = loader::loaded();
    let mapped = Mapped::new(&open_mapped(objects.mappings.first()?)?)?;
    let file = object::File::parse(mapped.bytes()).ok()?;
    let section = file.section_by_name(".eh_frame")?;
    let start = bias.wrapping_add(usize::try_from(section.address()).ok()?);
    let eh_frame = start..start.checked_add(usize::try_from(section.size()).ok()?)?;
    is_mapped(&eh_frame, section.data().ok()?).then_some(Headless { program, eh_frame })
}

/// Whether these bytes of the file are in memory there: it is the file that is mapped.
fn is_mapped(place: &Range<usize>, bytes: &[u8]) -> bool {
    let mut is_mapped = false;
    list::for_each_object(|object| {
        let segments = Segments::of(object);
        let readable = segments.readable_from(place.start);
        let in_memory = readable.filter(|readable| readable.end() >= place.end);
        is_mapped = in_memory.is_some_and(|readable| readable.get(..bytes.len()) == Some(bytes));
        false
    });
    is_mapped
}

/// The bias of the program's own addresses, and where it is. `None`: it has the table.
fn place_of_headless() -> Option<(usize, Range<usize>)> {
    let mut place = None;
    list::for_each_object(|object| {
        let segments = Segments::of(object);
        if segments.of_type(PT_GNU_EH_FRAME).next().is_none() {
            place = segments.span().map(|span| (object.bias, span));
        }
        false
    });
    place
}
