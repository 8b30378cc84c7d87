//! Programs that cannot be profiled from outside are not started, and the sentence says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::{compiled, contend, folder};

#[track_caller]
fn assert_refused(program: &Path, words: &[&str]) {
    let output = contend(["run", "--"]).arg(program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "it has run");
    assert!(said.contains(&*program.to_string_lossy()), "{said}");
    for word in words {
        assert!(said.contains(word), "{word} is not in {said}");
    }
}

#[test]
fn a_static_program() {
    if let Some(program) = compiled("endings.c", &["-static"]) {
        assert_refused(&program, &["linked statically", "link it dynamically"]);
        // Also behind a script.
        let script = folder().join("script");
        fs::write(&script, format!("#!{}\n", program.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let output = contend(["run", "--"]).arg(&script).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("linked statically"));
    }
}

#[test]
fn a_program_for_musl() {
    let loader = "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1";
    if let Some(program) = compiled("endings.c", &[loader]) {
        assert_refused(&program, &["musl", "`-gnu` target"]);
    }
}

#[test]
fn a_program_with_a_sanitizer() {
    if let Some(program) = compiled("endings.c", &["-DNONE", "-Wl,--defsym=__tsan_init=main"]) {
        assert_refused(&program, &["sanitizer", "build it without"]);
    }
}

#[test]
fn a_setuid_program() {
    let Some(program) = compiled("endings.c", &["-DSETUID"]) else {
        return;
    };
    // Somebody else's, which root alone can make.
    let is_given = Command::new("chown").arg("65534").arg(&program).status();
    if !is_given.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED, NOT TESTED: only root can give a program away");
        return;
    }
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    assert_refused(&program, &["setuid", "as the user that it becomes"]);
}

#[test]
fn an_object_that_is_missing() {
    let alone = folder().join("alone");
    fs::create_dir_all(&alone).unwrap();
    let command = alone.join("contend");
    fs::copy(env!("CARGO_BIN_EXE_contend"), &command).unwrap();
    let output = Command::new(command)
        .args(["run", "--", "true"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("not there") && said.contains("cargo install"),
        "{said}"
    );
}

#[test]
fn a_program_that_is_not_there() {
    let output = contend(["run", "--", "no-such-program"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("no-such-program"), "{said}");
}

#[test]
fn the_object_explains_itself() {
    let output = Command::new(env!("CARGO_BIN_EXE_contend-preload"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("contend run"));
}

#[test]
fn a_path_that_the_loader_would_split_is_gone_around() {
    let folder = folder().join("with space: and colon");
    fs::create_dir_all(&folder).unwrap();
    for name in ["contend", "contend-preload"] {
        let of_cargo = Path::new(env!("CARGO_BIN_EXE_contend")).with_file_name(name);
        fs::copy(of_cargo, folder.join(name)).unwrap();
    }
    let mut command = Command::new(folder.join("contend"));
    let output = command
        .args(["run", "--", "sleep", "0.01"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("waiting for work"),
        "{said}"
    );
}
