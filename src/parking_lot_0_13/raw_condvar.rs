//! The raw condition variable behind `Condvar`.

use std::time::{Duration, Instant};

use super::{Marker, RawMutex, told};
use crate::skin::{self, Access, Blocked, Kind, WakeFlag, WakeRef, Whom};
use ::parking_lot_0_13::RawCondvar as Inner;
use ::parking_lot_0_13::lock_api::{self, RawCondvar as _};

/// The raw condition variable of [`Condvar`](super::Condvar): that of parking_lot, profiled.
///
/// # Overhead
///
/// A notification reads one word more than the original's, which makes this eight bytes larger.
/// While a thread waits whom none has notified yet, and the wake profile is on, it captures its
/// stack, afterwards.
pub struct RawCondvar {
    inner: Inner,
    wakes: WakeFlag,
}

impl RawCondvar {
    #[inline(always)]
    fn wakes(&self) -> WakeRef<'_> {
        WakeRef::beside(&self.wakes)
    }

    /// `wait` says whether it was notified.
    #[inline(always)]
    fn sleep(
        &self,
        mutex: &RawMutex,
        blocked: impl Into<Blocked>,
        wait: impl FnOnce() -> bool,
    ) -> bool {
        skin::release_early(Access::Exclusive, Kind::MUTEX, mutex.flag());
        let is_notified = skin::sleeping(blocked, self.wakes(), wait, |notified| *notified);
        skin::acquired(told(Access::Exclusive), mutex.flag());
        is_notified
    }

    #[cold]
    #[inline(never)]
    fn notify_one_contended(&self) -> bool {
        skin::notify(Whom::One, self.wakes(), || self.inner.notify_one())
    }

    #[cold]
    #[inline(never)]
    fn notify_all_contended(&self) -> usize {
        skin::notify(Whom::All, self.wakes(), || self.inner.notify_all())
    }
}

// SAFETY: every wait is that of parking_lot's raw condition variable with the raw lock inside of
// `mutex`, which is held whenever `mutex` is: it unlocks it, sleeps, and has it again.
unsafe impl lock_api::RawCondvar for RawCondvar {
    const INIT: Self = Self {
        inner: Inner::INIT,
        wakes: WakeFlag::new(),
    };

    type RawMutex = RawMutex;

    #[inline(always)]
    unsafe fn wait(&self, mutex: &RawMutex, guard: &mut Marker) {
        self.sleep(mutex, Kind::CONDVAR, || {
            // SAFETY: the caller holds `mutex`, and so the lock inside.
            unsafe { self.inner.wait(mutex.inner(), guard) };
            true
        });
    }

    #[inline]
    fn notify_one(&self) -> bool {
        match self.wakes.is_idle() {
            true => self.inner.notify_one(),
            false => skin::not_last(self.notify_one_contended()),
        }
    }

    #[inline]
    fn notify_all(&self) -> usize {
        match self.wakes.is_idle() {
            true => self.inner.notify_all(),
            false => skin::not_last(self.notify_all_contended()),
        }
    }
}

// SAFETY: as above. Each returns whether the time was over, as the one inside does.
unsafe impl lock_api::RawCondvarTimed for RawCondvar {
    fn checked_duration_to_instant(timeout: &Duration) -> Option<Instant> {
        Inner::checked_duration_to_instant(timeout)
    }

    #[inline(always)]
    unsafe fn wait_until(&self, mutex: &RawMutex, guard: &mut Marker, timeout: &Instant) -> bool {
        let blocked = Blocked::for_a_time(Kind::CONDVAR);
        !self.sleep(mutex, blocked, || {
            // SAFETY: the caller holds `mutex`, and so the lock inside.
            !unsafe { self.inner.wait_until(mutex.inner(), guard, timeout) }
        })
    }

    #[inline(always)]
    unsafe fn wait_for(&self, mutex: &RawMutex, guard: &mut Marker, timeout: &Duration) -> bool {
        let blocked = Blocked::for_a_time(Kind::CONDVAR);
        !self.sleep(mutex, blocked, || {
            // SAFETY: the caller holds `mutex`, and so the lock inside.
            !unsafe { self.inner.wait_for(mutex.inner(), guard, timeout) }
        })
    }
}
