//! The raw lock behind `RwLock` and `RecursiveRwLock`.

use std::time::{Duration, Instant};

use super::{Marker, told};
use crate::skin::{self, Access, Blocked, Flag, Kind, Name};
use ::parking_lot_0_13::RawRwLock as Inner;
use ::parking_lot_0_13::lock_api::{self, RawRwLock as _, RawRwLockUpgrade as _};

/// The raw lock of [`RwLock`](super::RwLock) and, with `RECURSIVE`, of
/// [`RecursiveRwLock`](super::RecursiveRwLock): that of parking_lot, profiled.
pub struct RawRwLock<const RECURSIVE: bool = false> {
    flag: Flag,
    name: Name,
    inner: Inner<RECURSIVE>,
}

skin::raw_lock!(
    [const RECURSIVE: bool] RawRwLock<RECURSIVE>: Inner<RECURSIVE>,
    acquire_contended,
    release_contended
);

impl<const RECURSIVE: bool> RawRwLock<RECURSIVE> {
    /// The lock for `access`, by operations of the original that say whether they have it.
    #[inline(always)]
    fn acquired(
        &self,
        access: Access,
        blocked: impl FnOnce() -> Blocked,
        try_acquire: impl Fn(&Inner<RECURSIVE>) -> bool,
        block: impl FnOnce(&Inner<RECURSIVE>) -> bool,
    ) -> Option<Marker> {
        self.acquire(access, blocked, try_acquire, block)
            .then(Marker::new)
    }

    /// The upgrade of a lock, or the guard that it was held by.
    ///
    /// # Safety
    ///
    /// The lock is held upgradably, until `block` says that it is upgraded.
    #[inline(always)]
    unsafe fn upgraded(
        &self,
        blocked: Blocked,
        block: impl FnOnce(&Inner<RECURSIVE>) -> bool,
    ) -> Result<Marker, Marker> {
        // SAFETY: held upgradably, as the caller says, until one of the two succeeds.
        let try_upgrade = |inner: &Inner<_>| unsafe { inner.try_upgrade(Marker::new()) }.is_ok();
        self.acquired(
            Access::Exclusive,
            || blocked.upgrading(),
            try_upgrade,
            block,
        )
        .ok_or_else(Marker::new)
    }
}

fn try_lock_shared<const RECURSIVE: bool>(inner: &Inner<RECURSIVE>) -> bool {
    inner.try_lock_shared().is_some()
}

fn try_lock_exclusive<const RECURSIVE: bool>(inner: &Inner<RECURSIVE>) -> bool {
    inner.try_lock_exclusive().is_some()
}

fn try_lock_upgradable<const RECURSIVE: bool>(inner: &Inner<RECURSIVE>) -> bool {
    inner.try_lock_upgradable().is_some()
}

// Guards have no state: a marker is made where a function wants one, and those that come are
// dropped. In the following every `unsafe fn` demands of its caller that the lock be held in the
// way that the inner function demands, and calls nothing else; "as demanded" refers to that.

