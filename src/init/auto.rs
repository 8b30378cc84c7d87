//! The call of [`init`](super::init) before `main`.

use super::session;

/// Runs when the program, or the library that has this crate in it, is loaded.
#[ctor::ctor(unsafe)]
fn begin() {
    // Nothing may unwind into the loader. A panic's hook has said what a panic says.
    let _ = std::panic::catch_unwind(|| without_broken_pipe_signal(session::begin));
}

/// Before `main` the signal that a write to a closed pipe raises still kills: standard Rust
/// switches it off on the way to `main`. A line about a bad variable must not kill.
#[cfg(unix)]
fn without_broken_pipe_signal<R>(action: impl FnOnce() -> R) -> R {
    // SAFETY: zeros are a value of each of its fields, and the default.
    let mut ignore: libc::sigaction = unsafe { std::mem::zeroed() };
    ignore.sa_sigaction = libc::SIG_IGN;
    let mut before = ignore;
    // SAFETY: both are ours; every process may choose to ignore a signal.
    let is_set = unsafe { libc::sigaction(libc::SIGPIPE, &ignore, &mut before) } == 0;
    let result = action();
    if is_set {
        // SAFETY: gives back what was there, with its flags.
        unsafe { libc::sigaction(libc::SIGPIPE, &before, std::ptr::null_mut()) };
    }
    result
}

#[cfg(not(unix))]
fn without_broken_pipe_signal<R>(action: impl FnOnce() -> R) -> R {
    action()
}
