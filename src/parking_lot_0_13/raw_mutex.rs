//! The raw locks behind `Mutex`, `ReentrantMutex` and `FairMutex`.

use std::time::{Duration, Instant};

use super::{Marker, told};
use crate::skin::{self, Access, Blocked, Flag, Kind, Name};
use ::parking_lot_0_13::RawMutex as Inner;
use ::parking_lot_0_13::lock_api::{self, RawMutex as _, RawMutexFair as _};

/// The raw lock of [`Mutex`](super::Mutex) and [`ReentrantMutex`](super::ReentrantMutex): that of
/// parking_lot, profiled.
pub struct RawMutex {
    flag: Flag,
    name: Name,
    inner: Inner,
}

skin::raw_lock!([] RawMutex: Inner, lock_contended, unlock_contended);

impl RawMutex {
    #[inline(always)]
    fn try_for_a_time(&self, block: impl FnOnce(&Inner) -> bool) -> Option<Marker> {
        let blocked = || Blocked::for_a_time(Kind::MUTEX);
        self.acquire(Access::Exclusive, blocked, try_lock, block)
            .then(Marker::new)
    }

    pub(super) fn flag(&self) -> &Flag {
        &self.flag
    }

    /// The raw lock inside, for the Condvar.
    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }
}

fn try_lock(inner: &Inner) -> bool {
    inner.try_lock().is_some()
}

// Guards have no state: a marker is made where the trait wants one, and those that come are
// dropped.

// SAFETY: every operation is that of parking_lot's raw lock, which excludes all others while it is
// held; this type adds only bookkeeping. A lock that unwinds has not been acquired, and a release
// does not unwind.
unsafe impl lock_api::RawMutex for RawMutex {
    const INIT: Self = Self::new(Name::NONE);

    type Guard = Marker;

    #[inline]
    fn lock(&self) -> Marker {
        let block = |inner: &Inner| {
            inner.lock();
            true
        };
        self.acquire(Access::Exclusive, || Kind::MUTEX.into(), try_lock, block);
        Marker::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<Marker> {
        self.try_acquire(Access::Exclusive, try_lock)
            .then(Marker::new)
    }

    #[inline]
    unsafe fn unlock(&self, _guard: Marker) {
        // SAFETY: the caller holds the lock, as this function demands too.
        self.release(Access::Exclusive, Kind::MUTEX, |inner| unsafe {
            inner.unlock(Marker::new());
        });
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.inner.is_locked()
    }
}

// SAFETY: as for `RawMutex`.
unsafe impl lock_api::RawMutexFair for RawMutex {
    #[inline]
    unsafe fn unlock_fair(&self, _guard: Marker) {
        // SAFETY: the caller holds the lock, as this function demands too.
        self.release(Access::Exclusive, Kind::MUTEX, |inner| unsafe {
            inner.unlock_fair(Marker::new());
        });
    }

    #[inline]
    unsafe fn bump(&self, guard: &mut Marker) {
        // SAFETY: the caller holds the lock, as these functions demand too, and holds it again
        // after the last one.
        unsafe {
            if skin::begin_release(Access::Exclusive, &self.flag) {
                self.inner.bump(guard);
                skin::acquired(told(Access::Exclusive), &self.flag);
            } else {
                self.unlock_fair(Marker::new());
                *guard = self.lock();
            }
        }
    }
}

// SAFETY: as for `RawMutex`.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<Marker> {
        self.try_for_a_time(|inner| inner.try_lock_for(timeout).is_some())
    }

    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> Option<Marker> {
        self.try_for_a_time(|inner| inner.try_lock_until(timeout).is_some())
    }
}

/// The raw lock of [`FairMutex`](super::FairMutex): a [`RawMutex`] whose every unlock is fair, as
/// that of parking_lot is.
pub struct RawFairMutex(RawMutex);

impl RawFairMutex {
    /// An unlocked one.
    pub(super) const fn new(name: Name) -> Self {
        Self(RawMutex::new(name))
    }
}

// SAFETY: every operation is one of `RawMutex`.
unsafe impl lock_api::RawMutex for RawFairMutex {
    const INIT: Self = Self(RawMutex::INIT);

    type Guard = Marker;

    #[inline]
    fn lock(&self) -> Marker {
        self.0.lock()
    }

    #[inline]
    fn try_lock(&self) -> Option<Marker> {
        self.0.try_lock()
    }

    #[inline]
    unsafe fn unlock(&self, guard: Marker) {
        // SAFETY: the caller holds the lock, as this function demands too.
        unsafe { self.0.unlock_fair(guard) }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

// SAFETY: every operation is one of `RawMutex`.
unsafe impl lock_api::RawMutexFair for RawFairMutex {
    #[inline]
    unsafe fn unlock_fair(&self, guard: Marker) {
        // SAFETY: the caller holds the lock, as this function demands too.
        unsafe { self.0.unlock_fair(guard) }
    }

    #[inline]
    unsafe fn bump(&self, guard: &mut Marker) {
        // SAFETY: the caller holds the lock, as this function demands too.
        unsafe { self.0.bump(guard) }
    }
}

// SAFETY: every operation is one of `RawMutex`.
unsafe impl lock_api::RawMutexTimed for RawFairMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<Marker> {
        self.0.try_lock_for(timeout)
    }

    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> Option<Marker> {
        self.0.try_lock_until(timeout)
    }
}
