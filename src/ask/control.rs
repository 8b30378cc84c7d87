//! The functions at the root of the crate: rates, snapshots, reset.
//!
//! Each is one line on top of `imp`, which is the recorder, or a twin that does nothing when the
//! `profiling` feature is off.

use std::fmt;

use crate::profile::Profile;
use crate::profile::kind::ProfileKind;

#[cfg(not(feature = "profiling"))]
use crate::engine::off as imp;

// For what asks for profiles in other ways: recordings, HTTP.
pub(crate) use imp::{Hold, hold, profiles, set_rate};
#[cfg(feature = "http")]
pub(crate) use imp::{Mark, Moment, moments, profile, rate, rate_set, recorded_for};

/// Sets the rate of the mutex profile: on average one in `fraction` contended acquisitions is
/// sampled. Returns the fraction that was set before.
///
/// To record every contention pass 1. To switch the profile off pass 0, which is also the value
/// a program starts with. Every other value is a fraction too; there is none out of range.
/// 100 is a good choice for production, 1 for tests and benchmarks.
///
/// A contention that is sampled counts for `fraction` of them, at the fraction in force when its
/// wait began. Changing the rate later changes nothing that was recorded.
///
/// While a [`Recording`](crate::Recording) or a request over HTTP asks for a finer rate, that one
/// is in force, and [`mutex_profile_fraction`] tells it; what is set here counts again when they
/// end. The value returned is always what was set by this function, so giving it back restores what
/// was.
///
/// As Go's [`runtime.SetMutexProfileFraction`][go], except that Go also answers a negative rate
/// with the current one: here that is [`mutex_profile_fraction`].
///
/// # Overhead
///
/// The first call that switches profiling on takes some 6 ms: it calibrates the clock, prepares
/// the unwinder, and reserves the memory of the profile (see [`set_memory_limit`]). While nobody
/// waits for a lock, profiling costs nothing, at any fraction.
///
/// # Examples
///
/// ```
/// let previous = contend::set_mutex_profile_fraction(100);
/// # #[cfg(feature = "profiling")]
/// assert_eq!(contend::mutex_profile_fraction(), 100);
/// contend::set_mutex_profile_fraction(previous);
/// ```
///
/// [go]: https://pkg.go.dev/runtime#SetMutexProfileFraction
pub fn set_mutex_profile_fraction(fraction: u32) -> u32 {
    as_fraction(imp::set_rate(ProfileKind::Mutex, fraction.into()))
}

/// The mutex profile samples one in so many contended acquisitions; 0 when it is off.
///
/// This is what is in force: what [`set_mutex_profile_fraction`] set, or less while a
/// [`Recording`](crate::Recording) or a request over HTTP asks for a finer rate.
///
/// # Examples
///
/// ```
/// assert_eq!(contend::mutex_profile_fraction(), 0);
/// ```
pub fn mutex_profile_fraction() -> u32 {
    as_fraction(imp::rate(ProfileKind::Mutex))
}

fn as_fraction(rate: u64) -> u32 {
    u32::try_from(rate).unwrap_or(u32::MAX)
}

/// Sets the rate of the block profile, in nanoseconds: on average one event is sampled per
/// `nanos` spent waiting. Returns the rate that was set before.
///
/// To record every wait pass 1. To switch the profile off pass 0, which is also the value a
/// program starts with. Else a wait of d ns is sampled with probability min(1, d/`nanos`), and
/// one with d < `nanos` counts for `nanos`/d contentions of `nanos` in all, so that short waits are
/// neither lost nor overrated. 1,000,000 (one sample per millisecond of waiting) is a good
/// choice for production.
///
/// A finer rate that a [`Recording`](crate::Recording) or a request over HTTP asks for is in force
/// while they last; see [`set_mutex_profile_fraction`].
///
/// As Go's [`runtime.SetBlockProfileRate`][go], which returns nothing.
///
/// # Overhead
///
/// As for [`set_mutex_profile_fraction`]. Only operations whose first try failed read the clock.
///
/// # Examples
///
/// ```
/// let previous = contend::set_block_profile_rate(1_000_000);
/// # #[cfg(feature = "profiling")]
/// assert_eq!(contend::block_profile_rate(), 1_000_000);
/// contend::set_block_profile_rate(previous);
/// ```
///
/// [go]: https://pkg.go.dev/runtime#SetBlockProfileRate
pub fn set_block_profile_rate(nanos: u64) -> u64 {
    imp::set_rate(ProfileKind::Block, nanos)
}

