//! What an event is: the profile it belongs to, and the `kind` label of its sample.

#[cfg(feature = "profiling")]
use std::sync::OnceLock;

/// Which profile an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Which {
    /// By release stack: who made others wait.
    Mutex,
    /// By acquire stack: who waited.
    Block,
}

/// The operation that waited (block profile) or that let a waiter go on (mutex profile): an index
/// into the built-in labels, or into those of the user's after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Kind(u8);

/// In the order of the constants of [`Kind`].
const BUILT_IN: [&str; 13] = [
    "mutex",
    "rwlock_read",
    "rwlock_write",
    "condvar",
    "once",
    "chan_send",
    "chan_recv",
    "select",
    "barrier",
    "join",
    "park",
    "sleep",
    "other",
];

/// Labels of the user's own, in the order in which they were first used.
#[cfg(feature = "profiling")]
static NAMED: [OnceLock<&'static str>; Kind::COUNT - BUILT_IN.len()] =
    [const { OnceLock::new() }; Kind::COUNT - BUILT_IN.len()];

#[allow(dead_code)] // Features decide which kinds are in use; profiles without samples have none.
impl Kind {
    pub(crate) const MUTEX: Kind = Kind(0);
    pub(crate) const RWLOCK_READ: Kind = Kind(1);
    pub(crate) const RWLOCK_WRITE: Kind = Kind(2);
    pub(crate) const CONDVAR: Kind = Kind(3);
    pub(crate) const ONCE: Kind = Kind(4);
    pub(crate) const CHAN_SEND: Kind = Kind(5);
    pub(crate) const CHAN_RECV: Kind = Kind(6);
    pub(crate) const SELECT: Kind = Kind(7);
    pub(crate) const BARRIER: Kind = Kind(8);
    pub(crate) const JOIN: Kind = Kind(9);
    pub(crate) const PARK: Kind = Kind(10);
    pub(crate) const SLEEP: Kind = Kind(11);
    /// Of the user's names, those that came when there was no room for more.
    pub(crate) const OTHER: Kind = Kind(12);

    /// The built-in ones and the user's together. Under loom those that the models use.
    pub(crate) const COUNT: usize = if cfg!(loom) { 5 } else { 64 };

    /// Of a kind that the user names. The first 51 different names get a kind each, later ones
    /// are [`OTHER`](Self::OTHER).
    #[cfg(feature = "profiling")]
    pub(crate) fn named(name: &'static str) -> Self {
        let built_in = BUILT_IN.iter().position(|label| *label == name);
        // A slot is set once, so the first that holds the name is the same for all threads.
        let slot = || {
            NAMED
                .iter()
                .position(|slot| *slot.get_or_init(|| name) == name)
        };
        built_in
            .or_else(|| Some(BUILT_IN.len() + slot()?))
            .map_or(Self::OTHER, |index| Kind(index as u8))
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn label(self) -> &'static str {
        BUILT_IN
            .get(self.index())
            .copied()
            .or_else(|| named_label(self.index() - BUILT_IN.len()))
            .unwrap_or("other")
    }

    /// The kind of this [`index`](Self::index).
    #[cfg(any(feature = "profiling", loom))]
    pub(crate) fn from_index(index: u8) -> Option<Kind> {
        (usize::from(index) < Self::COUNT).then_some(Kind(index))
    }
}

#[cfg(feature = "profiling")]
fn named_label(slot: usize) -> Option<&'static str> {
    NAMED.get(slot)?.get().copied()
}

#[cfg(not(feature = "profiling"))]
fn named_label(_: usize) -> Option<&'static str> {
    None
}

#[cfg(all(test, feature = "profiling"))]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_and_found_again() {
        let database = Kind::named("database");
        assert_eq!(database.label(), "database");
        assert_eq!(Kind::named("database"), database);
        assert_ne!(Kind::named("file lock"), database);
        assert_eq!(Kind::named("mutex"), Kind::MUTEX);
        assert_eq!(Kind::from_index(database.index() as u8), Some(database));
    }

    #[test]
    fn built_in_labels_stand_at_their_constants() {
        assert_eq!(Kind::CHAN_RECV.label(), "chan_recv");
        assert_eq!(Kind::SLEEP.label(), "sleep");
        assert_eq!(Kind::OTHER.label(), "other");
        assert_eq!(Kind::OTHER.index(), BUILT_IN.len() - 1);
    }
}
