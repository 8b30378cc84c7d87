//! Debug information that was left out of the program's file: in the object files of the compiler
//! (`.dwo`), or in one package beside the program (`.dwp`), as `split-debuginfo` says in a profile
//! of Cargo.

use std::cell::OnceCell;
use std::path::PathBuf;

use gimli::{DwarfPackageSections, DwoId, EndianSlice};
use object::Object;

use super::functions::{self, Function};
use super::lines::lossy;
use super::section::Bytes;
use super::{Dwarf, Sections, Unit};
use crate::loader::file::read_whole;

/// Whether the unit only says where the rest of it is.
pub(super) fn is_elsewhere(unit: &Unit<'_>) -> bool {
    unit.dwo_id.is_some() && matches!(unit.dwo_name(), Ok(Some(_)))
}

/// The package beside a file, which is read when the first unit asks for it.
pub(super) struct Package<'p> {
    path: &'p str,
    bytes: OnceCell<Option<Vec<u8>>>,
}

impl<'p> Package<'p> {
    pub(super) fn beside(path: &'p str) -> Self {
        Self {
            path,
            bytes: OnceCell::new(),
        }
    }

    /// `None`: there is none.
    fn bytes(&self) -> Option<&[u8]> {
        let read = || read_whole(format!("{}.dwp", self.path));
        self.bytes.get_or_init(read).as_deref()
    }
}

/// As [`functions::at`]. `None`: the files are not there, or are others.
pub(super) fn functions(
    dwarf: &Dwarf<'_>,
    skeleton: &Unit<'_>,
    package: &Package<'_>,
    addresses: &[u64],
) -> Option<Vec<Vec<Function>>> {
    let id = skeleton.dwo_id?;
    in_package(dwarf, skeleton, id, package, addresses)
        .or_else(|| in_object(dwarf, skeleton, addresses))
}

fn in_package(
    dwarf: &Dwarf<'_>,
    skeleton: &Unit<'_>,
    id: DwoId,
    package: &Package<'_>,
    addresses: &[u64],
) -> Option<Vec<Vec<Function>>> {
    let file = object::File::parse(package.bytes()?).ok()?;
    let endian = super::endian(&file);
    // All of them, also those that nobody asks for: the index says where a unit's part is of each.
    let section = |id: gimli::SectionId| {
        let section = id.dwo_name().and_then(|name| file.section_by_name(name));
        section.map_or(Ok(Bytes::NONE), |section| {
            Bytes::of(&section).map_err(|_| gimli::Error::MissingUnitDie)
        })
    };
    let sections = DwarfPackageSections::load(section).ok()?;
    let empty = EndianSlice::new(&[], endian);
    let units = sections
        .borrow(
            |section: &Bytes<'_>| EndianSlice::new(section, endian),
            empty,
        )
        .ok()?;
    let split = units.find_cu(id, dwarf).ok()??;
    functions_of(&split, skeleton, addresses)
}

fn in_object(
    dwarf: &Dwarf<'_>,
    skeleton: &Unit<'_>,
    addresses: &[u64],
) -> Option<Vec<Vec<Function>>> {
    let name = dwarf
        .attr_string(skeleton, skeleton.dwo_name().ok()??)
        .ok()?;
    let mut path = PathBuf::from(skeleton.comp_dir.map(lossy).unwrap_or_default());
    path.push(lossy(name));
    let bytes = read_whole(path)?;
    let file = object::File::parse(&*bytes).ok()?;
    let sections = Sections::with_names(&file, gimli::SectionId::dwo_name)?;
    let mut split = sections.dwarf();
    split.make_dwo(dwarf);
    functions_of(&split, skeleton, addresses)
}

fn functions_of(
    split: &Dwarf<'_>,
    skeleton: &Unit<'_>,
    addresses: &[u64],
) -> Option<Vec<Vec<Function>>> {
    let mut unit = split.unit(split.units().next().ok()??).ok()?;
    // Another build of the object file may stand there.
    if unit.dwo_id != skeleton.dwo_id {
        return None;
    }
    unit.copy_relocated_attributes(skeleton);
    functions::at(split, &unit, addresses).ok()
}
