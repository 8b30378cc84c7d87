//! The raw locks below the guards, in the signatures of `lock_api` 0.4.

use super::parking_lot::lock_api::{
    GetThreadId, Mutex, MutexGuard, RawMutex, RawMutexFair, ReentrantMutex,
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
