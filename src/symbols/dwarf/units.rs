//! The unit that an address is of.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use gimli::{DebugInfoOffset, UnitHeader, UnitOffset};

use super::{Dwarf, Result, Slice, Unit, within};

/// The units that have these addresses (ascending), each with the indexes of its own.
pub(super) fn of(dwarf: &Dwarf<'_>, addresses: &[u64]) -> BTreeMap<DebugInfoOffset, Vec<usize>> {
    let mut owners = vec![None; addresses.len()];
    // Entries before a malformed one stay.
    let mut indexed = HashSet::new();
    let _ = ask_index(dwarf, addresses, &mut owners, &mut indexed);
    if owners.contains(&None) {
        let _ = ask_others(dwarf, addresses, &mut owners, &indexed);
    }
    let mut units = BTreeMap::<_, Vec<usize>>::new();
    for (index, owner) in owners.into_iter().enumerate() {
        if let Some(owner) = owner {
            units.entry(owner).or_default().push(index);
        }
    }
    units
}

/// `.debug_aranges` has the ranges of most units: of those that `rustc` and GCC make.
fn ask_index(
    dwarf: &Dwarf<'_>,
    addresses: &[u64],
    owners: &mut [Option<DebugInfoOffset>],
    indexed: &mut HashSet<DebugInfoOffset>,
) -> Result<()> {
    let mut headers = dwarf.debug_aranges.headers();
    while let Some(header) = headers.next()? {
        let unit = header.debug_info_offset();
        indexed.insert(unit);
        let mut entries = header.entries();
        while let Some(entry) = entries.next()? {
            claim(owners, unit, addresses, entry.range());
        }
    }
    Ok(())
}

/// The units that the index does not have say their ranges themselves.
fn ask_others(
    dwarf: &Dwarf<'_>,
    addresses: &[u64],
    owners: &mut [Option<DebugInfoOffset>],
    indexed: &HashSet<DebugInfoOffset>,
) -> Result<()> {
    let mut headers = dwarf.units();
    while let Some(header) = headers.next()? {
        let Some(offset) = header.debug_info_offset() else {
            continue;
        };
        if indexed.contains(&offset) {
            continue;
        }
        let Ok(unit) = dwarf.unit(header) else {
            continue;
        };
        let Ok(mut ranges) = dwarf.unit_ranges(&unit) else {
            continue;
        };
        while let Ok(Some(range)) = ranges.next() {
            claim(owners, offset, addresses, range);
        }
    }
    Ok(())
}

/// The first unit that claims an address has it.
fn claim(
    owners: &mut [Option<DebugInfoOffset>],
    unit: DebugInfoOffset,
    addresses: &[u64],
    range: gimli::Range,
) {
    // Code that the linker took out stands at 0.
    if range.begin == 0 {
        return;
    }
    for owner in &mut owners[within(addresses, range)] {
        owner.get_or_insert(unit);
    }
}

/// The units that entries of others refer to: link-time optimisation inlines functions of other
/// units.
pub(super) struct Others<'a> {
    dwarf: &'a Dwarf<'a>,
    headers: OnceCell<Vec<UnitHeader<Slice<'a>>>>,
    read: RefCell<HashMap<DebugInfoOffset, Rc<Unit<'a>>>>,
}

impl<'a> Others<'a> {
    pub(super) fn of(dwarf: &'a Dwarf<'a>) -> Self {
        Self {
            dwarf,
            headers: OnceCell::new(),
            read: RefCell::default(),
        }
    }

    /// The unit that has this entry, and where in it.
    pub(super) fn around(&self, entry: DebugInfoOffset) -> Option<(Rc<Unit<'a>>, UnitOffset)> {
        let headers = self.headers.get_or_init(|| {
            let mut headers = Vec::new();
            let mut units = self.dwarf.units();
            while let Ok(Some(header)) = units.next() {
                headers.push(header);
            }
            headers
        });
        // In the order of the section.
        let behind = headers.partition_point(|header| header.debug_info_offset() <= Some(entry));
        let header = headers.get(behind.checked_sub(1)?)?;
        let at = entry.to_unit_offset(header)?;
        let offset = header.debug_info_offset()?;
        if let Some(unit) = self.read.borrow().get(&offset) {
            return Some((Rc::clone(unit), at));
        }
        let unit = Rc::new(self.dwarf.unit(*header).ok()?);
        self.read.borrow_mut().insert(offset, Rc::clone(&unit));
        Some((unit, at))
    }
}
