//! The owner of a frame's code.
#![forbid(unsafe_code)]

/// Whether a frame is of what lies between a wait and the code that people look for: the wrappers
/// of this crate, the standard libraries of Rust, C++ and Go, and C's own locks. Call sites are the
/// first frames that are not.
///
/// Where the file is known it tells: a trait of the program's, implemented for a type of the
/// standard library's, has the latter's name and is the program's code. Names tell of the others.
pub(crate) fn is_of_library(function: &str, file: Option<&str>) -> bool {
    let name = function.trim_start_matches('<');
    let is_of = |prefix: &&str| name.starts_with(prefix);
    if OURS.iter().chain(&GO).chain(&C).any(is_of) {
        return true;
    }
    match file.filter(|file| !file.is_empty()) {
        Some(file) => is_of_sources(file),
        None => CRATES.iter().any(|(prefix, _)| name.starts_with(prefix)),
    }
}

const OURS: [&str; 1] = ["contend::"];

/// Packages of Go's standard library that wait, or stand between a wait and its caller.
const GO: [&str; 5] = ["sync.", "internal/", "runtime.", "time.", "context."];

/// The C library's locks, and what C++'s call them by.
const C: [&str; 5] = [
    "pthread_",
    "sem_wait",
    "sem_post",
    "__gthread_",
    "__glibcxx_",
];

/// The crates of Rust's standard library, in names and in paths of files.
const CRATES: [(&str, &str); 3] = [
    ("core::", "/library/core/src/"),
    ("alloc::", "/library/alloc/src/"),
    ("std::", "/library/std/src/"),
];

/// As distributed, or where the sources are installed.
fn is_of_sources(file: &str) -> bool {
    file.starts_with("/rustc/")
        || file.contains("/include/c++/")
        || CRATES.iter().any(|(_, folder)| file.contains(folder))
}

#[cfg(test)]
mod tests {
    use super::is_of_library;

    #[test]
    fn the_file_tells_where_it_is_known_and_the_name_elsewhere() {
        let own = "/home/u/shop/src/cart.rs";
        let cases = [
            ("contend::sync::Mutex<T>::lock", None, true),
            ("<contend::sync::MutexGuard<T> as Drop>::drop", None, true),
            ("contender::wait", None, false),
            (
                "core::mem::drop",
                Some("/rustc/0123/library/core/src/mem/mod.rs"),
                true,
            ),
            (
                "drop<u8>",
                Some("/r/lib/rustlib/src/rust/library/alloc/src/sync.rs"),
                true,
            ),
            ("<alloc::sync::Arc<T> as core::ops::Drop>::drop", None, true),
            ("<alloc::vec::Vec<T> as shop::Sell>::sell", Some(own), false),
            ("std::sync::Mutex<T>::lock", Some(""), true),
            ("shop::sync::lock", Some(own), false),
            ("stdx::f", None, false),
            (
                "sync.(*Mutex).Lock",
                Some("/usr/local/go/src/sync/mutex.go"),
                true,
            ),
            ("main.work", Some("/src/main.go"), false),
            ("pthread_mutex_lock", None, true),
            (
                "std::mutex::lock",
                Some("/usr/include/c++/12/bits/std_mutex.h"),
                true,
            ),
        ];
        for (function, file, expected) in cases {
            assert_eq!(
                is_of_library(function, file),
                expected,
                "{function} {file:?}"
            );
        }
    }
}
