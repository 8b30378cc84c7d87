use super::*;

/// The wrapper's name for a mangled function, `""` for one of ours without, or `"user"`.
fn name_of(function: &str) -> String {
    judged(own_frame(function, true, None))
}

fn name_by_file(function: &str, file: &str) -> String {
    judged(own_frame(function, false, Some(file)))
}

fn judged(own: Option<OwnFrame>) -> String {
    own.map_or("user".to_owned(), |own| own.name.unwrap_or_default())
}

#[test]
fn wrappers_have_the_names_that_users_write() {
    let table = [
        // Legacy mangling, with debug information.
        (
            "contend::sync::mpsc::receiver::Receiver<T>::recv_contended",
            "contend::sync::mpsc::Receiver<T>::recv",
        ),
        (
            "<contend::sync::mpsc::receiver::Iter<T> as core::iter::traits::iterator::Iterator>::next",
            "contend::sync::mpsc::Iter<T>::next",
        ),
        (
            "contend::thread::functions::sleep",
            "contend::thread::sleep",
        ),
        (
            "contend::thread::join_handle::JoinHandle<T>::join_contended",
            "contend::thread::JoinHandle<T>::join",
        ),
        ("contend::blocking::blocking", "contend::blocking"),
        (
            "contend::sync::mutex::Mutex<T>::lock",
            "contend::sync::Mutex<T>::lock",
        ),
        (
            "contend::sync::mutex::Mutex<T>::lock_contended",
            "contend::sync::Mutex<T>::lock",
        ),
        (
            "contend::sync::mutex::Mutex<T>::lock::{{closure}}",
            "contend::sync::Mutex<T>::lock",
        ),
        (
            "contend::tokio::sync::mutex::Mutex<T>::lock::{{closure}}",
            "contend::tokio::sync::Mutex<T>::lock",
        ),
        // A future that is dropped.
        (
            "core::ptr::drop_in_place<contend::tokio::sync::mutex::Mutex<u64>::lock::{{closure}}>",
            "contend::tokio::sync::Mutex<u64>::lock",
        ),
        (
            "<contend::sync::mutex::MutexGuard<T> as core::ops::drop::Drop>::drop",
            "contend::sync::MutexGuard<T>::drop",
        ),
        (
            "contend::sync::mutex::MutexGuard<T>::release_contended",
            "contend::sync::MutexGuard<T>::drop",
        ),
        (
            "core::ptr::drop_in_place<contend::sync::mutex::MutexGuard<u64>>",
            "contend::sync::MutexGuard<u64>::drop",
        ),
        (
            "core::ptr::drop_in_place<contend::sync::rwlock::RwLockReadGuard<alloc::vec::Vec<u8>>>",
            "contend::sync::RwLockReadGuard<alloc::vec::Vec<u8>>::drop",
        ),
        (
            "contend::sync::condvar::Condvar::wait_while",
            "contend::sync::Condvar::wait_while",
        ),
        (
            "contend::sync::mpsc::Sender<T>::send",
            "contend::sync::mpsc::Sender<T>::send",
        ),
        (
            "contend::sync::mpsc::channel::Sender<T>::send",
            "contend::sync::mpsc::Sender<T>::send",
        ),
        ("contend::sync::once::call_contended", "contend::sync::call"),
        (
            "contend::crossbeam_channel::sender::Sender<T>::send_timeout_contended",
            "contend::crossbeam_channel::Sender<T>::send_timeout",
        ),
        (
            "<contend::crossbeam_channel::receiver::Iter<T> as core::iter::traits::iterator::Iterator>::next",
            "contend::crossbeam_channel::Iter<T>::next",
        ),
        (
            "contend::crossbeam_channel::select_macro::one_receiver::select",
            "contend::crossbeam_channel::select",
        ),
        (
            "contend::once_cell::sync::lazy::Lazy<T,F>::force",
            "contend::once_cell::sync::Lazy<T,F>::force",
        ),
        (
            "core::ptr::drop_in_place<contend::crossbeam_utils::sync::sharded_lock::guards::ShardedLockReadGuard<u64>>",
            "contend::crossbeam_utils::sync::ShardedLockReadGuard<u64>::drop",
        ),
        // v0 mangling.
        (
            "<contend::sync::mutex::Mutex<u64>>::lock",
            "contend::sync::Mutex<u64>::lock",
        ),
        (
            "<contend::sync::mutex::Mutex<fn(u8) -> u64>>::lock_contended",
            "contend::sync::Mutex<fn(u8) -> u64>::lock",
        ),
        (
            "<contend::sync::once::Once>::call_once::<app::main::{closure#0}>",
            "contend::sync::Once::call_once",
        ),
        (
            "core::ptr::drop_in_place::<contend::sync::mutex::MutexGuard<u64>>",
            "contend::sync::MutexGuard<u64>::drop",
        ),
        // lock_api over our raw locks.
        (
            "lock_api::mutex::Mutex<R,T>::lock",
            "contend::parking_lot::Mutex<T>::lock",
        ),
        (
            "lock_api::remutex::ReentrantMutex<R,G,T>::lock",
            "contend::parking_lot::ReentrantMutex<T>::lock",
        ),
        (
            "<lock_api::mutex::Mutex<contend::parking_lot::raw_mutex::RawMutex, u64>>::lock",
            "contend::parking_lot::Mutex<u64>::lock",
        ),
        (
            "<lock_api::mutex::MutexGuard<R,T> as core::ops::drop::Drop>::drop",
            "contend::parking_lot::MutexGuard<T>::drop",
        ),
        (
            "core::ptr::drop_in_place<lock_api::mutex::MutexGuard<contend::parking_lot::raw_mutex::RawMutex,u64>>",
            "contend::parking_lot::MutexGuard<u64>::drop",
        ),
        (
            "<contend::parking_lot::raw_mutex::RawMutex as lock_api::mutex::RawMutex>::lock",
            "contend::parking_lot::RawMutex::lock",
        ),
        (
            "contend::parking_lot::raw_mutex::RawMutex::lock_contended",
            "contend::parking_lot::RawMutex::lock",
        ),
        (
            "<lock_api::condvar::Condvar<contend::parking_lot_0_13::raw_condvar::RawCondvar>>::wait::<u64>",
            "contend::parking_lot_0_13::Condvar::wait",
        ),
        (
            "core::ptr::drop_in_place<lock_api::mutex::MutexGuard<contend::parking_lot_0_13::raw_mutex::RawMutex,u64>>",
            "contend::parking_lot_0_13::MutexGuard<u64>::drop",
        ),
        (
            "contend::parking_lot_0_13::raw_rwlock::RawRwLock<_>::acquire_contended",
            "contend::parking_lot_0_13::RawRwLock<_>::acquire",
        ),
    ];
    for (function, expected) in table {
        assert_eq!(name_of(function), expected, "{function}");
    }
}

