use super::*;

/// A stack of locations, leaf first; each is the names of its frames, innermost first.
fn shown(stack: &[&[&str]]) -> (Vec<Vec<String>>, bool) {
    let known: Vec<Arc<Known>> = stack
        .iter()
        .enumerate()
        .map(|(at, names)| Arc::new(Known::new(location(at as u64 + 1, names))))
        .collect();
    let (locations, starts_in_wrapper) = trimmed(&known);
    let names = |location: &Arc<Location>| {
        let frames = location.frames.iter();
        frames.map(|frame| frame.function().to_owned()).collect()
    };
    (locations.iter().map(names).collect(), starts_in_wrapper)
}

fn location(address: u64, names: &[&str]) -> Location {
    let frame = |(line, name): (usize, &&str)| Frame {
        function: (*name).into(),
        system_name: Some("_ZN".into()),
        file: None,
        line: Some(line as u32 + 1),
        address,
    };
    Location {
        address,
        mapping: None,
        frames: names.iter().enumerate().map(frame).collect(),
        symbolized: true,
    }
}

const LOCK: &str = "contend::sync::mutex::Mutex<T>::lock";
const LOCK_CONTENDED: &str = "contend::sync::mutex::Mutex<T>::lock_contended";
const GUARD_DROP: &str = "<contend::sync::mutex::MutexGuard<T> as core::ops::drop::Drop>::drop";
const GUARD_GLUE: &str = "core::ptr::drop_in_place<contend::sync::mutex::MutexGuard<u64>>";
const START: &str = "std::sys::backtrace::__rust_begin_short_backtrace";

#[test]
fn a_release_build_has_the_wrapper_inlined_into_its_caller() {
    let stack: &[&[&str]] = &[
        &["contend::engine::wait::Wait::begin", LOCK_CONTENDED],
        &[LOCK, "app::take", "app::work"],
        &["app::main"],
    ];
    let expected: &[&[&str]] = &[
        &["contend::sync::Mutex<T>::lock", "app::take", "app::work"],
        &["app::main"],
    ];
    let (names, starts_in_wrapper) = shown(stack);
    assert_eq!(names, expected);
    assert!(starts_in_wrapper);
}

#[test]
fn a_debug_build_has_every_function_on_its_own() {
    let stack: &[&[&str]] = &[
        &["contend::sync::mutex::MutexGuard<T>::release_contended"],
        &[GUARD_DROP],
        &[GUARD_GLUE],
        &["app::work"],
    ];
    let expected: &[&[&str]] = &[&["contend::sync::MutexGuard<u64>::drop"], &["app::work"]];
    assert_eq!(shown(stack).0, expected);
}

#[test]
fn without_debug_information_the_outlined_function_stands_for_the_method() {
    let (names, _) = shown(&[&[LOCK_CONTENDED], &["app::work"]]);
    assert_eq!(names, [["contend::sync::Mutex<T>::lock"], ["app::work"]]);
}

#[test]
fn an_explicit_drop_is_passed_over() {
    let stacks: [&[&[&str]]; 3] = [
        &[&[GUARD_DROP, GUARD_GLUE, "core::mem::drop", "app::work"]],
        &[&[GUARD_DROP, GUARD_GLUE], &["core::mem::drop", "app::work"]],
        &[
            &[GUARD_DROP, GUARD_GLUE],
            &["core::mem::drop"],
            &["app::work"],
        ],
    ];
    for stack in stacks {
        let (names, _) = shown(stack);
        let names: Vec<_> = names.into_iter().flatten().collect();
        let expected = ["contend::sync::MutexGuard<u64>::drop", "app::work"];
        assert_eq!(names, expected, "{stack:?}");
    }
}

#[test]
fn the_place_of_a_drop_is_the_guards() {
    let known = Arc::new(Known::new(location(
        7,
        &[GUARD_DROP, GUARD_GLUE, "app::work"],
    )));
    let (locations, _) = trimmed(&[known]);
    assert_eq!(locations[0].frames[0].line(), Some(1));
}

#[test]
fn lock_api_is_ours_only_behind_our_raw_lock() {
    let raw = "<contend::parking_lot::raw_mutex::RawMutex as lock_api::mutex::RawMutex>::lock";
    let lock = "lock_api::mutex::Mutex<R,T>::lock";
    let (names, _) = shown(&[&[raw], &[lock], &["app::work"], &[lock]]);
    let expected = [
        ["contend::parking_lot::Mutex<T>::lock"],
        ["app::work"],
        [lock],
    ];
    assert_eq!(names, expected);
    assert_eq!(
        shown(&[&[lock], &["app::work"]]),
        (vec![vec![lock.into()], vec!["app::work".into()]], false)
    );
}

#[test]
fn wrappers_further_up_are_left_alone() {
    let wait = "contend::sync::condvar::Condvar::wait_while";
    let (names, _) = shown(&[&[LOCK, "app::ready"], &[wait, "app::main"]]);
    assert_eq!(names[1], [wait, "app::main"]);
}

#[test]
fn the_leaf_of_a_location_is_shared_and_keeps_its_line() {
    let known = Arc::new(Known::new(location(
        7,
        &[LOCK_CONTENDED, LOCK, "app::work"],
    )));
    let stacks = [
        trimmed(&[Arc::clone(&known)]),
        trimmed(&[Arc::clone(&known), known]),
    ];
    assert!(Arc::ptr_eq(&stacks[0].0[0], &stacks[1].0[0]));
    assert_eq!(stacks[0].0[0].frames[0].line(), Some(2));
}

