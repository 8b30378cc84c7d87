//! [`std::thread::Builder`], which spawns threads with the handles of this crate.

use crate::skin::Origin;
use std::{fmt, io, thread};

use super::running::Running;
use super::start::__rust_begin_short_backtrace;
use super::{JoinHandle, Scope, ScopedJoinHandle};

/// Configures a thread and spawns it: [`std::thread::Builder`].
///
/// # Examples
///
/// ```
/// use contend::thread;
///
/// let thread = thread::Builder::new()
///     .name("worker".into())
///     .stack_size(64 * 1024)
///     .spawn(|| thread::current().name().map(str::to_owned))?;
/// assert_eq!(thread.join().unwrap().as_deref(), Some("worker"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "must eventually spawn the thread"]
pub struct Builder {
    inner: thread::Builder,
}

#[allow(clippy::new_without_default)] // The standard library's has no `Default` either.
impl Builder {
    /// For a thread without a name, with a stack of the default size.
    pub fn new() -> Self {
        Self {
            inner: thread::Builder::new(),
        }
    }

    /// Names the thread. A name with a zero byte makes the spawning panic.
    pub fn name(self, name: String) -> Self {
        Self {
            inner: self.inner.name(name),
        }
    }

    /// Sets the least size of the thread's stack, in bytes.
    pub fn stack_size(self, bytes: usize) -> Self {
        Self {
            inner: self.inner.stack_size(bytes),
        }
    }

    /// Spawns the thread.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    ///
    /// # Panics
    ///
    /// When the name has a zero byte.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (origin, running) = (Origin::here(), Running::new());
        let runner = running.runner();
        let f = move || __rust_begin_short_backtrace(origin, runner, f);
        Ok(JoinHandle::new(self.inner.spawn(f)?, running))
    }

    /// Spawns the thread without a bound on how long what it borrows lives.
    ///
    /// # Safety
    ///
    /// As for [`std::thread::Builder::spawn_unchecked`]:
    ///
    /// - The thread must have ended, by being joined or otherwise, before anything that `f` or what
    ///   it returns borrows is gone.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub unsafe fn spawn_unchecked<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let (origin, running) = (Origin::here(), Running::new());
        let runner = running.runner();
        let f = move || __rust_begin_short_backtrace(origin, runner, f);
        // SAFETY: this function's caller has the same duty, and `f` borrows no more than theirs.
        let spawned = unsafe { self.inner.spawn_unchecked(f) }?;
        Ok(JoinHandle::new(spawned, running))
    }

    /// Spawns the thread in a scope.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let (origin, running) = (Origin::here(), Running::new());
        let runner = running.runner_in(scope);
        let f = move || __rust_begin_short_backtrace(origin, runner, f);
        let spawned = self.inner.spawn_scoped(scope.inner(), f)?;
        Ok(ScopedJoinHandle::new(spawned, running))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
