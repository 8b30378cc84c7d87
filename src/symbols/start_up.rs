//! Where a stack begins: the function of a thread, and the start-up code that called it.
//!
//! The standard library calls `main` and the functions of threads through one function, and ends
//! its own short backtraces there. An optimised build inlines the closure of a thread into it.
//! Debug information has both names. A symbol table has one, and the closure is in it only as a
//! parameter, which the v0 mangling writes and the legacy one does not.
#![forbid(unsafe_code)]

use super::path::{self, Path};
use crate::profile::owner::is_of_library;
use crate::profile::{Frame, Location};

const START_UP: &str = "__rust_begin_short_backtrace";

/// The start-up code in a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartUp {
    NotHere,
    /// Inlined around frames that matter.
    BehindFrames,
    WholeLocation,
    /// A name of the symbol table: the function of a thread may be inlined into it.
    PerhapsMore,
}

/// Whether it is the function that the standard library, or a thread of this crate's, calls the
/// user's by.
pub(super) fn is_start_up(function: &str) -> bool {
    function.contains(START_UP)
}

/// Removes start-up code and what called it, unless nothing else is here.
pub(super) fn cut(location: &mut Location) -> StartUp {
    let mut frames = location.frames.iter();
    match frames.position(|frame| is_start_up(frame.function())) {
        None => StartUp::NotHere,
        Some(0) if location.frames[0].line().is_none() => StartUp::PerhapsMore,
        Some(0) => StartUp::WholeLocation,
        Some(first) => {
            location.frames = location.frames[..first].into();
            StartUp::BehindFrames
        }
    }
}

/// The location of start-up code under the name that it has for the function of its thread. `None`:
/// it has none, as for a function that is called by a pointer, which is not inlined.
pub(super) fn function_of_thread(location: &Location) -> Option<Location> {
    let start_up = location.frames.first()?;
    let (_, parameters) = start_up.function().split_once(START_UP)?;
    let function = users(parameters.strip_prefix("::")?)?;
    let frame = Frame {
        function: function.into(),
        ..start_up.clone()
    };
    Some(Location {
        address: location.address,
        mapping: location.mapping.clone(),
        frames: [frame].into(),
        symbolized: location.symbolized,
    })
}

/// The function of the user's that these type parameters begin with: `f` of `<f, T>`, and of
/// `<std::thread::spawn<f, T>::{closure#0}, T>`, where another function calls it.
fn users(parameters: &str) -> Option<&str> {
    let (_, parameters) = path::parameters(parameters);
    let first = parameters.first()?;
    let path = Path::parse(first);
    if !is_of_library(first, None) {
        // `fn()`, `&dyn Fn()`, `(T,)`.
        let of = path.segments.first()?;
        let is_path = of.chars().all(|c| c == '_' || c.is_alphanumeric());
        return (is_path && path.segments.len() > 1).then_some(first);
    }
    let mut segments = path.segments.iter().chain(&path.rest);
    segments.find_map(|segment| users(&segment[segment.find('<')?..]))
}

/// Whether two names are of the same function: that of a type among parameters, and that of code.
pub(super) fn is_same(parameter: &str, function: &str) -> bool {
    let function = function.replace("::<", "<");
    // `<f as FnOnce<()>>::call_once`, where it is not inlined.
    function.contains(parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_of_a_thread_is_the_users() {
        let table = [
            (
                "<app::main::{closure#0}, ()>",
                Some("app::main::{closure#0}"),
            ),
            ("<app::worker, u64>", Some("app::worker")),
            (
                "<app::spawn<app::main::{closure#0}>::{closure#1}, ()>",
                Some("app::spawn<app::main::{closure#0}>::{closure#1}"),
            ),
            (
                "<contend::thread::join_handle::spawn<app::work::{closure#0}, ()>::{closure#0}, ()>",
                Some("app::work::{closure#0}"),
            ),
            (
                "<std::thread::lifecycle::spawn_unchecked<app::f, u8>::{closure#1}::{closure#0}, u8>",
                Some("app::f"),
            ),
            ("<fn(), ()>", None),
            (
                "<alloc::boxed::Box<dyn core::ops::function::FnOnce<(), Output = ()>>, ()>",
                None,
            ),
            ("<core::panic::AssertUnwindSafe<fn()>, ()>", None),
            ("<", None),
            ("", None),
        ];
        for (parameters, expected) in table {
            assert_eq!(users(parameters), expected, "{parameters}");
        }
    }

    #[test]
    fn a_function_is_the_same_under_both_of_its_names() {
        let parameter = "app::run<u8>::{closure#0}";
        assert!(is_same(parameter, "app::run::<u8>::{closure#0}"));
        assert!(is_same(
            parameter,
            "<app::run::<u8>::{closure#0} as core::ops::function::FnOnce<()>>::call_once"
        ));
        assert!(!is_same(parameter, "app::run::<u8>::{closure#1}"));
        assert!(!is_same(parameter, "app::run"));
    }
}
