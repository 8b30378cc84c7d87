//! [`tokio::task::JoinHandle`](original::JoinHandle), profiled, and the functions that return one.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::task::{self as original, AbortHandle, Id, JoinError};

use super::spawned;
use crate::skin::{Kind, NamedWait, contended};

/// Waits for a task: [`tokio::task::JoinHandle`](original::JoinHandle) that tells the profiler how
/// long (kind `async_join`).
pub struct JoinHandle<T> {
    inner: original::JoinHandle<T>,
    wait: NamedWait<'static>,
}

impl<T> JoinHandle<T> {
    /// Ends the task at its next await.
    pub fn abort(&self) {
        self.inner.abort();
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// A handle that can only end the task.
    pub fn abort_handle(&self) -> AbortHandle {
        self.inner.abort_handle()
    }

    /// The task's number.
    pub fn id(&self) -> Id {
        self.inner.id()
    }

    contended!(poll_contended);
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wait.poll(Pin::new(&mut this.inner), cx)
    }
}

impl<T> From<original::JoinHandle<T>> for JoinHandle<T> {
    /// Profiles what is waited through this one.
    fn from(inner: original::JoinHandle<T>) -> Self {
        Self {
            inner,
            wait: NamedWait::new(Kind::ASYNC_JOIN, None, Self::poll_contended),
        }
    }
}

impl<T> From<JoinHandle<T>> for original::JoinHandle<T> {
    /// The original, for code that takes one. Waits there are not profiled.
    fn from(handle: JoinHandle<T>) -> Self {
        handle.inner
    }
}

impl<T: fmt::Debug> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Starts a task.
///
/// # Panics
///
/// Outside of a runtime.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    original::spawn(spawned::task(future)).into()
}

/// Runs a function on a thread for what blocks.
///
/// # Panics
///
/// Outside of a runtime.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    original::spawn_blocking(spawned::function(f)).into()
}

/// Starts a task on the [`LocalSet`](original::LocalSet) that runs.
///
/// # Panics
///
/// Outside of one.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    original::spawn_local(spawned::task(future)).into()
}
