//! Why a goroutine blocks: the kind of a wait and its lock, as a reason that Go's tool understands.
//!
//! A reason that contains `sync`, `chan` or `select` is in its profile of synchronisation. Its page
//! of goroutines has a column for each reason: with the lock's address in it, one for each lock.

use std::collections::HashMap;

use crate::timeline::Timeline;

/// Kinds whose reason is not `sync` and the kind.
const REASONS: [(&str, &str); 5] = [
    ("chan_send", "chan send"),
    ("chan_recv", "chan receive"),
    ("select", "select"),
    ("sleep", "sleep"),
    ("park", "park"),
];

/// Kinds that are waits for other threads of the program.
const SYNC: [&str; 7] = [
    "mutex",
    "rwlock_read",
    "rwlock_write",
    "condvar",
    "once",
    "barrier",
    "join",
];

/// Columns that a person can look at.
const MAX_LOCKS: usize = 48;

/// The locks whose addresses are told: those that were waited for longest.
pub(super) struct Locks(HashMap<u64, u64>);

impl Locks {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut waited: HashMap<u64, u64> = HashMap::new();
        for wait in timeline.waits.iter().filter(|wait| wait.lock != 0) {
            let waited = waited.entry(wait.lock).or_default();
            *waited = waited.saturating_add(wait.nanos());
        }
        let mut all: Vec<_> = waited.into_iter().collect();
        all.sort_unstable_by_key(|(lock, nanos)| (std::cmp::Reverse(*nanos), *lock));
        all.truncate(MAX_LOCKS);
        Self(all.into_iter().collect())
    }

    pub(super) fn reason(&self, kind: &str, lock: u64) -> String {
        let known = REASONS.iter().find(|(known, _)| *known == kind);
        let reason = match known {
            Some((_, reason)) => (*reason).to_owned(),
            None if SYNC.contains(&kind) => format!("sync {kind}"),
            // A name of the user's, which may be a word that Go's tool takes for something else.
            None => format!("blocking {kind}"),
        };
        match self.0.contains_key(&lock) {
            true => format!("{reason} {lock:#x}"),
            false => reason,
        }
    }
}

/// The inverse: the kind and the lock.
#[cfg(any(test, feature = "cli"))]
pub(super) fn parse(reason: &str) -> (String, u64) {
    let (reason, lock) = reason
        .rsplit_once(" 0x")
        .and_then(|(reason, lock)| Some((reason, u64::from_str_radix(lock, 16).ok()?)))
        .unwrap_or((reason, 0));
    let known = REASONS.iter().find(|(_, known)| *known == reason);
    let kind = known.map_or_else(
        || {
            let kind = reason.strip_prefix("sync ");
            kind.or_else(|| reason.strip_prefix("blocking "))
                .unwrap_or(reason)
        },
        |(kind, _)| kind,
    );
    (kind.to_owned(), lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_back() {
        let locks = Locks(HashMap::from([(0x7f00_1234, 5)]));
        for (kind, lock, reason) in [
            ("mutex", 0x7f00_1234, "sync mutex 0x7f001234"),
            ("chan_recv", 0, "chan receive"),
            ("join", 0, "sync join"),
            ("forever", 0, "blocking forever"),
        ] {
            assert_eq!(locks.reason(kind, lock), reason);
            assert_eq!(parse(reason), (kind.to_owned(), lock));
        }
        assert_eq!(locks.reason("mutex", 1), "sync mutex");
        assert_eq!(parse("GC assist"), ("GC assist".to_owned(), 0));
    }
}
