//! The conditions that a Condvar's `wait_while` waits for.

use super::{Wait, acquired, release_early};
use crate::engine::blame::Flag;
use crate::profile::kind::Kind;

/// The condition of a Condvar's `wait_while`, watched.
///
/// That it holds means that the thread is about to release its mutex, whose flag this is, and, the
/// first time, that its wait begins. The wait ends with `wait`, which is in the frame of the
/// skin's method.
pub(crate) fn watch_condition<'a, T: ?Sized>(
    mut condition: impl FnMut(&mut T) -> bool + 'a,
    flag: &'a Flag,
    wait: &'a mut Option<Wait<'static>>,
) -> impl FnMut(&mut T) -> bool + 'a {
    let mut is_waiting = false;
    move |value| {
        // At first by the caller, then by the wait.
        acquired(flag);
        let holds = condition(value);
        if holds {
            release_early(Kind::MUTEX, flag);
            if !is_waiting {
                is_waiting = true;
                *wait = Wait::begin(Kind::CONDVAR, None);
                if let Some(wait) = wait {
                    wait.capture_if_certain();
                }
            }
        }
        holds
    }
}
