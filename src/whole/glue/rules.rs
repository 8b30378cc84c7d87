//! The functions of libraries that wait: what kind of lock they are of, and what people call them.
#![forbid(unsafe_code)]

use crate::profile::Frame;
use crate::profile::kind::Kind;

/// A part of the path of a function that waits or wakes: its kind, and what people call.
pub(super) struct Rule(
    pub(super) &'static str,
    pub(super) Kind,
    pub(super) &'static str,
);

/// The first that fits tells.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    Rule("sync::mutex::futex::Mutex::lock", Kind::MUTEX, "std::sync::Mutex::lock"),
    Rule("sync::mutex::futex::Mutex::", Kind::MUTEX, "std::sync::MutexGuard::drop"),
    Rule("sync::rwlock::futex::RwLock::read", Kind::RWLOCK_READ, "std::sync::RwLock::read"),
    Rule("sync::rwlock::futex::RwLock::write_u", Kind::RWLOCK_WRITE, "std::sync::RwLockWriteGuard::drop"),
    Rule("sync::rwlock::futex::RwLock::write", Kind::RWLOCK_WRITE, "std::sync::RwLock::write"),
    Rule("sync::rwlock::futex::RwLock::", Kind::RWLOCK_WRITE, "std::sync::RwLockWriteGuard::drop"),
    Rule("sync::condvar::futex::Condvar::wait", Kind::CONDVAR, "std::sync::Condvar::wait"),
    Rule("sync::condvar::futex::Condvar::", Kind::CONDVAR, "std::sync::Condvar::notify_one"),
    Rule("sync::once::futex::", Kind::ONCE, "std::sync::Once::call_once"),
    Rule("thread_parking::futex::Parker::unpark", Kind::PARK, "std::thread::Thread::unpark"),
    Rule("thread_parking::futex::Parker::", Kind::PARK, "std::thread::park"),
    Rule("parking_lot::raw_mutex::RawMutex::lock", Kind::MUTEX, "parking_lot::Mutex::lock"),
    Rule("parking_lot::raw_mutex::RawMutex::", Kind::MUTEX, "parking_lot::MutexGuard::drop"),
    Rule("parking_lot::raw_rwlock::RawRwLock::lock_shared", Kind::RWLOCK_READ, "parking_lot::RwLock::read"),
    Rule("parking_lot::raw_rwlock::RawRwLock::unlock_shared", Kind::RWLOCK_READ, "parking_lot::RwLockReadGuard::drop"),
    Rule("parking_lot::raw_rwlock::RawRwLock::unlock", Kind::RWLOCK_WRITE, "parking_lot::RwLockWriteGuard::drop"),
    Rule("parking_lot::raw_rwlock::RawRwLock::", Kind::RWLOCK_WRITE, "parking_lot::RwLock::write"),
    Rule("parking_lot::condvar::Condvar::wait", Kind::CONDVAR, "parking_lot::Condvar::wait"),
    Rule("parking_lot::condvar::Condvar::", Kind::CONDVAR, "parking_lot::Condvar::notify_one"),
    Rule("parking_lot::raw_condvar::RawCondvar::wait", Kind::CONDVAR, "parking_lot::Condvar::wait"),
    Rule("parking_lot::raw_condvar::RawCondvar::", Kind::CONDVAR, "parking_lot::Condvar::notify_one"),
    Rule("parking_lot::once::Once::", Kind::ONCE, "parking_lot::Once::call_once"),
    Rule("__cxa_guard_", Kind::ONCE, "__cxa_guard_acquire"),
];

/// The primitive that a park, a condition variable or an unknown word is a part of, seen further
/// out among the frames of the library.
#[rustfmt::skip]
pub(super) const PARTS_OF: &[Rule] = &[
    Rule("::mpmc::", Kind::CHAN_RECV, "std::sync::mpsc::Receiver::recv"),
    Rule("::mpsc::", Kind::CHAN_RECV, "std::sync::mpsc::Receiver::recv"),
    Rule("crossbeam_channel::select", Kind::SELECT, "crossbeam_channel::Select"),
    Rule("crossbeam_channel::", Kind::CHAN_RECV, "crossbeam_channel::Receiver::recv"),
    Rule("thread::scoped::", Kind::JOIN, "std::thread::scope"),
    Rule("thread::lifecycle::Packet", Kind::JOIN, "std::thread::scope"),
    Rule("std::sync::barrier::Barrier::", Kind::BARRIER, "std::sync::Barrier::wait"),
    Rule("std::future", Kind::CONDVAR, "std::future::get"),
    Rule("std::__future_base", Kind::CONDVAR, "std::future::get"),
    Rule("std::__atomic_futex_unsigned", Kind::CONDVAR, "std::future::get"),
    Rule("std::counting_semaphore", Kind::SEMAPHORE, "std::counting_semaphore::acquire"),
    Rule("std::__atomic_semaphore", Kind::SEMAPHORE, "std::counting_semaphore::acquire"),
    Rule("std::latch", Kind::BARRIER, "std::latch::wait"),
    Rule("std::barrier", Kind::BARRIER, "std::barrier::arrive_and_wait"),
];

/// The crates and libraries between a wait and the code that people look for.
const GLUE: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "parking_lot::",
    "parking_lot_core::",
    "lock_api::",
    "crossbeam_channel::",
    "crossbeam_utils::",
    "once_cell::",
    "scopeguard::",
    "__gthread",
    "__gnu_cxx::",
    "__glibcxx_",
    "__cxa_guard_",
];

pub(super) fn rule<'a>(rules: &'a [Rule], path: &str) -> Option<&'a Rule> {
    rules.iter().find(|Rule(part, ..)| path.contains(part))
}

