//! The guards of locks that tasks wait for: some borrow the lock, others own a share of it, some
//! are mapped to a part of the value. What they have in common is a [`Hold`].

#![cfg_attr(
    not(feature = "tokio"),
    allow(dead_code, unused_macros, unused_imports)
)]

use std::sync::Arc;

use crate::engine::blame::{Flag, Share, SharedFlag};
use crate::engine::wait;
use crate::profile::kind::Kind;

/// A guard's way to its lock, to release it: a reference to it, or a share of it.
pub(crate) trait Hold {
    /// Whether a release is to do no more than [`let_go`](Self::let_go).
    fn is_idle(&self) -> bool;

    /// Comes before the unlock where nobody is charged.
    fn let_go(&mut self);

    /// Unlocks with `unlock`, and charges the caller if its release is due.
    ///
    /// NOTE: as for [`wait::release`], nothing is read through a reference to the lock afterwards.
    fn release<R>(&mut self, kind: Kind, unlock: impl FnOnce() -> R) -> R;
}

/// Unlocks with `unlock`, in whichever of the two ways.
#[inline(always)]
pub(crate) fn let_go_of<R>(hold: &mut impl Hold, kind: Kind, unlock: impl FnOnce() -> R) -> R {
    if hold.is_idle() {
        hold.let_go();
        unlock()
    } else {
        hold.release(kind, unlock)
    }
}

/// A lock that one at a time can hold.
pub(crate) trait HasFlag {
    fn flag(&self) -> &Flag;
}

impl HasFlag for Flag {
    #[inline(always)]
    fn flag(&self) -> &Flag {
        self
    }
}

impl<L: ?Sized + HasFlag> Hold for &L {
    #[inline(always)]
    fn is_idle(&self) -> bool {
        self.flag().is_idle()
    }

    #[inline(always)]
    fn let_go(&mut self) {}

    #[inline(always)]
    fn release<R>(&mut self, kind: Kind, unlock: impl FnOnce() -> R) -> R {
        wait::release(kind, self.flag(), unlock)
    }
}

impl<L: ?Sized + HasFlag> Hold for Arc<L> {
    #[inline(always)]
    fn is_idle(&self) -> bool {
        L::flag(self).is_idle()
    }

    #[inline(always)]
    fn let_go(&mut self) {}

    #[inline(always)]
    fn release<R>(&mut self, kind: Kind, unlock: impl FnOnce() -> R) -> R {
        wait::release(kind, L::flag(self), unlock)
    }
}

/// A lock that several can hold at once, by reference or owned.
pub(crate) trait HasSharedFlag {
    fn shared_flag(&self) -> &SharedFlag;
}

impl HasSharedFlag for SharedFlag {
    #[inline(always)]
    fn shared_flag(&self) -> &SharedFlag {
        self
    }
}

impl<L: ?Sized + HasSharedFlag> HasSharedFlag for &L {
    #[inline(always)]
    fn shared_flag(&self) -> &SharedFlag {
        L::shared_flag(self)
    }
}

impl<L: ?Sized + HasSharedFlag> HasSharedFlag for Arc<L> {
    #[inline(always)]
    fn shared_flag(&self) -> &SharedFlag {
        L::shared_flag(self)
    }
}

/// Permits of a lock that several can hold. Gives them back when it is dropped with them, as it is
/// where the original has released the lock because a closure of the user's has panicked.
#[derive(Debug)]
pub(crate) struct Permits<L: HasSharedFlag> {
    pub(crate) lock: L,
    /// `None`: given back.
    share: Option<Share>,
}

impl<L: HasSharedFlag> Permits<L> {
    /// So many have just been acquired.
    #[inline(always)]
    pub(crate) fn acquired(lock: L, permits: u32) -> Self {
        let share = wait::take_share(lock.shared_flag(), permits);
        Self {
            lock,
            share: Some(share),
        }
    }

    /// As many on the same lock as these, which were given back: a writer has become a reader.
    #[inline(always)]
    pub(crate) fn again(&self, permits: u32) -> Self
    where
        L: Clone,
    {
        Self::acquired(self.lock.clone(), permits)
    }

    /// Cuts off some of them.
    pub(crate) fn split(&mut self, permits: u32) -> Self
    where
        L: Clone,
    {
        Self {
            lock: self.lock.clone(),
            share: self.share.as_mut().map(|share| share.split(permits)),
        }
    }

    /// Adds others of the same lock.
    pub(crate) fn merge(&mut self, mut others: Self) {
        if let (Some(share), Some(others)) = (&mut self.share, others.share.take()) {
            *share = share.merged(others);
        }
    }
}

impl<L: HasSharedFlag> Hold for Permits<L> {
    #[inline(always)]
    fn is_idle(&self) -> bool {
        let lock = self.lock.shared_flag();
        self.share.is_none_or(|share| lock.owes_nothing(share))
    }

