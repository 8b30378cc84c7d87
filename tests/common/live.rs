//! The common part of the tests of the live view.
#![allow(dead_code)] // Not every program uses all of it.

use std::sync::{self, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use contend::Thread;

/// Long enough for any machine: a test that gets here has failed.
pub(crate) const NEVER: Duration = Duration::from_secs(600);

/// Dumps see the other tests' threads, and some tests count. So they take turns.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: sync::Mutex<()> = sync::Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .unwrap()
}

/// Dumps until the thread of this name is as it should be.
pub(crate) fn thread_when(name: &str, is_there: impl Fn(&Thread) -> bool) -> Thread {
    let start = Instant::now();
    loop {
        let threads = contend::threads();
        let mut named = threads.threads().iter();
        if let Some(thread) = named.find(|thread| thread.name() == name && is_there(thread)) {
            return thread.clone();
        }
        assert!(
            start.elapsed() < NEVER / 6,
            "{name} is not there:\n{threads}"
        );
        thread::yield_now();
    }
}

pub(crate) fn has_function(thread: &Thread, function: &str) -> bool {
    let mut frames = thread.frames().iter();
    frames.any(|frame| frame.function().contains(function))
}
