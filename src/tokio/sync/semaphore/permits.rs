//! The permits of a [`Semaphore`].

use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use ::tokio::sync as original;

use super::Semaphore;
use crate::skin::{Hold, Kind, Permits, keep_frame, let_go_of};

/// Declares a permit. `like` is the original's of that name, whose traits this has.
macro_rules! permit {
    (
        $(#[$attribute:meta])*
        pub struct $permit:ident$([$life:lifetime])? {
            semaphore: $semaphore:ty,
            inner: $inner:ty,
            semaphore(): $lent:ty,
        }
    ) => {
        $(#[$attribute])*
        pub struct $permit$(<$life>)? {
            /// There until `drop` or `into_parts` takes them out.
            permits: ManuallyDrop<Permits<$semaphore>>,
            inner: ManuallyDrop<$inner>,
        }

        impl$(<$life>)? $permit$(<$life>)? {
            /// So many have just been acquired.
            #[inline(always)]
            pub(super) fn new(semaphore: $semaphore, permits: u32, inner: $inner) -> Self {
                Self::from_parts(Permits::acquired(semaphore, permits), inner)
            }

            #[inline(always)]
            fn from_parts(permits: Permits<$semaphore>, inner: $inner) -> Self {
                Self {
                    permits: ManuallyDrop::new(permits),
                    inner: ManuallyDrop::new(inner),
                }
            }

            /// Takes the permit apart without giving anything back.
            #[inline(always)]
            fn into_parts(self) -> (Permits<$semaphore>, $inner) {
                let mut this = ManuallyDrop::new(self);
                // SAFETY: each is taken once: `this` is not dropped, and this function owns it and
                // uses it no more.
                unsafe {
                    (
                        ManuallyDrop::take(&mut this.permits),
                        ManuallyDrop::take(&mut this.inner),
                    )
                }
            }

            /// Ends the hold and takes the permits away for good. What others have waited for them
            /// up to here is charged to the caller.
            #[inline(always)]
            pub fn forget(self) {
                let (mut permits, inner) = self.into_parts();
                let_go_of(&mut permits, Kind::ASYNC_SEMAPHORE, || inner.forget());
                keep_frame();
            }

            /// Adds another one to this.
            ///
            /// # Panics
            ///
            /// If it is of another semaphore.
            #[track_caller]
            pub fn merge(&mut self, other: Self) {
                assert!(
                    std::ptr::eq::<Semaphore>(&*self.permits.lock, &*other.permits.lock),
                    "merging permits from different semaphore instances"
                );
                let (permits, inner) = other.into_parts();
                self.permits.merge(permits);
                self.inner.merge(inner);
            }

            /// Cuts off so many permits; `None` if there are not as many.
            pub fn split(&mut self, permits: usize) -> Option<Self> {
                let inner = self.inner.split(permits)?;
                // No more than there were, so they fit.
                let permits = self.permits.split(permits as u32);
                Some(Self::from_parts(permits, inner))
            }

            /// The semaphore that it is of.
            pub fn semaphore(&self) -> $lent {
                &self.permits.lock
            }

            /// How many permits this is.
            pub fn num_permits(&self) -> usize {
                self.inner.num_permits()
            }

            #[cold]
            #[inline(never)]
            fn release_contended(permits: &mut Permits<$semaphore>, inner: $inner) {
                // Or the linker would make one of it and of the other permit's.
                std::hint::black_box(concat!(file!(), stringify!($permit)));
                permits.release(Kind::ASYNC_SEMAPHORE, || drop(inner));
            }
        }

        impl$(<$life>)? Drop for $permit$(<$life>)? {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: each is taken once: a permit is dropped once, not after `into_parts`, and
                // nothing uses them afterwards.
                let (mut permits, inner) = unsafe {
                    (
                        ManuallyDrop::take(&mut self.permits),
                        ManuallyDrop::take(&mut self.inner),
                    )
                };
                if permits.is_idle() {
                    permits.let_go();
                    drop(inner);
                } else {
                    Self::release_contended(&mut permits, inner);
                    keep_frame();
                }
                // NOTE: `permits` go last. They may be what keeps the semaphore alive, which
                // `inner` refers to.
            }
        }

        impl$(<$life>)? fmt::Debug for $permit$(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($permit))
                    .field("sem", &self.permits.lock)
                    .field("permits", &self.num_permits())
                    .finish()
            }
        }
    };
}

permit! {
    /// Permits of a [`Semaphore`]. Gives them back when dropped.
    ///
    /// If a task that is sampled has waited since it got them, the stack that drops it is charged
    /// with its share of the waiting.
    #[must_use]
    #[clippy::has_significant_drop]
    pub struct SemaphorePermit['a] {
        semaphore: &'a Semaphore,
        inner: original::SemaphorePermit<'a>,
        semaphore(): &Semaphore,
    }
}

permit! {
    /// Permits of a [`Semaphore`] that they keep alive. Gives them back when dropped.
    #[must_use]
    #[clippy::has_significant_drop]
    pub struct OwnedSemaphorePermit {
        semaphore: Arc<Semaphore>,
        inner: original::SemaphorePermit<'static>,
        semaphore(): &Arc<Semaphore>,
    }
}

/// A permit that does not know what it borrows from.
///
/// # Safety
///
/// - A share of the semaphore goes along with the result and with all that is made of it, and is
///   dropped after it: as in [`OwnedSemaphorePermit`].
#[inline(always)]
pub(super) unsafe fn extended(
    inner: original::SemaphorePermit<'_>,
) -> original::SemaphorePermit<'static> {
    // SAFETY: only the lifetime changes, and by this function's duty the semaphore lives that long.
    unsafe { std::mem::transmute(inner) }
}
