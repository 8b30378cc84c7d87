//! [`tokio::task::JoinSet`](original::JoinSet), profiled.

use std::fmt;
use std::task::{Context, Poll};

use ::tokio::runtime::Handle;
use ::tokio::task::{self as original, AbortHandle, Id, JoinError, LocalSet};

use super::spawned;
use crate::skin::{self, Kind, RepeatedWait, contended};

/// A set of tasks: [`tokio::task::JoinSet`](original::JoinSet) that tells the profiler how long the
/// next one is waited for (kind `async_join`).
pub struct JoinSet<T> {
    inner: original::JoinSet<T>,
    /// The wait of the forms that are polled: the others keep theirs in their futures.
    polled: RepeatedWait,
}

impl<T> JoinSet<T> {
    /// Creates a set without tasks.
    pub fn new() -> Self {
        Self {
            inner: original::JoinSet::new(),
            polled: RepeatedWait::new(Kind::ASYNC_JOIN, Self::poll_join_next_contended),
        }
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    contended!(
        poll_join_next_contended,
        join_next_contended,
        join_next_with_id_contended,
        join_all_contended,
        shutdown_contended,
    );
}

impl<T: 'static> JoinSet<T> {
    /// Starts a task of the set.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.inner.spawn(spawned::task(task))
    }

    /// As [`spawn`](Self::spawn), on that runtime.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.inner.spawn_on(spawned::task(task), handle)
    }

    /// As [`spawn`](Self::spawn), on the [`LocalSet`] that runs.
    ///
    /// # Panics
    ///
    /// Outside of one.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.inner.spawn_local(spawned::task(task))
    }

    /// As [`spawn_local`](Self::spawn_local), on that set of local tasks.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.inner.spawn_local_on(spawned::task(task), local_set)
    }

    /// Runs a function on a thread for what blocks.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.inner.spawn_blocking(spawned::function(f))
    }

    /// As [`spawn_blocking`](Self::spawn_blocking), on that runtime.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.inner.spawn_blocking_on(spawned::function(f), handle)
    }

    /// Waits for the next task to end; `None` if there is none.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.polled.give_up();
        skin::wait_in_task(
            Kind::ASYNC_JOIN,
            Self::join_next_contended,
            self.inner.join_next(),
        )
        .await
    }

    /// As [`join_next`](Self::join_next), with the task's number.
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        self.polled.give_up();
        skin::wait_in_task(
            Kind::ASYNC_JOIN,
            Self::join_next_with_id_contended,
            self.inner.join_next_with_id(),
        )
        .await
    }

    /// The result of a task that has ended, if there is one.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.inner.try_join_next()
    }

    /// As [`try_join_next`](Self::try_join_next), with the task's number.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        self.inner.try_join_next_with_id()
    }

    /// Ends all tasks, and waits for that.
    pub async fn shutdown(&mut self) {
        self.polled.give_up();
        skin::wait_in_task(
            Kind::ASYNC_JOIN,
            Self::shutdown_contended,
            self.inner.shutdown(),
        )
        .await;
    }

    /// Waits for all tasks: one event.
    ///
    /// # Panics
    ///
    /// If one of them does.
    pub async fn join_all(mut self) -> Vec<T> {
        self.polled.give_up();
        skin::wait_in_task(
            Kind::ASYNC_JOIN,
            Self::join_all_contended,
            self.inner.join_all(),
        )
        .await
    }

    /// Ends all tasks at their next await.
    pub fn abort_all(&mut self) {
        self.inner.abort_all();
    }

    /// Takes all tasks out of the set. They go on.
    pub fn detach_all(&mut self) {
        self.inner.detach_all();
    }

    /// Polls for the next task to end. The wait is that from the first poll that is pending to the
    /// one that is not.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let result = self.inner.poll_join_next(cx);
        self.polled.note(result.is_pending());
        result
    }

    /// As [`poll_join_next`](Self::poll_join_next), with the task's number.
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        let result = self.inner.poll_join_next_with_id(cx);
        self.polled.note(result.is_pending());
        result
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<original::JoinSet<T>> for JoinSet<T> {
    /// Profiles what is waited through this one.
    fn from(inner: original::JoinSet<T>) -> Self {
        Self {
            inner,
            ..Self::new()
        }
    }
}

impl<T> From<JoinSet<T>> for original::JoinSet<T> {
    /// The original, for code that takes one. Waits there are not profiled.
    fn from(set: JoinSet<T>) -> Self {
        set.inner
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn from_iter<I: IntoIterator<Item = F>>(iter: I) -> Self {
        let mut set = Self::new();
        set.extend(iter);
        set
    }
}

impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn extend<I: IntoIterator<Item = F>>(&mut self, iter: I) {
        self.inner.extend(iter.into_iter().map(spawned::task));
    }
}
