//! The beginning and the end of a thread that this crate has spawned.

use super::running::Runner;
use crate::skin::{Origin, keep_frame};

/// Runs the function of a new thread.
///
/// Stacks are shown up to the function in which the standard library calls that of a thread. This
/// one has the same name, so that they end here, and not one frame further out. It has the same
/// type parameters, too: in builds without debug information they tell the name of `f`.
#[inline(never)]
pub(super) fn __rust_begin_short_backtrace<F, T>(origin: Origin, runner: Runner, f: F) -> T
where
    F: FnOnce() -> T,
{
    let _thread = origin.begin();
    let _running = runner.begin::<F>();
    let result = f();
    keep_frame();
    result
}
