//! [`std::thread::scope`], profiled.

use super::running::{Running, key_of_scope};
use super::start::__rust_begin_short_backtrace;
use super::thread_handle::Thread;
use crate::skin::{self, Blocked, Kind, Origin, Wait};
use std::fmt;
use std::ptr;
use std::thread::{self, Result};

/// A scope whose end takes less than this had nobody to wait for. Without optimisation and with
/// cold caches that was up to 2 µs here; to spawn a thread takes ten times as long, so that
/// nobody misses a wait of this length.
const END_PASSES_NANOS: u64 = 5_000;

/// Runs `f` with a scope in which threads can be spawned that borrow from around it, and waits for
/// those of them that nobody has joined: [`std::thread::scope`].
///
/// The waiting after `f` is one event of kind `join` in the block profile, at the line of this
/// call, however many threads are waited for. It is none if all have finished, which is told by
/// its having taken less than 5 µs.
///
/// # Panics
///
/// Where `f` does, and when a thread that nobody has joined has panicked.
///
/// # Examples
///
/// ```
/// use contend::thread;
///
/// let mut numbers = vec![1, 2, 3];
/// let mut sum = 0;
/// thread::scope(|scope| {
///     scope.spawn(|| sum = numbers.iter().sum());
/// });
/// numbers.push(sum);
/// assert_eq!(numbers, [1, 2, 3, 6]);
/// ```
#[track_caller]
#[inline(always)]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    // In this frame, at which the recorded stack begins; dropped also by a panic.
    let blocked = Blocked::from(Kind::JOIN).seen_from_here();
    let mut wait = None;
    let mut in_progress = None;
    thread::scope(|scope| {
        let _end = skin::OnDrop(|| {
            in_progress = skin::in_progress(blocked.at_end_of_scope(scope));
            let key = key_of_scope(Scope::of(scope).address());
            let begun = Wait::begin_at(Kind::JOIN, key);
            wait = begun.map(|wait| wait.unless_shorter(END_PASSES_NANOS));
            if let Some(wait) = &mut wait {
                wait.fall_asleep();
                // If a thread has panicked, it has ended, too.
                wait.is_notified();
            }
        });
        f(Scope::of(scope))
    })
}

/// A scope to spawn threads in: [`std::thread::Scope`]. Made by [`scope`].
#[repr(transparent)]
pub struct Scope<'scope, 'env: 'scope> {
    inner: thread::Scope<'scope, 'env>,
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// The same scope, by the name that it has here.
    fn of<'a>(inner: &'a thread::Scope<'scope, 'env>) -> &'a Self {
        // SAFETY: `Self` is transparent around the type pointed to, so that a pointer to one is a
        // valid pointer to the other, with the same lifetimes, and it is shared in both cases.
        unsafe { &*ptr::from_ref(inner).cast::<Self>() }
    }

    /// Spawns a thread that may borrow what lives longer than the scope.
    ///
    /// # Panics
    ///
    /// When the system has no thread to give; see
    /// [`Builder::spawn_scoped`](super::Builder::spawn_scoped).
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let (origin, running) = (Origin::here(), Running::new());
        let runner = running.runner_in(self);
        let f = move || __rust_begin_short_backtrace(origin, runner, f);
        ScopedJoinHandle::new(self.inner.spawn(f), running)
    }

    /// By which its end knows the threads that it waits for.
    pub(super) fn address(&self) -> usize {
        ptr::from_ref(&self.inner).addr()
    }

    pub(super) fn inner(&'scope self) -> &'scope thread::Scope<'scope, 'env> {
        &self.inner
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// The right to wait for a thread of a [`Scope`]: [`std::thread::ScopedJoinHandle`], profiled.
///
/// # Examples
///
/// ```
/// let text = String::from("borrowed");
/// let length = contend::thread::scope(|scope| scope.spawn(|| text.len()).join().unwrap());
/// assert_eq!(length, 8);
/// ```
pub struct ScopedJoinHandle<'scope, T> {
    inner: thread::ScopedJoinHandle<'scope, T>,
    running: Running,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    pub(super) fn new(inner: thread::ScopedJoinHandle<'scope, T>, running: Running) -> Self {
        Self { inner, running }
    }

    /// The thread's name, id and `unpark`.
    #[must_use]
    pub fn thread(&self) -> &Thread {
        Thread::of(self.inner.thread())
    }

    /// Waits for the thread to finish and returns what it returned. An event of kind `join`,
    /// unless the thread has finished already.
    ///
    /// # Errors
    ///
    /// The payload that the thread panicked with.
    #[inline]
    pub fn join(self) -> Result<T> {
        if self.inner.is_finished() {
            self.inner.join()
        } else {
            skin::not_last(self.join_contended())
        }
    }

    /// Whether the thread's function has ended. Never blocks.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    #[cold]
    #[inline(never)]
    fn join_contended(self) -> Result<T> {
        let blocked = Blocked::from(Kind::JOIN).at(self.running.flag());
        skin::sleeping(
            blocked,
            self.running.wakes(),
            || self.inner.join(),
            |_| true,
        )
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
