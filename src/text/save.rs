//! Files that appear whole or not at all.
//!
//! Whoever saves is a program that has other work, or that is about to exit, so nothing here waits
//! for another process without end: a pipe that nobody reads is an error, and a reader that stops
//! reading is given up. The same holds for terminals and other devices.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

mod link;
mod special;

/// How many names are tried for the temporary file. One is enough unless a process of the same
/// number (an earlier one, or one of another container) left a file behind.
const NAME_TRIES: usize = 100;

/// Lets `write` fill a file that then takes its place at `path`. Errors name the path.
///
/// Nothing is flushed to the disk: after a power failure a profile is of little use.
pub(crate) fn save(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    replace(path, write).map_err(|error| at(path, &error))
}

/// The error with the path that it is about.
pub(crate) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Says early whether [`save`] would fail, as far as can be known without writing. A pipe may get
/// its reader later.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match Target::of(path)? {
        Target::Special(_) => Ok(()),
        Target::File { path, .. } => Temporary::beside(&path).map(drop),
    }
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    match Target::of(path)? {
        Target::Special(path) => write(&mut special::open(&path)?),
        Target::File { path, permissions } => {
            let temporary = Temporary::beside(&path)?;
            if let Some(permissions) = permissions {
                temporary.file.set_permissions(permissions)?;
            }
            write(&mut &temporary.file)?;
            temporary.rename_to(&path)
        }
    }
}

/// Where a path leads.
#[derive(Debug)]
enum Target {
    /// A pipe or a device, which cannot be replaced.
    Special(PathBuf),
    /// The permissions are of the file that is there.
    File {
        path: PathBuf,
        permissions: Option<Permissions>,
    },
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        let path = link::follow(path)?;
        let permissions = match fs::metadata(&path) {
            Ok(existing) if existing.is_file() => Some(existing.permissions()),
            Ok(existing) => {
                special::check(&existing.file_type())?;
                return Ok(Self::Special(path));
            }
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
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let folder = target.parent().unwrap_or(target);
                    let what = format!("there is no folder {folder:?}");
                    return Err(io::Error::new(ErrorKind::NotFound, what));
                }
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
