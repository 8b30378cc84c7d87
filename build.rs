//! Tells the crate what it is built by and for, and what the standard library already has.
//!
//! It asks one thing of the standard library: whether it has `RwLockWriteGuard::downgrade`, which is
//! stable from 1.92 on. The crate promises to build from 1.88 on.

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
