//! The common part of all interposed functions: a wait around the C library's own call, and errno.

use std::ffi::{c_int, c_long};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::blame::{Flag, LockRef, Outcome};
use crate::engine::wait::{self, Wait};
use crate::profile::kind::Kind;

/// Whether anything is recorded. False until the constructor has run, so that early calls pass
/// through.
///
/// Relaxed: what a wait needs publishes itself (see `engine::rates`).
static IS_ON: AtomicBool = AtomicBool::new(false);

#[inline(always)]
pub(super) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

pub(super) fn switch_on() {
    IS_ON.store(true, Ordering::Relaxed);
}

/// Waits in `block`: at a lock, or where nobody's release is to be seen. Its result and errno are
/// those of `block`.
///
/// A thread that is cancelled in `block` unwinds through here; the wait then counts as given up.
#[inline(always)]
pub(super) fn waiting<R: Copy>(
    kind: Kind,
    flag: Option<&'static Flag>,
    block: impl FnOnce() -> R,
    outcome: impl FnOnce(R) -> Outcome,
) -> R {
    let errno_before = errno();
    let Some(mut wait) = Wait::begin(kind, flag.map(LockRef::beside)) else {
        return block();
    };
    wait.ends(Outcome::TimedOut);
    wait.capture_if_certain();
    if wait.is_contention() {
        wait.arrive();
    }
    // A function that succeeds may leave it as it was.
    set_errno(errno_before);
    let result = block();
    let errno = errno();
    wait.ends(outcome(result));
    drop(wait);
    set_errno(errno);
    result
}

/// As [`waiting`], for an operation that waited only if it took its time.
#[inline(always)]
pub(super) fn perhaps_waiting<R: Copy>(kind: Kind, block: impl FnOnce() -> R) -> R {
    if !is_on() {
        return block();
    }
    let errno_before = errno();
    let errno_after;
    let result;
    {
        let _wait = wait::perhaps(kind);
        set_errno(errno_before);
        result = block();
        errno_after = errno();
    }
    set_errno(errno_after);
    result
}

/// As [`perhaps_waiting`], for a call of the system's that waited only if the thread slept in it.
/// Its time does not tell: to copy a megabyte takes longer than a short sleep.
#[inline(always)]
pub(super) fn perhaps_sleeping<R: Copy>(kind: Kind, call: impl FnOnce() -> R) -> R {
    let errno_before = errno();
    let wait = wait::perhaps(kind);
    let sleeps_before = wait.as_ref().map(|_| sleeps());
    set_errno(errno_before);
    let result = call();
    let errno_after = errno();
    if let Some(mut wait) = wait
        && sleeps_before == Some(sleeps())
    {
        wait.ends(Outcome::Cancelled);
    }
    set_errno(errno_after);
    result
}

/// How often this thread has given its processor away to wait. 0.3 µs.
fn sleeps() -> c_long {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the answer goes to a live local.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    // SAFETY: zeros are a value of it, and the call writes nothing else.
    unsafe { usage.assume_init() }.ru_nvcsw
}

/// Lets others go on by `unlock`, and charges the caller with their waiting, if anybody waits.
#[inline(always)]
pub(super) fn releasing<R: Copy>(kind: Kind, flag: &Flag, unlock: impl FnOnce() -> R) -> R {
    if flag.is_idle() {
        return unlock();
    }
    let errno_before = errno();
    let mut errno_after = errno_before;
    let result = wait::release(kind, flag, || {
        set_errno(errno_before);
        let result = unlock();
        errno_after = errno();
        result
    });
    set_errno(errno_after);
    result
}

/// The outcome of a function that returns an error number.
pub(super) fn of_lock(result: c_int) -> Outcome {
    match result {
        // A robust mutex whose owner has died is the caller's all the same.
        0 | libc::EOWNERDEAD => Outcome::Acquired,
        libc::ETIMEDOUT => Outcome::TimedOut,
        _ => Outcome::Cancelled,
    }
}

pub(super) fn errno() -> c_int {
    // SAFETY: the C library's own place for this thread, which lives as long as it.
    unsafe { *libc::__errno_location() }
}

pub(super) fn set_errno(errno: c_int) {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}
