//! The raw locks below the guards, in the signatures of `lock_api` 0.4.

use super::parking_lot::lock_api::{
    GetThreadId, Mutex, MutexGuard, RawMutex, RawMutexFair, RawRwLock, RawRwLockDowngrade,
    RawRwLockFair, RawRwLockUpgrade, ReentrantMutex, RwLock, RwLockUpgradableReadGuard,
};

/// # Safety
///
/// This thread holds the mutex, in no guard.
pub(super) unsafe fn unlock<R: RawMutex, T>(mutex: &Mutex<R, T>) {
    // SAFETY: as the caller says.
    unsafe { mutex.force_unlock() }
}

/// # Safety
///
/// As [`unlock`].
pub(super) unsafe fn unlock_fair<R: RawMutexFair, T>(mutex: &Mutex<R, T>) {
    // SAFETY: as the caller says.
    unsafe { mutex.force_unlock_fair() }
}

/// # Safety
///
/// As [`unlock`].
pub(super) unsafe fn unlock_reentrant<R: RawMutex, G: GetThreadId, T>(
    mutex: &ReentrantMutex<R, G, T>,
) {
    // SAFETY: as the caller says.
    unsafe { mutex.force_unlock() }
}

/// # Safety
///
/// As [`unlock`]; the guard stands for that lock.
pub(super) unsafe fn guard<R: RawMutex, T>(mutex: &Mutex<R, T>) -> MutexGuard<'_, R, T> {
    // SAFETY: as the caller says.
    unsafe { mutex.make_guard_unchecked() }
}

pub(super) fn is_a_lock<R: RawMutex>() {
    let raw = R::INIT;
    raw.lock();
    assert!(raw.is_locked() && !raw.try_lock());
    // SAFETY: held since the line above.
    unsafe { raw.unlock() };
    assert!(raw.try_lock());
    // SAFETY: as above.
    unsafe { raw.unlock() };
}

/// # Safety
///
/// This thread holds the lock for reading, in no guard.
pub(super) unsafe fn unlock_read<R: RawRwLock, T>(lock: &RwLock<R, T>) {
    // SAFETY: as the caller says.
    unsafe { lock.force_unlock_read() }
}

/// # Safety
///
/// As [`unlock_read`].
pub(super) unsafe fn unlock_read_fair<R: RawRwLockFair, T>(lock: &RwLock<R, T>) {
    // SAFETY: as the caller says.
    unsafe { lock.force_unlock_read_fair() }
}

/// # Safety
///
/// This thread holds the lock for writing, in no guard.
pub(super) unsafe fn unlock_write<R: RawRwLock, T>(lock: &RwLock<R, T>) {
    // SAFETY: as the caller says.
    unsafe { lock.force_unlock_write() }
}

/// # Safety
///
/// As [`unlock_write`].
pub(super) unsafe fn unlock_write_fair<R: RawRwLockFair, T>(lock: &RwLock<R, T>) {
    // SAFETY: as the caller says.
    unsafe { lock.force_unlock_write_fair() }
}

/// # Safety
///
/// This thread holds the lock upgradably, in no guard; the guard stands for that.
pub(super) unsafe fn upgradable_guard<R: RawRwLockUpgrade, T>(
    lock: &RwLock<R, T>,
) -> RwLockUpgradableReadGuard<'_, R, T> {
    // SAFETY: as the caller says.
    unsafe { lock.make_upgradable_guard_unchecked() }
}

pub(super) fn is_a_rwlock<R: RawRwLockDowngrade>() {
    let raw = R::INIT;
    raw.lock_exclusive();
    assert!(raw.is_locked_exclusive() && !raw.try_lock_shared());
    // SAFETY: held for writing, then for reading.
    unsafe {
        raw.downgrade();
        assert!(raw.is_locked() && !raw.is_locked_exclusive());
        raw.unlock_shared();
    }
    assert!(!raw.is_locked());
}
