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

/// The manifests that a file may be under, its package's first, the workspace's later.
fn manifests(file: &Path) -> impl Iterator<Item = String> {
    let file = file.canonicalize().unwrap_or_default();
    let folders: Vec<PathBuf> = file.ancestors().map(Path::to_owned).collect();
    let manifests = folders.into_iter().map(|folder| folder.join("Cargo.toml"));
    manifests.filter_map(|manifest| read(&manifest).ok())
}

/// Whether the file's package is of the 2015 edition: its manifest names none.
pub(super) fn is_of_2015(file: &Path) -> bool {
    manifests(file).next().is_some_and(|manifest| {
        let mut lines = manifest.lines().map(str::trim_start);
        let is_package = lines.clone().any(|line| line.starts_with("[package]"));
        is_package && !lines.any(|line| line.starts_with("edition"))
    })
}

/// Major and minor version, such as `0.13`, of the dependency that the file's package or workspace
/// has under this name. None: it has none.
pub(super) fn version_of(file: &Path, dependency: &str) -> Option<String> {
    let requirement = manifests(file).find_map(|manifest| requirement(&manifest, dependency))?;
    let version = requirement.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = |c: char| !c.is_ascii_digit();
    let mut parts = version.split(end).filter(|part| !part.is_empty());
    Some(format!("{}.{}", parts.next()?, parts.next()?))
}

/// The requirement that the manifest has for it: `a = "1.2"`, `a = { version = "1.2" }`,
/// `a.version = "1.2"`, or `version = "1.2"` below `[dependencies.a]`.
fn requirement(manifest: &str, dependency: &str) -> Option<String> {
    let (mut in_list, mut in_own) = (false, false);
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.split(']').next().unwrap_or_default();
            in_list = table.ends_with("dependencies");
            in_own = table
                .rsplit_once('.')
                .is_some_and(|(list, name)| list.ends_with("dependencies") && name == dependency);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        let is_version = in_own && key == "version"
            || in_list && key.strip_prefix(dependency) == Some(".version");
        let text = match value.strip_prefix('{') {
            _ if is_version => value,
            Some(fields) if in_list && key == dependency => {
                let Some((_, version)) = fields.split_once("version") else {
                    continue;
                };
                version
            }
            None if in_list && key == dependency => value,
            _ => continue,
        };
        if let Some(requirement) = text.split('"').nth(1) {
            return Some(requirement.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::requirement;

    #[test]
    fn requirements_are_found_in_each_form() {
        for manifest in [
            "[dependencies]\nparking_lot = \"0.13\"",
            "[dependencies]\nparking_lot_core = \"1\"\nparking_lot = { version = \"0.13\" }",
            "[dev-dependencies]\nparking_lot = { features = [\"a\"], version = \"0.13\" } # v",
            "[workspace.dependencies]\nparking_lot.version = \"0.13\"",
            "[dependencies.log]\nversion = \"1\"\n[dependencies.parking_lot]\nversion = \"0.13\"",
            "[target.'cfg(unix)'.dependencies]\nparking_lot=\"0.13\"",
        ] {
            let found = requirement(manifest, "parking_lot");
            assert_eq!(found.as_deref(), Some("0.13"), "{manifest}");
        }
        for manifest in [
            "parking_lot = \"0.13\"",
            "[features]\nparking_lot = [\"dep:parking_lot\"]",
            "[dependencies]\nparking_lot = { workspace = true }",
            "[dependencies]\nparking_lot.workspace = true\nlog = \"0.13\"",
            "[dependencies.parking_lot_core]\nversion = \"0.13\"",
            "[dependencies]\nparking_lot",
        ] {
            assert_eq!(requirement(manifest, "parking_lot"), None, "{manifest}");
        }
    }
}
