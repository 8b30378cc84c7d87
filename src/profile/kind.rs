//! The kinds of an event: the profile it belongs to, and the operation that waited or released.
//!
//! All that tells one kind of profile from another is a row of the table of [`ProfileKind`]:
//! saving, text, pages, HTTP, the variables and the command read it. A new kind is a row here, what
//! records it, and the functions that users call for it in `ask/control.rs`.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "profiling")]
use crate::profile::names::Names;
use crate::text::duration::parse_nanos;
use crate::text::units::{human, percent};

/// The part that is the same for all profiles of one kind.
#[derive(Debug)]
#[allow(dead_code)] // Features decide what of it is read.
pub(crate) struct Descriptor {
    /// In URLs, names of files, messages and variables.
    pub(crate) name: &'static str,
    /// The question that the profile answers.
    pub(crate) question: &'static str,
    /// The question as a part of a sentence.
    pub(crate) subject: &'static str,
    /// For whoever sees such a profile for the first time.
    pub(crate) explanation: &'static str,
    /// Names and units of the two numbers of a stack: contentions, delay. Stores of profiles go by
    /// the names and the order.
    pub(crate) sample_types: [(&'static str, &'static str); 2],
    /// The sample type that readers show first.
    pub(crate) default_sample_type: &'static str,
    /// The first lines of Go's text form.
    pub(crate) text_heading: &'static str,
    /// The call that switches the profile on.
    pub(crate) switch_on: &'static str,
    pub(crate) rate: Rate,
}

/// The knob of a kind of profile. 0 switches the profile off, 1 records everything.
#[derive(Debug)]
#[allow(dead_code)] // Features decide what of it is read.
pub(crate) struct Rate {
    /// In the comments of files, in JSON, and in capitals in a variable.
    pub(crate) name: &'static str,
    /// The parameter of a request that sets it for a window of time.
    pub(crate) parameter: &'static str,
    pub(crate) unit: RateUnit,
    /// The events that a rate of 1 records.
    pub(crate) everything: &'static str,
    /// To choose from: off, for production, for tests.
    pub(crate) suggested: [u64; 3],
}

/// The unit that a rate counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateUnit {
    /// One event in so many is recorded.
    OneIn,
    /// One event per so many nanoseconds of waiting is recorded.
    Nanoseconds,
}

#[allow(dead_code)] // Features decide who asks.
impl RateUnit {
    /// The largest rate that can be set.
    pub(crate) fn max(self) -> u64 {
        match self {
            Self::OneIn => u32::MAX.into(),
            Self::Nanoseconds => u64::MAX,
        }
    }

    /// A rate as people write it: `100`, `1ms`.
    pub(crate) fn parse(self, text: &str) -> Option<u64> {
        match self {
            // Digits only: `parse` would take a sign.
            Self::OneIn if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse::<u32>().ok().map(u64::from)
            }
            Self::OneIn => None,
            Self::Nanoseconds => parse_nanos(text),
        }
    }

    /// A rate as tables show it: `1 in 100`, `1.00ms`.
    pub(crate) fn shown(self, rate: u64) -> String {
        match self {
            _ if rate == 0 => "off now".to_owned(),
            Self::OneIn => format!("1 in {rate}"),
            Self::Nanoseconds => human(Duration::from_nanos(rate)),
        }
    }
}

