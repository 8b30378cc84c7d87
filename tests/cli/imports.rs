//! `contend imports`: what it finds, and what it makes of a file.

use std::fs;

use super::{Folder, run};

/// The file after `--fix`, which leaves nothing to be found.
#[track_caller]
fn fixed(source: &str) -> String {
    let folder = Folder::new();
    let file = folder.file("src/lib.rs", source);
    run(["imports", "--fix", &file]).success();
    let fixed = fs::read_to_string(&file).unwrap();
    assert_eq!(
        run(["imports", "--check", &file]).success(),
        "everything is swapped\n"
    );
    run(["imports", "--fix", &file]).success();
    assert_eq!(fs::read_to_string(&file).unwrap(), fixed);
    fixed
}

#[track_caller]
fn assert_fixed(source: &str, expected: &str) {
    assert_eq!(fixed(source), expected, "{source}");
}

#[test]
fn each_is_named_with_its_place() {
    let folder = Folder::new();
    let file = folder.file(
        "src/lib.rs",
        "use std::sync::{Arc, Condvar, Mutex};\n\nfn f() {\n    std::thread::sleep(D);\n}\n",
    );
    folder.file(
        "src/other.rs",
        "use std::sync::Arc;\nuse once_cell::sync::Lazy;\n",
    );
    // None of these is looked at.
    let swap = "use std::sync::Mutex;\n";
    for other in [
        "Cargo.toml",
        "build.rs",
        "target/a.rs",
        ".git/a.rs",
        "src/a.txt",
    ] {
        folder.file(other, swap);
    }
    let root = folder.path("");
    let text = run(["imports", &root]).success();
    let other = folder.path("src/other.rs");
    let expected = format!(
        "\
{file}:1:5: std::sync::{{Condvar, Mutex}} -> contend::sync::{{Condvar, Mutex}}
{file}:4:5: std::thread::sleep -> contend::thread::sleep
{other}:2:5: once_cell::sync::Lazy -> contend::once_cell::sync::Lazy
3 imports and paths in 2 files not swapped (--fix swaps them)
`contend` needs the features once_cell
"
    );
    assert_eq!(text, expected);
    let check = run(["imports", "--check", &root]);
    assert_eq!(check.code, Some(1));
    assert_eq!(
        check.stderr,
        "contend: 3 imports and paths are not swapped; `contend imports --fix` swaps them\n"
    );
    // A script named by itself is meant.
    assert!(
        run(["imports", &folder.path("build.rs")])
            .success()
            .contains("std::sync::Mutex")
    );
}

#[test]
fn the_library_is_replaced_where_it_stands() {
    for (source, expected) in [
        ("use std::sync::Mutex;", "use contend::sync::Mutex;"),
        (
            "use ::std::sync::Mutex as M;",
            "use ::contend::sync::Mutex as M;",
        ),
        ("pub use std :: sync :: *;", "pub use contend::sync :: *;"),
        ("use std::{sync::Mutex};", "use contend::sync::Mutex;"),
        (
            "use {std::sync::Once, std::io};",
            "use {contend::sync::Once, std::io};",
        ),
        (
            "use parking_lot::{RwLock, OnceState};",
            "use contend::parking_lot::{RwLock, OnceState};",
        ),
        (
            "use crossbeam::channel as c;",
            "use contend::crossbeam_channel as c;",
        ),
        (
            "use tokio::{net, sync::Mutex};",
            "use contend::tokio::{net, sync::Mutex};",
        ),
        (
            "fn f(m: &std::sync::Mutex<u8>) {}",
            "fn f(m: &contend::sync::Mutex<u8>) {}",
        ),
        (
            "fn f() { g as ::std::thread::JoinHandle<()>; }",
            "fn f() { g as ::contend::thread::JoinHandle<()>; }",
        ),
        (
            "lazy! { static A: std::sync::Mutex<()> = x; }",
            "lazy! { static A: contend::sync::Mutex<()> = x; }",
        ),
        (
            "fn f() { crossbeam_channel::select! {} }",
            "fn f() { contend::crossbeam_channel::select! {} }",
        ),
        (
            "\u{feff}#!/bin/sh\nuse std::thread;",
            "\u{feff}#!/bin/sh\nuse contend::thread;",
        ),
        (
            "/// Größe\nuse std::sync::Barrier;",
            "/// Größe\nuse contend::sync::Barrier;",
        ),
    ] {
        assert_fixed(source, expected);
    }
}

#[test]
fn what_is_no_lock_stays() {
    for source in [
        "use std::sync::{Arc, atomic::AtomicU8, PoisonError};",
        "use std::thread::ThreadId; fn f() { std::thread::panicking(); std::sync::Arc::new(1); }",
        "use contend::sync::Mutex; use crate::std::sync::Mutex as M; use self::parking_lot::Mutex as P;",
        "fn f() { my::std::sync::Mutex::new(()); <T>::std::sync::Mutex; $crate::std::sync::Once; }",
        "// use std::sync::Mutex;\n/// use std::sync::Mutex;\nconst A: &str = \"std::sync::Mutex\";",
        "mod parking_lot {} use parking_lot::Mutex;",
        "use contend::parking_lot; static A: parking_lot::Mutex<()> = parking_lot::const_mutex(());",
        "fn f<'a, T>() -> impl Sized + use<'a, T> {}",
        "use std::sync::Mutex; // contend: keep",
        "// contend: keep, the log's writer wants it\nuse std::{io,\n  sync::Mutex};\n",
        "fn f() {\n    // contend: keep\n    std::thread::sleep(D);\n}",
        "use $path; use std::$name::Mutex;",
        "use once_cell::unsync::Lazy; use crossbeam_utils::CachePadded; use tokio::sync::TryLockError;",
    ] {
        assert_fixed(source, source);
    }
}

