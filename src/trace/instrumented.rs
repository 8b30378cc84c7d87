//! A future that works for a task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Task;

/// A future of a [`Task`]: the result of [`Task::instrument`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Instrumented<F> {
    task: Task,
    future: F,
}

impl<F> Instrumented<F> {
    pub(super) fn new(task: Task, future: F) -> Self {
        Self { task, future }
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with this: it is not moved out of the reference here, nowhere
        // else is there one to it, the type is `Unpin` only where `F` is (no impl says otherwise),
        // has no `Drop` of its own that could move it, and is not packed. `task` is not pinned and
        // is only borrowed.
        let (task, future) = unsafe {
            let this = self.get_unchecked_mut();
            (&this.task, Pin::new_unchecked(&mut this.future))
        };
        let _entered = task.enter();
        future.poll(context)
    }
}
