//! With the profiler.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use crate::skin::{
    self, HasSharedFlag, Hold, Kind, LockRef, Permits, SharedFlag, Tried, contended, keep_frame,
    let_go_of,
};

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
pub struct Resource {
    name: &'static str,
    flag: SharedFlag,
}

impl Resource {
    /// A resource of this name, which becomes the `kind` of its waits.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            flag: SharedFlag::new(),
        }
    }

    /// Waits in `future` for the resource. The wait is that from the first poll that is pending to
    /// the one that is not, or until this is dropped; a future that is ready at once is no event.
    pub async fn wait<F: Future>(&self, future: F) -> F::Output {
        skin::acquire_in_task(
            Kind::named(self.name),
            LockRef::shared(&self.flag),
            Self::wait_contended,
            // Only the future knows whether there is anything to wait for.
            |_| Tried::NotNow,
            future,
        )
        .await
    }

    /// Holds what was got until the result is dropped, which drops it, and is the release that is
    /// charged.
    pub fn hold<T>(&self, value: T) -> Held<'_, T> {
        Held {
            permits: ManuallyDrop::new(Permits::acquired(self, 1)),
            value: ManuallyDrop::new(value),
        }
    }

    contended!(wait_contended);
}

impl HasSharedFlag for Resource {
    #[inline(always)]
    fn shared_flag(&self) -> &SharedFlag {
        &self.flag
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A part of a [`Resource`], held. Its drop is the release.
#[must_use = "if unused the resource is released at once"]
pub struct Held<'a, T> {
    /// Both are there until `drop` or `into_inner` takes them out.
    permits: ManuallyDrop<Permits<&'a Resource>>,
    value: ManuallyDrop<T>,
}

impl<T> Held<'_, T> {
    /// Ends the hold and gives back what was held. This is the release that is charged.
    #[inline(always)]
    pub fn into_inner(this: Self) -> T {
        let mut this = ManuallyDrop::new(this);
        // SAFETY: each is taken once: `this` is not dropped, and this function owns it and uses it
        // no more.
        let (mut permits, value) = unsafe {
            (
                ManuallyDrop::take(&mut this.permits),
                ManuallyDrop::take(&mut this.value),
            )
        };
        let kind = Kind::named(permits.lock.name);
        let_go_of(&mut permits, kind, || {});
        keep_frame();
        value
    }

    #[cold]
    #[inline(never)]
    fn drop_contended(permits: &mut Permits<&Resource>, value: T) {
        permits.release(Kind::named(permits.lock.name), || drop(value));
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: each is taken once: this is dropped once, not after `into_inner`, and nothing
        // uses them afterwards.
        let (mut permits, value) = unsafe {
            (
                ManuallyDrop::take(&mut self.permits),
                ManuallyDrop::take(&mut self.value),
            )
        };
        if permits.is_idle() {
            permits.let_go();
            drop(value);
        } else {
            Self::drop_contended(&mut permits, value);
            keep_frame();
        }
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
        (*self.value).fmt(f)
    }
}
