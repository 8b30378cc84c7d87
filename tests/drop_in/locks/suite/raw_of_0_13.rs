//! The raw locks below the guards, in the signatures of `lock_api` 0.5.

use super::parking_lot::lock_api::{
    GetThreadId, Mutex, MutexGuard, RawMutex, RawMutexFair, ReentrantMutex,
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
