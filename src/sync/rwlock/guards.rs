//! The two guards of a [`RwLock`](super::RwLock).

use std::sync;

use crate::skin::{Kind, guard};

guard! {
    /// Holds a [`RwLock`](super::RwLock) for reading. Releases it when dropped.
    ///
    /// If somebody who is sampled waits for the lock, the stack that drops the guard is charged
    /// with its share of the waiting.
    #[must_use = "if unused the RwLock will immediately unlock"]
    pub struct RwLockReadGuard<'a, T>(sync::RwLockReadGuard, Kind::RWLOCK_READ);
}

guard! {
    /// Holds a [`RwLock`](super::RwLock) for writing. Releases it when dropped.
    ///
    /// If somebody who is sampled waits for the lock, the stack that drops the guard is charged
    /// with the waiting.
    #[must_use = "if unused the RwLock will immediately unlock"]
    pub struct RwLockWriteGuard<'a, T>(sync::RwLockWriteGuard, Kind::RWLOCK_WRITE, DerefMut);
}

#[cfg(contend_rwlock_downgrade)]
impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Turns the guard into one for reading, with no writer in between. Readers that wait go
    /// on, so this is charged like a release.
    #[allow(clippy::incompatible_msrv)] // The build script found a library that has it.
    pub fn downgrade(s: Self) -> RwLockReadGuard<'a, T> {
        let (flag, inner) = s.into_parts();
        let downgrade = || RwLockReadGuard::new(flag, sync::RwLockWriteGuard::downgrade(inner));
        if crate::skin::begin_release(crate::skin::Access::Exclusive, flag) {
            downgrade()
        } else {
            crate::skin::release(Kind::RWLOCK_WRITE, flag, downgrade)
        }
    }
}
