//! The profiler's global tables, and the one way into them: an event with its stack.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use crate::engine::blame::{Charge, ChargeTo, Ledger, Table};
use crate::engine::lost::{self, Cause};
use crate::engine::published::Published;
use crate::engine::stack::{self, Stack};
use crate::engine::store::{Added, StackId, StackTotals, Store};
use crate::engine::thread_state::{self, Recording};
use crate::engine::wakes::Sleepers;
use crate::engine::{clock, rates};
use crate::profile::address;
use crate::profile::amount::Amount;
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::labels::Tags;
use crate::profile::lost::Lost;

#[cfg(feature = "http")]
pub(crate) use crate::engine::rates::set_by_program as rate_set;
pub(crate) use crate::engine::rates::{Hold, in_force as rate};

/// Locks that sampled waiters wait for. Some 2 MB, 3 MB where tasks wait too, of which the system
/// makes resident only what is used.
pub(crate) static BLAME: Table = Table::new();

/// The places at which threads sleep until somebody notifies them. 0.5 MB, of which the system
/// makes resident only what is used.
pub(crate) static SLEEPERS: Sleepers = Sleepers::new();

/// Stacks and their totals. Made by [`start`].
static STORE: Published<Store> = Published::new();

/// The memory that [`start`] will give the store, in bytes.
static MEMORY_LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT_MEMORY_LIMIT);

/// Room for tens of thousands of stacks of ordinary depth; resident only as they come in.
pub(crate) const DEFAULT_MEMORY_LIMIT: usize = 32 << 20;

/// More shards than this would cut the memory into pieces too small to be used well.
const MAX_SHARDS: usize = 16;

/// Prepares everything that recording needs, so that recording itself allocates nothing.
/// Called before a rate becomes non-zero; later calls do nothing. Nothing in it waits for another
/// thread that does the same: a fork may have left that one behind (see `published`).
pub(crate) fn start() {
    start_with(|| {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Store::new(
            cores.next_power_of_two().min(MAX_SHARDS),
            MEMORY_LIMIT.load(Ordering::Relaxed),
        )
    });
}

