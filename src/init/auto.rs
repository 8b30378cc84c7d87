//! The call of [`init`](super::init) before `main`.

use super::session;

/// Runs when the program, or the library that has this crate in it, is loaded.
#[ctor::ctor(unsafe)]
fn begin() {
    // Nothing may unwind into the loader. What a panic says has been said by its hook.
    let _ = std::panic::catch_unwind(|| without_broken_pipe_signal(session::begin));
}

/// Before `main` the signal that a write to a closed pipe raises still kills: standard Rust
/// switches it off on the way to `main`. A line about a bad variable must not kill.
#[cfg(unix)]
fn without_broken_pipe_signal<R>(action: impl FnOnce() -> R) -> R {
    // SAFETY: `SIG_IGN` is a disposition that every process may choose.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let result = action();
    // SAFETY: gives back the disposition that was there. Before `main` no other thread changes it.
    unsafe { libc::signal(libc::SIGPIPE, before) };
    result
}

#[cfg(not(unix))]
fn without_broken_pipe_signal<R>(action: impl FnOnce() -> R) -> R {
    action()
}
