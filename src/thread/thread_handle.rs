//! [`std::thread::Thread`], whose `unpark` is seen.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::ptr;
use std::thread::{self, ThreadId};

use crate::skin::{self, WakeKey, WakeRef, Whom};

/// A handle to a thread: [`std::thread::Thread`], whose [`unpark`](Self::unpark) is charged with
/// the waits that it ends, in the wake profile.
///
/// It has all methods of the original, and is made of it, and made it, by [`From`].
///
/// # Examples
///
/// ```
/// use contend::thread;
///
/// let here: thread::Thread = thread::current();
/// here.unpark();
/// thread::park(); // Returns at once.
/// let original: std::thread::Thread = here.into();
/// # assert_eq!(original.id(), thread::current().id());
/// ```
#[derive(Clone)]
#[repr(transparent)]
pub struct Thread {
    inner: thread::Thread,
}

/// The thread that calls this: [`std::thread::current`].
///
/// # Panics
///
/// Where the original does: while the thread's last destructors run it may.
#[must_use]
pub fn current() -> Thread {
    thread::current().into()
}

impl Thread {
    /// The same one, by the name that it has here.
    pub(super) fn of(inner: &thread::Thread) -> &Self {
        // SAFETY: `Self` is transparent around the type pointed to, so that a pointer to one is a
        // valid pointer to the other, with the same lifetime, and it is shared in both cases.
        unsafe { &*ptr::from_ref(inner).cast::<Self>() }
    }

    /// Wakes the thread if it is parked; else its next [`park`](super::park) returns at once.
    ///
    /// # Overhead
    ///
    /// A few instructions more than the original's, which look whether the thread is parked and
    /// profiled.
    #[inline]
    pub fn unpark(&self) {
        match self.wakes().is_idle() {
            true => self.inner.unpark(),
            false => {
                self.unpark_contended();
                skin::not_last(());
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn unpark_contended(&self) {
        skin::notify(Whom::One, self.wakes(), || self.inner.unpark());
    }

    #[inline(always)]
    fn wakes(&self) -> WakeRef<'static> {
        key(self.inner.id()).wakes()
    }
}

/// Where this thread sleeps when it is parked.
pub(super) fn own_key() -> WakeKey {
    key(thread::current().id())
}

#[inline(always)]
fn key(thread: ThreadId) -> WakeKey {
    let mut number = Number(0);
    thread.hash(&mut number);
    WakeKey::of_number(number.0)
}

/// Takes the number out of a [`ThreadId`], which has no stable method for it, but hashes it.
struct Number(u64);

impl Hasher for Number {
    #[inline(always)]
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    /// If it were hashed otherwise: any number will do that is the same each time.
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Deref for Thread {
    type Target = thread::Thread;

    fn deref(&self) -> &thread::Thread {
        &self.inner
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl From<thread::Thread> for Thread {
    fn from(inner: thread::Thread) -> Self {
        Self { inner }
    }
}

impl From<Thread> for thread::Thread {
    fn from(thread: Thread) -> Self {
        thread.inner
    }
}
