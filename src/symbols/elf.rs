//! Function names from the symbol table of an ELF file, for code that was loaded late.
//!
//! `backtrace` reads the list of libraries once in the life of a process and knows nothing of
//! those that are opened later. `dladdr` would know the exported names, but hands out a pointer
//! into a library that another thread may be unloading; the file itself has all names and
//! stays. It is not trusted: whatever does not fit is treated as absent.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::Read;

#[cfg(any(test, target_os = "linux"))]
use crate::loader;
use crate::profile::Mapping;

/// The functions of one file, by the addresses that the file speaks of.
#[derive(Debug)]
pub(crate) struct Functions {
    /// Sorted by start.
    functions: Vec<Function>,
}

#[derive(Debug)]
struct Function {
    start: u64,
    end: u64,
    name: Box<str>,
}

impl Functions {
    /// Those of the file that `mapping` was mapped from, unless the file is another one now.
    pub(crate) fn of(mapping: &Mapping) -> Option<Self> {
        let mut bytes = Vec::new();
        open_mapped(mapping)?.read_to_end(&mut bytes).ok()?;
        let mut functions = ElfFile::parse(&bytes)?.functions();
        functions.sort_by_key(|function| (function.start, function.end));
        Some(Self { functions })
    }

    /// The name of the function around `address`.
    pub(crate) fn name_at(&self, address: u64) -> Option<&str> {
        let after = self
            .functions
            .partition_point(|function| function.start <= address);
        let function = self.functions.get(after.checked_sub(1)?)?;
        (address < function.end).then_some(&*function.name)
    }
}

/// Whether the file at the mapping's path is the one that is mapped.
///
/// Without a build id there is no telling; then it is believed.
pub(super) fn is_same_file(mapping: &Mapping) -> bool {
    mapping.build_id.is_empty()
        || File::open(&*mapping.file).is_ok_and(|file| is_build(&file, mapping))
}

/// Opens the file that is mapped: at its path, or, if that was deleted or replaced, the program's own.
fn open_mapped(mapping: &Mapping) -> Option<File> {
    let paths = [&*mapping.file, "/proc/self/exe"];
    let mut files = paths.iter().filter_map(|path| File::open(path).ok());
    files.find(|file| is_build(file, mapping))
}

#[cfg(target_os = "linux")]
fn is_build(file: &File, mapping: &Mapping) -> bool {
    mapping.build_id.is_empty()
        || loader::maps::build_id_of(file).as_deref() == Some(&*mapping.build_id)
}

/// Elsewhere no mapping is known, nor its build id.
#[cfg(not(target_os = "linux"))]
fn is_build(_: &File, _: &Mapping) -> bool {
    true
}

/// A 64-bit file of this machine's byte order.
struct ElfFile<'a> {
    bytes: &'a [u8],
    sections: Vec<Section>,
}

struct Section {
    kind: u32,
    offset: u64,
    size: u64,
    /// For a symbol table: the number of the section that its names are in.
    link: u32,
}

impl<'a> ElfFile<'a> {
    const SECTION_HEADER_LEN: u64 = 64;

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        const CLASS_64: u8 = 2;
        let order = if cfg!(target_endian = "little") { 1 } else { 2 };
        if !bytes.starts_with(&[0x7f, b'E', b'L', b'F', CLASS_64, order]) {
            return None;
        }
        let first = u64_at(bytes, 0x28)?;
        let header_len = u64::from(u16_at(bytes, 0x3a)?);
        let count = u64::from(u16_at(bytes, 0x3c)?);
        if header_len != Self::SECTION_HEADER_LEN {
            return None;
        }
        let section = |number: u64| {
            let at = first.checked_add(number * header_len)?;
            Some(Section {
                kind: u32_at(bytes, at.checked_add(4)?)?,
                offset: u64_at(bytes, at.checked_add(24)?)?,
                size: u64_at(bytes, at.checked_add(32)?)?,
                link: u32_at(bytes, at.checked_add(40)?)?,
            })
        };
        let sections = (0..count).map(section).collect::<Option<_>>()?;
        Some(Self { bytes, sections })
    }

    /// From the full symbol table, or the exported names where that was stripped.
    fn functions(&self) -> Vec<Function> {
        const SYMBOLS: u32 = 2;
        const EXPORTED_SYMBOLS: u32 = 11;
        let of = |kind| {
            let table = self.sections.iter().find(|section| section.kind == kind)?;
            let names = self.sections.get(usize::try_from(table.link).ok()?)?;
            let (table, names) = (self.contents(table)?, self.contents(names)?);
            let functions: Vec<_> = table
                .chunks_exact(24)
                .filter_map(|symbol| Function::parse(symbol, names))
                .collect();
            (!functions.is_empty()).then_some(functions)
        };
        of(SYMBOLS)
            .or_else(|| of(EXPORTED_SYMBOLS))
            .unwrap_or_default()
    }

    fn contents(&self, section: &Section) -> Option<&'a [u8]> {
        let start = usize::try_from(section.offset).ok()?;
        let len = usize::try_from(section.size).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }
}

impl Function {
    /// A symbol is: name u32, type and binding u8, visibility u8, section u16, value u64,
    /// size u64.
    fn parse(symbol: &[u8], names: &[u8]) -> Option<Self> {
        const TYPE_FUNCTION: u8 = 2;
        let start = u64_at(symbol, 8)?;
        let end = start.checked_add(u64_at(symbol, 16)?)?;
        let is_function = *symbol.get(4)? & 0xf == TYPE_FUNCTION;
        if !is_function || start == end {
            return None;
        }
        let name = names.get(usize::try_from(u32_at(symbol, 0)?).ok()?..)?;
        let name = name.split(|byte| *byte == 0).next()?;
        let name = str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
        Some(Self {
            start,
            end,
            name: name.into(),
        })
    }
}

fn bytes_at<const N: usize>(bytes: &[u8], at: u64) -> Option<[u8; N]> {
    let at = usize::try_from(at).ok()?;
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: u64) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: u64) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], at: u64) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn landmark() -> u32 {
        std::process::id()
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn finds_a_function_of_this_program() {
        assert!(landmark() > 0);
        let address = landmark as fn() -> u32 as usize as u64;
        let objects = loader::loaded();
        let mapping = objects.mapping_of(address).unwrap();
        let functions = Functions::of(mapping).unwrap();
        let name = functions.name_at(address - mapping.bias).unwrap();
        assert!(name.contains("landmark"), "{name}");
        assert_eq!(functions.name_at(u64::MAX), None);
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn another_build_of_the_file_is_refused() {
        let objects = loader::loaded();
        let program = objects.mappings.first().unwrap();
        let other = Mapping {
            file: program.file.clone(),
            build_id: "00".into(),
            ..**program
        };
        assert!(Functions::of(&other).is_none());
    }

    #[test]
    fn malformed_files_are_refused() {
        let mut header = vec![0; 64];
        header[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        // Section headers at the end of the address space, 65535 of them.
        header[0x28..0x30].fill(0xff);
        header[0x3a..0x3e].copy_from_slice(&[64, 0, 0xff, 0xff]);
        assert!(ElfFile::parse(&header).is_none());
        assert!(ElfFile::parse(&[]).is_none());
        assert!(ElfFile::parse(b"\x7fELF\x02\x01").is_none());
        assert!(Function::parse(&[0xff; 24], b"name\0").is_none());
    }
}