/// A channel's function tells which side of it waits.
pub(super) fn refined(kind: Kind, path: &str) -> Kind {
    match kind {
        Kind::CHAN_RECV if path.contains("send") => Kind::CHAN_SEND,
        kind => kind,
    }
}

pub(super) fn is_glue(path: &str, frame: &Frame) -> bool {
    let is_of_cpp = |file: &str| file.contains("/include/c++/");
    GLUE.iter().any(|start| path.starts_with(start)) || frame.file().is_some_and(is_of_cpp)
}

/// The path of a function. Where a build has bare names only, the file of the standard library
/// tells it.
pub(super) fn path_of(frame: &Frame) -> String {
    let function = frame.function();
    if function.contains("::") {
        return without_brackets(function);
    }
    let module = frame.file().and_then(module_of_file);
    module.map_or_else(
        || function.to_owned(),
        |module| {
            // The type is not in a bare name, but these modules have one each.
            let types = ["mutex", "rwlock", "condvar", "thread_parking"];
            let names = ["Mutex", "RwLock", "Condvar", "Parker"];
            let of_type = types.iter().zip(names).find_map(|(part, name)| {
                let is_of = module.ends_with(&format!("{part}::futex"));
                is_of.then(|| format!("{name}::"))
            });
            format!("{module}::{}{function}", of_type.unwrap_or_default())
        },
    )
}

/// `/rustc/…/library/std/src/sys/sync/mutex/futex.rs` → `std::sys::sync::mutex::futex`.
fn module_of_file(file: &str) -> Option<String> {
    let (_, inside) = file.split_once("/library/")?;
    let (name, rest) = inside.split_once("/src/")?;
    let module = rest.strip_suffix(".rs")?.replace('/', "::");
    let module = module.strip_suffix("::mod").unwrap_or(&module);
    Some(format!("{name}::{module}"))
}

/// `<Type>::method` and `<Type as Trait>::method` → `Type::method`.
fn without_brackets(path: &str) -> String {
    let parts = || {
        let inner = path.strip_prefix('<')?;
        let mut depth = 0_i32;
        let end = inner.char_indices().find_map(|(at, c)| {
            // An arrow is no bracket.
            let is_arrow = c == '>' && inner[..at].ends_with('-');
            depth += match c {
                '<' => 1,
                '>' if !is_arrow => -1,
                _ => 0,
            };
            (depth < 0).then_some(at)
        })?;
        let of_type = inner[..end].split(" as ").next()?;
        Some(format!("{of_type}{}", &inner[end + 1..]))
    };
    parts().unwrap_or_else(|| path.to_owned())
}

/// `std::sync::poison::mutex::Mutex<T>::lock` → `std::sync::Mutex<T>::lock`, for the methods that
/// people call; `None` for what is inside a library.
pub(super) fn public_name(path: &str, is_parking_lot: bool) -> Option<String> {
    let dropped = path.strip_prefix("core::ptr::drop_in_place<");
    let (path, method) = match dropped.and_then(|rest| rest.strip_suffix('>')) {
        Some(dropped) => (dropped, "::drop"),
        None => (path, ""),
    };
    if path.contains("{{") || path.contains("{closure") {
        return None;
    }
    let (library, rest) = path.split_once("::")?;
    let (library, rest) = match library {
        "std" => match rest.split_once("::")? {
            ("sync", rest) if rest.starts_with("mpmc::") => return None,
            ("sync", rest) => match rest.strip_prefix("mpsc::") {
                Some(rest) => ("std::sync::mpsc", rest),
                None => ("std::sync", rest),
            },
            ("thread", rest) => ("std::thread", rest),
            // C++'s, which have no modules below.
            (of_type, _) if TYPES_OF_CPP.contains(&of_type) => return Some(path.to_owned()),
            _ => return None,
        },
        "lock_api" if is_parking_lot => ("parking_lot", rest),
        "parking_lot" if !rest.starts_with("raw_") => ("parking_lot", rest),
        "crossbeam_channel" => ("crossbeam_channel", rest),
        _ => return None,
    };
    let last = rest.rsplit("::").next().unwrap_or(rest);
    if library == "std::thread" && FUNCTIONS.contains(&last) {
        return Some(format!("{library}::{last}"));
    }
    // From the type on, which is the first segment with a capital; modules are no part of what
    // people write.
    let starts = std::iter::once(0).chain(rest.match_indices("::").map(|(at, _)| at + 2));
    let mut of_types =
        starts.filter(|at| rest[*at..].starts_with(|c: char| c.is_ascii_uppercase()));
    let inside = &rest[of_types.next()?..];
    let is_method = !method.is_empty() || inside.contains("::");
    let is_inner = INNER.iter().any(|name| inside.starts_with(name));
    (is_method && !is_inner).then(|| format!("{library}::{inside}{method}"))
}

/// Types within libraries that nobody calls.
const INNER: [&str; 7] = [
    "Raw",
    "Inner",
    "Parker",
    "Packet",
    "Context",
    "Waker",
    "SyncWaker",
];

/// Functions of `std::thread` that wait.
const FUNCTIONS: [&str; 5] = ["park", "park_timeout", "sleep", "sleep_until", "scope"];

const TYPES_OF_CPP: [&str; 21] = [
    "mutex",
    "recursive_mutex",
    "timed_mutex",
    "recursive_timed_mutex",
    "shared_mutex",
    "shared_timed_mutex",
    "lock_guard",
    "unique_lock",
    "shared_lock",
    "scoped_lock",
    "condition_variable",
    "condition_variable_any",
    "thread",
    "jthread",
    "future",
    "shared_future",
    "promise",
    "counting_semaphore",
    "latch",
    "barrier",
    "this_thread",
];
