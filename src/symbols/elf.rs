//! Names from ELF files: of the debug information where there is any, else of the symbol table.
//!
//! Files are not trusted: whatever does not fit is treated as absent.
#![forbid(unsafe_code)]

use std::path::Path;

use object::{Object, ObjectSymbol, SymbolKind};

use super::dwarf::{self, Sections};
use super::file;
pub(crate) use super::file::Files;
use super::raw_frame::{Name, RawFrame};
use crate::loader::file::Mapped;
use crate::profile::Mapping;

/// The functions at each address, innermost first. `addresses` are those of the running
/// program, all of them in this mapping, in ascending order and each once.
pub(crate) fn look_up(
    files: &Files,
    mapping: Option<&Mapping>,
    addresses: &[u64],
) -> Vec<Vec<RawFrame>> {
    let found = mapping.and_then(|mapping| {
        let mapped = files.mapped(mapping)?;
        in_file(mapped.bytes(), mapping, addresses)
    });
    found.unwrap_or_else(|| vec![Vec::new(); addresses.len()])
}

/// As [`look_up`], from the symbol table alone.
#[cfg(contend_whole)]
pub(crate) fn look_up_symbols(
    files: &Files,
    mapping: &Mapping,
    addresses: &[u64],
) -> Vec<Vec<RawFrame>> {
    let mut found = vec![Vec::new(); addresses.len()];
    let Some(mapped) = files.mapped(mapping) else {
        return found;
    };
    let Ok(file) = object::File::parse(mapped.bytes()) else {
        return found;
    };
    let within = |address: &u64| address.wrapping_sub(mapping.bias);
    let addresses: Vec<u64> = addresses.iter().map(within).collect();
    let symbols = Symbols::of(&file, &addresses);
    for (index, frames) in found.iter_mut().enumerate() {
        symbols.complete(index, frames);
    }
    found
}

/// `None`: it is no file of code.
fn in_file(bytes: &[u8], mapping: &Mapping, addresses: &[u64]) -> Option<Vec<Vec<RawFrame>>> {
    let file = object::File::parse(bytes).ok()?;
    let within = |address: &u64| address.wrapping_sub(mapping.bias);
    let addresses: Vec<u64> = addresses.iter().map(within).collect();
    // The addresses of a file do not wrap around.
    if !addresses.is_sorted() {
        return None;
    }
    let mut symbols = Symbols::of(&file, &addresses);
    let found = match Sections::of(&file) {
        Some(sections) => Some(dwarf::frames(&sections.dwarf(), &mapping.file, &addresses)),
        None => file::debug_file(&file, &mapping.file)
            .and_then(|debug| in_debug_file(&debug, mapping, &addresses, &mut symbols)),
    };
    let mut found = found.unwrap_or_else(|| vec![Vec::new(); addresses.len()]);
    for (index, frames) in found.iter_mut().enumerate() {
        symbols.complete(index, frames);
    }
    Some(found)
}

/// From a file that has the debug information of another one, and often its symbol table.
fn in_debug_file(
    debug: &Mapped,
    mapping: &Mapping,
    addresses: &[u64],
    symbols: &mut Symbols,
) -> Option<Vec<Vec<RawFrame>>> {
    let file = object::File::parse(debug.bytes()).ok()?;
    symbols.add(Symbols::of(&file, addresses));
    let sections = Sections::of(&file)?;
    let shared = file::shared_debug_file(&file, Path::new(&*mapping.file));
    let shared = shared
        .as_ref()
        .and_then(|shared| object::File::parse(shared.bytes()).ok());
    let shared = shared.as_ref().and_then(Sections::of);
    let mut dwarf = sections.dwarf();
    if let Some(shared) = &shared {
        dwarf.set_sup(shared.dwarf());
    }
    Some(dwarf::frames(&dwarf, &mapping.file, addresses))
}

/// The symbols of functions that some addresses are of.
#[derive(Debug)]
struct Symbols {
    /// By address, in the order of the addresses. Functions of the same code have the same.
    names: Vec<Vec<String>>,
}

impl Symbols {
    /// From the full symbol table, or the exported names where that was stripped.
    fn of(file: &object::File<'_>, addresses: &[u64]) -> Self {
        let mut symbols = Self {
            names: vec![Vec::new(); addresses.len()],
        };
        symbols.take(file.symbols(), addresses);
        if symbols.names.iter().all(Vec::is_empty) {
            symbols.take(file.dynamic_symbols(), addresses);
        }
        symbols
    }

    fn take(&mut self, table: object::SymbolIterator<'_, '_>, addresses: &[u64]) {
        for symbol in table.filter(|symbol| symbol.kind() == SymbolKind::Text) {
            let start = symbol.address();
            let end = start.saturating_add(symbol.size());
            let first = addresses.partition_point(|address| *address < start);
            if addresses.get(first).is_none_or(|address| *address >= end) {
                continue;
            }
            let Some(name) = symbol.name().ok().filter(|name| !name.is_empty()) else {
                continue;
            };
            let behind = addresses.partition_point(|address| *address < end);
            for names in &mut self.names[first..behind] {
                names.push(name.to_owned());
            }
        }
    }