#[test]
fn the_engine_is_ours_but_has_no_name() {
    for function in [
        "contend::engine::wait::Wait::end",
        "<contend::blame::Blame as core::ops::drop::Drop>::drop",
        "contend::stack::capture",
        "core::ptr::drop_in_place<contend::engine::wait::Turn>",
        "core::ptr::drop_in_place::<contend::engine::wait::Wait>",
        "core::ptr::drop_in_place<core::option::Option<contend::engine::wait::Wait>>",
    ] {
        assert_eq!(name_of(function), "", "{function}");
    }
}

/// A private module that is renamed must not change a profile: the compiler tells the names here.
#[test]
fn names_are_those_that_the_compiler_gives() {
    fn name_of_function<F: Fn(&'static str, fn())>(_: F) -> &'static str {
        std::any::type_name::<F>()
    }
    let blocking = name_of_function(crate::blocking::<()>);
    let (blocking, _) = blocking.split_once('<').unwrap();
    assert_eq!(name_of(blocking), "contend::blocking");
    let mutex = std::any::type_name::<crate::sync::Mutex<u8>>();
    assert_eq!(
        name_of(&format!("{mutex}::lock")),
        "contend::sync::Mutex<u8>::lock"
    );
    for dropped in [
        std::any::type_name::<crate::skin::Wait<'_>>(),
        std::any::type_name::<crate::skin::WaitWhile<'_>>(),
        std::any::type_name::<crate::skin::Turn<'_>>(),
    ] {
        let glue = format!("core::ptr::drop_in_place<{dropped}>");
        let own = own_frame(&glue, true, None).expect("it is ours");
        assert_eq!((own.is_certain, own.name), (true, None), "{glue}");
    }
}

#[test]
fn lock_api_locks_again_by_scopeguard() {
    for function in [
        "<scopeguard::ScopeGuard<T,F,S> as core::ops::drop::Drop>::drop",
        "core::ptr::drop_in_place<scopeguard::ScopeGuard<(),lock_api::mutex::MutexGuard<R,T>::unlocked::{{closure}}>>",
    ] {
        let own = own_frame(function, true, None).expect("it is glue");
        assert_eq!((own.is_certain, own.name), (false, None), "{function}");
    }
}

#[test]
fn users_code_is_not_ours() {
    for function in [
        "main",
        "contender::sync::mutex::Mutex<T>::lock",
        "<contender::Mutex<T> as core::ops::drop::Drop>::drop",
        "app::contend::sync::mutex::lock",
        "contend::sync::mutex::tests::smoke",
        "core::ptr::drop_in_place<app::Holder<contend::sync::mutex::MutexGuard<u64>>>",
        "core::ptr::drop_in_place<contend::profile::Profile>",
        "core::ptr::drop_in_place<core::option::Option<contend::profile::Profile>>",
        "core::ptr::drop_in_place<lock_api::mutex::MutexGuard<parking_lot::raw_mutex::RawMutex,u64>>",
        "<app::Cache<contend::sync::mutex::Mutex<u8>> as app::Get>::get",
        // A trait of the user's, for a wrapper.
        "<contend::sync::mutex::Mutex<app::Views> as app::Count>::count",
        "<contend::sync::mutex::Mutex<app::Views> as app::Count>::count::{{closure}}",
        "core::memory::drop",
        "",
        "<",
        "contend",
        "drop_in_place<",
    ] {
        assert_eq!(name_of(function), "user", "{function}");
    }
}

#[test]
fn glue_counts_only_next_to_our_code() {
    let is_certain = |function| own_frame(function, true, None).unwrap().is_certain;
    assert!(!is_certain("lock_api::mutex::Mutex<R,T>::lock"));
    assert!(!is_certain("core::mem::drop"));
    assert!(!is_certain(
        "core::mem::drop::<contend::sync::mutex::MutexGuard<u64>>"
    ));
    assert!(is_certain(
        "<lock_api::mutex::Mutex<contend::parking_lot::raw_mutex::RawMutex, u8>>::lock"
    ));
    assert!(is_certain("contend::sync::mutex::Mutex<T>::lock"));
}

/// `debug = "line-tables-only"`: names without paths, but files.
#[test]
fn bare_names_are_told_by_their_file() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    let lock_api = "/home/u/.cargo/registry/src/index/lock_api-0.4.14/src/mutex.rs";
    let table = [
        (
            "lock<u64>",
            format!("{own}sync/mutex.rs"),
            "contend::sync::lock<u64>",
        ),
        (
            "lock_contended<u64>",
            format!("{own}sync/mutex.rs"),
            "contend::sync::lock<u64>",
        ),
        (
            "wait",
            format!("{own}parking_lot/condvar.rs"),
            "contend::parking_lot::wait",
        ),
        (
            "lock",
            format!("{own}parking_lot.rs"),
            "contend::parking_lot::lock",
        ),
        (
            "park",
            format!("{own}thread/functions.rs"),
            "contend::thread::park",
        ),
        (
            "blocking<u8, main::{closure_env#0}>",
            format!("{own}blocking.rs"),
            "contend::blocking<u8, main::{closure_env#0}>",
        ),
        ("end", format!("{own}engine/wait.rs"), ""),
        ("smoke", format!("{own}sync/mutex/tests.rs"), "user"),
        ("lock<u64>", "/home/u/app/src/sync/mutex.rs".into(), "user"),
        ("lock<u64>", "src/sync/mutex.rs".into(), "user"),
        (
            "lock<contend::parking_lot::raw_mutex::RawMutex, u64>",
            lock_api.into(),
            "contend::parking_lot::lock<u64>",
        ),
        (
            "lock<contend::parking_lot_0_13::raw_mutex::RawMutex, u64>",
            lock_api.into(),
            "contend::parking_lot_0_13::lock<u64>",
        ),
        (
            "wait_while<R, u64>",
            "/home/u/.cargo/registry/src/index/lock_api-0.5.0/src/condvar.rs".into(),
            "contend::parking_lot_0_13::wait_while<u64>",
        ),
        (
            "drop_in_place<contend::sync::mutex::MutexGuard<u64>>",
            "/rustc/abc/library/core/src/ptr/mod.rs".into(),
            "contend::sync::MutexGuard<u64>::drop",
        ),
        (
            "drop<contend::sync::mutex::MutexGuard<u64>>",
            "/rustc/abc/library/core/src/mem/mod.rs".into(),
            "",
        ),
    ];
    for (function, file, expected) in table {
        assert_eq!(
            name_by_file(function, &file),
            expected,
            "{function} in {file}"
        );
    }
}