/// As [`start`], with another store, if there is none yet.
pub(crate) fn start_with(store: impl FnOnce() -> Store) {
    STORE.get_or_publish(|| {
        clock::start();
        stack::start();
        store()
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
pub(crate) fn record<T>(
    which: ProfileKind,
    tags: impl Into<Tags>,
    marker: &T,
    amount: Amount,
) -> Option<StackId> {
    record_and(which, tags.into(), marker, amount, |_| ())
}

/// As [`record`], and hands the addresses on, if there are any: a stack is captured once, whoever
/// wants it.
pub(crate) fn record_and<T>(
    which: ProfileKind,
    tags: Tags,
    marker: &T,
    amount: Amount,
    also: impl FnOnce(&[usize]),
) -> Option<StackId> {
    if stack::has_room() {
        record_stack(which, tags, marker, amount, also)
    } else {
        record_without_stack(which, tags, amount)
    }
}

/// Not inlined: the stack is in its frame, and takes a kilobyte that may not be there.
#[inline(never)]
fn record_stack<T>(
    which: ProfileKind,
    tags: Tags,
    marker: &T,
    amount: Amount,
    also: impl FnOnce(&[usize]),
) -> Option<StackId> {
    let mut stack = Stack::new();
    if stack.capture(marker) {
        also(stack.addresses());
        add(which, tags, stack.addresses(), amount)
    } else {
        record_without_stack(which, tags, amount)
    }
}

#[cold]
fn record_without_stack(which: ProfileKind, tags: Tags, amount: Amount) -> Option<StackId> {
    lost::count(Cause::NoStack);
    add(which, tags, &[address::NO_STACK], amount)
}

/// Adds to a stack recorded before. False: a reset has forgotten it.
pub(crate) fn add_to(id: StackId, amount: Amount) -> bool {
    amount.is_zero() || store().is_some_and(|store| store.add_to(id, amount))
}

/// Adds to the release that is to blame in the mutex profile; if a reset has forgotten it, to what
/// has no release.
pub(crate) fn charge(kind: Kind, to: ChargeTo, charge: Charge) {
    charge_besides(kind, to, Amount::ZERO, charge);
}

/// As [`charge`], where the mutex profile has so much of the same charge already.
pub(crate) fn charge_besides(kind: Kind, to: ChargeTo, recorded: Amount, mut charge: Charge) {
    let release = match to {
        ChargeTo::Stack(id) if charge.is_zero() => Some(id),
        ChargeTo::Stack(id) => {
            let add = |store: &Store| store.charge(id, charge.amount, charge.wakeup_nanos);
            store().is_some_and(add).then_some(id)
        }
        ChargeTo::Unattributed => None,
    };
    match release {
        Some(id) => {
            charge.amount.add(recorded);
            pair(charge, |waiter, part| {
                add_pair(id, waiter, part.amount, part.wakeup_nanos);
            });
        }
        None => charge_nobody(kind, charge),
    }
}

/// Books a charge of the mutex profile on those who waited, one after the other, and on nobody what
/// is not known; if the pairs profile is on, or was when they came.
fn pair(charge: Charge, book: impl FnMut(Option<StackId>, Charge)) {
    if charge.portions.are_none() && !rates::pairs_are_on() {
        return;
    }
    let dropped = BLAME.divide(charge, book);
    (0..dropped).for_each(|_| lost::count(Cause::WaiterTableFull));
}

fn add_pair(release: StackId, waiter: Option<StackId>, amount: Amount, wakeup_nanos: u64) {
    if amount.is_zero() && wakeup_nanos == 0 {
        return;
    }
    let add = |store: &Store| store.charge_pair(release, waiter, amount, wakeup_nanos);
    if let Some(Added::Overflowed(_)) = store().map(add) {
        lost::count(Cause::StackTableFull);
    }
}

/// Records the shares of readers of this lock, whose phase has ended.
pub(crate) fn charge_readers(lock: usize) {
    while let Some((to, share)) = BLAME.next_share(lock) {
        charge(Kind::RWLOCK_READ, to, share);
    }
}

/// Adds to the frames `contend::unattributed` and `contend::wakeup`, each alone, of the mutex
/// profile.
pub(crate) fn charge_nobody(kind: Kind, charge: Charge) {
    let add = |frame, amount: Amount| {
        let add = || self::add(ProfileKind::Mutex, kind, &[frame], amount);
        (!amount.is_zero()).then(add).flatten()
    };
    let unattributed = add(address::UNATTRIBUTED, charge.amount);
    let wakeup = add(address::WAKEUP, wakeup_amount(charge.wakeup_nanos));
    pair(charge, |waiter, part| {
        if let Some(id) = unattributed {
            add_pair(id, waiter, part.amount, 0);
        }
        if let Some(id) = wakeup {
            add_pair(id, waiter, wakeup_amount(part.wakeup_nanos), 0);
        }
    });
}

fn wakeup_amount(delay_nanos: u64) -> Amount {
    Amount {
        delay_nanos,
        ..Amount::ZERO
    }
}

/// Adds to the notification that has ended waits, in the wake profile; if a reset has forgotten it,
/// to what has none.
pub(crate) fn charge_notifier(kind: Kind, stack: Option<StackId>, amount: Amount) {
    if amount.is_zero() {
        return;
    }
    let which = ProfileKind::Wake;
    let is_added = stack.is_some_and(|id| {
        store().is_some_and(|store| store.add_with_kind(id, which, kind, amount))
    });
    if !is_added {
        add(which, kind, &[address::UNATTRIBUTED], amount);
    }
}

/// Adds `amount` to a stack.
pub(crate) fn add(
    which: ProfileKind,
    tags: impl Into<Tags>,
    addresses: &[usize],
    amount: Amount,
) -> Option<StackId> {
    let store = store()?;
    let shard = thread_state::shard(store.shard_count());
    match store.add(shard, which, tags, addresses, amount) {
        Added::To(id) => Some(id),
        Added::Overflowed(id) => {
            lost::count(Cause::StackTableFull);
            Some(id)
        }
        Added::Forgotten => {
            count_forgotten(which, amount.contentions);
            None
        }
    }
}

/// Calls of [`reset`]. If two profiles have different counts, the later one has nothing of the
/// earlier one.
///
/// Relaxed: what is recorded around a reset belongs to either side of it.
static RESETS: AtomicU64 = AtomicU64::new(0);

/// Forgets what was recorded. Rates stay.
pub(crate) fn reset() {
    let _recording = Recording::enter();
    RESETS.fetch_add(1, Ordering::Relaxed);
    BLAME.forget_debts();
    if let Some(store) = store() {
        // Relaxed: whoever keeps the ledger resets after its first look at it.
        match IS_LEDGER_KEPT.load(Ordering::Relaxed) {
            true => count_forgotten(
                ProfileKind::Mutex,
                store.reset_and_count(ProfileKind::Mutex),
            ),
            false => store.reset(),
        }
    }
    lost::reset();
}

/// Opens what another thread may have closed when this process was forked. It keeps what was
/// recorded.
///
/// # Safety
///
/// - Only in a child of `fork`, before another thread is started there.
pub(crate) unsafe fn open_after_fork() {
    // SAFETY: by this function's duty this thread is the only one.
    unsafe { BLAME.forget_after_fork() };
    // SAFETY: as above.
    unsafe { SLEEPERS.forget_after_fork() };
    // SAFETY: as above; a thread that forks is not changing a rate at the same time.
    unsafe { rates::open_after_fork() };
    if let Some(store) = store() {
        store.open_after_fork();
    }
}

/// Sets the program's own rate, a fraction or nanoseconds. Returns the one that it set before.
pub(crate) fn set_rate(which: ProfileKind, rate: u64) -> u64 {
    if rate > 0 {
        start();
    }
    rates::set(which, rate)
}

/// Asks for a rate at least as fine as this while the result lives.
pub(crate) fn hold(which: ProfileKind, rate: u64) -> Hold {
    if rate > 0 {
        start();
    }
    rates::hold(which, rate)
}

/// The numbers of one profile at one moment, without names.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) which: ProfileKind,
    pub(crate) rate: u64,
    pub(crate) totals: Vec<StackTotals>,
    pub(crate) lost: Lost,
    /// See [`RESETS`].
    pub(crate) resets: u64,
}

/// A lock whose waiters have given up owes their waiting to its next release. After this time
/// without one it has probably none: a guard was leaked.
const DEBT_PATIENCE_NANOS: u64 = 10_000_000_000;

/// Records as unattributed what was owed for longer than that.
fn charge_old_debts() {
    let Some(_recording) = Recording::enter() else {
        return;
    };
    while let Some(debt) = BLAME.take_old_debt(clock::now(), DEBT_PATIENCE_NANOS) {
        charge_nobody(Kind::OTHER, debt);
    }
}

/// Whether somebody looks at the ledger. Then a reset counts what it forgets.
static IS_LEDGER_KEPT: AtomicBool = AtomicBool::new(false);

/// Contentions of the mutex profile that a reset has forgotten, or that came in while one went on.
///
/// Relaxed: a statistic. Contentions of this profile are whole numbers.
static FORGOTTEN: AtomicU64 = AtomicU64::new(0);

fn count_forgotten(which: ProfileKind, contentions: f64) {
    if which == ProfileKind::Mutex {
        FORGOTTEN.fetch_add(contentions as u64, Ordering::Relaxed);
    }
}

/// The fate of the contentions that were charged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded {
    /// In the store.
    pub(crate) kept: f64,
    /// Not in it any more.
    pub(crate) forgotten: f64,
}

/// The fate of all contentions up to now. The first call begins to count what resets forget.
///
/// The recorded sum is read first: so it is never more than the charged one.
pub(crate) fn ledger() -> (Recorded, Ledger) {
    IS_LEDGER_KEPT.store(true, Ordering::Relaxed);
    let _recording = Recording::enter();
    // Acquire: keeps the order of the looks.
    let forgotten = FORGOTTEN.load(Ordering::Acquire) as f64;
    let kept = store().map_or(0.0, |store| store.contentions(ProfileKind::Mutex));
    fence(Ordering::Acquire);
    (Recorded { kept, forgotten }, BLAME.ledger())
}

/// The numbers of these profiles at this moment.
pub(crate) fn numbers<const N: usize>(wanted: [ProfileKind; N]) -> [Numbers; N] {
    stack::refresh();
    if wanted
        .iter()
        .any(|which| which.sampled_as() == ProfileKind::Mutex)
    {
        charge_old_debts();
    }
    let resets = RESETS.load(Ordering::Relaxed);
    wanted.map(|which| Numbers {
        which,
        rate: rates::in_force(which),
        totals: store().map_or_else(Vec::new, |store| store.snapshot(which)),
        lost: lost::now(),
        resets,
    })
}
