//! Sources, found where they were compiled or elsewhere.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// What is longer is no source.
const MAX_BYTES: u64 = 16 << 20;

pub(super) struct SourceFile {
    text: String,
}

impl SourceFile {
    /// # Errors
    ///
    /// Which files were looked for.
    pub(super) fn find(path: &str, folders: &[PathBuf]) -> Result<Self, String> {
        let path = path.trim_start_matches("/proc/self/cwd/");
        let candidates = candidates(path, folders);
        let read = candidates.iter().find_map(|it| Self::read(it).ok());
        read.ok_or_else(|| {
            let folders: Vec<_> = folders.iter().map(|it| it.display().to_string()).collect();
            format!(
                "looked for {path}, and for its end in {}",
                folders.join(", ")
            )
        })
    }

    fn read(path: &Path) -> std::io::Result<Self> {
        // A profile may name a pipe, which would be waited for.
        if !path.metadata()?.is_file() {
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(Self {
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    /// Those of these lines that there are, with their numbers.
    pub(super) fn lines(&self, numbers: RangeInclusive<i64>) -> impl Iterator<Item = (i64, &str)> {
        let lines = (1..).zip(self.text.lines());
        let (first, last) = numbers.into_inner();
        lines
            .skip_while(move |(number, _)| *number < first)
            .take_while(move |(number, _)| *number <= last)
    }
}

/// The path itself; then in each folder the whole path, then without its first part, and so on.
fn candidates(path: &str, folders: &[PathBuf]) -> Vec<PathBuf> {
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(|part| !part.is_empty())
        .collect();
    let ends = |folder: &PathBuf| {
        let folder = folder.clone();
        let parts = parts.clone();
        (0..parts.len()).map(move |first| {
            let mut path = folder.clone();
            path.extend(&parts[first..]);
            path
        })
    };
    std::iter::once(path.into())
        .chain(folders.iter().flat_map(ends))
        .collect()
}

/// Without `.`, `..` and doubled slashes, as far as the text alone tells. Names of the standard library's dependencies
/// have them.
pub(super) fn clean(path: &str) -> String {
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
        let paths = candidates("/build/shop/src/a.rs", &["x".into()]);
        let paths: Vec<_> = paths.iter().map(|it| it.display().to_string()).collect();
        assert_eq!(
            paths,
            [
                "/build/shop/src/a.rs",
                "x/build/shop/src/a.rs",
                "x/shop/src/a.rs",
                "x/src/a.rs",
                "x/a.rs"
            ]
        );
    }
}