/// The block profile samples one event per so many nanoseconds of waiting; 0 when it is off.
///
/// This is what is in force: what [`set_block_profile_rate`] set, or less while a
/// [`Recording`](crate::Recording) or a request over HTTP asks for a finer rate.
///
/// # Examples
///
/// ```
/// assert_eq!(contend::block_profile_rate(), 0);
/// ```
pub fn block_profile_rate() -> u64 {
    imp::rate(ProfileKind::Block)
}

/// The code that made others wait: delay and contentions by **release** stack.
///
/// The delay of a stack is the time that others waited for it to release a lock, summed over
/// the waiters. All that was recorded since the program started, or since [`reset`]; for a
/// window of time take two and use [`Profile::since`].
///
/// # Blocking
///
/// Stops nobody: threads record on. Looks symbols up, which takes tens of milliseconds the first
/// time and is remembered.
///
/// # Examples
///
/// ```
/// let profile = contend::mutex_profile();
/// println!("{profile}");
/// ```
pub fn mutex_profile() -> Profile {
    imp::profile(ProfileKind::Mutex)
}

/// Where threads wait: delay and contentions by **acquire** stack.
///
/// The delay of a stack is the time that it spent waiting, from its first failed try to having
/// the lock or giving up. Waits that are still going on are not in it. As for the rest, see
/// [`mutex_profile`].
///
/// # Examples
///
/// ```
/// let profile = contend::block_profile();
/// assert_eq!(profile.total_contentions(), 0);
/// ```
pub fn block_profile() -> Profile {
    imp::profile(ProfileKind::Block)
}

/// Sets the rate of the wake profile, in nanoseconds: on average one event is sampled per
/// `nanos` spent waiting for a notification. Returns the rate that was set before.
///
/// The numbers mean what they mean for [`set_block_profile_rate`]: 1 records every wait that
/// somebody ends, 0 switches the profile off, which is what a program starts with, 1,000,000 is a
/// good choice for production. The rate is its own, so that who does not ask who woke whom has no
/// notification captured. At 1 for both, the wake profile has the same sum as the block profile
/// has for its kinds.
///
/// # Overhead
///
/// A notification with nobody to wake costs two to seven instructions, at any rate. One that ends
/// a wait captures its stack, after it has notified.
///
/// # Examples
///
/// ```
/// let previous = contend::set_wake_profile_rate(1_000_000);
/// # #[cfg(feature = "profiling")]
/// assert_eq!(contend::wake_profile_rate(), 1_000_000);
/// contend::set_wake_profile_rate(previous);
/// ```
pub fn set_wake_profile_rate(nanos: u64) -> u64 {
    imp::set_rate(ProfileKind::Wake, nanos)
}

/// The wake profile samples one event per so many nanoseconds of waiting; 0 when it is off.
///
/// This is what is in force: what [`set_wake_profile_rate`] set, or less while a
/// [`Recording`](crate::Recording) or a request over HTTP asks for a finer rate.
///
/// # Examples
///
/// ```
/// assert_eq!(contend::wake_profile_rate(), 0);
/// ```
pub fn wake_profile_rate() -> u64 {
    imp::rate(ProfileKind::Wake)
}

/// The wake-ups of those that waited for no lock: delay and contentions by the stack that
/// **notified**.
///
/// A lock's wait ends when its holder releases it, and [`mutex_profile`] charges the holder. Nobody
/// holds a condition, a channel or a barrier: such a wait is charged, as a whole, to the stack that
/// ended it. That is the code that notified, that sent the message or took the one that was in the
/// way, that unparked, that came last to a barrier or left a group last; or the thread that was
/// joined, by the name of its function. It answers who keeps a pool's connection, or whose work a
/// worker waits for.
///
/// The kind of a sample is that of the wait: `condvar`, `chan_send`, `chan_recv`, `select`,
/// `barrier`, `join`, `park`. A wait that time has ended has the frame `contend::timeout` in the
/// place of a stack, one whose end was not seen `contend::unattributed`. As for the rest, see
/// [`mutex_profile`].
///
/// # Examples
///
/// ```
/// use contend::sync::mpsc::channel;
///
/// let (_, profiles) = contend::measure(|| {
///     let (sender, receiver) = channel();
///     std::thread::scope(|scope| {
///         scope.spawn(move || receiver.recv());
///         # #[cfg(feature = "profiling")]
///         while contend::threads().threads().iter().all(|thread| thread.wait().is_none()) {}
///         sender.send("work")
///     })
/// });
/// # #[cfg(feature = "profiling")]
/// assert_eq!(profiles.wake.total_contentions(), 1, "{}", profiles.wake);
/// ```
pub fn wake_profile() -> Profile {
    imp::profile(ProfileKind::Wake)
}

