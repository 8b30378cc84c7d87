//! The guards of locks that are made as those of the standard library are: two types that borrow
//! the lock, with an API of their own. (`parking_lot`'s come from `lock_api`, around our raw
//! locks.)

/// Declares a guard and all that it does but for methods of its own.
///
/// ```text
/// guard! {
///     /// Its documentation.
///     #[attributes]
///     pub struct MutexGuard<'a, T>(sync::MutexGuard, Kind::MUTEX, DerefMut);
/// }
/// ```
///
/// The name is followed by the guard inside, the kind that a release has in the mutex profile, and
/// `DerefMut` if the value may be changed. `Debug` and `Display` are there where the guard inside
/// has them.
///
/// Every acquisition of such a lock, whichever way it came about, ends with a call of `new`.
macro_rules! guard {
    (
        $(#[$attribute:meta])*
        pub struct $guard:ident<'a, T>($($inner:ident)::+, $kind:expr $(, $deref_mut:ident)?);
    ) => {
        $(#[$attribute])*
        #[clippy::has_significant_drop]
        pub struct $guard<'a, T: ?Sized + 'a> {
            flag: &'a $crate::skin::Flag,
            /// There until `drop` or `into_parts` takes it out.
            inner: ::std::mem::ManuallyDrop<$($inner)::+<'a, T>>,
        }

        impl<'a, T: ?Sized> $guard<'a, T> {
            /// The lock has just been acquired.
            #[inline(always)]
            pub(super) fn new(flag: &'a $crate::skin::Flag, inner: $($inner)::+<'a, T>) -> Self {
                $crate::skin::acquired($crate::skin::Access::of_guard($kind), flag);
                Self {
                    flag,
                    inner: ::std::mem::ManuallyDrop::new(inner),
                }
            }

            /// Takes the guard apart without releasing the lock: the inverse of `new`.
            #[allow(dead_code)] // Not every lock has something to do with the parts.
            #[inline(always)]
            pub(super) fn into_parts(self) -> (&'a $crate::skin::Flag, $($inner)::+<'a, T>) {
                let mut this = ::std::mem::ManuallyDrop::new(self);
                // SAFETY: the inner guard is taken once: `this` is not dropped, and this function
                // owns it and uses it no more.
                let inner = unsafe { ::std::mem::ManuallyDrop::take(&mut this.inner) };
                (this.flag, inner)
            }

            // PERF: takes the parts rather than `&mut self`, so that the guard can stay in
            // registers.
            #[cold]
            #[inline(never)]
            fn release_contended(flag: &$crate::skin::Flag, inner: $($inner)::+<'_, T>) {
                $crate::skin::release($kind, flag, || drop(inner));
            }
        }

        impl<T: ?Sized> Drop for $guard<'_, T> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: the inner guard is taken once: a guard is dropped once, not after
                // `into_parts`, and nothing uses it afterwards.
                let inner = unsafe { ::std::mem::ManuallyDrop::take(&mut self.inner) };
                let access = $crate::skin::Access::of_guard($kind);
                if $crate::skin::begin_release(access, self.flag) {
                    drop(inner);
                } else {
                    Self::release_contended(self.flag, inner);
                    $crate::skin::keep_frame();
                }
            }
        }

        impl<T: ?Sized> ::std::ops::Deref for $guard<'_, T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                &self.inner
            }
        }

        $(impl<T: ?Sized> ::std::ops::$deref_mut for $guard<'_, T> {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                &mut self.inner
            }
        })?

        impl<'a, T: ?Sized> ::std::fmt::Debug for $guard<'a, T>
        where
            $($inner)::+<'a, T>: ::std::fmt::Debug,
        {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                (*self.inner).fmt(f)
            }
        }

        impl<'a, T: ?Sized> ::std::fmt::Display for $guard<'a, T>
        where
            $($inner)::+<'a, T>: ::std::fmt::Display,
        {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                (*self.inner).fmt(f)
            }
        }
    };
}

pub(crate) use guard;
