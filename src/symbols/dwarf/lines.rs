//! The line of an address, from the line table of its unit.

use gimli::{AttributeValue, LineProgramHeader};

use super::{Dwarf, Result, Slice, Unit, within};

/// A place in the source: a file of the unit, by number, and a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) file: u64,
    pub(super) line: Option<u32>,
}

/// The rows of the addresses that were asked for, and the files that places speak of.
pub(super) struct Lines<'a> {
    pub(super) rows: Vec<Option<Place>>,
    pub(super) files: Files<'a>,
}

pub(super) struct Files<'a> {
    dwarf: &'a Dwarf<'a>,
    unit: &'a Unit<'a>,
    header: Option<LineProgramHeader<Slice<'a>>>,
}

/// `addresses` are ascending.
pub(super) fn at<'a>(
    dwarf: &'a Dwarf<'a>,
    unit: &'a Unit<'a>,
    addresses: &[u64],
) -> Result<Lines<'a>> {
    let mut found = vec![None; addresses.len()];
    let mut files = Files {
        dwarf,
        unit,
        header: None,
    };
    let Some(program) = unit.line_program.clone() else {
        return Ok(Lines { rows: found, files });
    };
    let mut rows = program.rows();
    // A row holds up to the address of the next one.
    let mut before: Option<(u64, Place)> = None;
    while let Some((_, row)) = rows.next_row()? {
        let address = row.address();
        if let Some((begin, place)) = before {
            let range = gimli::Range {
                begin,
                end: address,
            };
            for found in &mut found[within(addresses, range)] {
                found.get_or_insert(place);
            }
        }
        let place = Place {
            file: row.file_index(),
            line: row.line().and_then(|line| u32::try_from(line.get()).ok()),
        };
        before = (!row.end_sequence()).then_some((address, place));
    }
    // Complete only now: the program may define files.
    files.header = Some(rows.header().clone());
    Ok(Lines { rows: found, files })
}

impl Files<'_> {
    /// The path of a file: that of its folder, below the folder that the compiler was started in,
    /// where these are relative.
    pub(super) fn name(&self, number: u64) -> Option<String> {
        let header = self.header.as_ref()?;
        let file = header.file(number)?;
        let mut path = self.unit.comp_dir.map(lossy).unwrap_or_default();
        // 0 is the folder that the compiler was started in.
        if file.directory_index() != 0
            && let Some(folder) = file.directory(header)
        {
            push(&mut path, &self.text(folder)?);
        }
        push(&mut path, &self.text(file.path_name())?);
        Some(path)
    }

    fn text(&self, value: AttributeValue<Slice<'_>>) -> Option<String> {
        self.dwarf.attr_string(self.unit, value).ok().map(lossy)
    }
}

pub(super) fn lossy(text: Slice<'_>) -> String {
    text.to_string_lossy().into_owned()
}

/// As [`std::path::PathBuf::push`], for the paths of Unix whatever this machine has.
fn push(path: &mut String, part: &str) {
    if part.starts_with('/') {
        path.clear();
    } else if !path.is_empty() && !path.ends_with('/') {
        path.push('/');
    }
    path.push_str(part);
}
