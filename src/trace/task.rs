//! Tasks: a piece of work with a name, whatever threads do it.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::imp;
use super::instrumented::Instrumented;
use super::region::{Region, region_of};

thread_local! {
    /// The task that this thread works for; 0: none. Without a destructor.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

/// The number of the task that this thread works for; 0: none.
pub(super) fn current() -> u64 {
    CURRENT.get()
}

/// A piece of work, as a request, from its creation to its drop: one row in a timeline.
///
/// It may be moved to other threads. What a thread does for it is what it does while it has
/// [entered](Self::enter) the task; a future is [instrumented](Self::instrument).
#[derive(Debug)]
#[must_use = "the task ends when this is dropped"]
pub struct Task {
    /// 0: nothing was recorded when it began.
    id: u64,
    name: Option<Arc<str>>,
}

/// Begins a task: `runtime/trace.NewTask` of Go. A task that is begun while this thread works for
/// another one is a part of that.
///
/// Names may be made for the request, as `GET /cart 4711`: the first 200 bytes are kept. Timelines
/// group tasks by name, so an id is better told by a [`log`](super::log).
///
/// # Overhead
///
/// While nothing is recorded, one load. While it is, a reading of the clock and a record.
///
/// # Examples
///
/// ```
/// use contend::trace;
///
/// let request = trace::task("checkout");
/// let thread = contend::thread::spawn(move || {
///     let _in_request = request.enter();
///     let _region = trace::region("charge the card");
///     trace::log("card", "accepted");
///     // The task ends with the thread, which has it.
/// });
/// thread.join().unwrap();
/// ```
pub fn task(name: impl AsRef<str>) -> Task {
    if !imp::is_on() {
        return Task { id: 0, name: None };
    }
    /// The number that was given last. Relaxed: only has to differ.
    static LAST: AtomicU64 = AtomicU64::new(0);
    let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let name = name.as_ref();
    imp::task_begin(id, current(), name);
    Task {
        id,
        name: Some(name.into()),
    }
}

impl Task {
    /// From here on this thread works for the task, until the result is dropped. In a timeline it
    /// is a region of the task's name.
    pub fn enter(&self) -> Entered<'_> {
        let before = CURRENT.replace(self.id);
        Entered {
            before,
            _region: self.name.as_deref().map(|name| region_of(self.id, name)),
            _task: PhantomData,
            _not_send: PhantomData,
        }
    }

    /// A future that works for this task whenever it is polled, and ends it when it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let waker = std::task::Waker::noop();
    /// #     let mut future = std::pin::pin!(future);
    /// #     loop {
    /// #         if let std::task::Poll::Ready(output) =
    /// #             future.as_mut().poll(&mut std::task::Context::from_waker(waker))
    /// #         {
    /// #             return output;
    /// #         }
    /// #     }
    /// # }
    /// use contend::trace;
    ///
    /// let answer = trace::task("request").instrument(async { 6 * 7 });
    /// assert_eq!(block_on(answer), 42);
    /// ```
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        Instrumented::new(self, future)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.id != 0 && imp::is_on() {
            imp::task_end(self.id);
        }
    }
}

/// Its number; 0: none.
#[cfg(feature = "tracing")]
pub(super) fn task_of(task: &Task) -> u64 {
    task.id
}

#[cfg(feature = "tracing")]
impl Entered<'static> {
    /// The thread works for the task with this number, without a region.
    pub(super) fn of(task: u64) -> Self {
        Self {
            before: CURRENT.replace(task),
            _region: None,
            _task: PhantomData,
            _not_send: PhantomData,
        }
    }
}

/// While this lives its thread works for a [`Task`]. It stays with the thread.
#[derive(Debug)]
#[must_use = "the thread leaves the task when this is dropped"]
pub struct Entered<'t> {
    before: u64,
    _region: Option<Region>,
    _task: PhantomData<&'t Task>,
    _not_send: PhantomData<*const ()>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}