/// Sets the rate of the pairs profile: on average one in `fraction` contended acquisitions is
/// sampled. Returns the fraction that was set before.
///
/// To record every contention pass 1. To switch the profile off pass 0, which is also the value
/// a program starts with. 100 is a good choice for production.
///
/// The pairs profile is the mutex profile, divided among those who waited. So both sample the same
/// contentions: while this one is on the mutex profile is on too, at the finer of the two
/// fractions, which [`mutex_profile_fraction`] and [`pairs_profile_fraction`] then tell.
///
/// # Overhead
///
/// None while nobody waits, as for [`set_mutex_profile_fraction`]. A sampled waiter captures its
/// stack before it sleeps, and a release that is charged adds to a pair for each different stack
/// that waits for it.
///
/// # Examples
///
/// ```
/// let previous = contend::set_pairs_profile_fraction(100);
/// # #[cfg(feature = "profiling")]
/// assert_eq!(contend::pairs_profile_fraction(), 100);
/// # #[cfg(feature = "profiling")]
/// assert_eq!(contend::mutex_profile_fraction(), 100);
/// contend::set_pairs_profile_fraction(previous);
/// assert_eq!(contend::mutex_profile_fraction(), 0);
/// ```
pub fn set_pairs_profile_fraction(fraction: u32) -> u32 {
    as_fraction(imp::set_rate(ProfileKind::Pairs, fraction.into()))
}

/// The pairs profile samples one in so many contended acquisitions; 0 when it is off.
///
/// This is what is in force: what [`set_pairs_profile_fraction`] set, or less while the mutex
/// profile samples more, or a [`Recording`](crate::Recording) or a request over HTTP asks for a
/// finer rate.
///
/// # Examples
///
/// ```
/// assert_eq!(contend::pairs_profile_fraction(), 0);
/// ```
pub fn pairs_profile_fraction() -> u32 {
    as_fraction(imp::rate(ProfileKind::Pairs))
}

/// Pairs of waiters and holders, who blocks whom: delay and contentions by the stack that
/// **waited** and the stack that **released**.
///
/// [`mutex_profile`] tells whose code made others wait, and [`block_profile`] who waited. This one
/// joins the two. A stack is, from root to leaf: the frames of the waiter up to its
/// `contend::sync::Mutex<T>::lock`; the frame `contend::blocked_by`; the frames of the releaser up
/// to its `contend::sync::MutexGuard<T>::drop`. No frame of either is cut off for it.
///
/// **The sums are those of the mutex profile.** Summed over waiters, each release has the delay
/// and the contentions that the mutex profile charges to it, to the nanosecond. Summed over
/// releases, each waiter has what it waited. The frames `contend::wakeup` and
/// `contend::unattributed` stand where they stand in the mutex profile. It holds for contentions
/// that began while this profile was on; the waiter of an earlier one is not known, and the frame
/// `contend::unknown_waiter` stands for it.
///
/// **Where several hold a lock,** readers or permits, each pays its share of the waiting. Its share
/// is divided among those who waited in proportion to what each of them had waited by then and
/// nobody had paid for yet. Both sums hold there, too.
///
/// The kind and the labels of a sample are the releaser's, as in the mutex profile.
///
/// At most 64 different stacks that wait for locks of one part of the table (of 64 parts) are told
/// apart at one moment. What comes beyond that is under `contend::unknown_waiter`, and
/// [`Lost::waiter_table_full`](crate::Lost::waiter_table_full) counts it.
///
/// # Examples
///
/// ```
/// use contend::sync::Mutex;
///
/// let recording = contend::Recording::builder().pairs_fraction(1).start();
/// let counter = Mutex::new(0);
/// std::thread::scope(|scope| {
///     let guard = counter.lock();
///     scope.spawn(|| *counter.lock().unwrap() += 1);
///     # #[cfg(feature = "profiling")]
///     while contend::threads().threads().iter().all(|thread| thread.wait().is_none()) {}
///     # std::thread::sleep(std::time::Duration::from_millis(1));
///     drop(guard);
/// });
/// let profiles = recording.finish();
/// let (mutex, pairs) = (profiles.mutex, profiles.pairs);
/// assert_eq!(pairs.total_delay(), mutex.total_delay(), "{pairs}");
/// ```
pub fn pairs_profile() -> Profile {
    imp::profile(ProfileKind::Pairs)
}

