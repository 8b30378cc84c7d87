//! One thread of a dump, as plain data.
#![forbid(unsafe_code)]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::holder::Holder;
use super::state::ThreadState;
use super::threads::printable;
#[cfg(feature = "profiling")]
use crate::engine::registry;
#[cfg(feature = "profiling")]
use crate::profile::kind::Kind;
use crate::profile::labels::LabelSet;
use crate::profile::owner::is_of_library;
use crate::profile::{Frame, Location};

/// A wait that goes on at the moment of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitInProgress {
    pub(in crate::live) kind: &'static str,
    pub(in crate::live) lock: Option<u64>,
    pub(in crate::live) lock_name: Option<&'static str>,
    pub(in crate::live) waited: Duration,
    pub(in crate::live) is_timed: bool,
    pub(in crate::live) holders: Vec<Holder>,
}

impl WaitInProgress {
    #[cfg(feature = "profiling")]
    pub(in crate::live) fn new(published: &registry::Wait, waited_nanos: u64) -> Self {
        let kind = published.kind;
        Self {
            kind: kind.label(),
            lock: (published.subject != 0 && kind != Kind::JOIN).then_some(published.subject),
            lock_name: published.name.text(),
            waited: Duration::from_nanos(waited_nanos),
            is_timed: published.is_timed,
            holders: Vec::new(),
        }
    }

    /// The kind of thing that is waited for, as `mutex`: the label `kind` that the wait will have
    /// in a profile.
    pub fn kind(&self) -> &str {
        self.kind
    }

    /// The address by which the lock is known: the same for all who wait for it. `None` where the
    /// wait is for no lock.
    pub fn lock(&self) -> Option<u64> {
        self.lock
    }

    /// The name of the lock, if it was given one, as by
    /// [`named_mutex`](crate::sync::named_mutex).
    pub fn lock_name(&self) -> Option<&str> {
        self.lock_name
    }

    /// `at 0x7f…`, or `cache at 0x7f…` of a lock with a name. `None` where the wait is for no lock.
    pub(crate) fn shown_lock(&self) -> Option<String> {
        let lock = self.lock?;
        Some(match self.lock_name {
            Some(name) => format!("{} at {lock:#x}", printable(name)),
            None => format!("at {lock:#x}"),
        })
    }

    /// How long the wait has lasted.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The relation of a holder to this wait, in front of its name.
    pub(crate) fn relation(&self, holder: &Holder) -> &'static str {
        match self.kind {
            "join" => "ends after",
            "once" => "initialised by",
            _ if holder.is_certain() => "held by",
            _ => "probably held by",
        }
    }

    /// Whether the wait ends by itself after a time: a sleep, an operation with a timeout.
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// The threads that have what is waited for: the holder of a mutex, the writer or the readers
    /// of a lock, the thread that runs the initialiser, the thread that is joined, the threads that
    /// the end of a scope waits for. Empty where there is none, as for a condition variable or a
    /// channel, or none is known. Of many readers the first 16.
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }
}

/// Whether the code is glibc's, musl's or the kernel's part of the program, where a sleeping
/// thread's stack begins.
fn is_of_c_library(location: &Location) -> bool {
    let Some(mapping) = &location.mapping else {
        return false;
    };
    let file = mapping.file.rsplit('/').next().unwrap_or_default();
    let names = [
        "libc.so",
        "libc-",
        "libpthread",
        "ld-linux",
        "ld-musl",
        "[vdso]",
        "linux-vdso",
    ];
    names.iter().any(|name| file.starts_with(name))
}

/// A thread, as it was at the moment of a [`Threads`](crate::Threads) dump.
#[derive(Clone, Debug)]
pub struct Thread {
    pub(in crate::live) tid: u32,
    pub(in crate::live) name: String,
    pub(in crate::live) state: ThreadState,
    pub(in crate::live) stack: Arc<[Arc<Location>]>,
    pub(in crate::live) wait: Option<WaitInProgress>,
    pub(in crate::live) labels: LabelSet,
    pub(in crate::live) cpu_time: Option<Duration>,
    pub(in crate::live) run_queue_time: Option<Duration>,
    pub(in crate::live) voluntary_switches: Option<u64>,
    pub(in crate::live) involuntary_switches: Option<u64>,
    /// Why there is no stack, or not all of it.
    pub(in crate::live) note: Option<&'static str>,
    pub(in crate::live) is_dumper: bool,
    pub(in crate::live) frames: OnceLock<Box<[Frame]>>,
}

