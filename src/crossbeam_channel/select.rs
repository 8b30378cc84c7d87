//! [`crossbeam_channel::Select`](::crossbeam_channel::Select), profiled.

use std::fmt;
use std::time::{Duration, Instant};

use ::crossbeam_channel::{
    self as original, ReadyTimeoutError, RecvError, SelectTimeoutError, SendError, TryReadyError,
    TrySelectError,
};

use super::{Receiver, Sender};
use crate::skin::{self, Blocked, Kind, Wakes, Whom};

/// A set of channel operations, the first of which that is possible is to be done:
/// [`crossbeam_channel::Select`](::crossbeam_channel::Select) that tells the profiler how long that
/// took to come (kind `select`).
///
/// One selection is one event, which ends when it is decided: completing the operation, and what
/// is done with its result, is not part of it.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_channel::{Select, unbounded};
///
/// let receivers: Vec<_> = (0..3).map(|n| {
///     let (sender, receiver) = unbounded();
///     if n == 2 {
///         sender.send("here").unwrap();
///     }
///     std::mem::forget(sender); // Else the first two would be ready as well: disconnected.
///     receiver
/// }).collect();
/// let mut select = Select::new();
/// for receiver in &receivers {
///     select.recv(receiver);
/// }
/// let operation = select.select();
/// let index = operation.index();
/// assert_eq!((index, operation.recv(&receivers[index])), (2, Ok("here")));
/// ```
#[derive(Clone, Default)]
pub struct Select<'a> {
    inner: original::Select<'a>,
    /// By the index of the operation: who lets it go.
    wakes: Vec<Wakes<'static>>,
}

/// Whether a wait would be of interest. PERF: the try that fails is a registration with every
/// channel, and in the forms of `ready` some microseconds of backing off, either of which the
/// blocking call does again. While nobody asks for waits it is not worth that; a dump shows the
/// selection all the same, also for the moment in which it does not wait.
#[inline]
fn is_watched() -> bool {
    skin::is_waiting_profiled()
}

impl<'a> Select<'a> {
    /// Creates an empty set. Among several possible operations a random one is selected.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty set. Among several possible operations the one added first is selected.
    pub fn new_biased() -> Self {
        Self {
            inner: original::Select::new_biased(),
            wakes: Vec::new(),
        }
    }

    /// Adds a send operation, and returns its index.
    pub fn send<T>(&mut self, s: &'a Sender<T>) -> usize {
        self.wakes.push(s.end().room().into());
        self.inner.send(s.as_inner())
    }

    /// Adds a receive operation, and returns its index.
    pub fn recv<T>(&mut self, r: &'a Receiver<T>) -> usize {
        self.wakes.push(r.end().messages().into());
        self.inner.recv(r.as_inner())
    }

