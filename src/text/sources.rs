//! Sources, found below the folders that the user named.
//!
//! A profile comes from anybody and names any file. So only what lies below these folders is looked
//! for, only regular files are opened, and no path takes long.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A longer file is no source.
const MAX_BYTES: u64 = 16 << 20;
/// The same of paths: systems open none that is longer.
const MAX_PATH: usize = 4096;
/// Each part of a path costs a look per folder.
const MAX_PARTS: usize = 64;
/// Bytes of the texts that are kept. Functions of one file come one after the other as a rule.
const MAX_KEPT: usize = 64 << 20;

/// The folders to look in, and the files that were found.
#[derive(Debug)]
pub(crate) struct Sources {
    /// As the user named them, and as they are.
    roots: Vec<(PathBuf, PathBuf)>,
    /// Why the working folder is none.
    refused: &'static str,
    kept: HashMap<String, Result<Arc<SourceFile>, String>>,
    kept_bytes: usize,
}

impl Sources {
    /// Below these folders; without any, below the working folder.
    pub(crate) fn below(folders: &[PathBuf]) -> Self {
        let is_given = !folders.is_empty();
        let mut sources = Self {
            roots: Vec::new(),
            refused: "",
            kept: HashMap::new(),
            kept_bytes: 0,
        };
        let working_folder = [PathBuf::from(".")];
        let folders = if is_given { folders } else { &working_folder };
        for folder in folders {
            match folder.canonicalize() {
                // Everything lies below it, such as what a process must not tell.
                Ok(root) if !is_given && root.parent().is_none() => {
                    sources.refused =
                        "the working folder is the root of all files; name the sources' folder";
                }
                Ok(root) => sources.roots.push((folder.clone(), root)),
                // Named in the line that says where they were looked for.
                Err(_) => sources.roots.push((folder.clone(), folder.clone())),
            }
        }
        sources
    }

