//! The parts of a timeline.

use std::sync::Arc;

use crate::profile::Frame;

/// A recorded piece of time: every contended wait with its stack and its waker, the threads, and
/// the tasks, regions and logs of the program.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let recording = contend::trace::Recording::start()?;
/// contend::thread::spawn(|| ()).join().unwrap();
/// let timeline = recording.finish();
/// let mut file = Vec::new();
/// timeline.write_go(&mut file)?;
/// # #[cfg(feature = "profiling")]
/// assert!(file.starts_with(b"go 1.23 trace"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Timeline {
    /// On the recording's clock, in nanoseconds.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The program's name; empty where it is not known.
    pub(crate) program: String,
    pub(crate) threads: Vec<Thread>,
    /// In the order of their begin.
    pub(crate) waits: Vec<Wait>,
    /// In the order of their time.
    pub(crate) releases: Vec<Release>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) regions: Vec<Region>,
    pub(crate) logs: Vec<Log>,
    /// Leaf first. The first is empty, for what has none.
    pub(crate) stacks: Vec<Arc<[Frame]>>,
    /// Sets of labels, by key. The first is empty.
    pub(crate) labels: Vec<LabelPairs>,
    pub(crate) missing: Missing,
}

/// An index into the stacks of a timeline.
pub(crate) type StackIndex = usize;
/// An index into its sets of labels.
pub(crate) type LabelsIndex = usize;
/// Keys and values.
pub(crate) type LabelPairs = Arc<[(Arc<str>, Arc<str>)]>;
/// An index into its threads.
pub(crate) type ThreadIndex = usize;

/// The stack of what has none.
pub(crate) const NO_STACK: StackIndex = 0;
/// The set without labels.
pub(crate) const NO_LABELS: LabelsIndex = 0;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Thread {
    /// Different for each thread, never 0, never used again.
    pub(crate) number: u64,
    /// The kernel's number; 0 where it is not known.
    pub(crate) tid: u64,
    pub(crate) name: String,
    /// `None`: it was there before.
    pub(crate) begin: Option<u64>,
    /// `None`: it goes on, or nobody knows.
    pub(crate) end: Option<u64>,
    /// The thread that asked for it, and the time.
    pub(crate) parent: Option<(ThreadIndex, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) thread: ThreadIndex,
    pub(crate) kind: Arc<str>,
    /// Whether a task waited, and not the thread. The thread is then the one that ended it.
    pub(crate) is_of_task: bool,
    /// The address that the lock is known by; 0: none.
    pub(crate) lock: u64,
    /// The waiter's.
    pub(crate) labels: LabelsIndex,
    pub(crate) begin: u64,
    /// The end of the timeline where it goes on.
    pub(crate) end: u64,
    pub(crate) is_over: bool,
    pub(crate) stack: StackIndex,
    pub(crate) waker: Option<Waker>,
}

/// The release that let a wait go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waker {
    pub(crate) thread: ThreadIndex,
    pub(crate) at: u64,
    pub(crate) stack: StackIndex,
    /// Known where the stack is.
    pub(crate) labels: LabelsIndex,
}

/// A release that others waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) thread: ThreadIndex,
    pub(crate) kind: Arc<str>,
    pub(crate) lock: u64,
    pub(crate) at: u64,
    pub(crate) stack: StackIndex,
    pub(crate) labels: LabelsIndex,
    pub(crate) blame_nanos: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: u64,
    /// 0: none.
    pub(crate) parent: u64,
    pub(crate) name: String,
    /// `None`: before.
    pub(crate) begin: Option<(ThreadIndex, u64)>,
    /// `None`: it goes on.
    pub(crate) end: Option<(ThreadIndex, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) thread: ThreadIndex,
    /// 0: none.
    pub(crate) task: u64,
    pub(crate) name: String,
    pub(crate) begin: u64,
    /// `None`: it goes on.
    pub(crate) end: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) thread: ThreadIndex,
    pub(crate) at: u64,
    /// 0: none.
    pub(crate) task: u64,
    pub(crate) category: String,
    pub(crate) text: String,
}

/// The events that are not in a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Too old: newer ones took their place.
    pub(crate) overwritten: u64,
    /// Not recorded, as too many threads recorded in that moment.
    pub(crate) lost: u64,
}

impl Wait {
    pub(crate) fn nanos(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }

    /// From the release to the wait's end.
    pub(crate) fn latency_nanos(&self) -> Option<u64> {
        self.waker.map(|waker| self.end.saturating_sub(waker.at))
    }
}

impl Timeline {
    pub(crate) fn empty(start: u64, end: u64) -> Self {
        Self {
            start,
            end: end.max(start),
            program: String::new(),
            threads: Vec::new(),
            waits: Vec::new(),
            releases: Vec::new(),
            tasks: Vec::new(),
            regions: Vec::new(),
            logs: Vec::new(),
            stacks: vec![Arc::new([])],
            labels: vec![Arc::new([])],
            missing: Missing::default(),
        }
    }

    pub(crate) fn labels(&self, index: LabelsIndex) -> &[(Arc<str>, Arc<str>)] {
        self.labels.get(index).map_or(&[], |labels| labels)
    }

    /// `endpoint=/cart, tenant=blue`; empty where there are none.
    pub(crate) fn labels_text(&self, index: LabelsIndex) -> String {
        let labels = self.labels(index).iter();
        let labels: Vec<_> = labels
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        labels.join(", ")
    }

    pub(crate) fn stack(&self, index: StackIndex) -> &[Frame] {
        self.stacks.get(index).map_or(&[], |stack| stack)
    }
}
