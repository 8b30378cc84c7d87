//! The raw lock behind `RwLock`.

use std::time::{Duration, Instant};

use super::told;
use crate::skin::{self, Access, Blocked, Flag, Kind, Name};
use ::parking_lot::RawRwLock as Inner;
use ::parking_lot::lock_api::{
    self, RawRwLock as _, RawRwLockRecursive as _, RawRwLockUpgrade as _,
};

/// The raw lock of [`RwLock`](super::RwLock): that of [`parking_lot::RwLock`],
/// profiled.
pub struct RawRwLock {
    flag: Flag,
    name: Name,
    inner: Inner,
}

skin::raw_lock!([] RawRwLock: Inner, acquire_contended, release_contended);

// In the following every `unsafe fn` demands of its caller that the lock be held in the way that
// the inner function demands, and calls nothing else; "as demanded" refers to that.

// SAFETY: every operation is that of parking_lot's raw lock, which excludes as the trait says; this
// type adds only bookkeeping.
unsafe impl lock_api::RawRwLock for RawRwLock {
    #[allow(clippy::declare_interior_mutable_const)] // As in the trait: a value to start from.
    const INIT: Self = Self::new(Name::NONE);

    type GuardMarker = <Inner as lock_api::RawRwLock>::GuardMarker;

    #[inline]
    fn lock_shared(&self) {
        self.acquire(
            Access::Shared,
            || Kind::RWLOCK_READ.into(),
            Inner::try_lock_shared,
            |inner| {
                inner.lock_shared();
                true
            },
        );
    }