/// Forgets what all profiles have recorded, and the counts of lost events. Rates stay.
///
/// A wait that is going on is recorded whole when it ends, with the part before the reset.
///
/// # Examples
///
/// ```
/// contend::reset();
/// assert_eq!(contend::mutex_profile().total_contentions(), 0);
/// ```
pub fn reset() {
    imp::reset();
}

/// Bounds the memory of all profiles, in bytes. The default is 32 MiB.
///
/// It must be called before profiling is switched on for the first time. The memory is reserved
/// then, but becomes resident only as stacks are recorded: one stack of 20 frames takes about
/// 250 bytes, in up to as many copies as there are cores (16 at the most). Too small a bound is
/// raised to the minimum, some 10 kB per core.
///
/// When it is full, the numbers of a new stack go to the frame `contend::overflow`, so totals stay
/// right, and [`Lost::stack_table_full`](crate::Lost::stack_table_full) counts.
///
/// # Errors
///
/// When profiling has been on already; nothing changes then.
///
/// # Examples
///
/// ```
/// contend::set_memory_limit(4 << 20)?;
/// contend::set_mutex_profile_fraction(100);
/// # Ok::<(), contend::MemoryInUse>(())
/// ```
pub fn set_memory_limit(bytes: usize) -> Result<(), MemoryInUse> {
    if imp::set_memory_limit(bytes) {
        Ok(())
    } else {
        Err(MemoryInUse(()))
    }
}

/// The memory of the profiles is in use, so its bound cannot change: call [`set_memory_limit`]
/// before profiling is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryInUse(());

impl fmt::Display for MemoryInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the profiles' memory is in use: set its limit before switching profiling on")
    }
}

impl std::error::Error for MemoryInUse {}

/// The engine, with what has to be in place before it records.
#[cfg(feature = "profiling")]
mod imp {
    use std::sync::atomic::{AtomicU64, Ordering};
    #[cfg(feature = "http")]
    use std::time::Duration;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::ProfileKind;
    use crate::engine::recorder;
    use crate::fork;
    use crate::symbols;

    #[cfg(feature = "http")]
    pub(crate) use crate::snapshot::moment::{Mark, Moment, moments};
    pub(crate) use crate::snapshot::{profile, profiles};
    #[cfg(feature = "http")]
    pub(crate) use recorder::rate_set;
    pub(super) use recorder::set_memory_limit;
    pub(crate) use recorder::{Hold, rate};

    /// When recording began, or was reset, in nanoseconds of the system's clock; 0: not yet.
    /// Relaxed: read for display.
    static BEGAN: AtomicU64 = AtomicU64::new(0);

    fn clock() -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(1, |now| now.as_nanos() as u64)
    }

    fn began(rate: u64) {
        if rate > 0 && BEGAN.load(Ordering::Relaxed) == 0 {
            BEGAN.store(clock(), Ordering::Relaxed);
        }
    }

    /// The time that all profiles cover: since a rate was first set, or since the last reset.
    #[cfg(feature = "http")]
    pub(crate) fn recorded_for() -> Option<Duration> {
        match BEGAN.load(Ordering::Relaxed) {
            0 => None,
            began => Some(Duration::from_nanos(clock().saturating_sub(began))),
        }
    }

    pub(super) fn reset() {
        recorder::reset();
        if BEGAN.load(Ordering::Relaxed) > 0 {
            BEGAN.store(clock(), Ordering::Relaxed);
        }
    }

    /// Sets the program's own rate, a fraction or nanoseconds. Returns the one that it set before.
    pub(crate) fn set_rate(which: ProfileKind, rate: u64) -> u64 {
        fork::install_hooks();
        symbols::keep_files();
        began(rate);
        recorder::set_rate(which, rate)
    }

    /// Asks for a rate at least as fine as this while the result lives.
    pub(crate) fn hold(which: ProfileKind, rate: u64) -> Hold {
        fork::install_hooks();
        symbols::keep_files();
        began(rate);
        recorder::hold(which, rate)
    }
}
