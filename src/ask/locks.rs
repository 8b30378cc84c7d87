//! The locks that have names, at the root of the crate.
#![forbid(unsafe_code)]

use crate::profile::lock_waits::LockWaits;

/// The waits for the locks that have a name, by name and kind; those that took most time in sum
/// first.
///
/// A lock gets its name where it is made: by [`sync::named_mutex`](crate::sync::named_mutex) or
/// [`sync::named_rwlock`](crate::sync::named_rwlock), or a function of that name beside
/// parking_lot's locks, also in a `static`. Locks with one name are counted together. The name is a
/// label of theirs, `lock`, in all profiles and timelines.
///
/// The rates decide what is counted. While the block profile is on, it is the waits that it
/// samples, each for as many as its chance was small; while only the mutex profile is, that one's.
/// So counts are unbiased, and exact at rate or fraction 1. While both are off, nothing is counted.
/// [`reset`](crate::reset) changes nothing here, as the counts are for metrics too.
///
/// A process keeps 1024 names at least, of all locks that have ever waited under one; later ones
/// are one, `contend::overflow`, and each sampled wait under it counts as lost in
/// [`Lost::label_table_full`](crate::Lost). Without the feature `profiling` there is nothing here.
///
/// # Overhead
///
/// A lock is made no slower by a name while nobody waits for it. Nothing is kept for a lock, and
/// for a name some 400 bytes.
///
/// # Examples
///
/// ```
/// use contend::sync::{Mutex, named_mutex};
///
/// static CACHE: Mutex<Vec<u32>> = named_mutex(&"cache", Vec::new());
///
/// contend::set_block_profile_rate(1);
/// let guard = CACHE.lock().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(|| CACHE.lock().unwrap().push(7));
///     // Until that thread waits.
///     # #[cfg(feature = "profiling")]
///     while contend::locks().iter().all(|lock| lock.waiting() == 0) {}
///     drop(guard);
/// });
/// for lock in contend::locks() {
///     println!("{lock}");
///     assert_eq!((lock.name(), lock.kind(), lock.contentions()), ("cache", "mutex", 1));
/// }
/// ```
#[inline(never)]
pub fn locks() -> Vec<LockWaits> {
    let mut locks = imp::locks();
    locks.sort_by_key(|lock| std::cmp::Reverse(lock.delay()));
    locks
}

/// The name for a lock that is not known when the program is compiled: for
/// [`sync::named_mutex`](crate::sync::named_mutex) and its like.
///
/// Each name is kept for the life of the process, 200 bytes of it, so there are 1024 of them at the
/// most; all others are `contend::overflow`. Name locks by what they are for, not by their number:
/// where a thousand are alike, one name says more.
///
/// # Examples
///
/// ```
/// use contend::sync::named_mutex;
///
/// let shards: Vec<_> = ["hot", "cold"]
///     .into_iter()
///     .map(|part| named_mutex(contend::lock_name(&format!("cache, {part}")), 0))
///     .collect();
/// assert_eq!(shards.len(), 2);
/// ```
#[inline(never)]
pub fn lock_name(name: &str) -> &'static &'static str {
    imp::lock_name(name)
}

#[cfg(feature = "profiling")]
mod imp {
    use std::collections::BTreeMap;

    use crate::engine::{lock_names, registry};
    use crate::fork::Lock;
    use crate::profile::kind::Kind;
    use crate::profile::labels::MAX_VALUE_BYTES;
    use crate::profile::lock_name::LockName;
    use crate::profile::lock_waits::LockWaits;
    use crate::profile::waited::{BOUNDS, Waited};
    use crate::text::floor_char_boundary;

    /// Half as many as there is room for in the table of names, where those of constants are, too.
    const MAX_NAMES: usize = LockName::PLACES / 2;

    pub(super) fn lock_name(name: &str) -> &'static &'static str {
        static NAMES: Lock<BTreeMap<&'static str, &'static &'static str>> = Lock::new();

        // Profiles show no more of it.
        let name = &name[..floor_char_boundary(name, MAX_VALUE_BYTES)];
        let mut names = NAMES.lock();
        if let Some(known) = names.get(name) {
            return known;
        }
        if names.len() == MAX_NAMES {
            return &LockName::OVERFLOW_TEXT;
        }
        let text: &'static str = Box::leak(Box::<str>::from(name));
        let name: &'static &'static str = Box::leak(Box::new(text));
        names.insert(text, name);
        name
    }

    pub(super) fn locks() -> Vec<LockWaits> {
        let mut waiting: BTreeMap<(LockName, Kind), usize> = BTreeMap::new();
        for published in registry::waits() {
            let wait = published.wait;
            if !wait.name.is_none() {
                *waiting.entry((wait.name, wait.kind)).or_default() += 1;
            }
        }
        let mut locks: Vec<LockWaits> = lock_names::all()
            .map(|(name, of_lock)| LockWaits {
                name: of_lock.name,
                waiting: waiting
                    .remove(&(name, of_lock.waited.kind))
                    .unwrap_or_default(),
                waited: of_lock.waited,
                longest_nanos: of_lock.longest_nanos,
            })
            .collect();
        // The first wait for them is not over.
        let first = waiting.into_iter().filter_map(|((name, kind), waiting)| {
            Some(LockWaits {
                name: name.text()?,
                waited: Waited {
                    kind,
                    buckets: [0.0; BOUNDS + 1],
                    nanos: 0,
                },
                longest_nanos: 0,
                waiting,
            })
        });
        locks.extend(first);
        locks
    }
}

#[cfg(not(feature = "profiling"))]
mod imp {
    use crate::profile::lock_waits::LockWaits;

    pub(super) fn lock_name(_: &str) -> &'static &'static str {
        &""
    }

    pub(super) fn locks() -> Vec<LockWaits> {
        Vec::new()
    }
}
