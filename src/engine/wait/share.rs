//! Permits: taken, and given back while others wait or have waited.

use super::release::Release;
use crate::engine::blame::{LockRef, Share, SharedFlag};
use crate::engine::clock;
use crate::engine::recorder::BLAME;
use crate::engine::thread_state::Recording;
use crate::profile::kind::Kind;

/// Comes after permits were taken, however that came about.
#[inline(always)]
pub(crate) fn take_share(lock: &SharedFlag, permits: u32) -> Share {
    match lock.is_idle() {
        true => lock.take_now(permits),
        false => take_share_contended(lock, permits),
    }
}

#[cold]
#[inline(never)]
fn take_share_contended(lock: &SharedFlag, permits: u32) -> Share {
    match Recording::enter() {
        Some(_recording) => BLAME.take_share(lock, clock::now(), permits),
        // Inside the recorder: this holder then pays from the last event on.
        None => lock.take_now(permits),
    }
}

/// Unlocks with `unlock`, and charges the caller with its share, or with what is left of others'.
///
/// NOTE: as for [`release`](super::release()), nothing is read through `lock` after the unlock.
#[inline(always)]
pub(crate) fn release_share<R>(
    kind: Kind,
    lock: &SharedFlag,
    share: Share,
    unlock: impl FnOnce() -> R,
) -> R {
    let release = give_back(kind, lock, share);
    let result = unlock();
    if let Some(release) = &release {
        release.end();
    }
    result
}

#[inline(never)]
fn give_back(kind: Kind, lock: &SharedFlag, share: Share) -> Option<Release> {
    let Some(_recording) = Recording::enter() else {
        // Its share is left to those who hold the lock with it.
        lock.give_back_now(share);
        return None;
    };
    let now = clock::now();
    let taken = BLAME.give_back(lock, now, share);
    Release::of_shared(kind, LockRef::shared(lock), now, taken)
}

/// Lets waiters in with `open`, and charges the caller with what they have waited while nobody held
/// the lock: by adding permits, or by closing it.
#[inline(always)]
pub(crate) fn let_in<R>(kind: Kind, lock: &SharedFlag, open: impl FnOnce() -> R) -> R {
    let release = before_letting_in(kind, lock);
    let result = open();
    if let Some(release) = &release {
        release.end();
    }
    result
}

#[inline(never)]
fn before_letting_in(kind: Kind, lock: &SharedFlag) -> Option<Release> {
    // Refused inside the recorder: the blame stays for the next release.
    let _recording = Recording::enter()?;
    let now = clock::now();
    let taken = BLAME.let_in(lock, now);
    Release::of_shared(kind, LockRef::shared(lock), now, taken)
}
