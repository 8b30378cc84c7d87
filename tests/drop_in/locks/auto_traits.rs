//! Each type against the type that it stands for: auto traits, and the others that types get by
//! being made of the right parts. Checked while compiling, and in both directions: a trait too
//! many is a hole, one too few breaks a program that compiled.

#![allow(clippy::mutable_key_type)]

use std::fmt::{Debug, Display};
use std::panic::{RefUnwindSafe, UnwindSafe};

/// Whether a type implements a trait, as a constant.
///
/// An inherent constant goes before one of a trait, but is there only where its bound holds.
macro_rules! implements {
    ($type:ty: $($bound:tt)+) => {{
        #[allow(dead_code)]
        trait Otherwise {
            const ANSWER: bool = false;
        }
        impl<T: ?Sized> Otherwise for T {}

        #[allow(dead_code)]
        struct Ask<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $($bound)+> Ask<T> {
            const ANSWER: bool = true;
        }
        <Ask<$type>>::ANSWER
    }};
}

// The question itself, both ways.
const _: () = assert!(implements!(u32: Send) && !implements!(std::rc::Rc<u32>: Send));
const _: () = assert!(implements!([u8]: Sync) && !implements!(std::cell::Cell<u8>: Sync));

/// Holds our type to the original.
macro_rules! same {
    ($ours:ty, $original:ty) => {
        same!($ours, $original:
            Send; Sync; Unpin; UnwindSafe; RefUnwindSafe;
            Debug; Display; Default; Clone; Copy; From<u32>; PartialEq;
        );
    };
    ($ours:ty, $original:ty: $($bound:path;)+) => {
        $(const _: () = assert!(
            implements!($ours: $bound) == implements!($original: $bound),
            concat!(
                stringify!($bound), ": ", stringify!($ours), " differs from ", stringify!($original)
            ),
        );)+
    };
}

/// The contents to try each generic type with: between them every auto trait is missing alone and
/// together with others, and the unsized are there too.
#[allow(dead_code)]
mod contents {
    use super::{Debug, RefUnwindSafe};

    pub(super) type Plain = u32;
    /// Send, not Sync.
    pub(super) type NotSync = std::cell::Cell<u32>;
    /// Neither.
    pub(super) type Neither = std::rc::Rc<u32>;
    pub(super) type Pointer = *const u32;
    /// Sync, not Send.
    pub(super) type NotSend = std::sync::MutexGuard<'static, u32>;
    pub(super) type NotUnpin = std::marker::PhantomPinned;
    /// Not UnwindSafe.
    pub(super) type NotUnwindSafe = &'static mut u32;
    /// UnwindSafe, not RefUnwindSafe.
    pub(super) type NotRefUnwindSafe = std::cell::UnsafeCell<u32>;
    pub(super) type Nothing = dyn Debug;
    pub(super) type OnlySend = dyn Debug + Send;
    pub(super) type OnlySync = dyn Debug + Sync;
    pub(super) type Both = dyn Debug + Send + Sync;
    pub(super) type All = dyn Debug + Send + Sync + Unpin + RefUnwindSafe;
    pub(super) type Slice = [u32];
    pub(super) type Text = str;
}

/// Holds types that take a content, `Name<content>` or `Name<'static, content>`, to the originals.
macro_rules! same_for_every_content {
    ($ours:path, $original:path: $($lock:ident)*; $($guard:ident)*) => {
        same_for_every_content!(@contents $ours, $original, [$($lock)*], [$($guard)*]:
            Plain NotSync Neither Pointer NotSend NotUnpin NotUnwindSafe NotRefUnwindSafe
            Nothing OnlySend OnlySync Both All Slice Text
        );
    };
    (@contents $ours:path, $original:path, $locks:tt, $guards:tt: $($content:ident)*) => {
        $(same_for_every_content!(@content $ours, $original, $locks, $guards, $content);)*
    };
    (@content $ours:path, $original:path, [$($lock:ident)*], [$($guard:ident)*], $content:ident) => {
        #[allow(non_snake_case)]
        mod $content {
            use super::*;
            mod ours {
                #[allow(unused_imports)]
                pub(super) use $ours::*;
            }
            mod original {
                #[allow(unused_imports)]
                pub(super) use $original::*;
            }
            $(same!(ours::$lock<contents::$content>, original::$lock<contents::$content>);)*
            $(same!(
                ours::$guard<'static, contents::$content>,
                original::$guard<'static, contents::$content>
            );)*
        }
    };
}

