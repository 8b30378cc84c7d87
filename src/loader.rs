//! The program and the libraries that are loaded now: where their code lies, and which build.
//!
//! Profiles carry this so that an address without a name can be given one later, from the
//! build id. The symbol cache watches the loader's counts, to forget names of unloaded code.

#[cfg(target_os = "linux")]
pub(crate) mod file;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod find_object;
#[cfg(target_os = "linux")]
mod imp_linux;
#[cfg(target_os = "linux")]
pub(crate) mod list;
#[cfg(target_os = "linux")]
pub(crate) mod maps;
#[cfg(target_os = "linux")]
use imp_linux as imp;

/// Elsewhere nothing is known: addresses then belong to no mapping, and names are never
/// forgotten.
#[cfg(not(target_os = "linux"))]
mod imp {
    pub(super) fn loaded() -> super::Objects {
        super::Objects::default()
    }
}

use std::sync::Arc;

use crate::profile::Mapping;

/// The objects that were loaded at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    /// Executable segments, those of the program first.
    pub(crate) mappings: Arc<[Arc<Mapping>]>,
    /// How many objects were ever loaded.
    pub(crate) loads: u64,
    /// How many objects were ever unloaded.
    pub(crate) unloads: u64,
}

impl Objects {
    pub(crate) fn mapping_of(&self, address: u64) -> Option<&Arc<Mapping>> {
        self.mappings
            .iter()
            .find(|mapping| mapping.contains(address))
    }
}

pub(crate) fn loaded() -> Objects {
    imp::loaded()
}

/// As [`loaded`], without a question to the kernel: the program's own file has no name.
#[cfg(contend_whole)]
pub(crate) fn loaded_by_loader() -> Objects {
    imp::loaded_by_loader()
}

/// The build id among the notes of an ELF object: the description of the note that the linker
/// names `GNU` and types 3. A note is three words (the lengths of name and description, the
/// type), then both of these, each padded to four bytes.
pub(crate) fn build_id(mut notes: &[u8]) -> Option<&[u8]> {
    const NT_GNU_BUILD_ID: u32 = 3;
    loop {
        let (header, rest) = notes.split_first_chunk::<12>()?;
        let (name_len, rest_of_header) = header.split_first_chunk::<4>()?;
        let (description_len, kind) = rest_of_header.split_first_chunk::<4>()?;
        let name_len = usize::try_from(u32::from_ne_bytes(*name_len)).ok()?;
        let description_len = usize::try_from(u32::from_ne_bytes(*description_len)).ok()?;
        let description_at = name_len.checked_next_multiple_of(4)?;
        let end = description_at.checked_add(description_len)?;
        let name = rest.get(..name_len)?;
        let description = rest.get(description_at..end)?;
        let is_build_id = kind == NT_GNU_BUILD_ID.to_ne_bytes().as_slice() && name == b"GNU\0";
        if is_build_id && !description.is_empty() {
            return Some(description);
        }
        notes = rest.get(end.checked_next_multiple_of(4)?..)?;
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, description: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [name.len() as u32, description.len() as u32, kind] {
            bytes.extend(word.to_ne_bytes());
        }
        for part in [name, description] {
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn finds_the_build_id_among_other_notes() {
        let mut notes = note(b"GNU\0", 1, &[1; 16]);
        notes.extend(note(b"Xen\0", 3, &[2; 7]));
        notes.extend(note(b"GNU\0", 3, &[0xab, 0x01]));
        assert_eq!(build_id(&notes).map(hex).as_deref(), Some("ab01"));
    }

    #[test]
    fn malformed_notes_have_no_build_id() {
        let whole = note(b"GNU\0", 3, &[7; 20]);
        for cut in 0..whole.len() {
            assert_eq!(build_id(&whole[..cut]), None, "cut after {cut} bytes");
        }
        assert_eq!(build_id(&[0xff; 64]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_test_is_in_the_first_mapping() {
        let objects = loaded();
        let here = this_test_is_in_the_first_mapping as fn() as usize as u64;
        let mapping = objects.mapping_of(here).expect("code is mapped");
        assert_eq!(Some(mapping), objects.mappings.first());
        let exe = std::env::current_exe().unwrap();
        assert_eq!(*mapping.file, *exe.to_string_lossy());
        assert!(objects.loads > 0);
        for mapping in &*objects.mappings {
            assert!(mapping.start < mapping.limit, "{mapping:?}");
            assert!(!mapping.file.is_empty(), "{mapping:?}");
        }
    }
}
