//! Functions, files and lines of addresses, from DWARF debug information.
//!
//! All addresses of a file that are new to a profile are looked up in one go: the units that have
//! them are found by the file's index of ranges, read once, and forgotten. `addr2line` would read
//! something of each unit first and keep it, because it does not know what will be asked for next:
//! on a program of 88 MB that took 50 ms and 28 MB for the first address.
#![forbid(unsafe_code)]

mod functions;
mod lines;
mod section;
mod split;
mod units;

use gimli::{DwarfSections, EndianSlice, RunTimeEndian, SectionId};
use object::Object;

use super::raw_frame::RawFrame;
use section::{Bytes, Unreadable};

pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;
pub(super) type Dwarf<'a> = gimli::Dwarf<Slice<'a>>;
pub(super) type Unit<'a> = gimli::Unit<Slice<'a>>;
type Result<T> = std::result::Result<T, gimli::Error>;

/// The sections of a file, uncompressed.
pub(super) struct Sections<'a> {
    sections: DwarfSections<Bytes<'a>>,
    endian: RunTimeEndian,
}

impl<'a> Sections<'a> {
    /// `None`: there is no debug information, or none that can be read.
    pub(super) fn of(file: &object::File<'a>) -> Option<Self> {
        file.section_by_name(".debug_info")?;
        Self::with_names(file, |id| Some(id.name()))
    }

    fn with_names(
        file: &object::File<'a>,
        name: impl Fn(SectionId) -> Option<&'static str>,
    ) -> Option<Self> {
        let sections = DwarfSections::load(|id| section(file, id, name(id))).ok()?;
        Some(Self {
            sections,
            endian: endian(file),
        })
    }

    pub(super) fn dwarf(&self) -> Dwarf<'_> {
        self.sections
            .borrow(|section| EndianSlice::new(section, self.endian))
    }
}

fn endian(file: &object::File<'_>) -> RunTimeEndian {
    match file.is_little_endian() {
        true => RunTimeEndian::Little,
        false => RunTimeEndian::Big,
    }
}

/// The bytes of a section, uncompressed; none if it is not there, or has nothing that is asked for
/// here: to uncompress a section can take as long as all else.
fn section<'a>(
    file: &object::File<'a>,
    id: SectionId,
    name: Option<&str>,
) -> std::result::Result<Bytes<'a>, Unreadable> {
    let is_of_variables = matches!(id, SectionId::DebugLoc | SectionId::DebugLocLists);
    let is_of_macros = matches!(id, SectionId::DebugMacinfo | SectionId::DebugMacro);
    let name = name.filter(|_| !is_of_variables && !is_of_macros && id != SectionId::DebugTypes);
    let section = name.and_then(|name| file.section_by_name(name));
    section.map_or(Ok(Bytes::NONE), |section| Bytes::of(&section))
}

/// The functions at each address, innermost first; none where the debug information does not have
/// it. `addresses` are the file's own, in ascending order. `path` is where files with more of the
/// debug information lie beside.
pub(super) fn frames(dwarf: &Dwarf<'_>, path: &str, addresses: &[u64]) -> Vec<Vec<RawFrame>> {
    let package = split::Package::beside(path);
    let mut found = vec![Vec::new(); addresses.len()];
    for (offset, indexes) in units::of(dwarf, addresses) {
        let of_unit: Vec<u64> = indexes.iter().map(|index| addresses[*index]).collect();
        // A malformed unit leaves its addresses without names.
        let Ok(frames) = frames_in_unit(dwarf, offset, &package, &of_unit) else {
            continue;
        };
        for (index, frames) in indexes.into_iter().zip(frames) {
            found[index] = frames;
        }
    }
    found
}

fn frames_in_unit(
    dwarf: &Dwarf<'_>,
    offset: gimli::DebugInfoOffset,
    package: &split::Package<'_>,
    addresses: &[u64],
) -> Result<Vec<Vec<RawFrame>>> {
    let unit = dwarf.unit(dwarf.unit_header(offset)?)?;
    let chains = match split::is_elsewhere(&unit) {
        true => split::functions(dwarf, &unit, package, addresses)
            .unwrap_or_else(|| vec![Vec::new(); addresses.len()]),
        false => functions::at(dwarf, &unit, addresses)?,
    };
    let lines = lines::at(dwarf, &unit, addresses)?;
    let frames = chains.into_iter().zip(&lines.rows);
    Ok(frames
        .map(|(chain, row)| assembled(chain, *row, &lines.files))
        .collect())
}

/// Gives each function its place: the innermost one's is the row of the line table, every other
/// one's the call of the function that was inlined into it.
fn assembled(
    chain: Vec<functions::Function>,
    row: Option<lines::Place>,
    files: &lines::Files,
) -> Vec<RawFrame> {
    let mut place = row;
    let frame = |name, place: Option<lines::Place>| RawFrame {
        name,
        file: place.and_then(|place| files.name(place.file)),
        line: place.and_then(|place| place.line),
    };
    if chain.is_empty() {
        // Code of no function, as that of an assembler.
        return place
            .map(|place| frame(None, Some(place)))
            .into_iter()
            .collect();
    }
    let innermost_first = chain.into_iter().rev();
    innermost_first
        .map(|function| {
            let frame = frame(function.name, place);
            place = function.called_at;
            frame
        })
        .collect()
}

/// Which of these addresses, in ascending order, lie in a range.
fn within(addresses: &[u64], range: gimli::Range) -> std::ops::Range<usize> {
    let first = addresses.partition_point(|address| *address < range.begin);
    let behind = addresses.partition_point(|address| *address < range.end);
    first..behind.max(first)
}
