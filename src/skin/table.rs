//! The skins, a row for each: what users name, what it wraps, and what of it is profiled.
//!
//! `symbols` reads it to find this crate's frames, the bundle to say what is built in, and tests hold
//! the tables of the documentation to it. To add a skin is to add its module and a [`Skin`] here.
#![forbid(unsafe_code)]

/// A module that wraps something.
#[derive(Debug)]
#[allow(dead_code)] // Some readers are features, and one is a test.
pub(crate) struct Skin {
    /// Its name at the root of this crate.
    pub(crate) module: &'static str,
    /// Whether users find its function at the root of the crate, as `contend::blocking`.
    pub(crate) is_at_root: bool,
    /// Modules within it that belong to the path which users write. Others are left out of names.
    pub(crate) public_modules: &'static [&'static str],
    /// Whether its locks are `lock_api`'s, around raw locks of ours.
    pub(crate) is_of_lock_api: bool,
    /// The feature that switches it on. `None`: it is always there.
    pub(crate) feature: Option<Feature>,
    /// The part of it that is profiled, as the documentation says it.
    pub(crate) rows: &'static [Row],
}

/// A feature of this crate.
#[allow(dead_code)] // Read by HTTP's about page, and by a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    pub(crate) is_on: bool,
}

/// A row of the table "What is profiled". In Markdown.
#[derive(Debug)]
#[cfg_attr(not(test), allow(dead_code))] // Tests read it.
pub(crate) struct Row {
    pub(crate) items: &'static str,
    /// Labels; none where the user gives it a name.
    pub(crate) kinds: &'static [&'static str],
    /// The waits.
    pub(crate) block: &'static str,
    /// The releases.
    pub(crate) mutex: &'static str,
    pub(crate) wraps: &'static str,
}