/// Declares [`ProfileKind`] and all that depends on how many there are.
macro_rules! profile_kinds {
    ($($(#[$doc:meta])* $variant:ident => $descriptor:expr;)+) => {
        /// Which profile it is: what its stacks are those of.
        ///
        /// # Examples
        ///
        /// ```
        /// use contend::ProfileKind;
        ///
        /// assert_eq!(contend::mutex_profile().kind(), ProfileKind::Mutex);
        /// assert_eq!(ProfileKind::Block.to_string(), "block");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum ProfileKind {
            $($(#[$doc])* $variant,)+
        }

        impl ProfileKind {
            /// How many kinds there are.
            pub(crate) const COUNT: usize = [$(Self::$variant),+].len();

            /// Each kind at the place of its number.
            pub(crate) const ALL: [Self; Self::COUNT] = [$(Self::$variant),+];

            /// Its row of the table.
            pub(crate) fn descriptor(self) -> &'static Descriptor {
                static DESCRIPTORS: [Descriptor; ProfileKind::COUNT] = [$($descriptor),+];
                &DESCRIPTORS[self as usize]
            }
        }
    };
}

profile_kinds! {
    /// By the stack that **released**: whose code made others wait.
    Mutex => Descriptor {
        name: "mutex",
        question: "Whose code made others wait?",
        subject: "whose code made others wait",
        explanation: "The time that others waited for a lock, charged to the code that released \
            it: code that should hold its lock for less time.",
        sample_types: [("contentions", "count"), ("delay", "nanoseconds")],
        default_sample_type: "delay",
        text_heading: "--- mutex:\ncycles/second=1000000000\nsampling period=1\n",
        switch_on: "contend::set_mutex_profile_fraction(100)",
        rate: Rate {
            name: "mutex_profile_fraction",
            parameter: "fraction",
            unit: RateUnit::OneIn,
            everything: "every contention",
            suggested: [0, 100, 1],
        },
    };
    /// By the stack that **waited**: where threads waited.
    Block => Descriptor {
        name: "block",
        question: "Where did threads wait?",
        subject: "where threads waited",
        explanation: "The time that code waited for a lock, a channel, a condition or a thread, \
            charged to the code that waited. Waiting for work is in it, too.",
        sample_types: [("contentions", "count"), ("delay", "nanoseconds")],
        default_sample_type: "delay",
        // Go's name for the block profile in this form is `contention`, and it has no period.
        text_heading: "--- contention:\ncycles/second=1000000000\n",
        switch_on: "contend::set_block_profile_rate(1_000_000)",
        rate: Rate {
            name: "block_profile_rate",
            parameter: "rate",
            unit: RateUnit::Nanoseconds,
            everything: "every wait",
            suggested: [0, 1_000_000, 1],
        },
    };
    /// By the stack that **notified**: who woke those that waited for no lock.
    Wake => Descriptor {
        name: "wake",
        question: "Who woke me?",
        subject: "who ended waits that no lock made",
        explanation: "The time that code waited at a condition, a channel, a barrier, parked, or \
            for a thread to end, charged to the code that ended it: that notified, sent, received, \
            came last, unparked, or ended.",
        sample_types: [("contentions", "count"), ("delay", "nanoseconds")],
        default_sample_type: "delay",
        text_heading: "--- wake:\ncycles/second=1000000000\n",
        switch_on: "contend::set_wake_profile_rate(1_000_000)",
        rate: Rate {
            name: "wake_profile_rate",
            parameter: "wake_rate",
            unit: RateUnit::Nanoseconds,
            everything: "every wait that somebody ends",
            suggested: [0, 1_000_000, 1],
        },
    };
    /// By both stacks: that which **waited**, and that which **released**.
    Pairs => Descriptor {
        name: "pairs",
        question: "Who blocks whom?",
        subject: "who blocks whom",
        explanation: "The time that code waited for a lock, charged to the pair of the code that \
            waited and the code that released it: the mutex profile, divided among those who \
            waited. A stack is the waiter's, then contend::blocked_by, then the releaser's.",
        sample_types: [("contentions", "count"), ("delay", "nanoseconds")],
        default_sample_type: "delay",
        text_heading: "--- pairs:\ncycles/second=1000000000\n",
        switch_on: "contend::set_pairs_profile_fraction(100)",
        rate: Rate {
            name: "pairs_profile_fraction",
            parameter: "pairs_fraction",
            unit: RateUnit::OneIn,
            everything: "every contention",
            suggested: [0, 100, 1],
        },
    };
}

#[allow(dead_code)] // Features decide what is asked for.
impl ProfileKind {
    /// The name in URLs, names of files and messages: `mutex`, `block`.
    pub fn name(self) -> &'static str {
        self.descriptor().name
    }

    /// The question that such a profile answers.
    pub fn question(self) -> &'static str {
        self.descriptor().question
    }

    pub(crate) fn rate(self) -> &'static Rate {
        &self.descriptor().rate
    }

    /// The profile whose events this one is made of: while this one is on that one is too, at the
    /// finer of their rates, which is then the rate of both. Itself, if it has events of its own.
    pub(crate) fn sampled_as(self) -> Self {
        match self {
            Self::Pairs => Self::Mutex,
            own => own,
        }
    }

    /// Whether a file with these comments is such a profile. Files of ours say so.
    #[allow(dead_code)] // Features decide who asks.
    pub(crate) fn is_of<'a>(self, mut comments: impl Iterator<Item = &'a str>) -> bool {
        comments.any(|comment| comment.starts_with(self.rate().name))
    }

    /// The kind of this [name](Self::name).
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of this number; `None` where there is none.
    pub(crate) fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

