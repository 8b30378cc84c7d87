//! One stack of a profile and what was counted for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::frame::{Frame, Location};
use crate::profile::kind::{Kind, is_wait_of_task};
use crate::profile::labels::{LabelSet, Tags};

/// A stack, with the contentions and the delay charged to it.
///
/// In the mutex profile the stack is that of the release which let others go on; in the block
/// profile it is that of the operation which waited. The first frame is the method of the
/// wrapper, such as `contend::sync::Mutex<T>::lock`, the second its caller.
#[derive(Clone, Debug)]
pub struct Sample {
    pub(crate) kind: Kind,
    /// Those of the user's that the thread had.
    pub(crate) labels: LabelSet,
    /// Fractional: each event counted with its weight.
    pub(crate) contentions: f64,
    pub(crate) delay_nanos: u64,
    /// The variance of the delay, in ns².
    pub(crate) variance: f64,
    pub(crate) stack: Arc<Stack>,
}

/// A stack as it was recorded and as it is shown.
#[derive(Debug)]
pub(crate) struct Stack {
    /// Return addresses as recorded, leaf first: what the stack is known by. Those of a task
    /// without the executor's, and with a number for the sort of thread.
    pub(crate) addresses: Box<[usize]>,
    /// Leaf first, without the profiler's own frames.
    pub(crate) locations: Box<[Arc<Location>]>,
    /// Whether the first frame is the wrapper's method rather than its caller.
    pub(crate) starts_in_wrapper: bool,
    /// The frames of all locations, laid out in a row when first asked for. Exports go by
    /// location, so ten thousand stacks need not carry a copy of every frame.
    frames: OnceLock<Box<[Frame]>>,
    /// The thread that it was on.
    pub(crate) role: ThreadRole,
    /// Whether an executor's part was cut off: then several of what was recorded are the same one.
    #[cfg_attr(not(feature = "profiling"), allow(dead_code))]
    pub(crate) is_tasks: bool,
}

/// The use that an executor makes of a thread, as a stack tells.
#[cfg_attr(not(feature = "profiling"), allow(dead_code))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ThreadRole {
    /// Nothing that is known.
    #[default]
    Other,
    /// It runs tasks: those wait while it is blocked.
    AsyncWorker,
    /// It is there to be blocked.
    BlockingPool,
}

impl ThreadRole {
    /// The value of the label `thread`; `None`: no such label.
    pub(crate) fn label(self) -> Option<&'static str> {
        match self {
            Self::Other => None,
            Self::AsyncWorker => Some("async_worker"),
            Self::BlockingPool => Some("blocking_pool"),
        }
    }
}

impl Stack {
    #[cfg(any(feature = "profiling", test))]
    pub(crate) fn new(
        addresses: Box<[usize]>,
        locations: Box<[Arc<Location>]>,
        starts_in_wrapper: bool,
    ) -> Self {
        Self {
            addresses,
            locations,
            starts_in_wrapper,
            frames: OnceLock::new(),
            role: ThreadRole::Other,
            is_tasks: false,
        }
    }

    /// The same of a task, on that sort of thread.
    #[cfg(feature = "profiling")]
    pub(crate) fn of_task_on(self, role: ThreadRole) -> Self {
        Self {
            role,
            is_tasks: true,
            ..self
        }
    }
}

impl Stack {
    /// All frames, leaf first, without laying them out.
    pub(crate) fn frames_in_place(&self) -> impl Iterator<Item = &Frame> + Clone {
        let locations = self.locations.iter();
        locations.flat_map(|location| &*location.frames)
    }
}

impl Sample {
    /// How many waits this stands for, estimated from those that were sampled, rounded.
    ///
    /// A wait is counted once, for the last of the releases that share its delay; a stack can
    /// therefore have delay and no contention. In the block profile each recorded wait counts
    /// at least once.
    pub fn contentions(&self) -> u64 {
        round(self.contentions)
    }

