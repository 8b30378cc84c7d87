//! The raw locks behind `Mutex`, `ReentrantMutex` and `FairMutex`.

use std::mem;
use std::panic::RefUnwindSafe;
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::told;
use crate::skin::{self, Access, Blocked, Flag, Kind, Name, ReleasePlace};
use ::parking_lot::lock_api::{self, RawMutex as _, RawMutexFair as _};

/// The raw lock of [`Mutex`](super::Mutex) and [`ReentrantMutex`](super::ReentrantMutex): that of
/// [`parking_lot::Mutex`], profiled.
pub struct RawMutex {
    flag: Flag,
    name: Name,
    /// A whole mutex, because [`parking_lot::Condvar`] waits with its guards only.
    inner: ::parking_lot::Mutex<()>,
}

// `parking_lot::RawMutex` is an atomic byte, and so unwind-safe; with it are mapped guards. Here
// the unit in the mutex inside says no, and there is nothing in a unit that a panic could break.
impl RefUnwindSafe for RawMutex {}

impl RawMutex {
    /// An unlocked one.
    pub(super) const fn new(name: Name) -> Self {
        Self {
            flag: Flag::new(),
            name,
            inner: ::parking_lot::Mutex::new(()),
        }
    }

    /// Every acquisition that need not wait comes about here.
    #[inline(always)]
    fn try_acquire(&self) -> bool {
        // Forgotten: the guard of `lock_api` around this raw lock stands in its place.
        let is_acquired = self.inner.try_lock().map(mem::forget).is_some();
        if is_acquired {
            skin::acquired(told(Access::Exclusive), &self.flag);
        }
        is_acquired
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self, blocked: impl Into<Blocked>, block: impl FnOnce() -> bool) -> bool {
        let is_acquired = skin::acquire(
            blocked.into().named(self.name),
            &self.flag,
            || self.try_acquire().then_some(true),
            block,
            |acquired| *acquired,
        );
        if is_acquired {
            skin::acquired(told(Access::Exclusive), &self.flag);
        }
        is_acquired
    }

    #[cold]
    #[inline(never)]
    fn unlock_contended(&self, place: Option<ReleasePlace>, unlock: impl FnOnce()) {
        let place = place.filter(|_| !self.wakes_somebody());
        skin::release_from(place, Kind::MUTEX, &self.flag, unlock);
    }

    /// PERF: apart from `unlock_contended`, which saves many registers.
    #[cold]
    #[inline(never)]
    fn is_untimed(&self, place: ReleasePlace) -> bool {
        !self.wakes_somebody() && skin::is_untimed(&self.flag, place)
    }

    /// Whether an unlock wakes a thread, as far as parking_lot lets it be known.
    ///
    /// parking_lot 0.12 has a byte for a mutex, and in it a bit that says that threads are parked,
    /// for which there is no method. A version in which a mutex is no byte gets `true` here. One
    /// with another bit would make the times of quick rounds less exact: a test looks for it.
    #[inline]
    fn wakes_somebody(&self) -> bool {
        const IS_A_BYTE: bool = size_of::<::parking_lot::RawMutex>() == 1;
        const PARKED_BIT: u8 = 0b10;
        if !IS_A_BYTE {
            return true;
        }
        // SAFETY: `raw` is only used to look at the lock.
        let raw = ptr::from_ref(unsafe { self.inner.raw() });
        // SAFETY: valid for reads as it comes from a reference, and one byte, as asked above. In
        // every version of 0.12 so far it is an `AtomicU8`, so other threads change it by atomic
        // operations alone.
        let state = unsafe { &*raw.cast::<AtomicU8>() };
        state.load(Ordering::Relaxed) & PARKED_BIT != 0
    }

    #[inline(always)]
    fn release(&self, unlock: impl FnOnce()) {
        let is_idle = skin::begin_release(Access::Exclusive, &self.flag);
        let place = if is_idle { None } else { ReleasePlace::here() };
        if is_idle || place.is_some_and(|place| self.is_untimed(place)) {
            unlock();
        } else {
            self.unlock_contended(place, unlock);
            skin::keep_frame();
        }
    }

    pub(super) fn flag(&self) -> &Flag {
        &self.flag
    }

    /// The mutex inside, for the Condvar.
    pub(super) fn inner(&self) -> &::parking_lot::Mutex<()> {
        &self.inner
    }
}

