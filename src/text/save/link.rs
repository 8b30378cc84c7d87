//! Symbolic links at the end of a path.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

/// Where the path leads. A link goes on linking: the file is made or replaced at its end, which
/// need not exist.
///
/// # Errors
///
/// A link that somebody else put into a folder in which everybody may. Linux refuses to follow such
/// a link (`fs.protected_symlinks`), since it makes the one who follows write what its maker
/// cannot. Here the links are read one by one, so the kernel is not asked.
pub(super) fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let link = match fs::symlink_metadata(&path) {
            Ok(link) if link.is_symlink() => link,
            // Whoever uses it finds what else is wrong.
            _ => return Ok(path),
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !may_be_followed(&link, &fs::metadata(folder)?) {
            let what = "is somebody else's link in a folder that everybody may write to";
            return Err(io::Error::new(ErrorKind::PermissionDenied, what));
        }
        let next = folder.join(fs::read_link(&path)?);
        // The text of a link in `/proc`, such as the one behind `/dev/stdout`, is no path.
        if next.symlink_metadata().is_err() && path.exists() {
            return Ok(path);
        }
        path = next;
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(unix)]
fn may_be_followed(link: &Metadata, folder: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: asks for a number, and always succeeds.
    let me = unsafe { libc::geteuid() };
    is_trusted(link.uid(), (folder.mode(), folder.uid()), me)
}

#[cfg(not(unix))]
fn may_be_followed(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// The kernel's rule: within a folder like `/tmp` a link counts if it is the follower's or the
/// folder's owner's.
#[cfg(unix)]
fn is_trusted(link_owner: u32, (mode, folder_owner): (u32, u32), me: u32) -> bool {
    const STICKY_AND_FOR_ALL: u32 = 0o1002;
    let is_shared = mode & STICKY_AND_FOR_ALL == STICKY_AND_FOR_ALL;
    !is_shared || link_owner == me || link_owner == folder_owner
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn others_links_count_only_where_others_may_not_put_them() {
        for (owner, mode, folder_owner, expected) in [
            (1000, 0o41777, 0, false),
            (0, 0o41777, 0, true),
            (7, 0o41777, 0, true),
            (1000, 0o41777, 1000, true),
            (1000, 0o40755, 0, true),
            // Without the sticky bit whoever may write may replace the file as well.
            (1000, 0o40777, 0, true),
        ] {
            let is = is_trusted(owner, (mode, folder_owner), 7);
            assert_eq!(is, expected, "{owner} {mode:o} {folder_owner}");
        }
    }
}
