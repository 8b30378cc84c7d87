//! Names, files and lines of another program's addresses, from the files that it has loaded.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use addr2line::Loader;

use crate::profile::address;
use crate::profile::{Frame, Location, Mapping};
use crate::symbols::elf::Functions;
use crate::text::demangle::readable;

/// Where distributions put the debug information of stripped files, by build id.
const DEBUG_FILES: &str = "/usr/lib/debug/.build-id";

/// What is known of a program's addresses.
#[derive(Default)]
pub(super) struct Names {
    mappings: Vec<Arc<Mapping>>,
    known: HashMap<usize, Arc<Location>>,
}

/// The files that code was mapped from, in whatever program. By path and build id.
#[derive(Default)]
pub(super) struct Files(HashMap<(Box<str>, Box<str>), ObjectFile>);

impl Files {
    fn of(&mut self, mapping: &Mapping) -> &ObjectFile {
        let key = (mapping.file.clone(), mapping.build_id.clone());
        self.0.entry(key).or_insert_with(|| ObjectFile::of(mapping))
    }
}

/// A file that code was mapped from.
#[derive(Default)]
struct ObjectFile {
    /// Lines, inlined functions, and the symbols of the file or of the one with its debug information.
    loader: Option<Loader>,
    /// Where those do not tell: the names that the file exports.
    functions: Option<Functions>,
}

impl Names {
    /// What is loaded, from now on.
    pub(super) fn set_mappings(&mut self, mappings: Vec<Arc<Mapping>>) {
        if self.mappings != mappings {
            // There was no code here when it was looked up; now there may be.
            self.known.retain(|_, location| location.mapping.is_some());
            self.mappings = mappings;
        }
    }

    pub(super) fn mappings(&self) -> &[Arc<Mapping>] {
        &self.mappings
    }

    pub(super) fn location(&mut self, return_address: usize, files: &mut Files) -> Arc<Location> {
        if let Some(known) = self.known.get(&return_address) {
            return Arc::clone(known);
        }
        let location = Arc::new(self.look_up(return_address, files));
        self.known.insert(return_address, Arc::clone(&location));
        location
    }

    fn look_up(&self, return_address: usize, files: &mut Files) -> Location {
        if let Some(stand_in) = address::stand_in(return_address) {
            return Location {
                address: 0,
                mapping: None,
                frames: [frame(stand_in.name, 0)].into(),
                symbolized: true,
            };
        }
        // The call, not what comes after it, which may be another function.
        let address = (return_address as u64).saturating_sub(1);
        // The latest first: where something was unloaded, another object may stand there now.
        let mut mappings = self.mappings.iter().rev();
        let mapping = mappings.find(|mapping| mapping.contains(address)).cloned();
        let mut frames = Vec::new();
        if let Some(mapping) = &mapping {
            let file = files.of(mapping);
            frames = file.frames(address.wrapping_sub(mapping.bias), address);
        }
        let symbolized = !frames.is_empty();
        if !symbolized {
            frames.push(frame(
                &name_of_address(address, mapping.as_deref()),
                address,
            ));
        }
        Location {
            address,
            mapping,
            frames: frames.into(),
            symbolized,
        }
    }
}

impl ObjectFile {
    fn of(mapping: &Mapping) -> Self {
        let Some(functions) = Functions::of(mapping) else {
            // Not the file that is mapped, or none: whatever stands in it is of other code.
            return Self::default();
        };
        if is_own_object(mapping) {
            // Of which the names that it exports are shown, and no more.
            return Self {
                loader: None,
                functions: Some(functions),
            };
        }
        let debug = debug_file(&mapping.build_id).filter(|path| path.exists());
        let path = debug.unwrap_or_else(|| PathBuf::from(&*mapping.file));
        Self {
            loader: Loader::new(path).ok(),
            functions: Some(functions),
        }
    }

    /// Innermost first. Empty if nothing is known.
    fn frames(&self, within: u64, address: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        if let Some(Ok(mut found)) = self
            .loader
            .as_ref()
            .map(|loader| loader.find_frames(within))
        {
            while let Ok(Some(inner)) = found.next() {
                let name = inner.function.and_then(|name| {
                    let raw = name.raw_name().ok()?;
                    Some(shown(&raw).into_owned())
                });
                let Some(name) = name else { continue };
                let place = inner.location;
                let file = place.as_ref().and_then(|place| place.file);
                frames.push(Frame {
                    file: file.map(Into::into),
                    line: place
                        .as_ref()
                        .and_then(|place| place.line)
                        .filter(|line| *line > 0),
                    ..frame(&name, address)
                });
            }
        }
        if frames.is_empty() {
            frames.extend(self.symbol(within).map(|symbol| Frame {
                system_name: (shown(symbol) != symbol).then(|| symbol.into()),
                ..frame(&shown(symbol), address)
            }));
        }
        frames
    }

    fn symbol(&self, within: u64) -> Option<&str> {
        let of_loader = self
            .loader
            .as_ref()
            .and_then(|loader| loader.find_symbol(within));
        of_loader.or_else(|| self.functions.as_ref()?.name_at(within))
    }
}

/// Whether it is the object that was loaded into the program for us.
pub(super) fn is_own_object(mapping: &Mapping) -> bool {
    mapping.file.ends_with("/contend-preload")
}

/// `ab/cdef….debug`, for the build id `abcdef…`.
fn debug_file(build_id: &str) -> Option<PathBuf> {
    let (folder, rest) = build_id.split_at_checked(2)?;
    Some(format!("{DEBUG_FILES}/{folder}/{rest}.debug").into())
}

fn shown(symbol: &str) -> Cow<'_, str> {
    // Versions of the C library's: `pthread_join@@GLIBC_2.34`.
    let symbol = symbol.split_once('@').map_or(symbol, |(name, _)| name);
    readable(symbol).map_or(Cow::Borrowed(symbol), Cow::Owned)
}

fn frame(function: &str, address: u64) -> Frame {
    Frame {
        function: function.into(),
        system_name: None,
        file: None,
        line: None,
        address,
    }
}

/// `0x7f12a4c01f2d (libshop.so+0x1f2d)`, with the address that tools want beside that file.
fn name_of_address(address: u64, mapping: Option<&Mapping>) -> String {
    let Some(mapping) = mapping else {
        return format!("{address:#x}");
    };
    let name = mapping.file.rsplit('/').next().unwrap_or_default();
    let within = address.wrapping_sub(mapping.bias);
    format!("{address:#x} ({name}+{within:#x})")
}
