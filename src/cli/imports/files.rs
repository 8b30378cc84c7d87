//! The Rust files below a path.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::text::save::at;

/// A longer file is not written by people.
const MAX_BYTES: u64 = 16 << 20;

/// Calls `visit` with each, in the order of their names.
///
/// # Errors
///
/// Those of `visit`.
pub(super) fn below<E>(
    path: &Path,
    visit: &mut impl FnMut(io::Result<PathBuf>) -> Result<(), E>,
) -> Result<(), E> {
    if !path.is_dir() {
        return visit(match path.try_exists() {
            Ok(true) => Ok(path.to_owned()),
            Ok(false) => Err(at(path, &io::ErrorKind::NotFound.into())),
            Err(error) => Err(at(path, &error)),
        });
    }
    // Not by recursion: a folder may be as deep as it likes.
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        if !path.is_dir() {
            visit(Ok(path))?;
            continue;
        }
        match inside(&path) {
            // The last is taken first.
            Ok(entries) => left.extend(entries.into_iter().rev()),
            Err(error) => visit(Err(at(&path, &error)))?,
        }
    }
    Ok(())
}

/// The folders and Rust files in a folder.
fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        // A link may lead anywhere, or back.
        let kind = entry.file_type()?;
        let is_folder = kind.is_dir() && !name.starts_with('.') && name != "target";
        let is_rust = kind.is_file() && name.ends_with(".rs");
        // It is compiled without the package's dependencies.
        let is_script = name == "build.rs" && folder.join("Cargo.toml").exists();
        if is_folder || is_rust && !is_script {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

/// # Errors
///
/// Why it is no text, or none to read.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("longer than {} MB", MAX_BYTES >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// Whether the file's package is of the 2015 edition: its manifest names none.
pub(super) fn is_of_2015(file: &Path) -> bool {
    let file = file.canonicalize().unwrap_or_default();
    let mut manifests = file.ancestors().map(|folder| folder.join("Cargo.toml"));
    let manifest = manifests.find_map(|manifest| read(&manifest).ok());
    manifest.is_some_and(|manifest| {
        let mut lines = manifest.lines().map(str::trim_start);
        let is_package = lines.clone().any(|line| line.starts_with("[package]"));
        is_package && !lines.any(|line| line.starts_with("edition"))
    })
}
