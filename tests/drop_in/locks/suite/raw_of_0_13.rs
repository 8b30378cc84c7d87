//! The raw locks below the guards, in the signatures of `lock_api` 0.5.

use super::parking_lot::lock_api::{
    GetThreadId, Mutex, MutexGuard, RawMutex, RawMutexFair, RawRwLock, RawRwLockDowngrade,
    RawRwLockFair, RawRwLockUpgrade, ReentrantMutex, RwLock, RwLockUpgradableReadGuard,
};

/// # Safety
///
/// This thread holds the mutex, in no guard.
pub(super) unsafe fn unlock<R: RawMutex<Guard: Default>, T>(mutex: &Mutex<R, T>) {
    // SAFETY: as the caller says; guards have no state.
    unsafe { mutex.force_unlock(R::Guard::default()) }
}

/// # Safety
///
/// As [`unlock`].
pub(super) unsafe fn unlock_fair<R: RawMutexFair<Guard: Default>, T>(mutex: &Mutex<R, T>) {
    // SAFETY: as the caller says; guards have no state.
    unsafe { mutex.force_unlock_fair(R::Guard::default()) }
}

/// # Safety
///
/// As [`unlock`].
pub(super) unsafe fn unlock_reentrant<R: RawMutex<Guard: Default>, G: GetThreadId, T>(
    mutex: &ReentrantMutex<R, G, T>,
) {
    // SAFETY: as the caller says; guards have no state.
    unsafe { mutex.force_unlock() }
}

/// # Safety
///
/// As [`unlock`]; the guard stands for that lock.
pub(super) unsafe fn guard<R: RawMutex<Guard: Default>, T>(
    mutex: &Mutex<R, T>,
) -> MutexGuard<'_, R, T> {
    // SAFETY: as the caller says; guards have no state.
    unsafe { mutex.make_guard_unchecked(R::Guard::default()) }
}

pub(super) fn is_a_lock<R: RawMutex>() {
    let raw = R::INIT;
    let guard = raw.lock();
    assert!(raw.is_locked() && raw.try_lock().is_none());
    // SAFETY: held since the lock, whose guard it is.
    unsafe { raw.unlock(guard) };
    let guard = raw.try_lock().unwrap();
    // SAFETY: as above.
    unsafe { raw.unlock(guard) };
}

/// # Safety
///
/// This thread holds the lock for reading, in no guard.
pub(super) unsafe fn unlock_read<R: RawRwLock<SharedGuard: Default>, T>(lock: &RwLock<R, T>) {
    // SAFETY: as the caller says; guards have no state.
    unsafe { lock.force_unlock_read(R::SharedGuard::default()) }
}

/// # Safety
///
/// As [`unlock_read`].
pub(super) unsafe fn unlock_read_fair<R: RawRwLockFair<SharedGuard: Default>, T>(
    lock: &RwLock<R, T>,
) {
    // SAFETY: as the caller says; guards have no state.
    unsafe { lock.force_unlock_read_fair(R::SharedGuard::default()) }
}

/// # Safety
///
/// This thread holds the lock for writing, in no guard.
pub(super) unsafe fn unlock_write<R: RawRwLock<ExclusiveGuard: Default>, T>(lock: &RwLock<R, T>) {
    // SAFETY: as the caller says; guards have no state.
    unsafe { lock.force_unlock_write(R::ExclusiveGuard::default()) }
}

/// # Safety
///
/// As [`unlock_write`].
pub(super) unsafe fn unlock_write_fair<R: RawRwLockFair<ExclusiveGuard: Default>, T>(
    lock: &RwLock<R, T>,
) {
    // SAFETY: as the caller says; guards have no state.
    unsafe { lock.force_unlock_write_fair(R::ExclusiveGuard::default()) }
}

/// # Safety
///
/// This thread holds the lock upgradably, in no guard; the guard stands for that.
pub(super) unsafe fn upgradable_guard<R: RawRwLockUpgrade<UpgradableGuard: Default>, T>(
    lock: &RwLock<R, T>,
) -> RwLockUpgradableReadGuard<'_, R, T> {
    // SAFETY: as the caller says; guards have no state.
    unsafe { lock.make_upgradable_guard_unchecked(R::UpgradableGuard::default()) }
}

pub(super) fn is_a_rwlock<R: RawRwLockDowngrade>() {
    let raw = R::INIT;
    let writer = raw.lock_exclusive();
    assert!(raw.is_locked_exclusive() && raw.try_lock_shared().is_none());
    // SAFETY: held for writing since the lock, whose guard it is.
    let reader = unsafe { raw.downgrade(writer) };
    assert!(raw.is_locked() && !raw.is_locked_exclusive());
    // SAFETY: held for reading since the line above.
    unsafe { raw.unlock_shared(reader) };
    assert!(!raw.is_locked());
}
