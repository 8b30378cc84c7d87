//! Waits of tasks: a future that polls another one, and records how long that one is pending.
//!
//! The state of the wait is in the future, which may be on the heap; the stack is that of the poll,
//! from the frame of the skin's outlined function on.
//!
//! A future is polled again and again, also where nothing has happened (`select!`, `join!`). So it
//! is drawn once for each wait whether it is sampled, and a wait that was drawn out stays so.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{FrameMarker, Waiting};
use crate::engine::blame::{LockRef, Outcome};
use crate::profile::kind::Kind;

/// Calls what it is given with a marker in its own frame, which begins the captured stacks: the
/// outlined function of a skin's method, made by `contended!`.
pub(crate) trait Outlined: Fn(&mut dyn FnMut(&FrameMarker)) + Copy {}

impl<F: Fn(&mut dyn FnMut(&FrameMarker)) + Copy> Outlined for F {}

/// The result of a first try.
#[derive(Debug)]
pub(crate) enum Tried<R> {
    Done(R),
    /// Somebody else has it.
    Failed,
    /// This task is to let others run first, so it was not tried.
    NotNow,
}

/// Waits for a lock by polling `inner`, unless `first_try` has it at once.
pub(crate) fn acquire_in_task<'a, F, T, O>(
    kind: Kind,
    lock: LockRef<'a>,
    outlined: O,
    first_try: T,
    inner: F,
) -> Watched<'a, F, T, O>
where
    F: Future,
    T: FnOnce(&mut Context<'_>) -> Tried<F::Output>,
    O: Outlined,
{
    Watched::new(kind, Some(lock), outlined, Some(first_try), inner)
}

/// Waits in `inner` for something that nobody is to blame for, unless `first_try` has it at once.
pub(crate) fn try_in_task<F, T, O>(
    kind: Kind,
    outlined: O,
    first_try: T,
    inner: F,
) -> Watched<'static, F, T, O>
where
    F: Future,
    T: FnOnce(&mut Context<'_>) -> Tried<F::Output>,
    O: Outlined,
{
    Watched::new(kind, None, outlined, Some(first_try), inner)
}

/// Waits in `inner` for something that nobody is to blame for.
pub(crate) fn wait_in_task<F, O>(kind: Kind, outlined: O, inner: F) -> WatchedOnly<F, O>
where
    F: Future,
    O: Outlined,
{
    Watched::new(kind, None, outlined, None, inner)
}

/// A [`Watched`] future without a first try.
pub(crate) type WatchedOnly<F, O> =
    Watched<'static, F, fn(&mut Context<'_>) -> Tried<<F as Future>::Output>, O>;

pin_project! {
    /// A future that is watched.
    #[must_use = "futures do nothing unless they are polled"]
    pub(crate) struct Watched<'a, F, T, O>
    where
        O: Outlined,
    {
        #[pin]
        inner: F,
        // NOTE: after `inner`, so that it is dropped after it: what the inner future gives back
        // when it is cancelled may be what others wait for.
        wait: TaskWait<'a, O>,
        first_try: Option<T>,
    }
}

impl<'a, F, T, O> Watched<'a, F, T, O>
where
    F: Future,
    T: FnOnce(&mut Context<'_>) -> Tried<F::Output>,
    O: Outlined,
{
    fn new(
        kind: Kind,
        lock: Option<LockRef<'a>>,
        outlined: O,
        first_try: Option<T>,
        inner: F,
    ) -> Self {
        Self {
            inner,
            wait: TaskWait::new(kind, lock, outlined),
            first_try,
        }
    }
}

impl<F, T, O> Future for Watched<'_, F, T, O>
where
    F: Future,
    T: FnOnce(&mut Context<'_>) -> Tried<F::Output>,
    O: Outlined,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(first_try) = this.first_try.take() {
            match first_try(context) {
                Tried::Done(output) => return Poll::Ready(output),
                // Before it queues up: a release from then on is to find the waiter.
                Tried::Failed => this.wait.begin_at_lock(),
                Tried::NotNow => {}
            }
        }
        this.wait.poll(this.inner, context)
    }
}

impl<F, T, O: Outlined> fmt::Debug for Watched<'_, F, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

/// The wait of a task, for a future that is a skin's own type. Given up when it is dropped.
pub(crate) struct TaskWait<'a, O: Outlined> {
    outlined: O,
    state: State<'a>,
}

