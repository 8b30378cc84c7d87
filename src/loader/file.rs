//! The file that an object was mapped from, and its bytes.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use memmap2::Mmap;

use super::maps;
use crate::profile::Mapping;

/// Opens the file that is mapped: at its path, or, if that was deleted or replaced, the program's
/// own.
pub(crate) fn open_mapped(mapping: &Mapping) -> Option<File> {
    // The kernel's own object has no file, and its name is no path.
    if !mapping.file.contains('/') {
        return None;
    }
    let paths = [&*mapping.file, "/proc/self/exe"];
    // Whether it is the program's own file only a build id can tell.
    let paths = paths
        .iter()
        .take(if mapping.build_id.is_empty() { 1 } else { 2 });
    let mut files = paths.filter_map(|path| open_regular(path).ok());
    files.find(|file| is_build(file, mapping))
}

/// The loader maps regular files alone. The list of another program's objects may name anything, as
/// a FIFO that nobody writes to.
fn open_regular(path: impl AsRef<Path>) -> io::Result<File> {
    let mut options = File::options();
    options
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// Why the file that is mapped cannot be read, for one that [`open_mapped`] does not find. `None`:
/// nobody expects a file there.
pub(crate) fn why_not_open(mapping: &Mapping) -> Option<String> {
    if mapping.file.is_empty() {
        return Some("there is no /proc that tells where it lies".to_owned());
    }
    // The kernel's own object.
    if !mapping.file.contains('/') {
        return None;
    }
    Some(match open_regular(&*mapping.file) {
        Ok(_) => "another build is at its path now".to_owned(),
        Err(error) => error.to_string(),
    })
}

/// Without a build id there is no telling; then it is believed.
pub(crate) fn is_build(file: &File, mapping: &Mapping) -> bool {
    mapping.build_id.is_empty() || maps::build_id_of(file).as_deref() == Some(&*mapping.build_id)
}

/// The most that is read of a file at once.
const MAX_READ: u64 = 1 << 30;

/// The bytes of a file that may be written to meanwhile, as compilers write their object files. It
/// is not mapped: if it became shorter, the process would end where it reads what is gone.
pub(crate) fn read_whole(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    let file = open_regular(path).ok()?;
    let len = file.metadata().ok()?.len();
    let mut bytes = Vec::new();
    if len > MAX_READ || bytes.try_reserve_exact(len as usize).is_err() {
        return None;
    }
    file.take(len).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A file's bytes.
pub(crate) struct Mapped(Mmap);

impl Mapped {
    pub(crate) fn new(file: &File) -> Option<Self> {
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        // SAFETY: the bytes must not change while they are borrowed. Programs, libraries and the
        // debug information that distributions split off are replaced, not written to: a program
        // that lost bytes of its own file would not run on. (Others are read: `read_whole`.) What
        // is read is trusted in nothing: whatever does not fit is treated as absent.
        let map = unsafe { Mmap::map(file) };
        map.ok().map(Self)
    }

    pub(crate) fn at(path: impl AsRef<Path>) -> Option<Self> {
        Self::new(&open_regular(path).ok()?)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_stays_when_the_file_becomes_shorter() {
        let name = format!("contend-read-whole-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, vec![7; 1 << 20]).unwrap();
        let bytes = read_whole(&path).unwrap();
        File::create(&path).unwrap();
        assert_eq!(
            bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            7 << 20
        );
        assert_eq!(read_whole(&path), Some(Vec::new()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read_whole(&path), None);
        assert_eq!(read_whole("/dev/zero"), None);
    }
}