mod sync {
    use super::*;

    same!(contend::sync::Condvar, std::sync::Condvar);
    same!(contend::sync::Once, std::sync::Once);
    same_for_every_content!(contend::sync, std::sync:
        Mutex RwLock;
        MutexGuard RwLockReadGuard RwLockWriteGuard
    );

    // Said outright, in case the comparison is ever blind: what makes a guard a guard.
    type MutexGuard<T> = contend::sync::MutexGuard<'static, T>;
    type Mutex<T> = contend::sync::Mutex<T>;
    const _: () =
        assert!(!implements!(MutexGuard<u32>: Send) && implements!(MutexGuard<u32>: Sync));
    const _: () = assert!(!implements!(MutexGuard<contents::NotSync>: Sync));
    const _: () = assert!(implements!(Mutex<contents::NotSync>: Sync));
    const _: () = assert!(!implements!(Mutex<contents::Neither>: Sync));
    const _: () = assert!(implements!(Mutex<contents::NotUnwindSafe>: UnwindSafe));
}

#[cfg(feature = "parking_lot")]
mod parking_lot {
    use super::*;

    use ::parking_lot as original;
    use contend::parking_lot as ours;

    same!(ours::Condvar, original::Condvar);
    same!(ours::Once, original::Once);
    same!(ours::RawMutex, original::RawMutex);
    same!(ours::RawFairMutex, original::RawFairMutex);
    same!(ours::RawRwLock, original::RawRwLock);

    same_for_every_content!(contend::parking_lot, ::parking_lot:
        Mutex FairMutex ReentrantMutex RwLock;
        MutexGuard FairMutexGuard ReentrantMutexGuard
        MappedMutexGuard MappedFairMutexGuard MappedReentrantMutexGuard
        RwLockReadGuard RwLockWriteGuard RwLockUpgradableReadGuard
        MappedRwLockReadGuard MappedRwLockWriteGuard
    );

    /// The guards that hold an `Arc` of their lock, which name its raw lock.
    macro_rules! same_arc_guards {
        ($($content:ident)*) => {$(
            same!(
                ours::ArcMutexGuard<ours::RawMutex, contents::$content>,
                original::ArcMutexGuard<original::RawMutex, contents::$content>
            );
            same!(
                ours::ArcMutexGuard<ours::RawFairMutex, contents::$content>,
                original::ArcMutexGuard<original::RawFairMutex, contents::$content>
            );
            same!(
                ours::ArcReentrantMutexGuard<ours::RawMutex, ours::RawThreadId, contents::$content>,
                original::ArcReentrantMutexGuard<
                    original::RawMutex, original::RawThreadId, contents::$content
                >
            );
            same!(
                ours::ArcRwLockReadGuard<ours::RawRwLock, contents::$content>,
                original::ArcRwLockReadGuard<original::RawRwLock, contents::$content>
            );
            same!(
                ours::ArcRwLockWriteGuard<ours::RawRwLock, contents::$content>,
                original::ArcRwLockWriteGuard<original::RawRwLock, contents::$content>
            );
            same!(
                ours::ArcRwLockUpgradableReadGuard<ours::RawRwLock, contents::$content>,
                original::ArcRwLockUpgradableReadGuard<original::RawRwLock, contents::$content>
            );
        )*};
    }
    same_arc_guards!(
        Plain NotSync Neither Pointer NotSend NotUnpin NotUnwindSafe NotRefUnwindSafe
        Nothing OnlySend OnlySync Both All Slice Text
    );

    type MutexGuard = ours::MutexGuard<'static, u32>;
    const _: () = assert!(!implements!(MutexGuard: Send) && implements!(MutexGuard: Sync));
}
