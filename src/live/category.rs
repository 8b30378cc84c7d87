//! The activities of threads, in few words: for sums over many threads.
#![forbid(unsafe_code)]

use std::fmt;

use super::state::ThreadState;

/// A group of [states](ThreadState), for sums over many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ThreadCategory {
    /// On a processor, or ready to run.
    Running,
    /// Waits for a lock of this crate's types, or for an initialiser.
    Locks,
    /// Sends, receives or selects.
    Channels,
    /// Waits for what another thread does: a condition, a barrier, its end, to be unparked.
    Threads,
    /// In a futex wait of other code: a lock, a condition or a channel that is not swapped.
    Futex,
    /// Reads, writes, accepts, connects or polls.
    Io,
    /// Asleep for a time.
    Sleep,
    /// All else: waits that the program has named, other system calls, page faults, unknown.
    Other,
}

impl ThreadCategory {
    /// All categories, in the order in which they are shown.
    pub const ALL: [ThreadCategory; 8] = [
        Self::Running,
        Self::Locks,
        Self::Channels,
        Self::Threads,
        Self::Futex,
        Self::Io,
        Self::Sleep,
        Self::Other,
    ];

    /// The name, as `locks`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Locks => "locks",
            Self::Channels => "channels",
            Self::Threads => "threads",
            Self::Futex => "futex",
            Self::Io => "IO",
            Self::Sleep => "sleep",
            Self::Other => "other",
        }
    }
}

/// The [name](ThreadCategory::name).
impl fmt::Display for ThreadCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl ThreadState {
    /// The category of the state.
    pub fn category(&self) -> ThreadCategory {
        match self {
            Self::Running | Self::Runnable => ThreadCategory::Running,
            Self::Waiting(kind) => match *kind {
                "mutex" | "rwlock_read" | "rwlock_write" | "once" | "semaphore" => {
                    ThreadCategory::Locks
                }
                "async_mutex" | "async_rwlock_read" | "async_rwlock_write" | "async_semaphore"
                | "async_once" => ThreadCategory::Locks,
                "chan_send" | "chan_recv" | "select" => ThreadCategory::Channels,
                "async_send" | "async_recv" | "async_watch" | "async_broadcast"
                | "async_oneshot" => ThreadCategory::Channels,
                "condvar" | "barrier" | "join" | "park" | "yield" => ThreadCategory::Threads,
                "async_notify" | "async_barrier" | "async_join" => ThreadCategory::Threads,
                "futex" => ThreadCategory::Futex,
                "sleep" => ThreadCategory::Sleep,
                "io" => ThreadCategory::Io,
                _ => ThreadCategory::Other,
            },
            Self::Futex => ThreadCategory::Futex,
            Self::Sleep => ThreadCategory::Sleep,
            Self::IoWait => ThreadCategory::Io,
            Self::SystemCall(_) | Self::PageFault | Self::Stopped | Self::Unknown => {
                ThreadCategory::Other
            }
        }
    }

    /// Whether this is a wait of this crate's types that holds work up: for a lock, an initialiser,
    /// room in a channel, or of a name that the program gave. A thread that waits to receive, to
    /// be notified or for a time may just have nothing to do.
    pub(crate) fn holds_up(&self) -> bool {
        let Self::Waiting(kind) = self else {
            return false;
        };
        match self.category() {
            ThreadCategory::Locks | ThreadCategory::Other => true,
            _ => *kind == "chan_send" || *kind == "async_send",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::kind::Kind;

    /// A new kind of wait must be thought of here.
    #[test]
    fn every_built_in_kind_has_a_category() {
        for kind in Kind::built_in().filter(|kind| *kind != Kind::OTHER) {
            let state = ThreadState::Waiting(kind.label());
            assert_ne!(state.category(), ThreadCategory::Other, "{state}");
        }
    }

    #[test]
    fn waiting_for_work_holds_nobody_up() {
        let holds_up = |kind| ThreadState::Waiting(kind).holds_up();
        assert!(
            ["mutex", "once", "chan_send", "database"]
                .into_iter()
                .all(holds_up)
        );
        assert!(
            !["chan_recv", "condvar", "sleep", "join"]
                .into_iter()
                .any(holds_up)
        );
        assert!(!ThreadState::Futex.holds_up());
    }
}
