//! The common part of the tests of the live view.
#![allow(dead_code)] // Not every program uses all of it.

use std::sync::{self, MutexGuard, PoisonError, mpsc};
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

/// A thread that holds something until it is told to end, in a function that a dump shows.
pub(crate) struct Keeper {
    end: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

#[inline(never)]
fn keep(until: &mpsc::Receiver<()>) {
    assert!(until.recv().is_ok());
    std::hint::black_box(());
}

impl Keeper {
    pub(crate) fn new(name: &str, hold: impl FnOnce(&dyn Fn()) + Send + 'static) -> Self {
        let (end, until) = mpsc::channel();
        let (has_it, holds) = mpsc::channel();
        let thread = spawn(name, move || {
            hold(&|| {
                has_it.send(()).unwrap();
                keep(&until);
            });
        });
        holds.recv().unwrap();
        Self { end, thread }
    }

    pub(crate) fn end(self) {
        self.end.send(()).unwrap();
        self.thread.join().unwrap();
    }
}
