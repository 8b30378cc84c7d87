//! The atomics and cells of the lock-free parts, from one place.
//!
//! Normal builds get the standard library's. A loom build gets loom's, which try every
//! interleaving:
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release --lib --no-default-features
//! ```
//!
//! The `profiling` feature must be off then: the global tables and the wrappers are `const`, which
//! loom's atomics cannot be. Only the modules that are modelled are built in spite of that.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::sync::atomic;

/// A cell whose content is reached through closures, as loom wants it.
#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// Same calls as loom's `UnsafeCell`; compiles to the bare pointer.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

/// Lets other threads run while this one waits for a few instructions of theirs.
///
/// Spins, then yields, then sleeps: a thread of real-time priority that yields for ever would
/// keep the thread it waits for from ever running.
#[cfg(not(loom))]
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    inner: crossbeam_utils::Backoff,
    naps: u32,
}

#[cfg(not(loom))]
impl Backoff {
    /// Yields before the first sleep; chosen so that a preempted holder on a loaded machine
    /// gets several chances first.
    const YIELDS_BEFORE_SLEEP: u32 = 32;

    pub(crate) fn snooze(&mut self) {
        if !self.inner.is_completed() {
            self.inner.snooze();
        } else if self.naps < Self::YIELDS_BEFORE_SLEEP {
            self.naps += 1;
            std::thread::yield_now();
        } else {
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
    }
}

#[cfg(loom)]
#[derive(Debug, Default)]
pub(crate) struct Backoff;

#[cfg(loom)]
impl Backoff {
    pub(crate) fn snooze(&mut self) {
        loom::thread::yield_now();
    }
}