#[test]
fn groups_are_split() {
    assert_fixed(
        "\
#[cfg(unix)]
pub(crate) use std::{
    collections::HashMap, // by name
    // the locks
    sync::{
        Arc,
        Mutex, // of all
    }, // swapped
    thread,
};
",
        "\
// the locks
// swapped
#[cfg(unix)]
pub(crate) use contend::sync::{
    Arc,
    Mutex, // of all
};
#[cfg(unix)]
pub(crate) use contend::thread;
#[cfg(unix)]
pub(crate) use std::{
    collections::HashMap, // by name
};
",
    );
    assert_fixed(
        "mod m {\n    use std::{io, sync::mpsc::{self, RecvError}, fmt};\n}\n",
        "mod m {\n    use contend::sync::mpsc::{self, RecvError};\n    use std::{io, fmt};\n}\n",
    );
    assert_fixed(
        "use crossbeam::{channel::bounded, sync::WaitGroup};\r\nfn f() {}\r\n",
        "use contend::crossbeam_channel::bounded;\r\nuse contend::crossbeam_utils::sync::WaitGroup;\r\nfn f() {}\r\n",
    );
    assert_fixed(
        "use std::{sync::Once, io::{self, Read}};",
        "use contend::sync::Once;\nuse std::io::{self, Read};",
    );
}

#[test]
fn a_file_that_is_no_rust_is_named_and_the_others_are_swapped() {
    let folder = Folder::new();
    let broken = folder.file("a.rs", "fn f() {\n  (\n}\nuse std::sync::Mutex;");
    let fine = folder.file("b.rs", "use std::sync::Mutex;");
    let output = run(["imports", "--fix", &folder.path("")]);
    assert_eq!(output.code, Some(1));
    let message = format!("contend: {broken}: not Rust in line ");
    assert!(output.stderr.starts_with(&message), "{}", output.stderr);
    assert_eq!(
        fs::read_to_string(fine).unwrap(),
        "use contend::sync::Mutex;"
    );
    let deep = folder.file("c.rs", "(".repeat(100_000) + &")".repeat(100_000));
    let error = run(["imports", &deep]).error();
    assert_eq!(error, format!("{deep}: its brackets are nested too deeply"));
    folder.file("d.rs", b"\xff");
    assert!(
        run(["imports", &folder.path("d.rs")])
            .error()
            .ends_with("not UTF-8")
    );
    assert!(
        run(["imports", &folder.path("nowhere")])
            .error()
            .contains("nowhere")
    );
}

#[test]
fn the_edition_of_2015_is_told_what_it_needs() {
    let folder = Folder::new();
    let file = folder.file("src/lib.rs", "use std::sync::Mutex;");
    let manifest = "[package]\nname = \"old\"\nversion = \"1.0.0\"\n";
    folder.file("Cargo.toml", manifest);
    let text = run(["imports", "--fix", &file]).success();
    let needs = "the root of the crate needs `extern crate contend;`: its edition is 2015\n";
    assert!(text.ends_with(needs), "{text}");
    let manifest = format!("{manifest}edition = \"2021\"\n");
    folder.file("Cargo.toml", manifest);
    let file = folder.file("src/lib.rs", "use std::sync::Mutex;");
    assert!(
        !run(["imports", "--fix", &file])
            .success()
            .contains("extern")
    );
}

#[test]
fn the_version_of_parking_lot_says_which_skin_it_is() {
    let folder = Folder::new();
    let source = "use parking_lot::{Mutex, OnceState};\nstatic A: parking_lot::Once = B;\n";
    for (manifest, skin) in [
        ("[dependencies]\nparking_lot = \"0.12.4\"\n", "parking_lot"),
        (
            "[dependencies]\nparking_lot = \"0.13\"\n",
            "parking_lot_0_13",
        ),
        (
            "[dependencies.parking_lot]\nversion = \"0.13.0\"\n",
            "parking_lot_0_13",
        ),
        ("[dependencies]\n", "parking_lot"),
    ] {
        let file = folder.file("src/lib.rs", source);
        folder.file(
            "Cargo.toml",
            format!("[package]\nedition = \"2021\"\n{manifest}"),
        );
        let text = run(["imports", "--fix", &file]).success();
        let needs = format!("`contend` needs the features {skin}\n");
        assert!(text.ends_with(&needs), "{text}");
        let expected = source.replace("parking_lot", &format!("contend::{skin}"));
        assert_eq!(fs::read_to_string(&file).unwrap(), expected, "{manifest}");
    }
    // A member of a workspace may take its version from there.
    let file = folder.file("member/src/lib.rs", source);
    folder.file(
        "member/Cargo.toml",
        "[package]\nedition = \"2021\"\n[dependencies]\nparking_lot.workspace = true\n",
    );
    folder.file(
        "Cargo.toml",
        "[workspace.dependencies]\nparking_lot = { version = \"0.13\" }\n",
    );
    let text = run(["imports", &file]).success();
    assert!(text.contains("contend::parking_lot_0_13::Mutex"), "{text}");
}
