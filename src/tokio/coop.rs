//! First tries that keep tokio's rule of cooperation: an operation that succeeds uses up a part of
//! the task's turn, and one whose task has none left does not even try.
//!
//! PERF: a try before the original future is made saves most of what that does in its first poll. A
//! prototype took 188 instructions for an uncontended lock and its release, the original 257.

use std::task::{Context, Poll};

use ::tokio::task::coop::{has_budget_remaining, poll_proceed};

use crate::skin::Tried;

/// Tries as the original's first poll would. `NotNow` where it would send the task away: then the
/// original is to do so, for it also queues the task up, and that keeps the order of those that
/// wait.
#[inline(always)]
pub(super) fn first_try<R>(
    attempt: impl FnOnce() -> Option<R>,
) -> impl FnOnce(&mut Context<'_>) -> Tried<R> {
    move |context| {
        if !has_budget_remaining() {
            return Tried::NotNow;
        }
        let Poll::Ready(turn) = poll_proceed(context) else {
            return Tried::NotNow;
        };
        match attempt() {
            Some(result) => {
                turn.made_progress();
                Tried::Done(result)
            }
            // Gives its part of the turn back.
            None => Tried::Failed,
        }
    }
}
