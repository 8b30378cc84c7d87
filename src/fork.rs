//! What a forked child finds closed, and who opens it.
//!
//! In a child of `fork` only the forking thread exists: threads that waited, or that were at work on
//! a table, must not be waited for there.

use std::sync::Once;

use crate::engine::recorder;
use crate::symbols;

/// Registers the hooks; later calls do nothing. Called before profiling is switched on.
pub(crate) fn install_hooks() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(imp::install);
}

#[cfg(unix)]
mod imp {
    use super::{recorder, symbols};

    extern "C" fn before() {
        symbols::before_fork();
    }

    extern "C" fn in_parent() {
        symbols::after_fork();
    }

    extern "C" fn in_child() {
        symbols::after_fork();
        // SAFETY: this runs in the child, inside `fork`, where this thread is the only one.
        unsafe { recorder::open_after_fork() };
    }

    pub(super) fn install() {
        // SAFETY: the handlers are functions of the right type that live for ever. The child's
        // touches atomics and static memory, and opens a lock that this thread has taken in
        // `before`: no more than a handler in the child of a threaded process may.
        let registered =
            unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        debug_assert_eq!(registered, 0, "only fails when memory is out");
    }
}

#[cfg(not(unix))]
mod imp {
    pub(super) fn install() {}
}
