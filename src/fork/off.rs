//! Without the profiler: what the parts that stay need of [`fork`](super).
#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// As its twin, but a fork may leave it closed.
#[derive(Debug)]
pub(crate) struct Lock<T>(OnceLock<Mutex<T>>);

impl<T: Default> Lock<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let lock = self.0.get_or_init(Mutex::default);
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
