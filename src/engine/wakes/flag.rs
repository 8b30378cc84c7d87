//! The word beside what is waited for: whether somebody sleeps there whom nobody has notified yet.

use crate::engine::primitives::atomic::{AtomicU32, Ordering};
#[cfg(not(loom))]
use crate::engine::thread_state::random;

/// Counts the keys of this flag at which somebody sleeps who has no note: 0 or 1 where it stands
/// beside what is waited for.
///
/// Written under the lock of the key's shard, and read without it by every notification. Relaxed: a
/// hint to look into the table. A notification that misses an arrival by a moment is not seen, and
/// the wait is charged to nobody.
#[derive(Debug)]
pub(crate) struct WakeFlag(AtomicU32);

impl WakeFlag {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// All that a notification costs while nobody sleeps.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// A key of this flag becomes busy, or idle.
    pub(super) fn count(&self, becomes_busy: bool) {
        match becomes_busy {
            true => self.0.fetch_add(1, Ordering::Relaxed),
            false => self.0.fetch_sub(1, Ordering::Relaxed),
        };
    }

    /// No key of this flag is busy.
    pub(super) fn make_idle(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[cfg(not(loom))]
impl Default for WakeFlag {
    fn default() -> Self {
        Self::new()
    }
}

/// The subject of a wait, as the table knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WakeRef<'a> {
    pub(super) key: u64,
    pub(super) flag: &'a WakeFlag,
}

impl<'a> WakeRef<'a> {
    /// Known by the address of the flag beside it.
    #[inline(always)]
    pub(crate) fn beside(flag: &'a WakeFlag) -> Self {
        Self {
            key: std::ptr::from_ref(flag).addr() as u64,
            flag,
        }
    }

    pub(super) fn is_beside(self) -> bool {
        self.key == std::ptr::from_ref(self.flag).addr() as u64
    }

    /// Whether a notification has nobody to tell.
    #[inline(always)]
    pub(crate) fn is_idle(self) -> bool {
        self.flag.is_idle()
    }

    /// The number that it is known by; never 0.
    #[cfg_attr(loom, allow(dead_code))] // Models have no timeline.
    pub(crate) fn key(self) -> usize {
        self.key as usize
    }
}

/// Flags of what has no place for one beside it. Two that share one make notifications look into
/// the table in vain, and mix nothing: the key tells them apart. 16 kB.
#[cfg(not(loom))]
static SHARED_FLAGS: [WakeFlag; 4096] = [const { WakeFlag::new() }; 4096];

/// In a child of `fork`, where nobody sleeps.
#[cfg(not(loom))]
pub(super) fn forget_after_fork() {
    for flag in &SHARED_FLAGS {
        flag.make_idle();
    }
}

/// Names what is waited for where several objects stand for it: the halves of a channel, the
/// handles of a thread. Copied with them.
#[cfg(not(loom))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)] // What of it is used, is a matter of features.
pub(crate) struct WakeKey(u64);

#[cfg(not(loom))]
#[allow(dead_code)] // As above.
impl WakeKey {
    /// The key of something whose notifications are not seen.
    pub(crate) const UNKNOWN: Self = Self(0);
    /// The key of a wait that time alone ends: a timer.
    pub(crate) const TIMER: Self = Self(2);

    /// One that nothing else has, but with a probability of one in 2^63. PERF: a random number of
    /// this thread's own, as channels may be made for a single message; a counter would be shared.
    #[inline]
    pub(crate) fn random() -> Self {
        // Even: the next number is its second one. Addresses, which are keys too, are below this.
        Self((random() << 1) | (1 << 63))
    }

    /// The key of something that has an address, or a number of its own.
    #[inline(always)]
    pub(crate) const fn of_number(number: u64) -> Self {
        // Even, none of those above, and no address of a flag.
        Self((number << 3) | 4)
    }

    #[inline(always)]
    pub(crate) fn is_timer(self) -> bool {
        self == Self::TIMER
    }

    /// For whom notifications of this are meant.
    #[inline(always)]
    pub(crate) fn wakes(self) -> WakeRef<'static> {
        // The upper bits of a random number are as good as the lower ones, and of an address or a
        // number the lower ones are spread by the multiplication.
        let hash = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        WakeRef {
            key: self.0,
            flag: &SHARED_FLAGS[(hash >> 52) as usize],
        }
    }

    /// Its second name.
    #[inline(always)]
    pub(crate) fn second(self) -> Self {
        Self(self.0 | 1)
    }

    /// `None` where notifications are not seen.
    #[inline(always)]
    pub(crate) fn known(self) -> Option<WakeRef<'static>> {
        (self.0 > 3).then(|| self.wakes())
    }
}
