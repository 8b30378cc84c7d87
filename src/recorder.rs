//! The profiler's global tables, and the one way into them: an event with its stack.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::address;
use crate::blame::Table;
use crate::kind::{Kind, Which};
use crate::lost::{self, Cause, Lost};
use crate::profile::Profile;
use crate::stack::{self, Stack};
use crate::store::{Added, Amount, StackId, Store};
use crate::thread_state::{self, Recording};
use crate::{clock, rates, symbols, wait};

#[cfg(feature = "http")]
pub(crate) use crate::rates::set_by_program as rate_set;
pub(crate) use crate::rates::{Hold, in_force as rate};

/// Locks that sampled waiters wait for. Some 200 kB, of which the system makes resident only
/// what is used.
pub(crate) static BLAME: Table = Table::new();

/// Stacks and their totals. Made by [`start`].
static STORE: OnceLock<Store> = OnceLock::new();

/// What [`start`] will give the store, in bytes.
static MEMORY_LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_MEMORY_LIMIT);

/// Room for tens of thousands of stacks of ordinary depth; resident only as they come in.
pub(crate) const DEFAULT_MEMORY_LIMIT: usize = 32 << 20;

/// More shards than this would cut the memory into pieces too small to be used well.
const MAX_SHARDS: usize = 16;

/// Prepares everything that recording needs, so that recording itself allocates nothing.
/// Called before a rate becomes non-zero; later calls do nothing.
fn start() {
    STORE.get_or_init(|| {
        clock::start();
        stack::start();
        forget_after_fork();
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Store::new(
            cores.next_power_of_two().min(MAX_SHARDS),
            MEMORY_LIMIT.load(Ordering::Relaxed),
        )
    });
}

/// Sets the store's bound. False: the store exists already.
pub(crate) fn set_memory_limit(bytes: usize) -> bool {
    MEMORY_LIMIT.store(bytes, Ordering::Relaxed);
    STORE.get().is_none()
}

/// `None` until profiling is switched on for the first time.
fn store() -> Option<&'static Store> {
    STORE.get()
}

/// Adds `amount` to the stack from the frame that holds `marker` on. With an amount of zero it
/// only makes sure that the stack is in the store. `None`: a reset has just forgotten it.
pub(crate) fn record<T>(which: Which, kind: Kind, marker: &T, amount: Amount) -> Option<StackId> {
    let mut stack = Stack::new();
    if stack.capture(marker) {
        add(which, kind, stack.addresses(), amount)
    } else {
        lost::count(Cause::NoStack);
        add(which, kind, &[address::NO_STACK], amount)
    }
}

/// Adds to a stack recorded before. False: a reset has forgotten it.
pub(crate) fn add_to(id: StackId, amount: Amount) -> bool {
    amount.is_zero() || store().is_some_and(|store| store.add_to(id, amount))
}

/// Adds to the frame `contend::unattributed` of the mutex profile.
pub(crate) fn record_unattributed(kind: Kind, amount: Amount) {
    add(Which::Mutex, kind, &[address::UNATTRIBUTED], amount);
}

/// Adds `amount` to a stack.
pub(crate) fn add(
    which: Which,
    kind: Kind,
    addresses: &[usize],
    amount: Amount,
) -> Option<StackId> {
    let store = store()?;
    let shard = thread_state::shard(store.shard_count());
    match store.add(shard, which, kind, addresses, amount) {
        Added::To(id) => Some(id),
        Added::Overflowed(id) => {
            lost::count(Cause::StackTableFull);
            Some(id)
        }
        Added::Forgotten => None,
    }
}

/// Calls of [`reset`]. Of two profiles with different counts the later one has nothing of the earlier one.
///
/// Relaxed: what is recorded around a reset belongs to either side of it.
static RESETS: AtomicU64 = AtomicU64::new(0);

/// Forgets what was recorded. Rates stay.
pub(crate) fn reset() {
    let _recording = Recording::enter();
    RESETS.fetch_add(1, Ordering::Relaxed);
    BLAME.forget_debts();
    if let Some(store) = store() {
        store.reset();
    }
    lost::reset();
}

/// In a forked child only the forking thread exists: threads that waited, or that were at work
/// on a table, must not be waited for there. What was recorded is kept.
#[cfg(unix)]
fn forget_after_fork() {
    extern "C" fn before() {
        symbols::before_fork();
    }
    extern "C" fn in_parent() {
        symbols::after_fork();
    }
    extern "C" fn in_child() {
        symbols::after_fork();
        // SAFETY: this runs in the child, inside `fork`, where this thread is the only one.
        unsafe { BLAME.forget_after_fork() };
        // SAFETY: as above; a thread that forks is not changing a rate at the same time.
        unsafe { rates::open_after_fork() };
        if let Some(store) = store() {
            store.open_after_fork();
        }
    }
    // SAFETY: the handlers are functions of the right type that live for ever. The child's touches
    // atomics and static memory, and opens a lock that this thread has taken in `before`: no
    // more than a handler in the child of a threaded process may.
    let registered = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    debug_assert_eq!(registered, 0, "only fails when memory is out");
}

#[cfg(not(unix))]
fn forget_after_fork() {}

/// Sets the program's own rate, a fraction or nanoseconds. Returns the one that it set before.
pub(crate) fn set_rate(which: Which, rate: u64) -> u64 {
    if rate > 0 {
        start();
    }
    rates::set(which, rate)
}

/// Asks for a rate at least as fine as this while the result lives.
pub(crate) fn hold(which: Which, rate: u64) -> Hold {
    if rate > 0 {
        start();
    }
    rates::hold(which, rate)
}

/// See [`crate::blocking`].
#[inline(always)]
pub(crate) fn blocking<T>(name: &'static str, operation: impl FnOnce() -> T) -> T {
    if rates::block_rate() == 0 {
        return operation();
    }
    wait::blocking(Kind::named(name), operation)
}

/// A snapshot, with names.
pub(crate) fn profile(which: Which) -> Profile {
    let [profile] = profiles([which]);
    profile
}

/// Snapshots of one moment: all numbers are taken before the first name is looked up, which can
/// take long.
pub(crate) fn profiles<const N: usize>(wanted: [Which; N]) -> [Profile; N] {
    stack::refresh();
    let resets = RESETS.load(Ordering::Relaxed);
    let totals = wanted.map(|which| {
        let totals = store().map_or_else(Vec::new, |store| store.snapshot(which));
        (which, rates::in_force(which), totals, Lost::now())
    });
    totals.map(|(which, rate, totals, lost)| {
        Profile::new(which, rate, totals, lost).after_resets(resets)
    })
}