    /// Removes the operation with this index. No other will have it.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn remove(&mut self, index: usize) {
        self.inner.remove(index);
        if let Some(wakes) = self.wakes.get_mut(index) {
            *wakes = Wakes::default();
        }
    }

    /// Selects an operation that is possible now, if there is one.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.inner.try_select().map(SelectedOperation::new)
    }

    /// Selects an operation, blocking until one is possible.
    ///
    /// # Panics
    ///
    /// If the set is empty.
    #[inline]
    pub fn select(&mut self) -> SelectedOperation<'a> {
        if !is_watched() {
            let _in_progress = skin::in_progress(Kind::SELECT.into());
            return SelectedOperation::new(self.inner.select());
        }
        match self.inner.try_select() {
            Ok(operation) => SelectedOperation::new(operation),
            Err(TrySelectError) => skin::not_last(self.select_contended()),
        }
    }

    /// Selects an operation, blocking until one is possible, but at most that long.
    ///
    /// # Errors
    ///
    /// When the time is over.
    #[inline]
    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        if is_watched() {
            if let Ok(operation) = self.inner.try_select() {
                return Ok(SelectedOperation::new(operation));
            }
            return skin::not_last(self.select_timeout_contended(timeout));
        }
        let _in_progress = skin::in_progress(Blocked::for_a_time(Kind::SELECT));
        let selected = self.inner.select_timeout(timeout);
        selected.map(SelectedOperation::new)
    }

    /// Selects an operation, blocking until one is possible, until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// When the time is over.
    #[inline]
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        if is_watched() {
            if let Ok(operation) = self.inner.try_select() {
                return Ok(SelectedOperation::new(operation));
            }
            return skin::not_last(self.select_deadline_contended(deadline));
        }
        let _in_progress = skin::in_progress(Blocked::for_a_time(Kind::SELECT));
        let selected = self.inner.select_deadline(deadline);
        selected.map(SelectedOperation::new)
    }

    /// The index of an operation that is possible now, if there is one.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.inner.try_ready()
    }

    /// The index of an operation that is possible, blocking until there is one.
    ///
    /// # Panics
    ///
    /// If the set is empty.
    #[inline]
    pub fn ready(&mut self) -> usize {
        if !is_watched() {
            let _in_progress = skin::in_progress(Kind::SELECT.into());
            return self.inner.ready();
        }
        match self.inner.try_ready() {
            Ok(index) => index,
            Err(TryReadyError) => skin::not_last(self.ready_contended()),
        }
    }

    /// The index of an operation that is possible, blocking until there is one, but at most that
    /// long.
    ///
    /// # Errors
    ///
    /// When the time is over.
    #[inline]
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        // Before the first try, as the original does it: this try takes its time.
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.ready_deadline(deadline),
            None => Ok(self.ready()),
        }
    }

    /// The index of an operation that is possible, blocking until there is one, until `deadline`
    /// at the latest.
    ///
    /// # Errors
    ///
    /// When the time is over.
    #[inline]
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        if !is_watched() {
            let _in_progress = skin::in_progress(Blocked::for_a_time(Kind::SELECT));
            return self.inner.ready_deadline(deadline);
        }
        match self.inner.try_ready() {
            Ok(index) => Ok(index),
            Err(TryReadyError) => skin::not_last(self.ready_deadline_contended(deadline)),
        }
    }

    #[cold]
    #[inline(never)]
    fn select_contended(&mut self) -> SelectedOperation<'a> {
        let Self { inner, wakes } = self;
        let select = || SelectedOperation::new(inner.select());
        skin::selecting(Kind::SELECT, wakes, select, |selected| {
            Some(selected.index())
        })
    }

    #[cold]
    #[inline(never)]
    fn select_timeout_contended(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        let Self { inner, wakes } = self;
        let select = || inner.select_timeout(timeout).map(SelectedOperation::new);
        let blocked = Blocked::for_a_time(Kind::SELECT);
        skin::selecting(blocked, wakes, select, index_of)
    }

    #[cold]
    #[inline(never)]
    fn select_deadline_contended(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        let Self { inner, wakes } = self;
        let select = || inner.select_deadline(deadline).map(SelectedOperation::new);
        let blocked = Blocked::for_a_time(Kind::SELECT);
        skin::selecting(blocked, wakes, select, index_of)
    }

    #[cold]
    #[inline(never)]
    fn ready_contended(&mut self) -> usize {
        let Self { inner, wakes } = self;
        skin::selecting(Kind::SELECT, wakes, || inner.ready(), |index| Some(*index))
    }

    #[cold]
    #[inline(never)]
    fn ready_deadline_contended(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        let Self { inner, wakes } = self;
        let ready = || inner.ready_deadline(deadline);
        let blocked = Blocked::for_a_time(Kind::SELECT);
        skin::selecting(blocked, wakes, ready, |ready| ready.as_ref().ok().copied())
    }
}

fn index_of(selected: &Result<SelectedOperation<'_>, SelectTimeoutError>) -> Option<usize> {
    selected.as_ref().ok().map(SelectedOperation::index)
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// An operation that was selected and has to be completed, with the sender or receiver that was
/// added: [`crossbeam_channel::SelectedOperation`](::crossbeam_channel::SelectedOperation).
///
/// # Panics
///
/// When it is dropped instead.
#[must_use]
pub struct SelectedOperation<'a> {
    inner: original::SelectedOperation<'a>,
}

impl<'a> SelectedOperation<'a> {
    #[inline]
    fn new(inner: original::SelectedOperation<'a>) -> Self {
        Self { inner }
    }

    /// Which operation of the set it is.
    #[inline]
    pub fn index(&self) -> usize {
        self.inner.index()
    }

    /// Completes a send operation.
    ///
    /// # Errors
    ///
    /// The message back if there are no receivers any more.
    ///
    /// # Panics
    ///
    /// If it is not the sender that was added.
    #[inline]
    pub fn send<T>(self, s: &Sender<T>, msg: T) -> Result<(), SendError<T>> {
        let receivers = s.end().receivers();
        match receivers.is_idle() {
            true => self.inner.send(s.as_inner(), msg),
            false => skin::notify(Whom::One, receivers, || self.inner.send(s.as_inner(), msg)),
        }
    }

    /// Completes a receive operation.
    ///
    /// # Errors
    ///
    /// When there is no message, and no senders any more.
    ///
    /// # Panics
    ///
    /// If it is not the receiver that was added.
    #[inline]
    pub fn recv<T>(self, r: &Receiver<T>) -> Result<T, RecvError> {
        let senders = r.end().senders();
        match senders.is_idle() {
            true => self.inner.recv(r.as_inner()),
            false => skin::notify(Whom::One, senders, || self.inner.recv(r.as_inner())),
        }
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
