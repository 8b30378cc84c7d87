//! Threads for work that blocks, a bounded number of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures_channel::oneshot::{self, Receiver};

use crate::http::Response;

/// More than the windows that a handler has open at a time by default, so that there are threads
/// left for all that is quick.
const MAX_THREADS: usize = 64;

/// Clones have one bound together.
#[derive(Clone, Debug, Default)]
pub(super) struct Threads {
    /// Relaxed: it counts, and publishes nothing.
    running: Arc<AtomicUsize>,
}

impl Threads {
    /// Runs `work` on a thread of its own, and hands out its result. The error is the answer when
    /// there is no thread for it.
    ///
    /// PERF: starting a thread takes 30 µs here. A pool would save that, and keep threads around
    /// in a program that nobody asks for hours.
    pub(super) fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<Receiver<R>, Response> {
        let place = self.place().ok_or_else(|| {
            let message = format!("{MAX_THREADS} requests are being answered: try again later");
            Response::error(503, &message)
        })?;
        let (sender, receiver) = oneshot::channel();
        let body = move || {
            // Given back before the result is, so that who has it finds the place free.
            let result = {
                let _place = place;
                work()
            };
            // The error is the result, which nobody waits for any more.
            let _ = sender.send(result);
        };
        match thread::Builder::new()
            .name("contend-http".into())
            .spawn(body)
        {
            Ok(_) => Ok(receiver),
            Err(error) => {
                let message = format!("no thread to answer with: {error}");
                Err(Response::error(503, &message))
            }
        }
    }

    fn place(&self) -> Option<Place> {
        let more = |running| (running < MAX_THREADS).then_some(running + 1);
        self.running
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Place(self.running.clone()))
    }
}

/// One of the threads that there may be.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_is_beyond_the_bound_is_refused_and_places_come_back() {
        let threads = Threads::default();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let results: Vec<Receiver<()>> = (0..MAX_THREADS)
            .map(|_| {
                let wait = wait.clone();
                let work = move || wait.lock().unwrap().recv().unwrap_or_default();
                threads.run(work).expect("there is a place")
            })
            .collect();
        let refused = threads.run(|| ()).expect_err("no place is left");
        assert_eq!(refused.status(), 503);
        drop(go);
        for result in results {
            block_on(result);
        }
        block_on(threads.run(|| ()).expect("all places are free again"));
    }

    #[test]
    fn a_panic_gives_the_place_back_and_no_result() {
        let threads = Threads::default();
        for _ in 0..MAX_THREADS + 1 {
            let result = threads.run(|| std::panic::resume_unwind(Box::new("a test's")));
            let mut result: Receiver<()> = result.expect("there is a place");
            while let Ok(None) = result.try_recv() {
                thread::yield_now();
            }
        }
    }

    fn block_on<R>(mut result: Receiver<R>) -> R {
        loop {
            match result.try_recv() {
                Ok(Some(result)) => return result,
                Ok(None) => thread::yield_now(),
                Err(_) => panic!("the thread has panicked"),
            }
        }
    }
}
