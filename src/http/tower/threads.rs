//! Threads for work that blocks, a bounded number of them, which stay a while for what comes next.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{process, thread};

use futures_channel::oneshot::{self, Receiver, Sender};

use crate::http::Response;

/// More than the windows that a handler has open at a time by default, so that there are threads
/// left for all that is quick.
const MAX_THREADS: usize = 64;

/// How long a thread waits for more.
///
/// PERF: a new thread costs a request 30 to 50 µs, to start it and for memory that it has not
/// touched before. Scrapers ask for several profiles in a row; a person clicks on. In a program
/// that nobody asks there is no thread.
const LINGER: Duration = Duration::from_secs(2);

/// Clones have one bound together.
#[derive(Clone, Debug, Default)]
pub(super) struct Threads(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    has_work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whose threads these are: a forked child has none of its parent's.
    process: u32,
    running: usize,
    /// Threads among these that have nothing to do, or will have in a moment.
    idle: usize,
    /// For them; never more than they are.
    queue: VecDeque<Job>,
}

struct Job {
    work: Box<dyn FnOnce() -> Response + Send>,
    answer: Sender<Response>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

impl Threads {
    /// Runs `work` on a thread that does nothing else meanwhile, and hands out its result, or an
    /// error if it panics. The error of `run` is the answer when there is no thread for it.
    pub(super) fn run(
        &self,
        work: impl FnOnce() -> Response + Send + 'static,
    ) -> Result<Receiver<Response>, Response> {
        let (answer, receiver) = oneshot::channel();
        let work = Box::new(work);
        let job = Job { work, answer };
        let mut state = self.0.state();
        if state.queue.len() < state.idle {
            state.queue.push_back(job);
            drop(state);
            self.0.has_work.notify_one();
            return Ok(receiver);
        }
        if state.running == MAX_THREADS {
            let message = format!("{MAX_THREADS} requests are being answered: try again later");
            return Err(Response::error(503, &message));
        }
        let shared = self.0.clone();
        let thread = thread::Builder::new().name("contend-http".into());
        // Under the lock, so that a thread that comes up at once finds itself counted.
        match thread.spawn(move || shared.work(job)) {
            Ok(_) => {
                state.running += 1;
                Ok(receiver)
            }
            Err(error) => {
                let message = format!("no thread to answer with: {error}");
                Err(Response::error(503, &message))
            }
        }
    }
}

impl Shared {
    /// The life of a thread.
    fn work(&self, first: Job) {
        let mut next = Some(first);
        while let Some(job) = next {
            // The panic was reported by its hook. Whoever waits learns of it when `answer` is
            // dropped.
            let result = catch_unwind(AssertUnwindSafe(job.work));
            // Idle before the result is out, so that who has it finds a thread for the next one.
            self.state().idle += 1;
            match result {
                // The error is the result, which nobody waits for any more.
                Ok(result) => drop(job.answer.send(result)),
                Err(_) => drop(job.answer),
            }
            next = self.next();
        }
    }

    /// The job that comes within the time that a thread stays, which is idle so far.
    fn next(&self) -> Option<Job> {
        let is_empty = |state: &mut State| state.queue.is_empty();
        let waited = self
            .has_work
            .wait_timeout_while(self.state(), LINGER, is_empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        let job = state.queue.pop_front();
        if job.is_none() {
            state.running -= 1;
        }
        job
    }

    /// Locked for a moment at a time. Every change is one step, so it is valid after a panic.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != process::id() {
            *state = State {
                process: process::id(),
                ..State::default()
            };
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread::ThreadId;

    use super::*;

    fn done() -> Response {
        Response::error(200, "done")
    }

    #[test]
    fn what_is_beyond_the_bound_is_refused_and_threads_become_free() {
        let threads = Threads::default();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let results: Vec<_> = (0..MAX_THREADS)
            .map(|_| {
                let wait = wait.clone();
                let work = move || {
                    wait.lock().unwrap().recv().unwrap_or_default();
                    done()
                };
                threads.run(work).expect("there is a thread")
            })
            .collect();
        let refused = threads.run(done).expect_err("no thread is left");
        assert_eq!(refused.status(), 503);
        drop(go);
        for result in results {
            block_on(result);
        }
        let results: Vec<_> = (0..MAX_THREADS)
            .map(|_| threads.run(done).expect("all threads are free again"))
            .collect();
        results.into_iter().for_each(block_on);
    }

    #[test]
    fn a_thread_stays_for_what_comes_next() {
        let threads = Threads::default();
        let id = || {
            let (sender, id) = mpsc::channel::<ThreadId>();
            let result = threads.run(move || {
                sender.send(thread::current().id()).unwrap();
                done()
            });
            block_on(result.expect("there is a thread"));
            id.recv().unwrap()
        };
        let first = id();
        assert!((0..100).all(|_| id() == first));
    }

    #[test]
    fn a_panic_leaves_the_thread_and_no_result() {
        let threads = Threads::default();
        for _ in 0..MAX_THREADS + 1 {
            let result = threads.run(|| std::panic::resume_unwind(Box::new("a test's")));
            let mut result = result.expect("there is a thread");
            while let Ok(None) = result.try_recv() {
                thread::yield_now();
            }
        }
        assert_eq!(threads.0.state().running, 1);
    }

    fn block_on(mut result: Receiver<Response>) {
        loop {
            match result.try_recv() {
                Ok(Some(_)) => return,
                Ok(None) => thread::yield_now(),
                Err(_) => panic!("the work has panicked"),
            }
        }
    }
}
