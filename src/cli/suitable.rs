//! Whether a program can be profiled from outside, and what to do where it cannot.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use regex::bytes::Regex;

use super::error::{Error, Result};
use crate::text::say::say;

/// Says why not. A program that is not found is left to the system to complain about.
///
/// `children`: the programs that it starts are recorded, too.
pub(super) fn check(program: &OsStr, children: bool) -> Result<()> {
    let Some(path) = find(program) else {
        return Ok(());
    };
    check_file(&path, children, 0)
}

/// As the system looks for it.
fn find(program: &OsStr) -> Option<PathBuf> {
    if program.as_encoded_bytes().contains(&b'/') {
        return Some(Path::new(program).to_owned());
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Programs that people name where they mean another one.
const SHELLS: [&str; 12] = [
    "sh", "bash", "dash", "zsh", "fish", "ksh", "env", "timeout", "nice", "sudo", "xargs", "make",
];

/// Interpreters of interpreters that are followed; the kernel follows four.
const MAX_DEPTH: u32 = 4;

fn check_file(path: &Path, children: bool, depth: u32) -> Result<()> {
    let (Ok(metadata), Some((file, head))) = (fs::metadata(path), open(path)) else {
        return Ok(());
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !children && SHELLS.contains(&&*name) {
        say(format_args!(
            "{} starts other programs: what is recorded is its own waiting, not theirs; name \
             the program itself, or say --children",
            path.display()
        ));
    }
    if let Some(interpreter) = interpreter_of_script(&head) {
        return match find(&interpreter) {
            Some(interpreter) if depth < MAX_DEPTH => check_file(&interpreter, children, depth + 1),
            _ => Ok(()),
        };
    }
    let why = Elf(&head)
        .why_not()
        .or_else(|| why_not_privileged(path, &metadata));
    let found = why.or_else(|| what_is_in(file, path));
    found.map_or(Ok(()), |why| Err(Error::about(path.display(), why)))
}

/// The file, and its beginning, where linkers put the headers and the loader's path.
fn open(path: &Path) -> Option<(File, Vec<u8>)> {
    const HEAD_BYTES: u64 = 64 << 10;
    let mut head = Vec::new();
    let mut file = File::open(path).ok()?;
    (&mut file).take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    file.rewind().ok()?;
    Some((file, head))
}

/// `#!/usr/bin/env -S python3 -u` gives python3.
fn interpreter_of_script(bytes: &[u8]) -> Option<OsString> {
    let line = bytes
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let first = words.next()?;
    let is_env = first.rsplit(|byte| *byte == b'/').next() == Some(b"env");
    let named = match is_env {
        true => words.find(|word| !word.starts_with(b"-") && !word.contains(&b'=')),
        false => Some(first),
    };
    named.map(|name| OsString::from_vec(name.to_vec()))
}

/// A program's file, of which only headers are looked at.
struct Elf<'a>(&'a [u8]);

impl<'a> Elf<'a> {
    /// `None`: nothing speaks against it, or it is no such file and the system will say so.
    fn why_not(&self) -> Option<String> {
        const X86_64: u16 = 62;
        if !self.0.starts_with(b"\x7fELF") {
            return None;
        }
        let is_64_bit = self.0.get(4) == Some(&2);
        if !is_64_bit || u16::from_le_bytes(self.at(18)?) != X86_64 {
            return Some(
                "it is for another processor than this contend; build contend for that one"
                    .to_owned(),
            );
        }
        match self.loader() {
            None => Some(format!(
                "it is linked statically, so nothing can be loaded into it; link it dynamically, or {SWAP}"
            )),
            Some(loader) if contains(loader, b"musl") => Some(format!(
                "it is made for musl, and contend's object for glibc; build it for a `-gnu` target, or {SWAP}"
            )),
            Some(_) => None,
        }
    }

    /// The path in the header of type 3, `PT_INTERP`.
    fn loader(&self) -> Option<&'a [u8]> {
        const INTERPRETER: u32 = 3;
        let first = usize::try_from(u64::from_le_bytes(self.at(0x20)?)).ok()?;
        let len = usize::from(u16::from_le_bytes(self.at(0x36)?));
        let count = usize::from(u16::from_le_bytes(self.at(0x38)?));
        (0..count).find_map(|number| {
            let header = first.checked_add(number * len)?;
            if u32::from_le_bytes(self.at(header)?) != INTERPRETER {
                return None;
            }
            let start =
                usize::try_from(u64::from_le_bytes(self.at(header.checked_add(8)?)?)).ok()?;
            let size =
                usize::try_from(u64::from_le_bytes(self.at(header.checked_add(32)?)?)).ok()?;
            self.0.get(start..start.checked_add(size)?)
        })
    }

    fn at<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }
}

