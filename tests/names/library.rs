//! This crate as a library to build programs with.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSymbol, SymbolKind};

pub(super) struct Library {
    pub(super) file: PathBuf,
    /// Where those are that it depends on.
    pub(super) dependencies: PathBuf,
}

impl Library {
    /// The one that this test is linked with. Cargo does not say which of those in its folder it
    /// is; the linker keeps the names of the objects in it.
    pub(super) fn of_this_test() -> Self {
        // Or nothing of it would be linked.
        contend::reset();
        let test = std::env::current_exe().unwrap();
        let linked = fs::read(&test).unwrap();
        let linked = object::File::parse(&*linked).unwrap();
        let files = linked
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::File);
        let linked: HashSet<&str> = files.filter_map(|symbol| symbol.name().ok()).collect();
        let dependencies = test.parent().unwrap().to_owned();
        let libraries = fs::read_dir(&dependencies).unwrap();
        let mut libraries = libraries.map(|file| file.unwrap().path()).filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("libcontend-") && name.ends_with(".rlib") && has_one_of(path, &linked)
        });
        let file = libraries.next().expect("cargo leaves it there");
        assert_eq!(
            libraries.next(),
            None,
            "another one besides {}",
            file.display()
        );
        Self { file, dependencies }
    }

    /// Built with these flags, optimised a little, with all that link time optimisation needs.
    pub(super) fn built(name: &str, flags: &str) -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("names");
        let status = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["rustc", "--quiet", "--release", "-p", "contend", "--lib"])
            .args([
                "--no-default-features",
                "--features",
                "framehop",
                "--target-dir",
            ])
            .arg(&target)
            .args(["--", "-C", "opt-level=1"])
            .args(flags.split_whitespace())
            .env("RUSTFLAGS", "-C embed-bitcode=yes")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
            .status();
        assert!(status.unwrap().success(), "{flags}");
        // The next one takes its place.
        let file = target.join(name).join("libcontend.rlib");
        fs::create_dir_all(target.join(name)).unwrap();
        fs::rename(target.join("release/libcontend.rlib"), &file).unwrap();
        Self {
            file,
            dependencies: target.join("release/deps"),
        }
    }
}

/// Whether an archive has one of these objects.
fn has_one_of(archive: &Path, objects: &HashSet<&str>) -> bool {
    let archive = fs::read(archive).unwrap();
    members(&archive).iter().any(|member| {
        // `contend-1a2b.NAME.rcgu.o`, or `contend-1a2b.NAME.3c4d.rcgu.o` of an incremental build.
        let name = member.split_once('.').map_or("", |(_, name)| name);
        let name = name.strip_suffix(".rcgu.o").unwrap_or_default();
        objects.contains(name)
            || name
                .rsplit_once('.')
                .is_some_and(|(name, _)| objects.contains(name))
    })
}

/// The names in an archive, as GNU's `ar` makes it: those longer than 15 characters are in a list
/// at its beginning, ended by `/` and a new line each.
fn members(archive: &[u8]) -> Vec<String> {
    const MAGIC: usize = 8;
    const HEADER: usize = 60;
    let mut at = MAGIC;
    while let Some(header) = archive.get(at..at + HEADER) {
        let len: usize = str::from_utf8(&header[48..58])
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let body = &archive[at + HEADER..][..len];
        if header.starts_with(b"// ") {
            let names = String::from_utf8_lossy(body);
            return names.split("/\n").map(str::to_owned).collect();
        }
        at += HEADER + len + len % 2;
    }
    Vec::new()
}
