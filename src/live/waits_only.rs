//! A dump where other threads' stacks cannot be read: of the waits that our own types publish.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::SystemTime;

use super::thread::Thread;
use super::threads::Threads;

pub(super) fn dump<T>(_: &T) -> Threads {
    let note = match cfg!(feature = "profiling") {
        true => {
            "only threads in a wait of contend's types are shown, without stacks: all others need \
             x86-64 Linux and contend's feature `framehop`"
        }
        false => "no thread is shown: contend was built without its feature `profiling`",
    };
    let notes = vec![note.to_owned()];
    Threads::new(SystemTime::now(), waiting(), notes, Arc::new([]))
}

#[cfg(feature = "profiling")]
fn waiting() -> Vec<Thread> {
    use super::thread::WaitInProgress;
    use crate::engine::{clock, registry};

    let waits = registry::waits().map(|published| {
        let waited = clock::monotonic().saturating_sub(published.wait.since);
        Thread::waiting(
            0,
            WaitInProgress::new(published.wait.kind, published.wait.subject, waited),
        )
    });
    waits.collect()
}

#[cfg(not(feature = "profiling"))]
fn waiting() -> Vec<Thread> {
    Vec::new()
}