    #[inline]
    fn try_lock_shared(&self) -> bool {
        self.try_acquire(Access::Shared, Inner::try_lock_shared)
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        // SAFETY: held for reading, as demanded.
        self.release(Access::Shared, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_shared()
        });
    }

    #[inline]
    fn lock_exclusive(&self) {
        self.acquire(
            Access::Exclusive,
            || Kind::RWLOCK_WRITE.into(),
            Inner::try_lock_exclusive,
            |inner| {
                inner.lock_exclusive();
                true
            },
        );
    }

    #[inline]
    fn try_lock_exclusive(&self) -> bool {
        self.try_acquire(Access::Exclusive, Inner::try_lock_exclusive)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.unlock_exclusive();
        });
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.inner.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.inner.is_locked_exclusive()
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockFair for RawRwLock {
    #[inline]
    unsafe fn unlock_shared_fair(&self) {
        // SAFETY: held for reading, as demanded.
        self.release(Access::Shared, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_shared_fair();
        });
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self) {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.unlock_exclusive_fair();
        });
    }

    #[inline]
    unsafe fn bump_shared(&self) {
        // SAFETY: held for reading, as demanded; and again after the second call.
        unsafe {
            if skin::begin_release(Access::Shared, &self.flag) {
                self.inner.bump_shared();
                skin::acquired(Access::Shared, &self.flag);
            } else {
                self.unlock_shared_fair();
                self.lock_shared();
            }
        }
    }

    #[inline]
    unsafe fn bump_exclusive(&self) {
        // SAFETY: held for writing, as demanded; and again after the second call.
        unsafe {
            if skin::begin_release(Access::Exclusive, &self.flag) {
                self.inner.bump_exclusive();
                skin::acquired(told(Access::Exclusive), &self.flag);
            } else {
                self.unlock_exclusive_fair();
                self.lock_exclusive();
            }
        }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockDowngrade for RawRwLock {
    #[inline]
    unsafe fn downgrade(&self) {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.downgrade();
            skin::acquired(Access::Shared, &self.flag);
        });
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> bool {
        self.acquire(
            Access::Shared,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            Inner::try_lock_shared,
            |inner| inner.try_lock_shared_for(timeout),
        )
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> bool {
        self.acquire(
            Access::Shared,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            Inner::try_lock_shared,
            |inner| inner.try_lock_shared_until(timeout),
        )
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> bool {
        self.acquire(
            Access::Exclusive,
            || Blocked::for_a_time(Kind::RWLOCK_WRITE),
            Inner::try_lock_exclusive,
            |inner| inner.try_lock_exclusive_for(timeout),
        )
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> bool {
        self.acquire(
            Access::Exclusive,
            || Blocked::for_a_time(Kind::RWLOCK_WRITE),
            Inner::try_lock_exclusive,
            |inner| inner.try_lock_exclusive_until(timeout),
        )
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockRecursive for RawRwLock {
    #[inline]
    fn lock_shared_recursive(&self) {
        self.acquire(
            Access::Shared,
            || Kind::RWLOCK_READ.into(),
            Inner::try_lock_shared_recursive,
            |inner| {
                inner.lock_shared_recursive();
                true
            },
        );
    }

    #[inline]
    fn try_lock_shared_recursive(&self) -> bool {
        self.try_acquire(Access::Shared, Inner::try_lock_shared_recursive)
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockRecursiveTimed for RawRwLock {
    #[inline]
    fn try_lock_shared_recursive_for(&self, timeout: Duration) -> bool {
        self.acquire(
            Access::Shared,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            Inner::try_lock_shared_recursive,
            |inner| inner.try_lock_shared_recursive_for(timeout),
        )
    }

    #[inline]
    fn try_lock_shared_recursive_until(&self, timeout: Instant) -> bool {
        self.acquire(
            Access::Shared,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            Inner::try_lock_shared_recursive,
            |inner| inner.try_lock_shared_recursive_until(timeout),
        )
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockUpgrade for RawRwLock {
    #[inline]
    fn lock_upgradable(&self) {
        self.acquire(
            Access::Upgradable,
            || Kind::RWLOCK_READ.into(),
            Inner::try_lock_upgradable,
            |inner| {
                inner.lock_upgradable();
                true
            },
        );
    }

    #[inline]
    fn try_lock_upgradable(&self) -> bool {
        self.try_acquire(Access::Upgradable, Inner::try_lock_upgradable)
    }

    #[inline]
    unsafe fn unlock_upgradable(&self) {
        // SAFETY: held upgradably, as demanded.
        self.release(Access::Upgradable, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_upgradable();
        });
    }

    #[inline]
    unsafe fn upgrade(&self) {
        // SAFETY: held upgradably, as demanded, until one of the two succeeds.
        self.acquire(
            Access::Exclusive,
            || Blocked::from(Kind::RWLOCK_WRITE).upgrading(),
            |inner| unsafe { inner.try_upgrade() },
            |inner| {
                // SAFETY: as above.
                unsafe { inner.upgrade() };
                true
            },
        );
    }

    #[inline]
    unsafe fn try_upgrade(&self) -> bool {
        // SAFETY: held upgradably, as demanded.
        self.try_acquire(Access::Exclusive, |inner| unsafe { inner.try_upgrade() })
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockUpgradeFair for RawRwLock {
    #[inline]
    unsafe fn unlock_upgradable_fair(&self) {
        // SAFETY: held upgradably, as demanded.
        self.release(Access::Upgradable, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_upgradable_fair();
        });
    }

    #[inline]
    unsafe fn bump_upgradable(&self) {
        // SAFETY: held upgradably, as demanded; and again after the second call.
        unsafe {
            if skin::begin_release(Access::Upgradable, &self.flag) {
                self.inner.bump_upgradable();
                skin::acquired(told(Access::Upgradable), &self.flag);
            } else {
                self.unlock_upgradable_fair();
                self.lock_upgradable();
            }
        }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockUpgradeDowngrade for RawRwLock {
    #[inline]
    unsafe fn downgrade_upgradable(&self) {
        // SAFETY: held upgradably, as demanded.
        self.release(Access::Upgradable, Kind::RWLOCK_READ, |inner| unsafe {
            inner.downgrade_upgradable();
            skin::acquired(Access::Shared, &self.flag);
        });
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self) {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.downgrade_to_upgradable();
            skin::acquired(told(Access::Upgradable), &self.flag);
        });
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl lock_api::RawRwLockUpgradeTimed for RawRwLock {
    #[inline]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> bool {
        self.acquire(
            Access::Upgradable,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            Inner::try_lock_upgradable,
            |inner| inner.try_lock_upgradable_for(timeout),
        )
    }

    #[inline]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> bool {
        self.acquire(
            Access::Upgradable,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            Inner::try_lock_upgradable,
            |inner| inner.try_lock_upgradable_until(timeout),
        )
    }

    #[inline]
    unsafe fn try_upgrade_for(&self, timeout: Duration) -> bool {
        self.acquire(
            Access::Exclusive,
            || Blocked::for_a_time(Kind::RWLOCK_WRITE).upgrading(),
            // SAFETY: held upgradably, as demanded, until one of the two succeeds.
            |inner| unsafe { inner.try_upgrade() },
            // SAFETY: as above.
            |inner| unsafe { inner.try_upgrade_for(timeout) },
        )
    }

    #[inline]
    unsafe fn try_upgrade_until(&self, timeout: Instant) -> bool {
        self.acquire(
            Access::Exclusive,
            || Blocked::for_a_time(Kind::RWLOCK_WRITE).upgrading(),
            // SAFETY: held upgradably, as demanded, until one of the two succeeds.
            |inner| unsafe { inner.try_upgrade() },
            // SAFETY: as above.
            |inner| unsafe { inner.try_upgrade_until(timeout) },
        )
    }
}