// SAFETY: every operation is that of `parking_lot::Mutex`, which excludes all others while it is
// held; this type adds only bookkeeping.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const)] // As in the trait: a value to start from.
    const INIT: Self = Self::new(Name::NONE);

    type GuardMarker = <::parking_lot::RawMutex as lock_api::RawMutex>::GuardMarker;

    #[inline]
    fn lock(&self) {
        if !self.try_acquire() {
            self.lock_contended(Kind::MUTEX, || {
                mem::forget(self.inner.lock());
                true
            });
            skin::keep_frame();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.try_acquire()
    }

    #[inline]
    unsafe fn unlock(&self) {
        // SAFETY: the caller holds the lock, as this function demands too.
        self.release(|| unsafe { self.inner.force_unlock() });
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.inner.is_locked()
    }
}

// SAFETY: as for `RawMutex`.
unsafe impl lock_api::RawMutexFair for RawMutex {
    #[inline]
    unsafe fn unlock_fair(&self) {
        // SAFETY: the caller holds the lock, as this function demands too.
        self.release(|| unsafe { self.inner.force_unlock_fair() });
    }

    #[inline]
    unsafe fn bump(&self) {
        // SAFETY: the caller holds the lock, as these functions demand too; `raw` is only used
        // for what the caller asked for.
        unsafe {
            if skin::begin_release(Access::Exclusive, &self.flag) {
                self.inner.raw().bump();
                skin::acquired(told(Access::Exclusive), &self.flag);
            } else {
                self.unlock_fair();
                self.lock();
            }
        }
    }
}

// SAFETY: as for `RawMutex`.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> bool {
        let block = || self.inner.try_lock_for(timeout).map(mem::forget).is_some();
        self.try_acquire()
            || skin::not_last(self.lock_contended(Blocked::for_a_time(Kind::MUTEX), block))
    }

    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> bool {
        let block = || {
            self.inner
                .try_lock_until(timeout)
                .map(mem::forget)
                .is_some()
        };
        self.try_acquire()
            || skin::not_last(self.lock_contended(Blocked::for_a_time(Kind::MUTEX), block))
    }
}

/// The raw lock of [`FairMutex`](super::FairMutex): a [`RawMutex`] whose every unlock is fair, as
/// [`parking_lot::RawFairMutex`] is.
pub struct RawFairMutex(RawMutex);

impl RawFairMutex {
    /// An unlocked one.
    pub(super) const fn new(name: Name) -> Self {
        Self(RawMutex::new(name))
    }
}

// SAFETY: every operation is one of `RawMutex`.
unsafe impl lock_api::RawMutex for RawFairMutex {
    #[allow(clippy::declare_interior_mutable_const)] // As in the trait: a value to start from.
    const INIT: Self = Self(RawMutex::INIT);

    type GuardMarker = <::parking_lot::RawFairMutex as lock_api::RawMutex>::GuardMarker;

    #[inline]
    fn lock(&self) {
        self.0.lock();
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.0.try_lock()
    }

    #[inline]
    unsafe fn unlock(&self) {
        // SAFETY: the caller holds the lock, as this function demands too.
        unsafe { self.0.unlock_fair() }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

// SAFETY: every operation is one of `RawMutex`.
unsafe impl lock_api::RawMutexFair for RawFairMutex {
    #[inline]
    unsafe fn unlock_fair(&self) {
        // SAFETY: the caller holds the lock, as this function demands too.
        unsafe { self.0.unlock_fair() }
    }

    #[inline]
    unsafe fn bump(&self) {
        // SAFETY: the caller holds the lock, as this function demands too.
        unsafe { self.0.bump() }
    }
}

// SAFETY: every operation is one of `RawMutex`.
unsafe impl lock_api::RawMutexTimed for RawFairMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> bool {
        self.0.try_lock_for(timeout)
    }

    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> bool {
        self.0.try_lock_until(timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parking_lot_keeps_the_bit_of_parked_threads_where_it_is_looked_for() {
        let mutex = <RawMutex as lock_api::RawMutex>::INIT;
        mutex.lock();
        assert!(!mutex.wakes_somebody());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                mutex.lock();
                // SAFETY: locked above.
                unsafe { mutex.unlock() };
            });
            let start = Instant::now();
            while !mutex.wakes_somebody() {
                assert!(start.elapsed() < Duration::from_secs(60), "no bit is set");
                std::thread::yield_now();
            }
            // SAFETY: locked above.
            unsafe { mutex.unlock() };
        });
        assert!(!mutex.wakes_somebody());
    }
}
