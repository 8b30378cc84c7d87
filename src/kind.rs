//! What an event is: the profile it belongs to, and the `kind` label of its sample.

/// Which profile an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Which {
    /// By release stack: who made others wait.
    Mutex,
    /// By acquire stack: who waited.
    Block,
}

/// The operation that waited (block profile) or that let a waiter go on (mutex profile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    Mutex,
    RwLockRead,
    RwLockWrite,
    Condvar,
    Once,
}

impl Kind {
    pub(crate) const COUNT: usize = 5;

    /// In the order of the discriminants; `from_index` relies on it.
    pub(crate) const ALL: [Kind; Kind::COUNT] = [
        Kind::Mutex,
        Kind::RwLockRead,
        Kind::RwLockWrite,
        Kind::Condvar,
        Kind::Once,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Kind::Mutex => "mutex",
            Kind::RwLockRead => "rwlock_read",
            Kind::RwLockWrite => "rwlock_write",
            Kind::Condvar => "condvar",
            Kind::Once => "once",
        }
    }

    /// The kind whose discriminant is `index`.
    #[cfg(any(feature = "profiling", loom))]
    pub(crate) fn from_index(index: u8) -> Option<Kind> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

const _: () = {
    let mut index = 0;
    while index < Kind::ALL.len() {
        assert!(
            Kind::ALL[index] as usize == index,
            "ALL must follow the discriminants"
        );
        index += 1;
    }
};