#[derive(Debug)]
enum State<'a> {
    /// Nobody has waited yet.
    Undecided {
        kind: Kind,
        lock: Option<LockRef<'a>>,
    },
    /// Drawn out, or over.
    NotRecorded,
    /// Begun by the poll that is going on: perhaps there is nothing to wait for.
    Begun(Waiting<'a>),
    /// Suspended.
    Waits(Waiting<'a>),
}

impl<'a, O: Outlined> TaskWait<'a, O> {
    pub(crate) const fn new(kind: Kind, lock: Option<LockRef<'a>>, outlined: O) -> Self {
        Self {
            outlined,
            state: State::Undecided { kind, lock },
        }
    }

    /// The wait begins, if it is one for a lock.
    #[inline]
    pub(crate) fn begin_at_lock(&mut self) {
        if let State::Undecided { lock: Some(_), .. } = self.state {
            self.begin();
        }
    }

    #[cold]
    #[inline(never)]
    fn begin(&mut self) {
        let State::Undecided { kind, lock } = self.state else {
            return;
        };
        self.state = State::NotRecorded;
        if let Some(mut waiting) = Waiting::begin(kind, lock) {
            waiting.is_of_task = true;
            if waiting.needs_stack() {
                (self.outlined)(&mut |frame| waiting.capture_if_certain(frame));
            }
            if waiting.is_contention() {
                if waiting.is_paired() {
                    (self.outlined)(&mut |frame| waiting.capture_for_pair(frame));
                }
                waiting.arrive();
            }
            self.state = State::Begun(waiting);
        }
    }

    /// Polls `inner`. The wait begins when that is pending for the first time, and ends when it is
    /// ready.
    #[inline]
    pub(crate) fn poll<F: Future>(
        &mut self,
        inner: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let result = inner.poll(context);
        self.note(result.is_pending());
        result
    }

    /// As [`poll`](Self::poll), where the inner future was polled already.
    #[inline]
    pub(crate) fn note(&mut self, is_pending: bool) {
        match (&self.state, is_pending) {
            (State::NotRecorded, _)
            | (State::Undecided { .. }, false)
            | (State::Waits(_), true) => {}
            (State::Undecided { .. }, true) => {
                // A task that has used up its turn is sent away with all that it asks for.
                if has_budget() {
                    self.begin();
                    self.suspend();
                }
            }
            (State::Begun(_), true) => self.suspend(),
            (State::Begun(_), false) => self.end(Outcome::Cancelled),
            (State::Waits(_), false) => self.succeed(),
        }
    }

    /// It turns out that there was nothing to wait for; or that there was, which is over.
    pub(crate) fn end_early(&mut self) {
        self.note(false);
    }

    /// The future is pending.
    fn suspend(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::NotRecorded) {
            State::Begun(waiting) => State::Waits(waiting),
            state => state,
        };
    }

    fn succeed(&mut self) {
        let State::Waits(waiting) = &self.state else {
            return;
        };
        self.end(match waiting.kind {
            // Nobody holds an initialisation after its end.
            Kind::ASYNC_ONCE => Outcome::LetGo,
            _ => Outcome::Acquired,
        });
    }

    #[cold]
    #[inline(never)]
    fn end(&mut self, outcome: Outcome) {
        let state = std::mem::replace(&mut self.state, State::NotRecorded);
        if let State::Begun(mut waiting) | State::Waits(mut waiting) = state {
            (self.outlined)(&mut |frame| waiting.end(frame, outcome));
        }
    }
}

impl<O: Outlined> Drop for TaskWait<'_, O> {
    #[inline]
    fn drop(&mut self) {
        if let State::Begun(_) | State::Waits(_) = self.state {
            self.end(Outcome::GaveUp);
        }
    }
}

impl<O: Outlined> fmt::Debug for TaskWait<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}

/// The outlined function of a type's own, which cannot be named as a type.
pub(crate) type OutlinedFn = fn(&mut dyn FnMut(&FrameMarker));

/// The wait of a future that is a type of its own.
pub(crate) type NamedWait<'a> = TaskWait<'a, OutlinedFn>;

/// The waits of something that is polled by hand, again and again, and is no future.
#[derive(Debug)]
pub(crate) struct RepeatedWait {
    kind: Kind,
    wait: NamedWait<'static>,
}

impl RepeatedWait {
    pub(crate) const fn new(kind: Kind, outlined: OutlinedFn) -> Self {
        Self {
            kind,
            wait: TaskWait::new(kind, None, outlined),
        }
    }

    /// It was polled.
    #[inline]
    pub(crate) fn note(&mut self, is_pending: bool) {
        self.wait.note(is_pending);
        if !is_pending {
            self.start_again();
        }
    }

    /// It is to be polled no more for a while.
    #[inline]
    pub(crate) fn give_up(&mut self) {
        if !matches!(self.wait.state, State::Undecided { .. }) {
            self.wait.end(Outcome::GaveUp);
            self.start_again();
        }
    }

    #[inline]
    fn start_again(&mut self) {
        self.wait.state = State::Undecided {
            kind: self.kind,
            lock: None,
        };
    }
}

/// Whether the task may go on. tokio makes tasks yield that never wait: every one of its operations
/// is pending then, though nothing is missing.
#[cfg(feature = "tokio")]
fn has_budget() -> bool {
    ::tokio::task::coop::has_budget_remaining()
}

#[cfg(not(feature = "tokio"))]
fn has_budget() -> bool {
    true
}