    /// # Errors
    ///
    /// Why there is no source.
    pub(crate) fn find(&mut self, path: &str) -> Result<Arc<SourceFile>, String> {
        if let Some(found) = self.kept.get(path) {
            return found.clone();
        }
        let found = self.look_for(path).map(Arc::new);
        let size = path.len() + found.as_ref().map_or(0, |found| found.size());
        if self.kept_bytes + size > MAX_KEPT {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        self.kept_bytes += size;
        self.kept.insert(path.to_owned(), found.clone());
        found
    }

    fn look_for(&self, path: &str) -> Result<SourceFile, String> {
        let path = path.trim_start_matches("/proc/self/cwd/");
        let parts = parts(path)?;
        if self.roots.is_empty() {
            return Err(format!("{} by --source-path", self.refused));
        }
        let mut why_not = None;
        for (_, root) in &self.roots {
            for candidate in candidates(path, &parts, root) {
                match read_below(root, &candidate) {
                    Ok(Some(source)) => return Ok(source),
                    Ok(None) => {}
                    Err(what) => why_not = why_not.or(Some(what)),
                }
            }
        }
        Err(why_not.unwrap_or_else(|| self.not_found(path)))
    }

    fn not_found(&self, path: &str) -> String {
        let shown = |(folder, _): &(PathBuf, PathBuf)| folder.display().to_string();
        let folders: Vec<_> = self.roots.iter().map(shown).collect();
        format!(
            "looked for {path}, and for its end, below {}; --source-path names other folders",
            folders.join(", ")
        )
    }
}

/// # Errors
///
/// If it is too long for a path.
fn parts(path: &str) -> Result<Vec<&str>, String> {
    let is_part = |part: &&str| !matches!(*part, "" | "." | "..");
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(is_part)
        .take(MAX_PARTS + 1)
        .collect();
    if path.len() > MAX_PATH {
        return Err(format!("the file's name has {} bytes", path.len()));
    }
    if parts.len() > MAX_PARTS {
        return Err(format!("the file's name has more than {MAX_PARTS} parts"));
    }
    Ok(parts)
}

/// The path itself if it lies below the folder; then the folder with the whole path behind it, with
/// the path without its first part, and so on.
fn candidates(path: &str, parts: &[&str], root: &Path) -> impl Iterator<Item = PathBuf> {
    let is_below = Path::new(path).starts_with(root);
    let itself = is_below.then(|| PathBuf::from(path));
    let ends = (0..parts.len()).map(move |first| {
        let mut end = root.to_owned();
        end.extend(&parts[first..]);
        end
    });
    itself.into_iter().chain(ends)
}

/// `None`: there is no such file.
///
/// # Errors
///
/// Why the file that is there is not opened.
fn read_below(root: &Path, path: &Path) -> Result<Option<SourceFile>, String> {
    let Ok(real) = path.canonicalize() else {
        return Ok(None);
    };
    let refused = |what: &str| Err(format!("{}: {what}", path.display()));
    if !real.starts_with(root) {
        return refused("leads out of the folder; --source-path names others");
    }
    // Asked before it is opened, which does something to some devices, and afterwards.
    let is_file = |metadata: std::io::Result<std::fs::Metadata>| {
        metadata.ok().filter(|metadata| metadata.is_file())
    };
    if real.is_dir() {
        return Ok(None);
    }
    if is_file(real.metadata()).is_none() {
        return refused("is no regular file");
    }
    let file = match open(&real) {
        Ok(file) => file,
        Err(error) => return refused(&error.to_string()),
    };
    let Some(metadata) = is_file(file.metadata()) else {
        return refused("is no regular file");
    };
    if metadata.len() > MAX_BYTES {
        return refused("is too large for a source");
    }
    // Files of the kernel's, such as those in `/proc`, have no size. Reading some of them waits.
    let mut bytes = Vec::new();
    match file.take(metadata.len()).read_to_end(&mut bytes) {
        Ok(_) => Ok(Some(SourceFile::new(
            String::from_utf8_lossy(&bytes).into_owned(),
        ))),
        Err(error) => refused(&error.to_string()),
    }
}

/// Does not wait, should it have become a pipe.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[derive(Debug)]
pub(crate) struct SourceFile {
    text: String,
    /// Where each line begins, so that many functions of a long file take no longer than their
    /// lines.
    starts: Vec<u32>,
}

impl SourceFile {
    fn new(text: String) -> Self {
        let ends = text.bytes().zip(1_u32..).filter(|(byte, _)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(_, next)| next));
        let mut starts: Vec<u32> = starts.collect();
        if starts
            .last()
            .is_some_and(|last| *last as usize == text.len())
        {
            starts.pop();
        }
        Self { text, starts }
    }

    fn size(&self) -> usize {
        self.text.len() + size_of_val(&*self.starts)
    }

    /// Those of these lines that there are, with their numbers.
    pub(crate) fn lines(&self, numbers: RangeInclusive<i64>) -> impl Iterator<Item = (i64, &str)> {
        let (first, last) = numbers.into_inner();
        let count = self.starts.len() as i64;
        let numbers = first.max(1)..=last.min(count);
        numbers.map(|number| {
            let start = self.starts[number as usize - 1] as usize;
            let end = self.starts.get(number as usize);
            let end = end.map_or(self.text.len(), |end| *end as usize);
            let line = self.text[start..end].trim_end_matches('\n');
            (number, line.strip_suffix('\r').unwrap_or(line))
        })
    }
}

