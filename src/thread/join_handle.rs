//! [`std::thread::JoinHandle`], profiled.

use super::running::Running;
use super::start::__rust_begin_short_backtrace;
use super::thread_handle::Thread;
use crate::skin::{self, Blocked, Kind, Origin};
use std::fmt;
use std::thread::{self, Result};

/// Spawns a thread: [`std::thread::spawn`].
///
/// # Panics
///
/// When the system has no thread to give; see [`Builder::spawn`](super::Builder::spawn).
///
/// # Examples
///
/// ```
/// let thread = contend::thread::spawn(|| "done");
/// assert_eq!(thread.join().unwrap(), "done");
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (origin, running) = (Origin::here(), Running::new());
    let runner = running.runner();
    let spawned = thread::spawn(move || __rust_begin_short_backtrace(origin, runner, f));
    JoinHandle::new(spawned, running)
}

/// The right to wait for a thread: [`std::thread::JoinHandle`], profiled.
///
/// On Unix and on Windows it has the extension traits that the standard library's has.
///
/// # Examples
///
/// ```
/// use contend::thread;
///
/// let thread = thread::spawn(|| panic!("on purpose"));
/// assert!(thread.join().is_err());
/// ```
pub struct JoinHandle<T> {
    inner: thread::JoinHandle<T>,
    running: Running,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(inner: thread::JoinHandle<T>, running: Running) -> Self {
        Self { inner, running }
    }

    /// The thread's name, id and `unpark`.
    #[must_use]
    pub fn thread(&self) -> &Thread {
        Thread::of(self.inner.thread())
    }

    /// Waits for the thread to finish and returns what it returned. An event of kind `join`,
    /// unless the thread has finished already.
    ///
    /// # Errors
    ///
    /// The payload that the thread panicked with.
    ///
    /// # Panics
    ///
    /// Where [`std::thread::JoinHandle::join`] does: it may when a thread joins itself.
    #[inline]
    pub fn join(self) -> Result<T> {
        if self.inner.is_finished() {
            self.inner.join()
        } else {
            skin::not_last(self.join_contended())
        }
    }

    /// Whether the thread's function has ended. Never blocks.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    #[cold]
    #[inline(never)]
    fn join_contended(self) -> Result<T> {
        let blocked = Blocked::from(Kind::JOIN).at(self.running.flag());
        skin::sleeping(
            blocked,
            self.running.wakes(),
            || self.inner.join(),
            |_| true,
        )
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::thread::{JoinHandleExt, RawPthread};

    use super::JoinHandle;

    impl<T> JoinHandleExt for JoinHandle<T> {
        fn as_pthread_t(&self) -> RawPthread {
            self.inner.as_pthread_t()
        }

        fn into_pthread_t(self) -> RawPthread {
            self.inner.into_pthread_t()
        }
    }
}

#[cfg(windows)]
mod windows {
    use std::os::windows::io::{
        AsHandle, AsRawHandle, BorrowedHandle, IntoRawHandle, OwnedHandle, RawHandle,
    };

    use super::JoinHandle;

    impl<T> AsHandle for JoinHandle<T> {
        fn as_handle(&self) -> BorrowedHandle<'_> {
            self.inner.as_handle()
        }
    }

    impl<T> AsRawHandle for JoinHandle<T> {
        fn as_raw_handle(&self) -> RawHandle {
            self.inner.as_raw_handle()
        }
    }

    impl<T> IntoRawHandle for JoinHandle<T> {
        fn into_raw_handle(self) -> RawHandle {
            self.inner.into_raw_handle()
        }
    }

    impl<T> From<JoinHandle<T>> for OwnedHandle {
        fn from(handle: JoinHandle<T>) -> Self {
            handle.inner.into()
        }
    }
}
