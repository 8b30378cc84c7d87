//! The future of [`FutureExt::contend`](super::FutureExt::contend).

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::skin::{Kind, NamedWait, contended};

pin_project! {
    /// The future of [`FutureExt::contend`](crate::FutureExt::contend).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Contended<F> {
        #[pin]
        inner: F,
        wait: NamedWait<'static>,
    }
}

impl<F: Future> Contended<F> {
    pub(super) fn new(inner: F, name: &'static str) -> Self {
        Self {
            inner,
            wait: NamedWait::new(Kind::named(name), None, Self::poll_contended),
        }
    }

    contended!(poll_contended);
}

impl<F: Future> Future for Contended<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.wait.poll(this.inner, cx)
    }
}
