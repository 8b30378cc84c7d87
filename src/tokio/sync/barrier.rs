//! [`tokio::sync::Barrier`](original::Barrier), profiled.

use std::fmt;

use ::tokio::sync::{self as original, BarrierWaitResult};

use crate::skin::{self, Kind, contended};

/// A point at which tasks wait for one another: [`tokio::sync::Barrier`](original::Barrier),
/// profiled.
///
/// A task that waits is an event of kind `async_barrier` in the block profile. The last one to
/// come, the leader, does not wait and is none.
pub struct Barrier {
    inner: original::Barrier,
}

impl Barrier {
    /// Creates a barrier that lets `n` tasks go on when all of them wait. 0 is as 1.
    #[track_caller]
    pub fn new(n: usize) -> Self {
        Self {
            inner: original::Barrier::new(n),
        }
    }

    /// Waits until all have come. The barrier can be used again at once.
    pub async fn wait(&self) -> BarrierWaitResult {
        skin::wait_in_task(Kind::ASYNC_BARRIER, Self::wait_contended, self.inner.wait()).await
    }

    contended!(wait_contended);
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