    /// How long the waits took, estimated from those that were sampled.
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_nanos)
    }

    /// The uncertainty that sampling added to [`delay`](Sample::delay): one standard error.
    ///
    /// The true delay lies within twice this in about 19 of 20 cases. Zero where every wait
    /// was recorded.
    pub fn delay_std_error(&self) -> Duration {
        std_error(self.variance)
    }

    /// The delay of one contention on average. Where no contention is counted here, all of the
    /// delay.
    pub fn mean_delay(&self) -> Duration {
        mean_delay(self.delay_nanos, self.contentions)
    }

    /// The stack, leaf first, with inlined calls as frames of their own.
    pub fn frames(&self) -> &[Frame] {
        let frames = &self.stack.frames;
        frames.get_or_init(|| self.stack.frames_in_place().cloned().collect())
    }

    /// The operation that released (mutex profile) or waited (block profile): `mutex`,
    /// `rwlock_read`, `rwlock_write`, `condvar` and so on, or the name given to
    /// [`blocking`](crate::blocking).
    ///
    /// Files have it as the label `kind`.
    pub fn kind(&self) -> &'static str {
        self.kind.label()
    }

    /// The meaning of such a wait for the program: `lock` (what others hold), `backpressure` (room
    /// in a channel), `idle` (work that has not come yet; usually nothing is wrong), or `other`.
    ///
    /// Files have it as the label `class`.
    pub fn class(&self) -> &'static str {
        self.kind.class().label()
    }

    /// The value of a label, as files have them.
    ///
    /// | label | value |
    /// |---|---|
    /// | `kind` | the [`kind`](Sample::kind); every sample has it |
    /// | `class` | the [`class`](Sample::class); every sample has it |
    /// | `thread` | `async_worker`: the thread runs tokio's tasks, which stand still while it is blocked. `blocking_pool`: it is there to be blocked. Other threads have none |
    /// | those of [`labels!`](crate::labels!) | in the mutex profile the releaser's, in the block profile the waiter's |
    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels();
        labels.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Whether a thread waited here that runs tasks, so that all of these stood still. A task that
    /// waits lets the others go on.
    pub(crate) fn blocks_worker(&self) -> bool {
        let mut frames = self.stack.frames_in_place();
        let leaf = frames.next().map_or("", Frame::function);
        self.stack.role == ThreadRole::AsyncWorker && !is_wait_of_task(self.kind(), leaf)
    }

    /// All labels.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let thread = self.stack.role.label();
        [("kind", self.kind()), ("class", self.class())]
            .into_iter()
            .chain(thread.map(|thread| ("thread", thread)))
            .chain(self.labels.labels())
    }

    /// The kind and the labels.
    pub(super) fn tags(&self) -> Tags {
        Tags {
            kind: self.kind,
            labels: self.labels,
        }
    }

    /// Adds what another sample has to this stack's numbers.
    pub(crate) fn add(&mut self, other: &Sample) {
        self.contentions += other.contentions;
        self.delay_nanos = self.delay_nanos.saturating_add(other.delay_nanos);
        self.variance += other.variance;
    }

    /// Whether the path of a function on the stack contains `text`.
    pub(super) fn has_function(&self, text: &str) -> bool {
        let mut frames = self.stack.frames_in_place();
        frames.any(|frame| frame.function().contains(text))
    }

    /// The numbers added since `earlier`, a sample of the same stack; `None` if nothing was.
    pub(super) fn since(&self, earlier: &Sample) -> Option<Sample> {
        let added = Sample {
            kind: self.kind,
            labels: self.labels,
            contentions: (self.contentions - earlier.contentions).max(0.0),
            delay_nanos: self.delay_nanos.saturating_sub(earlier.delay_nanos),
            variance: (self.variance - earlier.variance).max(0.0),
            stack: Arc::clone(&self.stack),
        };
        (added.contentions > 0.0 || added.delay_nanos > 0).then_some(added)
    }

    /// Whether this cannot come after `earlier` without a reset in between: sums only grow.
    pub(super) fn is_less_than(&self, earlier: &Sample) -> bool {
        self.contentions < earlier.contentions || self.delay_nanos < earlier.delay_nanos
    }
}

pub(crate) fn round(contentions: f64) -> u64 {
    // A float becomes an integer by saturating: what is not a number would be 0.
    contentions.round() as u64
}

pub(crate) fn std_error(variance: f64) -> Duration {
    Duration::from_nanos(variance.max(0.0).sqrt().round() as u64)
}

pub(crate) fn mean_delay(delay_nanos: u64, contentions: f64) -> Duration {
    // Less than one half is shown as no contention, so the mean must not be ruled by it.
    let contentions = if contentions < 0.5 { 1.0 } else { contentions };
    Duration::from_nanos((delay_nanos as f64 / contentions).round() as u64)
}
