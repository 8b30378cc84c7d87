//! The part of a task in an initialisation: it waits, until it turns out that it runs.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::skin::{Flag, FrameMarker, Kind, LockRef, OnDrop, TaskWait};

#[derive(Debug)]
pub(super) struct Turn<'a> {
    flag: &'a Flag,
    /// Whether this task's initialiser has been called. Relaxed: only its own poll reads and writes
    /// it.
    is_running: AtomicBool,
}

impl<'a> Turn<'a> {
    pub(super) fn new(flag: &'a Flag) -> Self {
        Self {
            flag,
            is_running: AtomicBool::new(false),
        }
    }

    /// Runs the initialiser. Its end, however it comes about, is what others wait for.
    pub(super) async fn run<R>(&self, initialiser: impl Future<Output = R>, end: fn(&Flag)) -> R {
        self.is_running.store(true, Ordering::Relaxed);
        let _end = OnDrop(|| {
            if !self.flag.is_idle() {
                end(self.flag);
            }
        });
        initialiser.await
    }

    /// Waits in `inner`, which runs the initialiser when it is this task's turn.
    pub(super) async fn wait<R>(
        &self,
        lock: LockRef<'a>,
        outlined: impl Fn(&mut dyn FnMut(&FrameMarker)) + Copy,
        inner: impl Future<Output = R>,
    ) -> R {
        // After `wait`, so that it is dropped before.
        let mut wait = TaskWait::new(Kind::ASYNC_ONCE, Some(lock), outlined);
        let mut inner = pin!(inner);
        poll_fn(|context| {
            if !self.is_running.load(Ordering::Relaxed) {
                // Before it queues up: an end from then on is to find the waiter.
                wait.begin_at_lock();
            }
            let result = inner.as_mut().poll(context);
            if self.is_running.load(Ordering::Relaxed) {
                wait.end_early();
            } else {
                wait.note(result.is_pending());
            }
            result
        })
        .await
    }
}
