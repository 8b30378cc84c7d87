//! The things that a new thread takes along from the one that spawns it.

use crate::engine::clock::{self, Permission};
use crate::engine::events::record::{Event, Spawned, What};
use crate::engine::events::{self, threads};
use crate::engine::labels;
use crate::profile::labels::LabelSet;

/// Made by the thread that spawns, and used by the new one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// Where a timeline is recorded.
    spawned: Option<Spawned>,
    permission: Permission,
    labels: LabelSet,
}

impl Origin {
    /// For a thread that this one is about to spawn.
    pub(crate) fn here() -> Self {
        let spawned = events::is_on().then(|| Spawned {
            parent: threads::own_number(),
            at: clock::now(),
        });
        Self {
            spawned,
            permission: Permission::of_this_thread(),
            labels: labels::current(),
        }
    }

    /// In the new thread, before all else. It ends when the result is dropped.
    pub(crate) fn begin(self) -> Begun {
        self.permission.inherit();
        if let Some(spawned) = self.spawned {
            record(What::ThreadStart(spawned));
        }
        Begun {
            _labels: labels::enter(self.labels),
        }
    }
}

/// The life of a thread.
#[derive(Debug)]
pub(crate) struct Begun {
    _labels: labels::Scope,
}

impl Drop for Begun {
    fn drop(&mut self) {
        record(What::ThreadEnd);
    }
}

fn record(what: What<'_>) {
    if events::is_on() {
        // First: its first event takes time.
        let thread = threads::own_number();
        events::append(&Event {
            time: clock::now(),
            thread,
            what,
        });
    }
}