pub(crate) const SKINS: &[Skin] = &[
    Skin {
        module: "sync",
        is_at_root: false,
        is_of_lock_api: false,
        public_modules: &["mpsc"],
        feature: None,
        rows: &[
            Row {
                items: "`sync::Mutex`",
                kinds: &["mutex"],
                block: "lock",
                mutex: "release",
                wraps: "std",
            },
            Row {
                items: "`sync::RwLock`",
                kinds: &["rwlock_read", "rwlock_write"],
                block: "read, write",
                mutex: "release, downgrade",
                wraps: "std",
            },
            Row {
                items: "`sync::Condvar`",
                kinds: &["condvar"],
                block: "every wait, with having the mutex again",
                mutex: "the release of the mutex (`mutex`)",
                wraps: "std",
            },
            Row {
                items: "`sync::Once`, `OnceLock`, `LazyLock`",
                kinds: &["once"],
                block: "waiting for an initialiser",
                mutex: "the initialiser's end",
                wraps: "std (`LazyLock`: its `OnceLock`)",
            },
            Row {
                items: "`sync::Barrier`",
                kinds: &["barrier"],
                block: "wait, but for the leader",
                mutex: "",
                wraps: "std",
            },
            Row {
                items: "`sync::mpsc`: `SyncSender`, `Receiver`",
                kinds: &["chan_send", "chan_recv"],
                block: "send when full, recv when empty",
                mutex: "",
                wraps: "std",
            },
        ],
    },
    Skin {
        module: "thread",
        is_at_root: false,
        is_of_lock_api: false,
        public_modules: &[],
        feature: None,
        rows: &[
            Row {
                items: "`thread::sleep`, `park`, `park_timeout`",
                kinds: &["sleep", "park"],
                block: "the call",
                mutex: "",
                wraps: "std",
            },
            Row {
                items: "`thread::JoinHandle`, `ScopedJoinHandle`, `scope`",
                kinds: &["join"],
                block: "join, the end of a scope",
                mutex: "",
                wraps: "std",
            },
        ],
    },
    Skin {
        module: "parking_lot",
        is_at_root: false,
        is_of_lock_api: true,
        public_modules: &[],
        feature: Some(Feature {
            name: "parking_lot",
            is_on: cfg!(feature = "parking_lot"),
        }),
        rows: &[
            Row {
                items: "`parking_lot::Mutex`, `FairMutex`, `ReentrantMutex`",
                kinds: &["mutex"],
                block: "lock, timed tries",
                mutex: "release, `bump`, `unlocked`",
                wraps: "parking_lot 0.12",
            },
            Row {
                items: "`parking_lot::RwLock`",
                kinds: &["rwlock_read", "rwlock_write"],
                block: "read, upgradable read, write, upgrade, timed tries",
                mutex: "release, downgrade, `bump`",
                wraps: "parking_lot 0.12",
            },
            Row {
                items: "`parking_lot::Condvar`",
                kinds: &["condvar"],
                block: "every wait",
                mutex: "the release of the mutex (`mutex`)",
                wraps: "parking_lot 0.12",
            },
            Row {
                items: "`parking_lot::Once`",
                kinds: &["once"],
                block: "waiting for a run",
                mutex: "the run's end",
                wraps: "parking_lot 0.12",
            },
        ],
    },
    Skin {
        module: "crossbeam_channel",
        is_at_root: false,
        is_of_lock_api: false,
        public_modules: &[],
        feature: Some(Feature {
            name: "crossbeam-channel",
            is_on: cfg!(feature = "crossbeam-channel"),
        }),
        rows: &[
            Row {
                items: "`crossbeam_channel::Sender`, `Receiver`",
                kinds: &["chan_send", "chan_recv"],
                block: "send when full, recv when empty, timed ones",
                mutex: "",
                wraps: "crossbeam-channel 0.5",
            },
            Row {
                items: "`crossbeam_channel::Select`, `select!`, `select_biased!`",
                kinds: &["select"],
                block: "one event per select, without the handler",
                mutex: "",
                wraps: "crossbeam-channel 0.5",
            },
        ],
    },
    Skin {
        module: "crossbeam_utils",
        is_at_root: false,
        is_of_lock_api: false,
        public_modules: &["sync"],
        feature: Some(Feature {
            name: "crossbeam-utils",
            is_on: cfg!(feature = "crossbeam-utils"),
        }),
        rows: &[
            Row {
                items: "`crossbeam_utils::sync::Parker`, `WaitGroup`",
                kinds: &["park", "barrier"],
                block: "park, wait",
                mutex: "",
                wraps: "crossbeam-utils 0.8",
            },
            Row {
                items: "`crossbeam_utils::sync::ShardedLock`",
                kinds: &["rwlock_read", "rwlock_write"],
                block: "read, write",
                mutex: "release",
                wraps: "crossbeam-utils 0.8",
            },
        ],
    },
    Skin {
        module: "once_cell",
        is_at_root: false,
        is_of_lock_api: false,
        public_modules: &["sync"],
        feature: Some(Feature {
            name: "once_cell",
            is_on: cfg!(feature = "once_cell"),
        }),
        rows: &[Row {
            items: "`once_cell::sync::OnceCell`, `Lazy`",
            kinds: &["once"],
            block: "waiting for an initialiser",
            mutex: "the initialiser's end",
            wraps: "once_cell 1",
        }],
    },
    Skin {
        module: "tokio",
        is_at_root: false,
        is_of_lock_api: false,
        public_modules: &["sync", "task", "mpsc", "oneshot", "watch", "broadcast"],
        feature: Some(Feature {
            name: "tokio",
            is_on: cfg!(feature = "tokio"),
        }),
        rows: &[
            Row {
                items: "`tokio::sync::Mutex`",
                kinds: &["async_mutex"],
                block: "lock, also the blocking forms",
                mutex: "release",
                wraps: "tokio 1",
            },
            Row {
                items: "`tokio::sync::RwLock`",
                kinds: &["async_rwlock_read", "async_rwlock_write"],
                block: "read, write",
                mutex: "release, downgrade: by shares",
                wraps: "tokio 1",
            },
            Row {
                items: "`tokio::sync::Semaphore`",
                kinds: &["async_semaphore"],
                block: "acquire",
                mutex: "release, `add_permits`: by shares",
                wraps: "tokio 1",
            },
            Row {
                items: "`tokio::sync::OnceCell`, `SetOnce`",
                kinds: &["async_once"],
                block: "waiting for an initialiser, or for the value",
                mutex: "the initialiser's end",
                wraps: "tokio 1",
            },
            Row {
                items: "`tokio::sync::mpsc`",
                kinds: &["async_send", "async_recv"],
                block: "send and reserve when full, recv when empty",
                mutex: "",
                wraps: "tokio 1",
            },
            Row {
                items: "`tokio::sync::oneshot`, `watch`, `broadcast`",
                kinds: &["async_oneshot", "async_watch", "async_broadcast"],
                block: "recv, changed",
                mutex: "",
                wraps: "tokio 1",
            },
            Row {
                items: "`tokio::sync::Notify`, `Barrier`",
                kinds: &["async_notify", "async_barrier"],
                block: "notified, `closed` of a sender; wait",
                mutex: "",
                wraps: "tokio 1",
            },
            Row {
                items: "`tokio::task::JoinHandle`, `JoinSet`",
                kinds: &["async_join"],
                block: "join",
                mutex: "",
                wraps: "tokio 1",
            },
        ],
    },
    Skin {
        module: "blocking",
        is_at_root: true,
        is_of_lock_api: false,
        public_modules: &[],
        feature: None,
        rows: &[Row {
            items: "`blocking(\"name\", …)`",
            kinds: &[],
            block: "the call",
            mutex: "",
            wraps: "any blocking call",
        }],
    },
];

#[cfg(all(test, not(loom)))]
mod tests;
