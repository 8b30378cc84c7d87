//! [`crossbeam_utils::sync::Parker`](::crossbeam_utils::sync::Parker), profiled.

use std::fmt;
use std::ptr;
use std::time::{Duration, Instant};

use ::crossbeam_utils::sync as original;

use crate::skin::{self, Blocked, Kind, WakeKey, WakeRef, Whom};

/// Puts its thread to sleep until somebody has a token for it:
/// [`crossbeam_utils::sync::Parker`](::crossbeam_utils::sync::Parker) that tells the profiler how
/// long that takes (kind `park`).
///
/// # Overhead
///
/// Two readings of the clock per `park` while the block profile is on, since there is no way to
/// ask for the token without waiting. One that took less than 1 µs did not block, and is no event.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_utils::sync::Parker;
/// use std::thread;
///
/// let parker = Parker::new();
/// let unparker = parker.unparker().clone();
/// thread::spawn(move || unparker.unpark());
/// parker.park();
/// ```
#[derive(Default)]
pub struct Parker {
    inner: original::Parker,
}

impl Parker {
    /// Creates a parker for which there is no token.
    pub fn new() -> Self {
        Self::default()
    }

    /// Blocks until there is a token, and takes it.
    #[inline(always)]
    pub fn park(&self) {
        let wakes = self.unparker().key();
        skin::perhaps_sleeping(Kind::PARK, wakes, || self.inner.park(), |_| true);
    }

    /// Blocks until there is a token, which it takes, but at most that long.
    #[inline(always)]
    pub fn park_timeout(&self, timeout: Duration) {
        skin::perhaps_sleeping(
            Blocked::for_a_time(Kind::PARK),
            self.unparker().key(),
            || self.inner.park_timeout(timeout),
            |waited| waited < timeout,
        );
    }

    /// Blocks until there is a token, which it takes, until `deadline` at the latest.
    #[inline(always)]
    pub fn park_deadline(&self, deadline: Instant) {
        skin::perhaps_sleeping(
            Blocked::for_a_time(Kind::PARK),
            self.unparker().key(),
            || self.inner.park_deadline(deadline),
            |_| Instant::now() < deadline,
        );
    }

    /// The other half, which makes a token for this parker.
    pub fn unparker(&self) -> &Unparker {
        Unparker::of(self.inner.unparker())
    }

    /// Turns the parker into a pointer, which [`from_raw`](Self::from_raw) takes back.
    pub fn into_raw(this: Parker) -> *const () {
        original::Parker::into_raw(this.inner)
    }

    /// The inverse of [`into_raw`](Self::into_raw).
    ///
    /// # Safety
    ///
    /// - The pointer comes from `into_raw`, and is used for this once.
    pub unsafe fn from_raw(ptr: *const ()) -> Parker {
        Self {
            // SAFETY: this function has the same duty, and `into_raw` is the original's.
            inner: unsafe { original::Parker::from_raw(ptr) },
        }
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// The other half of a [`Parker`]:
/// [`crossbeam_utils::sync::Unparker`](::crossbeam_utils::sync::Unparker), whose
/// [`unpark`](Self::unpark) is charged with the waits that it ends, in the wake profile.
#[derive(Clone)]
#[repr(transparent)]
pub struct Unparker {
    inner: original::Unparker,
}

impl Unparker {
    /// The same one, by the name that it has here.
    fn of(inner: &original::Unparker) -> &Self {
        // SAFETY: `Self` is transparent around the type pointed to, so that a pointer to one is a
        // valid pointer to the other, with the same lifetime, and it is shared in both cases.
        unsafe { &*ptr::from_ref(inner).cast::<Self>() }
    }

    /// The address that both halves refer to.
    #[inline(always)]
    fn key(&self) -> WakeKey {
        // SAFETY: a copy of a share of the two halves' memory, which is made a pointer and never
        // dropped: so it counts for nothing, while `self` keeps the memory.
        let share = unsafe { ptr::read(&self.inner) };
        WakeKey::of_number(original::Unparker::into_raw(share).addr() as u64)
    }

    #[inline(always)]
    fn wakes(&self) -> WakeRef<'static> {
        self.key().wakes()
    }

    /// Makes a token, if there is none, and so wakes the thread that waits for it.
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

    /// Turns this into a pointer, which [`from_raw`](Self::from_raw) takes back.
    pub fn into_raw(this: Unparker) -> *const () {
        original::Unparker::into_raw(this.inner)
    }

    /// The inverse of [`into_raw`](Self::into_raw).
    ///
    /// # Safety
    ///
    /// - The pointer comes from `into_raw`, and is used for this once.
    pub unsafe fn from_raw(ptr: *const ()) -> Unparker {
        Self {
            // SAFETY: this function has the same duty, and `into_raw` is the original's.
            inner: unsafe { original::Unparker::from_raw(ptr) },
        }
    }
}

impl fmt::Debug for Unparker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl From<original::Unparker> for Unparker {
    fn from(inner: original::Unparker) -> Self {
        Self { inner }
    }
}

impl From<Unparker> for original::Unparker {
    fn from(unparker: Unparker) -> Self {
        unparker.inner
    }
}