// SAFETY: every operation is that of parking_lot's raw lock, which excludes as the trait says; this
// type adds only bookkeeping. An acquisition that unwinds has not been made, and a release does not
// unwind.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLock for RawRwLock<RECURSIVE> {
    const INIT: Self = Self::new(Name::NONE);

    type SharedGuard = Marker;
    type ExclusiveGuard = Marker;

    #[inline]
    fn lock_shared(&self) -> Marker {
        let block = |inner: &Inner<_>| {
            inner.lock_shared();
            true
        };
        let blocked = || Kind::RWLOCK_READ.into();
        self.acquire(Access::Shared, blocked, try_lock_shared, block);
        Marker::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<Marker> {
        self.try_acquire(Access::Shared, try_lock_shared)
            .then(Marker::new)
    }

    #[inline]
    unsafe fn unlock_shared(&self, _guard: Marker) {
        // SAFETY: held for reading, as demanded.
        self.release(Access::Shared, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_shared(Marker::new());
        });
    }

    #[inline]
    fn lock_exclusive(&self) -> Marker {
        let block = |inner: &Inner<_>| {
            inner.lock_exclusive();
            true
        };
        let blocked = || Kind::RWLOCK_WRITE.into();
        self.acquire(Access::Exclusive, blocked, try_lock_exclusive, block);
        Marker::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<Marker> {
        self.try_acquire(Access::Exclusive, try_lock_exclusive)
            .then(Marker::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: Marker) {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.unlock_exclusive(Marker::new());
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
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockFair for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn unlock_shared_fair(&self, _guard: Marker) {
        // SAFETY: held for reading, as demanded.
        self.release(Access::Shared, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_shared_fair(Marker::new());
        });
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self, _guard: Marker) {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.unlock_exclusive_fair(Marker::new());
        });
    }

    #[inline]
    unsafe fn bump_shared(&self, guard: &mut Marker) {
        // SAFETY: held for reading, as demanded; and again after the last call.
        unsafe {
            if skin::begin_release(Access::Shared, &self.flag) {
                self.inner.bump_shared(guard);
                skin::acquired(Access::Shared, &self.flag);
            } else {
                self.unlock_shared_fair(Marker::new());
                *guard = self.lock_shared();
            }
        }
    }

    #[inline]
    unsafe fn bump_exclusive(&self, guard: &mut Marker) {
        // SAFETY: held for writing, as demanded; and again after the last call.
        unsafe {
            if skin::begin_release(Access::Exclusive, &self.flag) {
                self.inner.bump_exclusive(guard);
                skin::acquired(told(Access::Exclusive), &self.flag);
            } else {
                self.unlock_exclusive_fair(Marker::new());
                *guard = self.lock_exclusive();
            }
        }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockDowngrade for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn downgrade(&self, _guard: Marker) -> Marker {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.downgrade(Marker::new());
            skin::acquired(Access::Shared, &self.flag);
        });
        Marker::new()
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockTimed for RawRwLock<RECURSIVE> {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<Marker> {
        self.acquired(
            Access::Shared,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            try_lock_shared,
            |inner| inner.try_lock_shared_for(timeout).is_some(),
        )
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<Marker> {
        self.acquired(
            Access::Shared,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            try_lock_shared,
            |inner| inner.try_lock_shared_until(timeout).is_some(),
        )
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<Marker> {
        self.acquired(
            Access::Exclusive,
            || Blocked::for_a_time(Kind::RWLOCK_WRITE),
            try_lock_exclusive,
            |inner| inner.try_lock_exclusive_for(timeout).is_some(),
        )
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<Marker> {
        self.acquired(
            Access::Exclusive,
            || Blocked::for_a_time(Kind::RWLOCK_WRITE),
            try_lock_exclusive,
            |inner| inner.try_lock_exclusive_until(timeout).is_some(),
        )
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgrade for RawRwLock<RECURSIVE> {
    type UpgradableGuard = Marker;

    #[inline]
    fn lock_upgradable(&self) -> Marker {
        let block = |inner: &Inner<_>| {
            inner.lock_upgradable();
            true
        };
        let blocked = || Kind::RWLOCK_READ.into();
        self.acquire(Access::Upgradable, blocked, try_lock_upgradable, block);
        Marker::new()
    }

    #[inline]
    fn try_lock_upgradable(&self) -> Option<Marker> {
        self.try_acquire(Access::Upgradable, try_lock_upgradable)
            .then(Marker::new)
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, _guard: Marker) {
        // SAFETY: held upgradably, as demanded.
        self.release(Access::Upgradable, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_upgradable(Marker::new());
        });
    }

    #[inline]
    unsafe fn upgrade(&self, guard: Marker) -> Marker {
        let block = |inner: &Inner<_>| {
            // SAFETY: held upgradably, as demanded.
            unsafe { inner.upgrade(guard) };
            true
        };
        // SAFETY: as above.
        let upgraded = unsafe { self.upgraded(Kind::RWLOCK_WRITE.into(), block) };
        let (Ok(guard) | Err(guard)) = upgraded;
        guard
    }

    #[inline]
    unsafe fn try_upgrade(&self, guard: Marker) -> Result<Marker, Marker> {
        // SAFETY: held upgradably, as demanded.
        let attempt = |inner: &Inner<_>| unsafe { inner.try_upgrade(Marker::new()) }.is_ok();
        let is_acquired = self.try_acquire(Access::Exclusive, attempt);
        if is_acquired { Ok(guard) } else { Err(guard) }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeFair for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn unlock_upgradable_fair(&self, _guard: Marker) {
        // SAFETY: held upgradably, as demanded.
        self.release(Access::Upgradable, Kind::RWLOCK_READ, |inner| unsafe {
            inner.unlock_upgradable_fair(Marker::new());
        });
    }

    #[inline]
    unsafe fn bump_upgradable(&self, guard: &mut Marker) {
        // SAFETY: held upgradably, as demanded; and again after the last call.
        unsafe {
            if skin::begin_release(Access::Upgradable, &self.flag) {
                self.inner.bump_upgradable(guard);
                skin::acquired(told(Access::Upgradable), &self.flag);
            } else {
                self.unlock_upgradable_fair(Marker::new());
                *guard = self.lock_upgradable();
            }
        }
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeDowngrade for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn downgrade_upgradable(&self, _guard: Marker) -> Marker {
        // SAFETY: held upgradably, as demanded.
        self.release(Access::Upgradable, Kind::RWLOCK_READ, |inner| unsafe {
            inner.downgrade_upgradable(Marker::new());
            skin::acquired(Access::Shared, &self.flag);
        });
        Marker::new()
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, _guard: Marker) -> Marker {
        // SAFETY: held for writing, as demanded.
        self.release(Access::Exclusive, Kind::RWLOCK_WRITE, |inner| unsafe {
            inner.downgrade_to_upgradable(Marker::new());
            skin::acquired(told(Access::Upgradable), &self.flag);
        });
        Marker::new()
    }
}

// SAFETY: as for `RawRwLock`.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeTimed for RawRwLock<RECURSIVE> {
    #[inline]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> Option<Marker> {
        self.acquired(
            Access::Upgradable,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            try_lock_upgradable,
            |inner| inner.try_lock_upgradable_for(timeout).is_some(),
        )
    }

    #[inline]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> Option<Marker> {
        self.acquired(
            Access::Upgradable,
            || Blocked::for_a_time(Kind::RWLOCK_READ),
            try_lock_upgradable,
            |inner| inner.try_lock_upgradable_until(timeout).is_some(),
        )
    }

    #[inline]
    unsafe fn try_upgrade_for(&self, guard: Marker, timeout: Duration) -> Result<Marker, Marker> {
        let blocked = Blocked::for_a_time(Kind::RWLOCK_WRITE);
        // SAFETY: held upgradably, as demanded.
        let block = |inner: &Inner<_>| unsafe { inner.try_upgrade_for(guard, timeout) }.is_ok();
        // SAFETY: as above.
        unsafe { self.upgraded(blocked, block) }
    }

    #[inline]
    unsafe fn try_upgrade_until(&self, guard: Marker, timeout: Instant) -> Result<Marker, Marker> {
        let blocked = Blocked::for_a_time(Kind::RWLOCK_WRITE);
        // SAFETY: held upgradably, as demanded.
        let block = |inner: &Inner<_>| unsafe { inner.try_upgrade_until(guard, timeout) }.is_ok();
        // SAFETY: as above.
        unsafe { self.upgraded(blocked, block) }
    }
}
