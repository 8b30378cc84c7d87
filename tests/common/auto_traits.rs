//! Holds our types to the originals: auto traits, and the others that types get by being made of
//! the right parts. Checked while compiling, in both directions.
#![allow(unused_macros)] // Each test binary uses a part of it.

#[allow(unused_imports)]
pub(crate) use std::fmt::{Debug, Display};
#[allow(unused_imports)]
pub(crate) use std::panic::{RefUnwindSafe, UnwindSafe};

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
pub(crate) mod contents {
    use super::{Debug, RefUnwindSafe};

    pub(crate) type Plain = u32;
    /// Send, not Sync.
    pub(crate) type NotSync = std::cell::Cell<u32>;
    /// Neither.
    pub(crate) type Neither = std::rc::Rc<u32>;
    pub(crate) type Pointer = *const u32;
    /// Sync, not Send.
    pub(crate) type NotSend = std::sync::MutexGuard<'static, u32>;
    pub(crate) type NotUnpin = std::marker::PhantomPinned;
    /// Not UnwindSafe.
    pub(crate) type NotUnwindSafe = &'static mut u32;
    /// UnwindSafe, not RefUnwindSafe.
    pub(crate) type NotRefUnwindSafe = std::cell::UnsafeCell<u32>;
    pub(crate) type Nothing = dyn Debug;
    pub(crate) type OnlySend = dyn Debug + Send;
    pub(crate) type OnlySync = dyn Debug + Sync;
    pub(crate) type Both = dyn Debug + Send + Sync;
    pub(crate) type All = dyn Debug + Send + Sync + Unpin + RefUnwindSafe;
    pub(crate) type Slice = [u32];
    pub(crate) type Text = str;
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
