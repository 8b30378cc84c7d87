//! The two guards of a [`ShardedLock`](super::ShardedLock).

use ::crossbeam_utils::sync as original;

use crate::skin::{Kind, guard};

guard! {
    /// Holds a [`ShardedLock`](super::ShardedLock) for reading. Releases it when dropped.
    ///
    /// If somebody who is sampled waits for the lock, the stack that drops the guard is charged
    /// with the waiting since the release before.
    pub struct ShardedLockReadGuard<'a, T>(original::ShardedLockReadGuard, Kind::RWLOCK_READ);
}

guard! {
    /// Holds a [`ShardedLock`](super::ShardedLock) for writing. Releases it when dropped.
    ///
    /// If somebody who is sampled waits for the lock, the stack that drops the guard is charged
    /// with the waiting.
    pub struct ShardedLockWriteGuard<'a, T>(
        original::ShardedLockWriteGuard, Kind::RWLOCK_WRITE, DerefMut
    );
}
