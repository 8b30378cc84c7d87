//! The part of a raw lock that is the same whatever `lock_api` looks like: how it is acquired and
//! released, and what the profiler is told of it.

use std::any::TypeId;

use super::Access;

/// The note of a lock's holder: none where a guard may go to another thread. `Marker` says whether
/// it may, which it does as `Sent`.
#[inline(always)]
pub(crate) fn told<Marker: 'static, Sent: 'static>(access: Access) -> Access {
    let is_sent = TypeId::of::<Marker>() == TypeId::of::<Sent>();
    match access {
        Access::Exclusive if is_sent => Access::Untold,
        Access::Upgradable if is_sent => Access::Shared,
        _ => access,
    }
}

/// The methods of a raw lock with the fields `flag`, `name` and `inner`, in a module beside whose
/// parent is `told`. The names of the outlined ones are given, for they stand for a method in
/// names.
macro_rules! raw_lock {
    ([$($generics:tt)*] $raw:ty: $inner:ty, $acquire_contended:ident, $release_contended:ident) => {
        impl<$($generics)*> $raw {
            /// An unlocked one.
            pub(super) const fn new(name: $crate::skin::Name) -> Self {
                Self {
                    flag: $crate::skin::Flag::new(),
                    name,
                    inner: <$inner>::INIT,
                }
            }

            /// Every acquisition that need not wait comes about here.
            #[inline(always)]
            fn try_acquire(
                &self,
                access: $crate::skin::Access,
                attempt: impl Fn(&$inner) -> bool,
            ) -> bool {
                let is_acquired = attempt(&self.inner);
                if is_acquired {
                    $crate::skin::acquired(super::told(access), &self.flag);
                }
                is_acquired
            }

            /// Tries, then waits in `block`. Both say whether they hold the lock.
            ///
            /// PERF: `blocked` is a function, so that what it makes takes no room in the frame of
            /// the path that need not wait: three instructions.
            #[inline(always)]
            fn acquire(
                &self,
                access: $crate::skin::Access,
                blocked: impl FnOnce() -> $crate::skin::Blocked,
                try_acquire: impl Fn(&$inner) -> bool,
                block: impl FnOnce(&$inner) -> bool,
            ) -> bool {
                self.try_acquire(access, &try_acquire)
                    || $crate::skin::not_last(self.$acquire_contended(
                        access,
                        blocked,
                        try_acquire,
                        block,
                    ))
            }

            #[cold]
            #[inline(never)]
            fn $acquire_contended(
                &self,
                access: $crate::skin::Access,
                blocked: impl FnOnce() -> $crate::skin::Blocked,
                try_acquire: impl Fn(&$inner) -> bool,
                block: impl FnOnce(&$inner) -> bool,
            ) -> bool {
                let is_acquired = $crate::skin::acquire(
                    blocked().named(self.name),
                    &self.flag,
                    || self.try_acquire(access, &try_acquire).then_some(true),
                    || block(&self.inner),
                    |acquired| *acquired,
                );
                if is_acquired {
                    $crate::skin::acquired(super::told(access), &self.flag);
                }
                is_acquired
            }

            /// In a release `kind` says what the mutex profile calls it: upgradable reads are reads
            /// there.
            #[inline(always)]
            fn release(
                &self,
                access: $crate::skin::Access,
                kind: $crate::skin::Kind,
                unlock: impl FnOnce(&$inner),
            ) {
                if $crate::skin::begin_release(access, &self.flag) {
                    unlock(&self.inner);
                } else {
                    self.$release_contended(kind, unlock);
                    $crate::skin::keep_frame();
                }
            }

            #[cold]
            #[inline(never)]
            fn $release_contended(
                &self,
                kind: $crate::skin::Kind,
                unlock: impl FnOnce(&$inner),
            ) {
                $crate::skin::release(kind, &self.flag, || unlock(&self.inner));
            }
        }
    };
}

pub(crate) use raw_lock;