    #[inline(always)]
    fn let_go(&mut self) {
        if let Some(share) = self.share.take() {
            self.lock.shared_flag().give_back_now(share);
        }
    }

    #[inline(always)]
    fn release<R>(&mut self, kind: Kind, unlock: impl FnOnce() -> R) -> R {
        match self.share.take() {
            Some(share) => wait::release_share(kind, self.lock.shared_flag(), share, unlock),
            None => unlock(),
        }
    }
}

impl<L: HasSharedFlag> Drop for Permits<L> {
    #[inline]
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Declares a guard and all that it does but for methods of its own.
///
/// ```text
/// hold! {
///     /// Its documentation.
///     pub struct MutexGuard['a, T: ?Sized]['a, T: ?Sized]['a, T] {
///         hold: &'a Mutex<T>,
///         inner: original::MutexGuard<'a, T>,
///         like: original::MutexGuard<'a, T>,
///         target: T,
///         mutable: [DerefMut],
///         kind: Kind::ASYNC_MUTEX,
///     }
/// }
/// ```
///
/// The name is followed by its parameters: as the type declares them, as `impl` does, and as they
/// are used. `like` is the original's guard of that name, whose auto traits this has; `DerefMut` is
/// there if the value may be changed.
macro_rules! hold {
    (@mutable [] $($guard:tt)*) => {};
    (@mutable [DerefMut] $guard:ident[$($declared:tt)*][$($used:tt)*]) => {
        impl<$($declared)*> ::std::ops::DerefMut for $guard<$($used)*> {
            #[inline]
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.inner
            }
        }
    };
    (
        $(#[$attribute:meta])*
        pub struct $guard:ident[$($stated:tt)*][$($declared:tt)*][$($used:tt)*] {
            hold: $hold:ty,
            inner: $inner:ty,
            like: $like:ty,
            target: $target:ty,
            mutable: [$($deref_mut:ident)?],
            kind: $kind:expr,
        }
    ) => {
        $(#[$attribute])*
        #[clippy::has_significant_drop]
        pub struct $guard<$($stated)*> {
            /// Both are there until `drop` or `into_parts` takes them out.
            hold: ::std::mem::ManuallyDrop<$hold>,
            inner: ::std::mem::ManuallyDrop<$inner>,
            _like: ::std::marker::PhantomData<$like>,
        }

        impl<$($declared)*> $guard<$($used)*> {
            #[inline(always)]
            pub(super) fn from_parts(hold: $hold, inner: $inner) -> Self {
                Self {
                    hold: ::std::mem::ManuallyDrop::new(hold),
                    inner: ::std::mem::ManuallyDrop::new(inner),
                    _like: ::std::marker::PhantomData,
                }
            }

            /// Takes the guard apart without releasing the lock.
            #[allow(dead_code)] // Not every guard becomes another one.
            #[inline(always)]
            pub(super) fn into_parts(self) -> ($hold, $inner) {
                let mut this = ::std::mem::ManuallyDrop::new(self);
                // SAFETY: each is taken once: `this` is not dropped, and this function owns it and
                // uses it no more.
                unsafe {
                    (
                        ::std::mem::ManuallyDrop::take(&mut this.hold),
                        ::std::mem::ManuallyDrop::take(&mut this.inner),
                    )
                }
            }

            #[cold]
            #[inline(never)]
            fn release_contended(hold: &mut $hold, inner: $inner) {
                // Or the linker would make one of it and of another guard's.
                ::std::hint::black_box(concat!(file!(), stringify!($guard)));
                $crate::skin::Hold::release(hold, $kind, || drop(inner));
            }
        }

        impl<$($declared)*> Drop for $guard<$($used)*> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: each is taken once: a guard is dropped once, not after `into_parts`, and
                // nothing uses them afterwards.
                let (mut hold, inner) = unsafe {
                    (
                        ::std::mem::ManuallyDrop::take(&mut self.hold),
                        ::std::mem::ManuallyDrop::take(&mut self.inner),
                    )
                };
                if $crate::skin::Hold::is_idle(&hold) {
                    $crate::skin::Hold::let_go(&mut hold);
                    drop(inner);
                } else {
                    Self::release_contended(&mut hold, inner);
                    $crate::skin::keep_frame();
                }
                // NOTE: `hold` goes last. It may be what keeps the lock alive, which `inner` refers
                // to.
            }
        }

        impl<$($declared)*> ::std::ops::Deref for $guard<$($used)*> {
            type Target = $target;

            #[inline]
            fn deref(&self) -> &Self::Target {
                &self.inner
            }
        }

        $crate::skin::hold!(@mutable [$($deref_mut)?] $guard[$($declared)*][$($used)*]);

        impl<$($declared)*> ::std::fmt::Debug for $guard<$($used)*>
        where
            $target: ::std::fmt::Debug,
        {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($declared)*> ::std::fmt::Display for $guard<$($used)*>
        where
            $target: ::std::fmt::Display,
        {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&**self, f)
            }
        }
    };
}

pub(crate) use hold;
