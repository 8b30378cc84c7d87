//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many names are tried for the temporary file. One is enough unless a process of the same
/// number (an earlier one, or one of another container) left a file behind.
const NAME_TRIES: usize = 100;

/// Lets `write` fill a file that then takes its place at `path`. Errors name the path.
///
/// Nothing is flushed to the disk: after a power failure a profile is of little use.
pub(crate) fn save(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    replace(path, write).map_err(|error| at(path, &error))
}

/// The error with the path that it is about.
pub(crate) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Says early whether [`save`] would fail, as far as can be known without writing.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match Target::of(path)? {
        // Not opened: that would wait for the reader of a pipe.
        Target::Special(path) if path.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Target::Special(_) => Ok(()),
        Target::File { path, .. } => Temporary::beside(&path).map(drop),
    }
}

fn replace(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    match Target::of(path)? {
        Target::Special(path) => write(&OpenOptions::new().write(true).open(path)?),
        Target::File { path, permissions } => {
            let temporary = Temporary::beside(&path)?;
            if let Some(permissions) = permissions {
                temporary.file.set_permissions(permissions)?;
            }
            write(&temporary.file)?;
            temporary.rename_to(&path)
        }
    }
}

/// Where a path leads.
enum Target {
    /// A pipe or a device, which cannot be replaced; or a directory, which is refused when it is opened.
    Special(PathBuf),
    /// The permissions are of the file that is there.
    File {
        path: PathBuf,
        permissions: Option<Permissions>,
    },
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        // A link is followed, so that it goes on linking.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let permissions = match fs::metadata(&path) {
            Ok(existing) if !existing.is_file() => return Ok(Self::Special(path)),
            Ok(existing) => Some(existing.permissions()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if permissions.as_ref().is_some_and(Permissions::readonly) {
            // Renaming would ask only the directory.
            return Err(ErrorKind::PermissionDenied.into());
        }
        Ok(Self::File { path, permissions })
    }
}

/// A file that is removed again unless it is renamed, also when writing panics.
struct Temporary {
    file: File,
    path: PathBuf,
    is_renamed: bool,
}

impl Temporary {
    /// In the folder of `target`, because a file cannot be renamed from disk to disk.
    fn beside(target: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = target.file_name() else {
            return Err(io::Error::new(ErrorKind::InvalidInput, "names no file"));
        };
        let mut tries = 0;
        loop {
            // Relaxed: only to be different.
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}.{count}.tmp", process::id()));
            let path = target.with_file_name(hidden);
            tries += 1;
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        path,
                        is_renamed: false,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < NAME_TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_renamed {
            // There is nobody to tell: the error that led here is on its way.
            let _ = fs::remove_file(&self.path);
        }
    }
}
