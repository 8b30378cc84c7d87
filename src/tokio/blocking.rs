//! The forms of operations that block the thread.

use ::tokio::sync::Mutex;

/// Panics where the original's blocking forms do: on a thread that runs tasks. They do so also if
/// there is nothing to wait for, and a first try would not.
#[track_caller]
pub(super) fn assert_may_block() {
    drop(Mutex::const_new(()).blocking_lock());
}