/// The [name](ProfileKind::name).
impl fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The operation that waited (block profile) or that let a waiter go on (mutex profile): an index
/// into the built-in labels, or into those of the user's after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Kind(u16);

/// The meaning of a kind of wait for the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    /// For what others hold: it can be shortened by holding it for less time.
    Lock,
    /// For room: who takes the messages is too slow.
    Backpressure,
    /// For work that has not come yet: usually nothing is wrong.
    Idle,
    /// For anything else, and what only its user can tell.
    Other,
}

#[allow(dead_code)] // Features decide who asks.
impl Class {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Backpressure => "backpressure",
            Self::Idle => "idle",
            Self::Other => "other",
        }
    }
}

/// The party that ends a wait, and so the profile that charges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// The mutex profile: the one who has what is waited for.
    Holder,
    /// The wake profile: the one who notifies.
    Notifier,
    /// Neither: time, or somebody who is not seen.
    Nobody,
}

/// A profile of waits in which this part or more is for what nobody holds has its answers in the
/// wake profile.
#[allow(dead_code)] // Features decide who asks.
const MOSTLY: f64 = 0.5;

/// For whom most waiting is for what nobody holds: where to look instead. From the delays of the
/// block profile, by the label of their kind.
#[allow(dead_code)] // As above.
pub(crate) fn hint_of_owners<'a>(delays: impl Iterator<Item = (&'a str, u64)>) -> Option<String> {
    let (mut all, mut without) = (0_u64, 0_u64);
    for (label, nanos) in delays {
        let kind = Kind::built_in().find(|kind| kind.label() == label);
        all = all.saturating_add(nanos);
        if kind.is_some_and(|kind| kind.ended_by() == EndedBy::Notifier) {
            without = without.saturating_add(nanos);
        }
    }
    let is_most = without as f64 > all as f64 * MOSTLY;
    is_most.then(|| {
        format!(
            "most waiting here has no owner ({} of it is at conditions, channels, joins and the like): \
             see the wake profile for who ended it",
            percent(without, all)
        )
    })
}

/// Whether waits of the kind with this label are for work that has not come yet: the class `idle`.
#[allow(dead_code)] // As above.
pub(crate) fn is_idle(label: &str) -> bool {
    let mut kinds = Kind::built_in();
    kinds.any(|kind| kind.label() == label && kind.class() == Class::Idle)
}

/// The beginning of the kinds of waits of tasks.
const OF_TASKS: &str = "async_";

/// Wrappers whose waits are those of tasks, too, though their users name the kind.
const NAMED_OF_TASKS: [&str; 2] = ["contend::Contended", "contend::Resource"];

/// Whether it was a task that waited, and not its thread: by the label `kind`, and by the function
/// at the leaf.
pub(crate) fn is_wait_of_task(kind: &str, leaf: &str) -> bool {
    kind.starts_with(OF_TASKS) || NAMED_OF_TASKS.iter().any(|name| leaf.contains(name))
}

/// In the order of the constants of [`Kind`].
const BUILT_IN: [(&str, Class); 30] = [
    ("mutex", Class::Lock),
    ("rwlock_read", Class::Lock),
    ("rwlock_write", Class::Lock),
    // A worker without work, or a pool without a connection.
    ("condvar", Class::Other),
    ("once", Class::Lock),
    ("chan_send", Class::Backpressure),
    ("chan_recv", Class::Idle),
    // It may send and receive.
    ("select", Class::Other),
    ("barrier", Class::Other),
    ("join", Class::Idle),
    ("park", Class::Idle),
    ("sleep", Class::Idle),
    ("async_mutex", Class::Lock),
    ("async_rwlock_read", Class::Lock),
    ("async_rwlock_write", Class::Lock),
    ("async_semaphore", Class::Lock),
    ("async_send", Class::Backpressure),
    ("async_recv", Class::Idle),
    ("async_notify", Class::Idle),
    ("async_watch", Class::Idle),
    ("async_broadcast", Class::Idle),
    // Usually the answer to a request.
    ("async_oneshot", Class::Other),
    ("async_barrier", Class::Other),
    ("async_once", Class::Lock),
    ("async_join", Class::Idle),
    // A lock whose kind is not known.
    ("futex", Class::Other),
    ("semaphore", Class::Other),
    // Between two looks at a lock.
    ("yield", Class::Other),
    // The answer to a request, or the next request.
    ("io", Class::Other),
    ("other", Class::Other),
];