/// Without `.`, `..` and doubled slashes, as far as the text alone tells. Names of the standard
/// library's dependencies have them.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let root = if path.starts_with('/') { "/" } else { "" };
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            ("..", None) if !root.is_empty() => {}
            _ => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cleaned_by_its_text_alone() {
        let cases = [
            ("", ""),
            ("/a/b.rs", "/a/b.rs"),
            (
                "/library/std/src/../../backtrace/src/lib.rs",
                "/library/backtrace/src/lib.rs",
            ),
            ("src/./main.rs", "src/main.rs"),
            ("../a//b", "../a/b"),
            ("/../a", "/a"),
            ("a/../../b", "../b"),
        ];
        for (path, cleaned) in cases {
            assert_eq!(clean(path), cleaned);
        }
    }

    #[test]
    fn the_longest_end_of_a_path_is_tried_first() {
        let path = "/build/shop/src/a.rs";
        let shown = |root: &str| -> Vec<String> {
            let paths =
                candidates(path, &parts(path).unwrap(), Path::new(root)).collect::<Vec<_>>();
            paths
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        let ends = [
            "/x/build/shop/src/a.rs",
            "/x/shop/src/a.rs",
            "/x/src/a.rs",
            "/x/a.rs",
        ];
        assert_eq!(shown("/x"), ends);
        assert_eq!(shown("/build/shop")[0], path);
        assert_eq!(shown("/build/sh")[0], "/build/sh/build/shop/src/a.rs");
    }

    #[test]
    fn lines_are_those_of_the_text() {
        for text in ["", "a", "a\n", "a\r\nb", "\n\na\n\n", "é\nü\n"] {
            let file = SourceFile::new(text.to_owned());
            let expected: Vec<(i64, &str)> = (1..).zip(text.lines()).collect();
            assert_eq!(
                file.lines(i64::MIN..=i64::MAX).collect::<Vec<_>>(),
                expected,
                "{text:?}"
            );
            let second: Vec<_> = expected.into_iter().skip(1).take(1).collect();
            assert_eq!(file.lines(2..=2).collect::<Vec<_>>(), second, "{text:?}");
        }
    }

    #[test]
    fn only_regular_files_below_the_folder_are_read() {
        let folder = std::env::temp_dir().join(format!("contend-sources-{}", std::process::id()));
        let root = folder.join("root");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::write(root.join("src/a.rs"), "inside\n").unwrap();
        std::fs::write(folder.join("secret"), "outside\n").unwrap();
        let mut sources = Sources::below(std::slice::from_ref(&root));
        let mut find = |path: &str| match sources.find(path) {
            Ok(file) => Ok(file.text.clone()),
            Err(what) => Err(what),
        };
        let found = |text: &str| Ok(text.to_owned());
        assert_eq!(find("src/a.rs"), found("inside\n"));
        assert_eq!(find("/elsewhere/src/a.rs"), found("inside\n"));
        assert_eq!(
            find(root.join("src/a.rs").to_str().unwrap()),
            found("inside\n")
        );
        // A folder is no file, and `..` leads nowhere.
        for path in [
            "src",
            "../secret",
            "src/../../secret",
            folder.join("secret").to_str().unwrap(),
        ] {
            assert!(find(path).unwrap_err().starts_with("looked for "), "{path}");
        }
        let error = find(&"a/".repeat(2_000)).unwrap_err();
        assert_eq!(error, "the file's name has more than 64 parts");
        let error = find(&"a/".repeat(200_000)).unwrap_err();
        assert_eq!(error, "the file's name has 400000 bytes");
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink("../secret", root.join("link")).unwrap();
            symlink("/dev/zero", root.join("zero")).unwrap();
            let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
            for (path, what) in [
                ("link", "leads out of the folder"),
                ("zero", "leads out of the folder"),
                ("socket", "is no regular file"),
            ] {
                let error = find(path).unwrap_err();
                assert!(error.contains(what), "{error}");
            }
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// `/proc` has regular files whose reading waits, or tells secrets. All of them say that they
    /// are empty.
    #[cfg(target_os = "linux")]
    #[test]
    fn files_of_the_kernel_are_not_read() {
        let mut sources = Sources::below(&["/".into()]);
        for path in ["/proc/kmsg", "/proc/self/environ", "/proc/self/maps"] {
            // Without its rights the first is not opened at all.
            if let Ok(file) = sources.find(path) {
                assert_eq!(file.text, "");
            }
        }
    }
}
