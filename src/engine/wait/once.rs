//! One-time initialisations, in which a thread waits until it turns out that it runs.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{Access, Blocked, OnDrop, Release, Wait, begin_release, in_progress};
use crate::engine::blame::{Flag, Outcome};
use crate::engine::registry;
use crate::profile::kind::Kind;

/// A one-time initialisation, in which a thread either runs the initialiser or waits for the one
/// that does. `call` is to make the inner type do it, with [`Turn::run`] around the initialiser.
#[inline(always)]
pub(crate) fn once<R>(flag: &Flag, call: impl FnOnce(&mut Turn<'_>) -> R) -> R {
    let mut turn = Turn {
        flag,
        wait: Wait::begin(Kind::ONCE, Some(flag.into())),
        runs_before: runs_ended(flag).load(Ordering::Relaxed),
        release: None,
        in_progress: None,
    };
    if let Some(wait) = &mut turn.wait {
        wait.capture_if_certain();
        // Also a waiter that then panics, because the initialiser did, was let go by its end.
        wait.outcome = Outcome::LetGo;
        if wait.is_contention() {
            wait.arrive();
        }
    }
    turn.in_progress = in_progress(Blocked::from(Kind::ONCE).at(flag));
    let result = call(&mut turn);
    drop(turn.wait.take());
    result
}

/// The part of this thread in a one-time initialisation: it waits, until it turns out that it runs.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    flag: &'a Flag,
    wait: Option<Wait<'a>>,
    /// The count of [`runs_ended`] when it came.
    runs_before: u32,
    release: Option<Release>,
    /// While this thread may be waiting.
    in_progress: Option<registry::InProgress>,
}

/// Counts the initialisers that have ended, this flag's and by chance others'. A thread that finds
/// the count changed when it gets to run its own has waited for one, which failed.
///
/// Relaxed: the inner type orders the end of one initialiser before the next one.
fn runs_ended(flag: &Flag) -> &'static AtomicU32 {
    static ENDED: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];
    &ENDED[std::ptr::from_ref(flag).addr() / size_of::<Flag>() % ENDED.len()]
}

impl Turn<'_> {
    /// Runs the initialiser. Its end, also by a panic, is the release that others wait for; it
    /// is recorded when the turn ends, after they were let go.
    ///
    /// If another run has ended since this turn began, by a panic or an error, then this thread did
    /// wait.
    pub(crate) fn run<R>(&mut self, initialiser: impl FnOnce() -> R) -> R {
        self.in_progress = None;
        if let Some(mut wait) = self.wait.take() {
            if runs_ended(self.flag).load(Ordering::Relaxed) == self.runs_before {
                wait.cancel();
            } else {
                wait.succeed_for_now();
                self.wait = Some(wait);
            }
        }
        self.flag.set_holder();
        let _end = OnDrop(|| {
            runs_ended(self.flag).fetch_add(1, Ordering::Relaxed);
            if !begin_release(Access::Exclusive, self.flag) {
                self.release = Release::begin(Kind::ONCE, self.flag);
            }
        });
        initialiser()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            release.end();
        }
    }
}
