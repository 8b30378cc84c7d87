//! The function that an address is of, and those that it was inlined into.

use gimli::constants::{
    DW_AT_MIPS_linkage_name, DW_AT_abstract_origin, DW_AT_call_file, DW_AT_call_line,
    DW_AT_high_pc, DW_AT_linkage_name, DW_AT_low_pc, DW_AT_name, DW_AT_ranges, DW_AT_specification,
    DW_TAG_inlined_subroutine, DW_TAG_subprogram,
};
use gimli::{Attribute, AttributeValue, Range, UnitOffset};

use super::lines::{Place, lossy};
use super::units::Others;
use super::{Dwarf, Result, Slice, Unit, within};
use crate::symbols::raw_frame::Name;

/// References from one entry to another that are followed for a name. Real ones take two: from
/// the inlined function to what it is made of, and from there to its declaration.
const MAX_REFERENCES: u32 = 8;

#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: Option<Name>,
    /// The place of the call that was inlined. `None`: it was not inlined.
    pub(super) called_at: Option<Place>,
}

type Attributes<'a> = [Attribute<Slice<'a>>];

/// For each of the addresses, which are ascending, its functions, outermost first.
pub(super) fn at(
    dwarf: &Dwarf<'_>,
    unit: &Unit<'_>,
    addresses: &[u64],
) -> Result<Vec<Vec<Function>>> {
    let names = Names::of(dwarf);
    let mut chains = vec![Vec::new(); addresses.len()];
    let mut entries = unit.entries_raw(None)?;
    let mut attributes = Vec::new();
    // Depths of the functions around the entry that have one of the addresses.
    let mut around: Vec<isize> = Vec::new();
    while !entries.is_empty() {
        let depth = entries.next_depth();
        let Some(abbreviation) = entries.read_abbreviation()? else {
            continue;
        };
        around.truncate(around.partition_point(|outer| *outer < depth));
        let tag = abbreviation.tag();
        // PERF: most of a unit are types, and functions that nobody asks for.
        let may_have_one =
            tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine && !around.is_empty();
        if !may_have_one {
            entries.skip_attributes(abbreviation.attributes())?;
            continue;
        }
        entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
        let mut function = None;
        for range in ranges(dwarf, unit, &attributes)? {
            for index in within(addresses, range) {
                // A function that is there twice, folded with another one, counts once.
                if tag == DW_TAG_subprogram && !chains[index].is_empty() {
                    continue;
                }
                let function = function.get_or_insert_with(|| Function {
                    name: names.name(unit, &attributes, 0),
                    called_at: call(&attributes),
                });
                chains[index].push(function.clone());
            }
        }
        if function.is_some() {
            around.push(depth);
        }
    }
    Ok(chains)
}

fn find<'a>(attributes: &Attributes<'a>, name: gimli::DwAt) -> Option<AttributeValue<Slice<'a>>> {
    let mut attributes = attributes.iter();
    let attribute = attributes.find(|attribute| attribute.name() == name)?;
    Some(attribute.value())
}

fn ranges(dwarf: &Dwarf<'_>, unit: &Unit<'_>, attributes: &Attributes<'_>) -> Result<Vec<Range>> {
    let mut ranges = Vec::new();
    if let Some(list) = find(attributes, DW_AT_ranges) {
        if let Some(mut list) = dwarf.attr_ranges(unit, list)? {
            while let Some(range) = list.next()? {
                ranges.push(range);
            }
        }
        return Ok(ranges);
    }
    let (Some(low), Some(high)) = (
        find(attributes, DW_AT_low_pc),
        find(attributes, DW_AT_high_pc),
    ) else {
        return Ok(ranges);
    };
    let Some(begin) = dwarf.attr_address(unit, low)? else {
        return Ok(ranges);
    };
    let end = match high.udata_value() {
        Some(size) => begin.checked_add(size),
        None => dwarf.attr_address(unit, high)?,
    };
    ranges.extend(end.map(|end| Range { begin, end }));
    // Code that the linker took out stands at 0.
    ranges.retain(|range| range.begin != 0);
    Ok(ranges)
}

fn call(attributes: &Attributes<'_>) -> Option<Place> {
    let file = match find(attributes, DW_AT_call_file)? {
        AttributeValue::FileIndex(number) => number,
        value => value.udata_value()?,
    };
    let line = find(attributes, DW_AT_call_line).and_then(|line| line.udata_value());
    Some(Place {
        file,
        line: line
            .and_then(|line| u32::try_from(line).ok())
            .filter(|line| *line > 0),
    })
}

/// Names of entries, which may stand at others that they refer to.
struct Names<'a> {
    dwarf: &'a Dwarf<'a>,
    others: Others<'a>,
    /// The file that several share.
    shared: Option<Others<'a>>,
}

impl<'a> Names<'a> {
    fn of(dwarf: &'a Dwarf<'a>) -> Self {
        Self {
            dwarf,
            others: Others::of(dwarf),
            shared: dwarf.sup().map(Others::of),
        }
    }

    /// The name of an entry, or of the entry that it refers to.
    fn name(&self, unit: &Unit<'_>, attributes: &Attributes<'_>, references: u32) -> Option<Name> {
        let text = |value| self.dwarf.attr_string(unit, value).ok().map(lossy);
        let linkage = find(attributes, DW_AT_linkage_name)
            .or_else(|| find(attributes, DW_AT_MIPS_linkage_name));
        if let Some(name) = linkage.and_then(text) {
            return Some(Name::Linkage(name));
        }
        if let Some(name) = find(attributes, DW_AT_name).and_then(text) {
            return Some(Name::Plain(name));
        }
        let other = find(attributes, DW_AT_abstract_origin)
            .or_else(|| find(attributes, DW_AT_specification))?;
        if references == MAX_REFERENCES {
            return None;
        }
        match other {
            AttributeValue::UnitRef(offset) => self.name_at(unit, offset, references),
            AttributeValue::DebugInfoRef(offset) => {
                let (unit, offset) = self.others.around(offset)?;
                self.name_at(&unit, offset, references)
            }
            AttributeValue::DebugInfoRefSup(offset) => {
                let (unit, offset) = self.shared.as_ref()?.around(offset)?;
                self.name_at(&unit, offset, references)
            }
            _ => None,
        }
    }

    fn name_at(&self, unit: &Unit<'_>, at: UnitOffset, references: u32) -> Option<Name> {
        let entry = unit.entry(at).ok()?;
        self.name(unit, entry.attrs(), references + 1)
    }
}
