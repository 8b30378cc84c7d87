//! Every thread and its state, without its stack: cheap enough to ask for again and again.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use super::state::ThreadState;
use super::thread::WaitInProgress;

/// All threads at one moment, without stacks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Glance {
    pub(crate) threads: Vec<Glimpse>,
    /// The blind spots and their reasons, as sentences.
    pub(crate) notes: Vec<String>,
}

/// A thread as a look from afar shows it.
#[derive(Clone, Debug)]
pub(crate) struct Glimpse {
    pub(crate) tid: u32,
    pub(crate) name: Arc<str>,
    pub(crate) state: ThreadState,
    /// The wait of one of this crate's types that the thread is in.
    pub(crate) wait: Option<WaitInProgress>,
    /// How long the thread has not run, as far as this looker has seen it.
    #[allow(dead_code)] // Shown by what reads it.
    pub(crate) still_for: Duration,
}

impl Glance {
    /// The waits that hold somebody up, the longest first.
    pub(crate) fn held_up(&self) -> Vec<(&Glimpse, &WaitInProgress)> {
        let waits = self.threads.iter();
        let waits = waits.filter_map(|thread| Some((thread, thread.wait.as_ref()?)));
        let mut waits: Vec<_> = waits
            .filter(|(thread, _)| thread.state.holds_up())
            .collect();
        waits.sort_by_key(|(_, wait)| std::cmp::Reverse(wait.waited()));
        waits
    }
}