const SWAP: &str = "put `contend::` before the paths of its locks";

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The loader takes no orders from the environment for a program that gets rights which its user
/// has not.
fn why_not_privileged(path: &Path, metadata: &Metadata) -> Option<String> {
    const SET_USER: u32 = 0o4000;
    const SET_GROUP: u32 = 0o2000;
    let user = rustix::process::getuid().as_raw();
    let group = rustix::process::getgid().as_raw();
    let gets_user = metadata.mode() & SET_USER != 0 && metadata.uid() != user;
    let gets_group = metadata.mode() & SET_GROUP != 0 && metadata.gid() != group;
    if gets_user || gets_group {
        return Some(format!(
            "it is setuid or setgid, and then nothing is loaded into it; run it as the user that it becomes, \
             or a copy without that bit (`cp {} .`)",
            path.display()
        ));
    }
    let mut value = [0_u8; 64];
    let has_capabilities = rustix::fs::getxattr(path, "security.capability", &mut value).is_ok();
    (has_capabilities && user != 0).then(|| {
        format!(
            "it has file capabilities, and then nothing is loaded into it; run a copy without them \
             (`cp {} .`), or run it as root",
            path.display()
        )
    })
}

/// Symbols of a sanitizer, whole as they stand in the table of names, or parts of this crate's.
const IN_SYMBOLS: &str = r"(?-u)(\x00__[atm]san_init\x00)|7contend6engine";

/// The part of the program's build that rules it out.
fn what_is_in(file: File, path: &Path) -> Option<String> {
    let expression = Regex::new(IN_SYMBOLS).expect("it is right");
    let mut has_contend = false;
    let has_sanitizer = pieces(file).any(|piece| {
        expression.captures_iter(&piece).any(|found| {
            has_contend |= found.get(1).is_none();
            found.get(1).is_some()
        })
    });
    if has_sanitizer {
        return Some(
            "it is built with a sanitizer, which stands before the same functions; build it without"
                .to_owned(),
        );
    }
    if has_contend {
        say(format_args!(
            "{} has contend in it; what its wrappers record is in its own profiles, and their waits are \
             here, too",
            path.display()
        ));
    }
    None
}

/// A file piece by piece, each with the end of the one before: programs can be larger than memory.
fn pieces(mut file: File) -> impl Iterator<Item = Vec<u8>> {
    const PIECE_BYTES: u64 = 1 << 20;
    const KEPT_BYTES: usize = 64;
    let mut kept = Vec::new();
    std::iter::from_fn(move || {
        let mut piece = std::mem::take(&mut kept);
        let read = (&mut file).take(PIECE_BYTES).read_to_end(&mut piece).ok()?;
        kept = piece[piece.len().saturating_sub(KEPT_BYTES)..].to_vec();
        (read > 0).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_found() {
        let cases: [(&[u8], Option<&str>); 5] = [
            (b"#!/bin/sh\nexit", Some("/bin/sh")),
            (b"#! /usr/bin/env python3\n", Some("python3")),
            (b"#!/usr/bin/env -S A=1 perl -w\n", Some("perl")),
            (b"#!\n", None),
            (b"\x7fELF", None),
        ];
        for (script, interpreter) in cases {
            let found = interpreter_of_script(script);
            assert_eq!(found.as_deref(), interpreter.map(OsStr::new));
        }
    }

    #[test]
    fn headers_that_lie_are_no_reason() {
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(64, 0xff);
        bytes[18..20].copy_from_slice(&62_u16.to_le_bytes());
        assert!(
            Elf(&bytes)
                .why_not()
                .is_some_and(|why| why.contains("statically"))
        );
        assert_eq!(Elf(b"#!/bin/sh").why_not(), None);
        assert_eq!(Elf(b"\x7fELF").why_not().map(|_| ()), Some(()));
    }
}
