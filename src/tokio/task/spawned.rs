//! A task takes labels along from the one that spawns it, and a timeline hears of its polls.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::skin::{LabelSet, labels, polling};

pin_project! {
    /// A future that has, whenever it is polled, the labels of where it was spawned and no others.
    pub(super) struct Spawned<F> {
        labels: LabelSet,
        #[pin]
        future: F,
    }
}

/// A future that is about to be spawned.
pub(super) fn task<F: Future>(future: F) -> Spawned<F> {
    Spawned {
        labels: labels::current(),
        future,
    }
}

impl<F: Future> Future for Spawned<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _scope = labels::enter(*this.labels);
        let _polling = polling::<F>();
        this.future.poll(context)
    }
}

/// A function that is about to be run on another thread.
pub(super) fn function<R>(f: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let labels = labels::current();
    move || {
        let _scope = labels::enter(labels);
        f()
    }
}
