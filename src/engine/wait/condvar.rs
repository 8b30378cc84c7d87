//! The conditions that a Condvar's `wait_while` waits for.

use super::{Access, Blocked, Release, Wait, acquired, begin_release, in_progress};
use crate::engine::blame::{Flag, Outcome};
use crate::engine::registry::InProgress;
use crate::engine::wakes::WakeRef;
use crate::profile::kind::Kind;

/// A Condvar's `wait_while`, whose condition is watched. Stacks begin in the frame that holds this,
/// that of the skin's method, which is to call the original by [`apart`](super::apart).
///
/// While the condition holds, the thread is about to release its mutex, whose flag this has, and,
/// the first time, its wait begins. The wait ends when this is dropped.
#[derive(Debug)]
pub(crate) struct WaitWhile<'a> {
    flag: &'a Flag,
    wakes: WakeRef<'a>,
    is_waiting: bool,
    blocked: Blocked,
    wait: Option<Wait<'a>>,
    in_progress: Option<InProgress>,
}

impl<'a> WaitWhile<'a> {
    #[inline(always)]
    pub(crate) fn new(blocked: impl Into<Blocked>, flag: &'a Flag, wakes: WakeRef<'a>) -> Self {
        Self {
            flag,
            wakes,
            is_waiting: false,
            blocked: blocked.into().seen_from_here(),
            wait: None,
            in_progress: None,
        }
    }

    /// The condition that the original is to have in the place of `condition`.
    pub(crate) fn watch<T: ?Sized>(
        &mut self,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> impl FnMut(&mut T) -> bool {
        move |value| {
            // At first by the caller, then by the wait.
            acquired(Access::Exclusive, self.flag);
            let holds = condition(value);
            if holds {
                self.goes_on();
            }
            holds
        }
    }

    /// The wait is over: by a notification, or by time.
    #[inline(always)]
    pub(crate) fn ends(&mut self, is_notified: bool) {
        if let Some(wait) = &mut self.wait
            && is_notified
        {
            wait.ends(Outcome::LetGo);
        }
    }

    fn goes_on(&mut self) {
        if !begin_release(Access::Exclusive, self.flag)
            && let Some(release) = Release::begin(Kind::MUTEX, self.flag)
        {
            release.end_at(self);
        }
        if self.is_waiting {
            if let Some(wait) = &self.wait {
                wait.pass_notification();
            }
        } else {
            self.is_waiting = true;
            self.wait = Wait::begin_at(Kind::CONDVAR, self.wakes);
            if let Some(wait) = &mut self.wait {
                wait.capture_if_certain();
                wait.fall_asleep();
            }
            self.in_progress = in_progress(self.blocked);
        }
    }
}
