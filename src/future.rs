//! A skin for what has none: any future, under a name of its own.
#![forbid(unsafe_code)]

#[cfg(feature = "profiling")]
mod contended;

#[cfg(feature = "profiling")]
pub use contended::Contended;

/// The future of [`FutureExt::contend`]: the original one, since the `profiling` feature is off.
#[cfg(not(feature = "profiling"))]
pub type Contended<F> = F;

/// Names what a task waits for.
pub trait FutureExt: Future {
    /// Records the time for which this future is pending as a wait of kind `name` in the block
    /// profile.
    ///
    /// For what has no wrapper here: a query, a request to another service, a channel of another
    /// crate. The wait is that from the first poll that is pending to the one that is not, or until
    /// the future is dropped. A future that is ready at its first poll is no event. `name` becomes
    /// the `kind` label, as for [`blocking`](crate::blocking()). To see also who made others wait,
    /// use a [`Resource`](crate::Resource).
    ///
    /// # Overhead
    ///
    /// A search for the kind of the name; for a wait that is recorded, two readings of the clock
    /// and a stack.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::FutureExt;
    ///
    /// async fn query() -> u32 {
    ///     42
    /// }
    ///
    /// async fn handler() -> u32 {
    ///     query().contend("database").await
    /// }
    /// # use std::pin::pin;
    /// # use std::task::{Context, Poll, Waker};
    /// # let mut context = Context::from_waker(Waker::noop());
    /// # assert_eq!(pin!(handler()).poll(&mut context), Poll::Ready(42));
    /// ```
    fn contend(self, name: &'static str) -> Contended<Self>
    where
        Self: Sized;
}

impl<F: Future> FutureExt for F {
    #[cfg(feature = "profiling")]
    fn contend(self, name: &'static str) -> Contended<Self> {
        Contended::new(self, name)
    }

    #[cfg(not(feature = "profiling"))]
    fn contend(self, _: &'static str) -> Contended<Self> {
        self
    }
}
