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
use crate::profile::Mapping;

/// What is known of each address, innermost function first. `addresses` are those of the running
/// program, all of them in this mapping, in ascending order and each once.
pub(crate) fn look_up(
    files: &Files,
    mapping: Option<&Mapping>,
    addresses: &[u64],
) -> Vec<Vec<RawFrame>> {
    let unknown = || vec![Vec::new(); addresses.len()];
    let Some(mapping) = mapping else {
        return unknown();
    };
    let Some(mapped) = files.mapped(mapping) else {
        return unknown();
    };
    let Ok(file) = object::File::parse(mapped.bytes()) else {
        return unknown();
    };
    let within = |address: &u64| address.wrapping_sub(mapping.bias);
    let addresses: Vec<u64> = addresses.iter().map(within).collect();
    if !addresses.is_sorted() {
        // The addresses of a file do not wrap around.
        return unknown();
    }
    let mut symbols = Symbols::of(&file, &addresses);
    let mut found = match Sections::of(&file) {
        Some(sections) => dwarf::frames(&sections.dwarf(), &mapping.file, &addresses),
        None => match file::debug_file(&file, &mapping.file) {
            Some(debug) => frames_elsewhere(&debug, mapping, &addresses, &mut symbols),
            None => unknown(),
        },
    };
    for (index, frames) in found.iter_mut().enumerate() {
        symbols.complete(index, frames);
    }
    found
}

/// From a file that has the debug information of another one, and often its symbol table.
fn frames_elsewhere(
    debug: &file::Mapped,
    mapping: &Mapping,
    addresses: &[u64],
    symbols: &mut Symbols,
) -> Vec<Vec<RawFrame>> {
    let unknown = || vec![Vec::new(); addresses.len()];
    let Ok(file) = object::File::parse(debug.bytes()) else {
        return unknown();
    };
    symbols.add(Symbols::of(&file, addresses));
    let Some(sections) = Sections::of(&file) else {
        return unknown();
    };
    let shared = file::shared_debug_file(&file, Path::new(&*mapping.file));
    let shared = shared
        .as_ref()
        .and_then(|shared| object::File::parse(shared.bytes()).ok());
    let shared = shared.as_ref().and_then(Sections::of);
    let mut dwarf = sections.dwarf();
    if let Some(shared) = &shared {
        dwarf.set_sup(shared.dwarf());
    }
    dwarf::frames(&dwarf, &mapping.file, addresses)
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

    /// Gives the outermost function its symbol where the debug information has no more than its bare
    /// name, or none: `debug = "line-tables-only"` leaves out the path. Functions that were inlined
    /// have no symbol.
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

/// Of several names for the same code the public one: `clone3`, not `__clone3`.
fn public(names: &[String]) -> Option<&String> {
    let underscores = |name: &&String| name.bytes().take_while(|byte| *byte == b'_').count();
    names.iter().min_by_key(underscores)
}

/// By Rust or C++. Other names have no path to win.
fn is_mangled(symbol: &str) -> bool {
    symbol.starts_with("_Z") || symbol.starts_with("_R")
}

/// Whether a mangled name ends with this one, of which `{closure_env#0}` and type parameters are not
/// compared: the two are written differently.
fn has_plain_name(symbol: &str, plain: &str) -> bool {
    let name = plain.split(['<', '{']).next().unwrap_or_default();
    symbol.contains(name)
}
