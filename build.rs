//! Tells the crate what it is built by and for, and what the standard library already has.
//!
//! It asks one thing of the standard library: whether it has `RwLockWriteGuard::downgrade`, which
//! is stable from 1.92 on. The crate promises to build from 1.88 on.
//!
//! And it makes a shared library of the binary `contend-preload`, which is loaded into other
//! programs. `cargo install` brings binaries only, and glibc loads no program as a library.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(contend_rwlock_downgrade)");
    let version = rustc_version().unwrap_or_default();
    if minor_of(&version).is_some_and(|minor| minor >= 92) {
        println!("cargo::rustc-cfg=contend_rwlock_downgrade");
    }
    println!(
        "cargo::rustc-env=CONTEND_RUSTC_VERSION={}",
        version.trim_end()
    );
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=CONTEND_TARGET={target}");
    println!("cargo::rustc-check-cfg=cfg(contend_whole)");
    if can_profile_whole_programs() {
        println!("cargo::rustc-cfg=contend_whole");
        link_preload_object();
    }
}

/// Whether the parts are wanted, and the target is the one that they are written for.
fn can_profile_whole_programs() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let has_feature = |name: &str| env::var_os(format!("CARGO_FEATURE_{name}")).is_some();
    let target_features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let is_static = target_features.split(',').any(|name| name == "crt-static");
    has_feature("CLI")
        && has_feature("PROFILING")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_POINTER_WIDTH", "64")
        && !is_static
}

/// The C compiler that links leaves `-pie` out when it is told `-shared`. Each argument goes to the
/// linker by itself, since paths may have commas.
fn link_preload_object() {
    println!("cargo::rerun-if-changed=src/preload/exports.map");
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let for_linker = [
        format!("--version-script={folder}/src/preload/exports.map"),
        "-soname=libcontend_preload.so".to_owned(),
        // Where it begins when somebody runs it.
        "-e".to_owned(),
        "contend_explain".to_owned(),
    ];
    println!("cargo::rustc-link-arg-bin=contend-preload=-shared");
    for argument in for_linker {
        println!("cargo::rustc-link-arg-bin=contend-preload=-Xlinker");
        println!("cargo::rustc-link-arg-bin=contend-preload={argument}");
    }
}

/// The compiler's answer.
fn rustc_version() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?)
        .arg("--version")
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()
}

/// The `N` of `rustc 1.N.P`, or `None` when the compiler answers something else.
fn minor_of(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}