/// Labels of the user's own.
#[cfg(feature = "profiling")]
static NAMED: Names<{ Kind::NAMES }> = Names::new();

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
    pub(crate) const ASYNC_MUTEX: Kind = Kind(12);
    pub(crate) const ASYNC_RWLOCK_READ: Kind = Kind(13);
    pub(crate) const ASYNC_RWLOCK_WRITE: Kind = Kind(14);
    pub(crate) const ASYNC_SEMAPHORE: Kind = Kind(15);
    pub(crate) const ASYNC_SEND: Kind = Kind(16);
    pub(crate) const ASYNC_RECV: Kind = Kind(17);
    pub(crate) const ASYNC_NOTIFY: Kind = Kind(18);
    pub(crate) const ASYNC_WATCH: Kind = Kind(19);
    pub(crate) const ASYNC_BROADCAST: Kind = Kind(20);
    pub(crate) const ASYNC_ONESHOT: Kind = Kind(21);
    pub(crate) const ASYNC_BARRIER: Kind = Kind(22);
    pub(crate) const ASYNC_ONCE: Kind = Kind(23);
    pub(crate) const ASYNC_JOIN: Kind = Kind(24);
    /// A wait at a word of memory, of a lock whose kind is not known.
    pub(crate) const FUTEX: Kind = Kind(25);
    pub(crate) const SEMAPHORE: Kind = Kind(26);
    /// A thread that gave its processor away, to look again later.
    pub(crate) const YIELD: Kind = Kind(27);
    /// A wait for a pipe, a socket, or one of several.
    pub(crate) const IO: Kind = Kind(28);
    /// The user's names that came when there was no room for more.
    pub(crate) const OTHER: Kind = Kind(29);

    /// The built-in ones. Under loom those that the models use.
    pub(crate) const BUILT_IN: usize = if cfg!(loom) { 5 } else { BUILT_IN.len() };

    /// Different names that users can give. A power of two.
    pub(crate) const NAMES: usize = 1024;

    /// A kind that the user names. The first [`NAMES`](Self::NAMES) different names get a kind
    /// each, later ones are [`OTHER`](Self::OTHER).
    #[cfg(feature = "profiling")]
    pub(crate) fn named(name: &'static str) -> Self {
        if let Some(index) = BUILT_IN.iter().position(|(label, _)| *label == name) {
            return Kind(index as u16);
        }
        NAMED
            .number(name)
            .map_or(Self::OTHER, |place| Kind((BUILT_IN.len() + place) as u16))
    }

    pub(crate) fn built_in() -> impl Iterator<Item = Self> {
        (0..Self::BUILT_IN as u16).map(Self)
    }

    pub(crate) fn is_built_in(self) -> bool {
        self.index() < Self::BUILT_IN
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn label(self) -> &'static str {
        BUILT_IN
            .get(self.index())
            .map(|(label, _)| *label)
            .or_else(|| named_label(self.index() - BUILT_IN.len()))
            .unwrap_or("other")
    }

    /// The meaning of a wait of this kind for the program. A name of the user's says that itself.
    pub(crate) fn class(self) -> Class {
        BUILT_IN
            .get(self.index())
            .map_or(Class::Other, |(_, class)| *class)
    }

    /// The party that ends a wait of this kind.
    pub(crate) fn ended_by(self) -> EndedBy {
        match self {
            Self::CONDVAR | Self::CHAN_SEND | Self::CHAN_RECV | Self::SELECT => EndedBy::Notifier,
            Self::BARRIER | Self::JOIN | Self::PARK => EndedBy::Notifier,
            _ if self.class() == Class::Lock => EndedBy::Holder,
            _ => EndedBy::Nobody,
        }
    }

    /// The kind of this [`index`](Self::index).
    #[cfg(any(feature = "profiling", loom))]
    pub(crate) fn from_index(index: u16) -> Option<Kind> {
        let is_one = usize::from(index) < BUILT_IN.len() + Self::NAMES;
        is_one.then_some(Kind(index))
    }
}

#[cfg(feature = "profiling")]
fn named_label(place: usize) -> Option<&'static str> {
    NAMED.name(place)
}