#[test]
fn start_up_code_is_cut_off_the_root() {
    let stack: &[&[&str]] = &[
        &[LOCK, "app::work"],
        &["app::main", "core::ops::function::FnOnce::call_once", START],
        &["std::rt::lang_start::{{closure}}"],
        &["main"],
    ];
    let (names, _) = shown(stack);
    assert_eq!(
        names[1],
        ["app::main", "core::ops::function::FnOnce::call_once"]
    );
    assert_eq!(names.len(), 2);
    let (names, _) = shown(&[&[LOCK, "app::work"], &[START, "std::thread::f"], &["clone"]]);
    assert_eq!(names, [["contend::sync::Mutex<T>::lock", "app::work"]]);
    let (names, _) = shown(&[&["app::work", START, "std::thread::f"], &["clone"]]);
    assert_eq!(names, [["app::work"]]);
}

#[test]
fn nothing_is_cut_where_nothing_would_be_left() {
    let (names, _) = shown(&[&[START], &["clone"]]);
    assert_eq!(names, [[START], ["clone"]]);
    assert_eq!(shown(&[]), (vec![], false));
}

/// Without debug information: the user's initialiser waits for a mutex, and was inlined into ours.
#[test]
fn a_callback_that_was_inlined_into_another_wrapper_is_its_own_wait() {
    let init = "contend::sync::once_lock::OnceLock<T>::get_or_init_contended";
    let (names, _) = shown(&[&[LOCK_CONTENDED], &[init], &["app::work"]]);
    let expected = [["contend::sync::Mutex<T>::lock"], [init], ["app::work"]];
    assert_eq!(names, expected);
}

#[test]
fn an_engine_without_its_wrapper_is_cut_all_the_same() {
    let stack: &[&[&str]] = &[
        &[
            "contend::engine::wait::Release::begin",
            "contend::engine::wait::release",
        ],
        &["app::take", "app::work"],
        &["app::main"],
    ];
    let expected: &[&[&str]] = &[&["app::take", "app::work"], &["app::main"]];
    assert_eq!(shown(stack), (owned(expected), false));
    let inlined: &[&[&str]] = &[
        &["contend::engine::wait::release", "app::take"],
        &["app::main"],
    ];
    let expected: &[&[&str]] = &[&["app::take"], &["app::main"]];
    assert_eq!(shown(inlined), (owned(expected), false));
    let (names, _) = shown(&[&["contend::engine::wait::Wait::end"], &["app::work"]]);
    assert_eq!(names, [["app::work"]]);
    let alone: &[&[&str]] = &[&["contend::engine::wait::release"]];
    assert_eq!(shown(alone), (owned(alone), false), "nothing would be left");
}

fn owned(stack: &[&[&str]]) -> Vec<Vec<String>> {
    let names = |names: &&[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    stack.iter().map(names).collect()
}

/// As of a symbol table: names without lines.
fn nameplates(stack: &[&str]) -> Vec<Arc<Known>> {
    let known = |(at, name): (usize, &&str)| {
        let mut location = location(at as u64 + 1, &[name]);
        location.frames[0].line = None;
        Arc::new(Known::new(location))
    };
    stack.iter().enumerate().map(known).collect()
}

/// Without debug information: the closure of a thread was inlined into start-up code.
#[test]
fn the_function_of_a_thread_is_found_in_the_name_of_start_up_code() {
    let start = "std::sys::backtrace::__rust_begin_short_backtrace::<app::main::{closure#0}, ()>";
    let table: [(&[&str], &[&str]); 6] = [
        (
            &[LOCK_CONTENDED, start, "clone"],
            &["contend::sync::Mutex<T>::lock", "app::main::{closure#0}"],
        ),
        (
            &[LOCK_CONTENDED, "app::take", start, "clone"],
            &[
                "contend::sync::Mutex<T>::lock",
                "app::take",
                "app::main::{closure#0}",
            ],
        ),
        // It was not inlined.
        (
            &[LOCK_CONTENDED, "app::main::{closure#0}", start, "clone"],
            &["contend::sync::Mutex<T>::lock", "app::main::{closure#0}"],
        ),
        (
            &[
                LOCK_CONTENDED,
                "app::main",
                &format!("{START}::<fn(), ()>"),
                "clone",
            ],
            &["contend::sync::Mutex<T>::lock", "app::main"],
        ),
        // The legacy mangling has no parameters: something is there, or nothing may be.
        (
            &[LOCK_CONTENDED, START, "clone"],
            &["contend::sync::Mutex<T>::lock", START],
        ),
        (
            &[LOCK_CONTENDED, "app::main", START, "clone"],
            &["contend::sync::Mutex<T>::lock", "app::main"],
        ),
    ];
    for (stack, expected) in table {
        let (locations, starts_in_wrapper) = trimmed(&nameplates(stack));
        let names = locations.iter().flat_map(|location| &location.frames);
        let names: Vec<&str> = names.map(Frame::function).collect();
        assert_eq!(names, expected, "{stack:?}");
        assert!(starts_in_wrapper);
    }
}
