//! Futures that are polled by hand, so that a test knows which of them waits.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Polls once. Nobody is woken.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls once, and says that it must wait.
#[track_caller]
pub(crate) fn assert_waits<F: Future>(future: Pin<&mut F>) {
    assert!(poll(future).is_pending(), "it did not have to wait");
}

/// Polls once, and says that it is done.
#[track_caller]
pub(crate) fn done<F: Future>(future: Pin<&mut F>) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it still waits"),
    }
}

/// As [`done`], for one that is done at its first poll.
#[track_caller]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    done(std::pin::pin!(future))
}
