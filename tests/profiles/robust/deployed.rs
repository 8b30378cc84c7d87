//! The files of a program that runs are replaced, as a deploy does: it keeps its names, and never
//! has those of the new files.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::loaded_code::{Library, contend_in};
use crate::common::{at, in_child_by, profile_everything, release_when_asleep};
use contend::sync::Mutex;

static LOCK: Mutex<u64> = Mutex::new(0);

#[inline(never)]
fn site_in_the_program() {
    *LOCK.lock().unwrap() += 1;
}

/// This program under another name, which may be taken away.
fn linked(program: &Path, name: &str) -> PathBuf {
    let link =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_file(&link);
    fs::hard_link(program, &link).unwrap();
    link
}

/// A wait at a known place is in the profile with its function, file and line.
#[track_caller]
fn assert_named() {
    let held = LOCK.lock().unwrap();
    release_when_asleep(site_in_the_program, || drop(held));
    let profile = contend::block_profile();
    assert_eq!(
        at(&profile, "deployed::site_in_the_program").0,
        1,
        "{profile}"
    );
    let frames = profile.samples().iter().flat_map(|sample| sample.frames());
    let mut sites = frames.filter(|frame| frame.function().ends_with("::site_in_the_program"));
    let site = sites.next().unwrap();
    assert!(
        site.file()
            .is_some_and(|file| file.ends_with("deployed.rs")),
        "{site:?}"
    );
    assert!(site.line().is_some(), "{site:?}");
}

#[test]
fn a_program_that_was_deleted() {
    let start = |program: PathBuf| Command::new(linked(&program, "deleted"));
    in_child_by(
        "robust::deployed::a_program_that_was_deleted",
        start,
        || {
            let _profiling = profile_everything();
            fs::remove_file(std::env::current_exe().unwrap()).unwrap();
            assert_named();
        },
    );
}

/// By renaming over it: the running program's file has no name any more, another one has its.
#[test]
fn a_program_that_was_replaced() {
    let start = |program: PathBuf| Command::new(linked(&program, "replaced"));
    in_child_by(
        "robust::deployed::a_program_that_was_replaced",
        start,
        || {
            let _profiling = profile_everything();
            let program = std::env::current_exe().unwrap();
            let other = program.with_extension("new");
            fs::write(&other, "another build").unwrap();
            fs::rename(&other, &program).unwrap();
            assert_named();
            fs::remove_file(&program).unwrap();
        },
    );
}

/// Started by the loader, `/proc/self/exe` is the loader.
#[test]
fn a_program_that_the_loader_was_started_with() {
    let loader = Path::new("/lib64/ld-linux-x86-64.so.2");
    if !loader.exists() {
        eprintln!("not tested: there is no {}", loader.display());
        return;
    }
    let start = |program: PathBuf| {
        let mut command = Command::new(loader);
        command.arg(program);
        command
    };
    let name = "robust::deployed::a_program_that_the_loader_was_started_with";
    in_child_by(name, start, || {
        let _profiling = profile_everything();
        assert_named();
        let profile = contend::block_profile();
        let mut text = Vec::new();
        profile.write_text(&mut text).unwrap();
        assert!(!text.is_empty());
    });
}

fn library(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lib{name}.so"))
}

/// A library of another build stands at the path: with another function at the same place.
fn replace(path: &Path, name: &str) {
    let new = path.with_extension("new");
    Library::build(&new, name, 64);
    fs::rename(&new, path).unwrap();
}

/// Open since profiling was switched on.
#[test]
fn a_library_that_was_replaced_keeps_its_names() {
    let name = "robust::deployed::a_library_that_was_replaced_keeps_its_names";
    in_child_by(name, Command::new, || {
        let path = library("kept_plugin");
        Library::build(&path, "old_function", 64);
        let loaded = Library::open(&path, "old_function");
        let _profiling = profile_everything();
        replace(&path, "new_function");
        contend_in(&loaded);
        let profile = contend::block_profile();
        assert_eq!(at(&profile, "old_function").0, 1, "{profile}");
        assert_eq!(at(&profile, "new_function").0, 0, "{profile}");
    });
}

/// Loaded later, and replaced before the first profile: its file is gone, and no name is better
/// than a wrong one.
#[test]
fn a_library_that_was_replaced_never_has_the_new_names() {
    let name = "robust::deployed::a_library_that_was_replaced_never_has_the_new_names";
    in_child_by(name, Command::new, || {
        let path = library("lost_plugin");
        let _profiling = profile_everything();
        Library::build(&path, "old_function", 64);
        let loaded = Library::open(&path, "old_function");
        replace(&path, "new_function");
        contend_in(&loaded);
        let profile = contend::block_profile();
        assert_eq!(at(&profile, "new_function").0, 0, "{profile}");
        let nameless = at(&profile, "(liblost_plugin.so+0x");
        assert_eq!(nameless.0, 1, "{profile}");
        let table = profile.to_string();
        let why = table.lines().find(|line| line.contains("has no names"));
        let why = why.unwrap_or_else(|| panic!("{table}"));
        assert!(why.contains("/liblost_plugin.so has no names"), "{why}");
        assert!(why.contains("another build is at its path now"), "{why}");
    });
}

/// Profiling is turned on where no file of the program can be reached. Who is not root becomes it
/// in a user namespace.
#[test]
fn a_program_that_locked_itself_in_says_why_names_are_missing() {
    let name = "robust::deployed::a_program_that_locked_itself_in_says_why_names_are_missing";
    let as_root = |program| {
        // SAFETY: takes nothing and cannot fail.
        if unsafe { libc::geteuid() } == 0 {
            return Command::new(program);
        }
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user"]).arg(program);
        unshare
    };
    in_child_by(name, as_root, || {
        let cell = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cell");
        fs::create_dir_all(&cell).unwrap();
        std::os::unix::fs::chroot(&cell).expect("root, or a user namespace, may change its root");
        std::env::set_current_dir("/").unwrap();
        let _profiling = profile_everything();
        // Whether another thread sleeps only /proc would tell.
        contend::thread::sleep(Duration::from_millis(1));
        let profile = contend::block_profile();
        let table = profile.to_string();
        assert_eq!(profile.total_contentions(), 1, "{table}");
        let why = "code of the program has no names, on stacks with 100.0% of the delay: its file \
                   cannot be read (there is no /proc that tells where it lies); turn profiling on \
                   while it can";
        assert!(table.lines().any(|line| line == why), "{table}");
    });
}