#[cfg(not(feature = "profiling"))]
fn named_label(_: usize) -> Option<&'static str> {
    None
}

#[cfg(all(test, feature = "profiling"))]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_profile_is_found_by_its_name_and_its_number() {
        for kind in ProfileKind::ALL {
            assert_eq!(ProfileKind::of_name(kind.name()), Some(kind));
            assert_eq!(ProfileKind::from_index(kind as usize), Some(kind));
        }
        assert_eq!(ProfileKind::of_name("heap"), None);
        assert_eq!(ProfileKind::from_index(ProfileKind::COUNT), None);
    }

    #[test]
    fn kinds_of_profiles_are_told_apart_by_what_users_write() {
        for (at, kind) in ProfileKind::ALL.iter().enumerate() {
            for other in &ProfileKind::ALL[..at] {
                assert_ne!(kind.name(), other.name());
                assert_ne!(kind.rate().name, other.rate().name);
            }
        }
    }

    #[test]
    fn rates_are_read_and_shown_in_their_unit() {
        assert_eq!(RateUnit::OneIn.parse("4294967295"), Some(u32::MAX.into()));
        assert_eq!(RateUnit::OneIn.parse("4294967296"), None);
        for text in ["", "+1", "-1", "1ms"] {
            assert_eq!(RateUnit::OneIn.parse(text), None, "{text:?}");
        }
        assert_eq!(RateUnit::Nanoseconds.parse("1ms"), Some(1_000_000));
        assert_eq!(RateUnit::Nanoseconds.shown(1_000_000), "1.00ms");
        assert_eq!(RateUnit::OneIn.shown(100), "1 in 100");
        assert_eq!(RateUnit::OneIn.shown(0), "off now");
    }

    #[test]
    fn names_are_kept_and_found_again() {
        let database = Kind::named("database");
        assert_eq!(database.label(), "database");
        assert_eq!(Kind::named("database"), database);
        assert_ne!(Kind::named("file lock"), database);
        assert_eq!(Kind::named("mutex"), Kind::MUTEX);
        assert_eq!(Kind::from_index(database.index() as u16), Some(database));
        assert!(Kind::MUTEX.is_built_in() && !database.is_built_in());
        assert_eq!(Kind::from_index(u16::MAX), None);
    }

    #[test]
    fn kinds_have_a_class() {
        assert_eq!(Kind::ASYNC_MUTEX.class(), Class::Lock);
        assert_eq!(Kind::CHAN_SEND.class(), Class::Backpressure);
        assert_eq!(Kind::ASYNC_RECV.class(), Class::Idle);
        assert_eq!(Kind::named("a name with no class").class(), Class::Other);
    }

    #[test]
    fn idle_kinds_are_known_by_their_labels() {
        for label in ["sleep", "chan_recv", "async_notify"] {
            assert!(is_idle(label), "{label}");
        }
        for label in ["mutex", "chan_send", "condvar", "other", "", "idle"] {
            assert!(!is_idle(label), "{label}");
        }
    }

    #[test]
    fn waits_of_tasks_are_told_from_those_of_threads() {
        for (kind, leaf, expected) in [
            ("async_mutex", "contend::tokio::sync::Mutex<T>::lock", true),
            ("query", "contend::Contended<F>::poll", true),
            ("licence", "contend::Resource::wait", true),
            ("query", "contend::blocking", false),
            ("mutex", "contend::sync::Mutex<T>::lock", false),
            ("sleep", "", false),
        ] {
            assert_eq!(is_wait_of_task(kind, leaf), expected, "{kind} {leaf}");
        }
        let is_async = |kind: &Kind| is_wait_of_task(kind.label(), "");
        assert_eq!(Kind::built_in().filter(is_async).count(), 13);
    }

    #[test]
    fn built_in_labels_stand_at_their_constants() {
        assert_eq!(Kind::CHAN_RECV.label(), "chan_recv");
        assert_eq!(Kind::SLEEP.label(), "sleep");
        assert_eq!(Kind::ASYNC_MUTEX.label(), "async_mutex");
        assert_eq!(Kind::ASYNC_SEND.label(), "async_send");
        assert_eq!(Kind::ASYNC_JOIN.label(), "async_join");
        assert_eq!(Kind::OTHER.label(), "other");
        assert_eq!(Kind::OTHER.index(), BUILT_IN.len() - 1);
    }
}
