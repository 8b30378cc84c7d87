//! The files that names are read from: those that code was mapped from, found while they are still
//! there, and those with their debug information.
//!
//! A deploy replaces them under a running program, by another build at the same path. So they are
//! opened when profiling is first switched on, and a file is believed only if it has the build id
//! that is mapped.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use object::Object;

use crate::loader::file::{Mapped, is_build, open_mapped, why_not_open};
use crate::loader::{self, Objects};
use crate::profile::Mapping;

/// Files that are kept open, the program's first. More are opened when they are asked for.
///
/// A program may have 1024 descriptors by default.
const MAX_KEPT: usize = 64;

/// The files of the objects that are loaded.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By the path that the loader has.
    kept: HashMap<Box<str>, File>,
}

impl Files {
    /// Opens what was not open, and closes what is not loaded any more.
    pub(crate) fn follow(&mut self, objects: &Objects) {
        let is_loaded = |path: &str| {
            let mut mappings = objects.mappings.iter();
            mappings.any(|mapping| *mapping.file == *path)
        };
        self.kept.retain(|path, _| is_loaded(path));
        for mapping in &*objects.mappings {
            if self.kept.len() >= MAX_KEPT {
                break;
            }
            if !self.kept.contains_key(&mapping.file)
                && let Some(file) = open_mapped(mapping)
            {
                self.kept.insert(mapping.file.clone(), file);
            }
        }
    }

    /// The file that is mapped. `None`: it is not there, or is another one.
    pub(super) fn mapped(&self, mapping: &Mapping) -> Option<Mapped> {
        match self.kept.get(&mapping.file) {
            Some(file) if is_build(file, mapping) => Mapped::new(file),
            _ => Mapped::new(&open_mapped(mapping)?),
        }
    }

    /// Why nothing can be read of the file that is mapped. `None`: it is there.
    pub(super) fn why_unread(&self, mapping: &Mapping) -> Option<String> {
        match self.mapped(mapping) {
            Some(_) => None,
            None => why_not_open(mapping),
        }
    }
}

/// The file with the debug information of another one, which was stripped of it: by build id where
/// distributions put it, or at the name that the file has for it.
pub(super) fn debug_file(file: &object::File<'_>, path: &str) -> Option<Mapped> {
    let id = file.build_id().ok().flatten();
    let paths = by_build_id(id).into_iter().chain(by_link(file, path));
    let has_id = |mapped: &Mapped| {
        let other = object::File::parse(mapped.bytes());
        other.is_ok_and(|other| id.is_none() || other.build_id().ok().flatten() == id)
    };
    paths.filter_map(Mapped::at).find(has_id)
}

const DEBUG_FOLDER: &str = "/usr/lib/debug";

fn by_build_id(id: Option<&[u8]>) -> Option<PathBuf> {
    let (first, rest) = id?.split_first()?;
    let rest = loader::hex(rest);
    Some(PathBuf::from(format!(
        "{DEBUG_FOLDER}/.build-id/{first:02x}/{rest}.debug"
    )))
}

/// Where GDB looks: beside the file, in a folder there, and below the folder for all.
fn by_link(file: &object::File<'_>, path: &str) -> Vec<PathBuf> {
    let link = file.gnu_debuglink().ok().flatten();
    let name = link.and_then(|(name, _)| str::from_utf8(name).ok());
    let (Some(name), Some(folder)) = (name, Path::new(path).parent()) else {
        return Vec::new();
    };
    let below = folder.strip_prefix("/").unwrap_or(folder);
    vec![
        folder.join(name),
        folder.join(".debug").join(name),
        Path::new(DEBUG_FOLDER).join(below).join(name),
    ]
}

/// The file that others of a package share parts of their debug information in.
pub(super) fn shared_debug_file(file: &object::File<'_>, path: &Path) -> Option<Mapped> {
    let (name, id) = file.gnu_debugaltlink().ok().flatten()?;
    let beside = path.parent()?.join(str::from_utf8(name).ok()?);
    let paths = [Some(beside), by_build_id(Some(id))];
    paths.into_iter().flatten().find_map(Mapped::at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_says_why() {
        let program = std::env::current_exe().unwrap();
        let at = |file: &str, build_id: &str| Mapping {
            start: 0x1000,
            limit: 0x2000,
            file_offset: 0,
            bias: 0,
            file: file.into(),
            build_id: build_id.into(),
        };
        let program = program.to_str().unwrap();
        let mut folder = program.rsplitn(2, '/');
        let folder = folder.nth(1).unwrap();
        let table = [
            (at(program, ""), None),
            // The kernel's own object.
            (at("linux-vdso.so.1", "c0ffee"), None),
            (at("", "c0ffee"), Some("there is no /proc")),
            (
                at(program, "c0ffee"),
                Some("another build is at its path now"),
            ),
            (
                at("/nowhere/shop", "c0ffee"),
                Some("No such file or directory"),
            ),
            (at(folder, ""), Some("no regular file")),
        ];
        for (mapping, expected) in table {
            let why = Files::default().why_unread(&mapping);
            let is_expected = match (&why, expected) {
                (Some(why), Some(expected)) => why.contains(expected),
                (why, expected) => why.is_none() && expected.is_none(),
            };
            assert!(is_expected, "{mapping:?}: {why:?}");
        }
    }
}
