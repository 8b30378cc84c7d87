//! [`tokio::sync::Notify`](original::Notify), profiled, and its futures.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::tokio::sync as original;
use pin_project_lite::pin_project;

use crate::skin::{Kind, NamedWait, contended};

/// Wakes tasks: [`tokio::sync::Notify`](original::Notify) that tells the profiler how long they
/// wait for it (kind `async_notify`). Nobody is blamed.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use contend::tokio::sync::Notify;
///
/// # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let work = Arc::new(Notify::new());
/// contend::tokio::spawn({
///     let work = Arc::clone(&work);
///     async move { work.notify_one() }
/// });
/// work.notified().await;
/// # });
/// ```
#[derive(Default)]
pub struct Notify {
    inner: original::Notify,
}

impl Notify {
    /// Creates one with nothing to tell.
    pub fn new() -> Self {
        Self {
            inner: original::Notify::new(),
        }
    }

    /// As [`new`](Self::new), for a `static`.
    pub const fn const_new() -> Self {
        Self {
            inner: original::Notify::const_new(),
        }
    }

    /// Waits for a notification.
    pub fn notified(&self) -> Notified<'_> {
        Notified {
            inner: self.inner.notified(),
            wait: NamedWait::new(Kind::ASYNC_NOTIFY, None, Notified::poll_contended),
        }
    }

    /// As [`notified`](Self::notified), with a future that keeps this alive.
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        let inner = self.inner.notified();
        // SAFETY: only the lifetime changes. What `inner` borrows is in the `Notify`, which stays
        // where it is for as long as the share of it that stands behind `inner`, and that is
        // dropped after it.
        let inner = unsafe {
            std::mem::transmute::<
                original::futures::Notified<'_>,
                original::futures::Notified<'static>,
            >(inner)
        };
        OwnedNotified {
            inner,
            wait: NamedWait::new(Kind::ASYNC_NOTIFY, None, OwnedNotified::poll_contended),
            _notify: self,
        }
    }

    /// Wakes the task that has waited longest; or the next one to wait.
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// Wakes the task that has waited for the shortest time; or the next one to wait.
    pub fn notify_last(&self) {
        self.inner.notify_last();
    }

    /// Wakes all tasks that wait.
    pub fn notify_waiters(&self) {
        self.inner.notify_waiters();
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Declares one of the two futures.
macro_rules! notified {
    (
        $(#[$attribute:meta])*
        pub struct $notified:ident$([$life:lifetime])? {
            inner: $inner:ty
            $(, $notify:ident: $share:ty)?
        }
    ) => {
        pin_project! {
            $(#[$attribute])*
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            pub struct $notified$(<$life>)? {
                #[pin]
                inner: $inner,
                wait: NamedWait<'static>,
                // NOTE: after `inner`, which refers to it.
                $($notify: $share,)?
            }
        }

        impl$(<$life>)? $notified$(<$life>)? {
            /// Takes part from now on in what is told, without waiting. Returns whether it was
            /// told.
            pub fn enable(self: Pin<&mut Self>) -> bool {
                self.project().inner.enable()
            }

            contended!(poll_contended);
        }

        impl$(<$life>)? Future for $notified$(<$life>)? {
            type Output = ();

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                let this = self.project();
                this.wait.poll(this.inner, cx)
            }
        }

        impl$(<$life>)? fmt::Debug for $notified$(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

notified! {
    /// The future of [`Notify::notified`].
    pub struct Notified['a] {
        inner: original::futures::Notified<'a>
    }
}

notified! {
    /// The future of [`Notify::notified_owned`].
    pub struct OwnedNotified {
        inner: original::futures::Notified<'static>,
        _notify: Arc<Notify>
    }
}
