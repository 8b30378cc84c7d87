//! Tells the crate what the compiler's standard library already has.
//!
//! One question only: `RwLockWriteGuard::downgrade` is stable from 1.92 on, and
//! the crate promises to build from 1.88 on.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/build_script.rs");
    println!("cargo::rustc-check-cfg=cfg(contend_rwlock_downgrade)");
    if rustc_minor().is_some_and(|minor| minor >= 92) {
        println!("cargo::rustc-cfg=contend_rwlock_downgrade");
    }
}

/// The `N` of `rustc 1.N.P`, or `None` when the compiler answers something else.
fn rustc_minor() -> Option<u32> {
    let output = Command::new(env::var_os("RUSTC")?)
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}