impl Thread {
    /// A thread of which nothing but its number and state is known.
    #[cfg(feature = "profiling")]
    pub(in crate::live) fn new(tid: u32, state: ThreadState) -> Self {
        Self {
            tid,
            name: String::new(),
            state,
            stack: Arc::new([]),
            wait: None,
            labels: LabelSet::NONE,
            cpu_time: None,
            run_queue_time: None,
            voluntary_switches: None,
            involuntary_switches: None,
            note: None,
            is_dumper: false,
            frames: OnceLock::new(),
        }
    }

    /// A thread in a wait of ours.
    #[allow(dead_code)] // Where stacks can be read, more is known of a thread.
    #[cfg(feature = "profiling")]
    pub(in crate::live) fn waiting(tid: u32, wait: WaitInProgress) -> Self {
        Self {
            wait: Some(wait.clone()),
            ..Self::new(tid, ThreadState::Waiting(wait.kind))
        }
    }

    /// The kernel's number of the thread, as `top -H` and `perf` show it; 0 where it is not known.
    pub fn tid(&self) -> u32 {
        self.tid
    }

    /// The thread's name: what [`Builder::name`](std::thread::Builder::name) was given, cut to 15
    /// bytes; the program's name for a thread without one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state of the thread.
    pub fn state(&self) -> &ThreadState {
        &self.state
    }

    /// The wait of one of this crate's types that the thread is in.
    pub fn wait(&self) -> Option<&WaitInProgress> {
        self.wait.as_ref()
    }

    /// The [labels](crate::Labels) that the thread has, in the order of their keys.
    pub fn labels(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        self.labels.labels()
    }

    /// The value of one of its labels.
    pub fn label(&self, key: &str) -> Option<&'static str> {
        self.labels.get(key)
    }

    /// ` endpoint=/cart`, each behind a space.
    pub(crate) fn shown_labels(&self) -> String {
        let labels = self.labels();
        labels
            .map(|(key, value)| format!(" {key}={value}"))
            .collect()
    }

    /// The thread's stack, leaf first, with inlined calls as frames of their own. Empty where it
    /// could not be seen: [`note`](Self::note) says why.
    pub fn frames(&self) -> &[Frame] {
        let lay_out = || {
            let frames = self.stack.iter().flat_map(|location| &*location.frames);
            frames.cloned().collect()
        };
        self.frames.get_or_init(lay_out)
    }

    /// The place that the thread is at: the first frame that is none of this crate's, of the
    /// standard library's and of the C library's; or else the first one.
    pub fn place(&self) -> Option<&Frame> {
        let locations = self.stack.iter();
        let of_programs = locations
            .clone()
            .filter(|location| !is_of_c_library(location));
        of_programs
            .flat_map(|location| &*location.frames)
            .find(|frame| !is_of_library(frame.function(), frame.file()))
            .or_else(|| locations.flat_map(|location| &*location.frames).next())
    }

    /// How long the thread has been on a processor since it started.
    pub fn cpu_time(&self) -> Option<Duration> {
        self.cpu_time
    }

    /// How long the thread has waited for a processor since it started, although it could run.
    /// `None` where the kernel does not count it.
    pub fn run_queue_time(&self) -> Option<Duration> {
        self.run_queue_time
    }

    /// How often the thread gave its processor up, because it had to wait.
    pub fn voluntary_switches(&self) -> Option<u64> {
        self.voluntary_switches
    }

    /// How often the kernel took the thread's processor away.
    pub fn involuntary_switches(&self) -> Option<u64> {
        self.involuntary_switches
    }

    /// Why the stack is missing or not whole.
    pub fn note(&self) -> Option<&str> {
        self.note
    }

    /// Whether this thread has made the dump.
    pub fn is_dumper(&self) -> bool {
        self.is_dumper
    }

    /// Go's name of the state and, from one on, the minutes that it has lasted.
    pub(in crate::live) fn state_with_minutes(&self) -> String {
        let name = self.state.go_name();
        let waited = self.wait.as_ref().map_or(0, |wait| wait.waited.as_secs());
        match waited / 60 {
            0 => name,
            minutes => format!("{name}, {minutes} minutes"),
        }
    }

    /// The thread's name without the number at its end: `worker` of `worker-12`, so that the
    /// threads of a pool have one.
    pub(crate) fn group(&self) -> &str {
        let digits = |c: char| c.is_ascii_digit();
        let cut = self.name.trim_end_matches(digits);
        let cut = cut.trim_end_matches(['-', '_', ' ', ':', '#', '.']);
        if cut.is_empty() { &self.name } else { cut }
    }
}
