//! Every wrapper has the traits that the original has, for values that have them or not.

use std::cell::Cell;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

/// Whether the type implements the trait. An inherent constant, which is there only if it does,
/// wins over a trait's.
macro_rules! implements {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T: ?Sized>(#[allow(dead_code)] PhantomData<T>);
        #[allow(dead_code)]
        trait Otherwise {
            const IT: bool = false;
        }
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $($bound)+> Probe<T> {
            const IT: bool = true;
        }
        <Probe<$type>>::IT
    }};
}

/// The traits that the type implements, in a fixed order.
macro_rules! traits {
    ($type:ty) => {
        [
            ("Send", implements!($type: Send)),
            ("Sync", implements!($type: Sync)),
            ("Unpin", implements!($type: Unpin)),
            ("UnwindSafe", implements!($type: UnwindSafe)),
            ("RefUnwindSafe", implements!($type: RefUnwindSafe)),
            ("Clone", implements!($type: Clone)),
            ("Copy", implements!($type: Copy)),
            ("Debug", implements!($type: Debug)),
            ("Default", implements!($type: Default)),
            ("PartialEq", implements!($type: PartialEq)),
            ("Eq", implements!($type: Eq)),
            ("Hash", implements!($type: std::hash::Hash)),
            ("PartialOrd", implements!($type: PartialOrd)),
        ]
    };
}

/// Compares `contend::$path` with `std::$path`, with each of some values for the parameter.
macro_rules! same_traits {
    ($($name:ident: $module:ident $(:: $segment:ident)* $(<$($parameter:tt),+>)?;)+) => {
        $(
            #[test]
            fn $name() {
                same_traits!(@of u8: $module $(::$segment)* $(<$($parameter),+>)?);
                // `Send`, not `Sync`, not `RefUnwindSafe`.
                same_traits!(@of Cell<u8>: $module $(::$segment)* $(<$($parameter),+>)?);
                // Neither `Send` nor `Sync`.
                same_traits!(@of Rc<u8>: $module $(::$segment)* $(<$($parameter),+>)?);
                // `Sync`, not `Send`.
                same_traits!(@of MutexGuard<'static, u8>: $module $(::$segment)* $(<$($parameter),+>)?);
                // Not `UnwindSafe`.
                same_traits!(@of &'static mut u8: $module $(::$segment)* $(<$($parameter),+>)?);
                // Not `Unpin`, `Debug`, `Clone`.
                same_traits!(@of std::marker::PhantomPinned: $module $(::$segment)* $(<$($parameter),+>)?);
            }
        )+
    };
    (@of $value:ty: $($path:tt)+) => {{
        #[allow(dead_code)]
        type Value = $value;
        let ours = traits!(contend::$($path)+);
        let original = traits!(std::$($path)+);
        assert_eq!(ours, original, "of {}", stringify!($value));
    }};
}

same_traits! {
    sender: sync::mpsc::Sender<Value>;
    sync_sender: sync::mpsc::SyncSender<Value>;
    receiver: sync::mpsc::Receiver<Value>;
    iter: sync::mpsc::Iter<'static, Value>;
    try_iter: sync::mpsc::TryIter<'static, Value>;
    into_iter: sync::mpsc::IntoIter<Value>;
    barrier: sync::Barrier;
    once_lock: sync::OnceLock<Value>;
    lazy_lock: sync::LazyLock<Value>;
    lazy_lock_that_owns: sync::LazyLock<u8, Value>;
    join_handle: thread::JoinHandle<Value>;
    scoped_join_handle: thread::ScopedJoinHandle<'static, Value>;
    scope: thread::Scope<'static, 'static>;
    builder: thread::Builder;
}

#[test]
fn the_probe_tells_them_apart() {
    assert!(implements!(u8: Send));
    assert!(!implements!(Rc<u8>: Send));
    assert!(!implements!(Cell<u8>: Sync));
    assert!(!implements!(&'static mut u8: UnwindSafe));
}

/// The errors and results are the standard library's own types.
#[test]
fn errors_are_the_originals() {
    use contend::{sync, thread};
    let _: std::sync::mpsc::SendError<u8> = sync::mpsc::SendError(1);
    let _: std::sync::mpsc::RecvError = sync::mpsc::RecvError;
    let _: std::sync::mpsc::TryRecvError = sync::mpsc::TryRecvError::Empty;
    let _: std::sync::mpsc::RecvTimeoutError = sync::mpsc::RecvTimeoutError::Timeout;
    let _: std::sync::mpsc::TrySendError<u8> = sync::mpsc::TrySendError::Full(1);
    let _: std::sync::BarrierWaitResult = sync::Barrier::new(1).wait();
    let _: std::thread::Result<()> = thread::spawn(|| ()).join();
    let _: std::thread::ThreadId = thread::spawn(|| ()).thread().id();
    let _: std::io::Result<thread::JoinHandle<u8>> = thread::Builder::new().spawn(|| 1);
}

/// Whatever holds one of these is covariant where the standard library's is.
#[allow(dead_code)]
fn handles_shorten_lifetimes<'short>(
    handle: contend::thread::JoinHandle<&'static str>,
    _: &'short str,
) -> std::thread::Result<&'short str> {
    handle.join()
}
