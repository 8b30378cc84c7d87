//! Each release and each wait stands under the right function's name, however the program was
//! built. What a build cannot tell is said at [`Names`], and in the documentation of the crate.
#![cfg(all(
    feature = "profiling",
    feature = "framehop",
    target_os = "linux",
    target_env = "gnu",
    target_arch = "x86_64"
))]

mod library;
mod program;

use std::sync::Mutex;

use library::Library;
use program::Program;

/// The names that a build leaves to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// All, with `debug = 1` or more.
    All,
    /// Line tables have only the last part of the name of a function that was inlined:
    /// `{closure#0}`.
    LineTables,
    /// Those of functions that were not inlined; but the closure of a thread is found in the name
    /// of the function that calls it.
    Symbols,
    /// As before. Rust's older names of functions have no types in them, so a closure that was
    /// inlined has no name.
    OldSymbols,
    /// None: stripped. The addresses are those of the file, for who has the names elsewhere.
    Addresses,
}

/// A way to build a program.
struct Build {
    names: Names,
    flags: &'static str,
}

const fn build(names: Names, flags: &'static str) -> Build {
    Build { names, flags }
}

/// With this crate's names mangled in the older way, which is the default, and `debug = "limited"`.
const OLD_MANGLING: &[Build] = &[
    build(Names::All, "-C opt-level=0 -C debuginfo=2"),
    build(
        Names::All,
        "-C opt-level=1 -C debuginfo=1 -C codegen-units=1",
    ),
    build(Names::All, "-C opt-level=2 -C debuginfo=2 -C panic=abort"),
    build(Names::All, "-C opt-level=z -C debuginfo=limited"),
    build(
        Names::LineTables,
        "-C opt-level=3 -C debuginfo=line-tables-only",
    ),
    build(Names::OldSymbols, "-C opt-level=3 -C strip=debuginfo"),
    build(
        Names::OldSymbols,
        "-C opt-level=s -C strip=debuginfo -C panic=abort",
    ),
    build(Names::Addresses, "-C opt-level=3 -C strip=symbols"),
    build(
        Names::All,
        "-C opt-level=3 -C debuginfo=2 -C split-debuginfo=packed",
    ),
    build(
        Names::All,
        "-C opt-level=2 -C debuginfo=2 -C link-arg=-Wl,--compress-debug-sections=zlib",
    ),
    build(Names::All, "-C opt-level=3 -C debuginfo=2 -C lto=thin"),
    build(
        Names::OldSymbols,
        "-C opt-level=3 -C strip=debuginfo -C lto=fat -C codegen-units=1 -C panic=abort",
    ),
    build(
        Names::All,
        "-C opt-level=3 -C debuginfo=2 -C link-arg=-Wl,--no-eh-frame-hdr",
    ),
];

/// With this crate's names mangled in the newer way, and `debug = "line-tables-only"`.
const NEW_MANGLING: &[Build] = &[
    build(Names::Symbols, "-C opt-level=0 -C strip=debuginfo"),
    build(Names::Symbols, "-C opt-level=1 -C strip=debuginfo"),
    build(
        Names::Symbols,
        "-C opt-level=3 -C strip=debuginfo -C codegen-units=1",
    ),
    build(Names::Symbols, "-C opt-level=z -C strip=debuginfo"),
    build(
        Names::LineTables,
        "-C opt-level=0 -C debuginfo=line-tables-only",
    ),
    build(
        Names::LineTables,
        "-C opt-level=2 -C debuginfo=line-tables-only -C panic=abort",
    ),
    build(
        Names::LineTables,
        "-C opt-level=s -C debuginfo=line-tables-only -C split-debuginfo=unpacked",
    ),
    build(
        Names::All,
        "-C opt-level=3 -C debuginfo=2 -C split-debuginfo=unpacked",
    ),
    build(
        Names::All,
        "-C opt-level=3 -C debuginfo=2 -C link-arg=-Wl,--compress-debug-sections=zstd",
    ),
    build(
        Names::LineTables,
        "-C opt-level=3 -C debuginfo=line-tables-only -C lto=thin",
    ),
    build(
        Names::Symbols,
        "-C opt-level=3 -C strip=debuginfo -C lto=fat -C panic=abort",
    ),
    build(
        Names::Addresses,
        "-C opt-level=s -C strip=symbols -C lto=thin",
    ),
    build(
        Names::Symbols,
        "-C opt-level=3 -C strip=debuginfo -C link-arg=-Wl,--no-eh-frame-hdr",
    ),
];

/// The newer mangling, for the program itself.
const V0: &str = "-C symbol-mangling-version=v0";

/// Against the library that this test has.
#[test]
fn in_two_builds() {
    let library = Library::of_this_test();
    let builds = [
        build(
            Names::LineTables,
            "-C opt-level=2 -C debuginfo=line-tables-only -C link-arg=-Wl,--compress-debug-sections=zstd",
        ),
        build(
            Names::Symbols,
            "-C opt-level=3 -C strip=debuginfo -C symbol-mangling-version=v0 -C link-arg=-Wl,--no-eh-frame-hdr",
        ),
    ];
    let wrong = differences(&library, &builds, "");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "the whole matrix: builds this crate twice and the program 28 times, in 2 minutes. \
            cargo test --all-features --test names -- --ignored"]
fn in_every_build() {
    let old = Library::built("old", "-C debuginfo=limited");
    let new = Library::built("new", &format!("-C debuginfo=line-tables-only {V0}"));
    let mut wrong = differences(&old, OLD_MANGLING, "");
    wrong.extend(differences(&new, NEW_MANGLING, V0));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Builds and runs the program in each way, two at a time. What differs from what such builds
/// should print.
fn differences(library: &Library, builds: &[Build], more: &str) -> Vec<String> {
    let left = Mutex::new(builds.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(build) = left.lock().unwrap().next() else {
                        break;
                    };
                    let flags = format!("{} {more}", build.flags);
                    let program = Program::built(library, &flags);
                    let found = program.differences(build.names);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}