    fn add(&mut self, others: Self) {
        for (names, others) in self.names.iter_mut().zip(others.names) {
            names.extend(others);
        }
    }

    /// Gives the outermost function its symbol where the debug information has no more than its
    /// bare name, or none: `debug = "line-tables-only"` leaves out the path. Functions that were
    /// inlined have no symbol.
    fn complete(&self, index: usize, frames: &mut Vec<RawFrame>) {
        let names = &self.names[index];
        let Some(outermost) = frames.last_mut() else {
            let name = public(names).map(|name| Name::Linkage(name.clone()));
            frames.extend(name.map(|name| RawFrame {
                name: Some(name),
                ..RawFrame::default()
            }));
            return;
        };
        let symbol = match &outermost.name {
            Some(Name::Linkage(_)) => None,
            // Other functions with the same code may stand there.
            Some(Name::Plain(plain)) => {
                let mut names = names.iter();
                names.find(|name| is_mangled(name) && has_plain_name(name, plain))
            }
            None => public(names),
        };
        if let Some(symbol) = symbol {
            outermost.name = Some(Name::Linkage(symbol.clone()));
        }
    }
}

/// The public one of several names for the same code: `clone3`, not `__clone3`.
fn public(names: &[String]) -> Option<&String> {
    let underscores = |name: &&String| name.bytes().take_while(|byte| *byte == b'_').count();
    names.iter().min_by_key(underscores)
}

/// By Rust or C++. Other names have no path to win.
fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_Z") || symbol.starts_with("_R")
}

/// Whether a mangled name ends with this one, of which `{closure_env#0}` and type parameters are
/// not compared: the two are written differently.
fn has_plain_name(symbol: &str, plain: &str) -> bool {
    let name = plain.split(['<', '{']).next().unwrap_or_default();
    symbol.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loader;

    #[inline(never)]
    fn landmark() -> u32 {
        std::process::id()
    }

    /// The mapping of this program, and the address of a function in it.
    fn here() -> (loader::Objects, u64) {
        assert!(landmark() > 0);
        (loader::loaded(), landmark as fn() -> u32 as usize as u64)
    }

    fn name_of(found: &[Vec<RawFrame>]) -> &str {
        let outermost = found[0].last().and_then(|frame| frame.name.as_ref());
        outermost.map_or("", Name::as_str)
    }

    #[test]
    fn another_build_of_the_file_is_refused() {
        let (objects, address) = here();
        let mapping = objects.mapping_of(address).unwrap();
        let found = look_up(&Files::default(), Some(mapping), &[address]);
        assert!(name_of(&found).contains("landmark"), "{found:?}");
        let other = Mapping {
            file: mapping.file.clone(),
            build_id: "00".into(),
            ..**mapping
        };
        assert_eq!(look_up(&Files::default(), Some(&other), &[address]), [[]]);
    }

    /// Whatever is missing or wrong in a file, it is only names that are missing.
    #[test]
    fn malformed_files_are_read_to_where_they_make_sense() {
        let (objects, address) = here();
        let mapping = objects.mapping_of(address).unwrap();
        let whole = std::fs::read(&*mapping.file).unwrap();
        for part in [
            0,
            1,
            64,
            4096,
            whole.len() / 3,
            whole.len() / 2,
            whole.len() - 4096,
        ] {
            in_file(&whole[..part], mapping, &[address, address + 1]);
        }
        // The headers of the sections are at the end: other sections with these contents.
        let headers = whole.len().saturating_sub(64 * 40);
        for (number, fault) in [0xff, 0, 1, 0x80].into_iter().enumerate() {
            let mut damaged = whole.clone();
            for byte in damaged[headers..].iter_mut().skip(number).step_by(61) {
                *byte = fault;
            }
            in_file(&damaged, mapping, &[address]);
        }
    }

    fn symbols(names: &[&str]) -> Symbols {
        let names = names.iter().map(|name| (*name).to_owned());
        Symbols {
            names: vec![names.collect()],
        }
    }

    fn completed(symbols: &Symbols, name: Option<Name>) -> Option<Name> {
        let mut frames = vec![RawFrame {
            name,
            ..RawFrame::default()
        }];
        symbols.complete(0, &mut frames);
        frames.pop()?.name
    }

    #[test]
    fn a_bare_name_gets_its_path_from_the_symbol() {
        let plain = |name: &str| Some(Name::Plain(name.to_owned()));
        let linkage = |name: &str| Some(Name::Linkage(name.to_owned()));
        let of_shop = symbols(&["_ZN4shop3get17h0123456789abcdefE"]);
        let expected = linkage("_ZN4shop3get17h0123456789abcdefE");
        assert_eq!(completed(&of_shop, plain("get<u8>")), expected);
        assert_eq!(completed(&of_shop, None), expected);
        // A function with the same code, folded with ours.
        assert_eq!(completed(&of_shop, plain("put")), plain("put"));
        assert_eq!(completed(&of_shop, linkage("put")), linkage("put"));
        // C's have no path to win.
        assert_eq!(completed(&symbols(&["get"]), plain("get")), plain("get"));
        assert_eq!(
            completed(&symbols(&["__clone3", "clone3"]), None),
            linkage("clone3")
        );
    }
}
