//! Without the profiler: the same calls, and nothing is recorded.
#![forbid(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Something scarce that tasks wait for: the connections of a pool, a rate limit, a licence. It
/// tells the profiler who waits for it, and who had it meanwhile.
///
/// A pool of another crate decides who gets what; this only looks on. What gives out is awaited
/// inside of [`wait`](Self::wait), and what was given is kept inside of [`hold`](Self::hold) for as
/// long as it is in use. As with the permits of a semaphore, each holder is charged with the
/// waiting that went on while it held, divided by how many held then.
///
/// # Examples
///
/// ```
/// use contend::Resource;
///
/// static CONNECTIONS: Resource = Resource::new("db connection");
///
/// # struct Connection;
/// # struct Pool;
/// # impl Pool { async fn get(&self) -> Connection { Connection } }
/// # impl Connection { async fn query(&self) -> u32 { 42 } }
/// async fn handler(pool: &Pool) -> u32 {
///     let connection = CONNECTIONS.hold(CONNECTIONS.wait(pool.get()).await);
///     connection.query().await
/// } // Here the connection goes back, which is the release.
/// # use std::{pin::pin, task::{Context, Poll, Waker}};
/// # let mut context = Context::from_waker(Waker::noop());
/// # assert_eq!(pin!(handler(&Pool)).poll(&mut context), Poll::Ready(42));
/// ```
#[derive(Debug)]
pub struct Resource {
    _name: &'static str,
}

impl Resource {
    /// A resource of this name, which becomes the `kind` of its waits.
    pub const fn new(name: &'static str) -> Self {
        Self { _name: name }
    }

    /// Waits in `future` for the resource. The wait is that from the first poll that is pending to
    /// the one that is not, or until this is dropped; a future that is ready at once is no event.
    pub async fn wait<F: Future>(&self, future: F) -> F::Output {
        future.await
    }

    /// Holds what was got until the result is dropped, which drops it, and is the release that is
    /// charged.
    pub fn hold<T>(&self, value: T) -> Held<'_, T> {
        Held {
            value,
            _resource: PhantomData,
        }
    }
}

/// A part of a [`Resource`], held. Its drop is the release.
#[must_use = "if unused the resource is released at once"]
pub struct Held<'a, T> {
    value: T,
    _resource: PhantomData<&'a Resource>,
}

impl<T> Held<'_, T> {
    /// Ends the hold and gives back what was held. This is the release that is charged.
    pub fn into_inner(this: Self) -> T {
        this.value
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Held<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
