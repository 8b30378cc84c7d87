//! Whose hold was it, where each waiter sleeps at a word of its own?
//!
//! parking_lot and everything that parks threads keeps its queue in the program. All that is seen
//! of it is who wakes whom. The thread that wakes the last one of a queue has itself waited for
//! most of that time, so it is not to blame for all of it:
//!
//! ```text
//!   A  holds ────────┤ wakes B
//!   B    waits ──────┤ holds ─────┤ wakes C
//!   C    waits ───────────────────┤
//!        ╰── A's ────╯╰── B's ────╯
//! ```
//!
//! So a thread keeps whom its latest waits were charged to, piece by piece. When it wakes another
//! one, it hands them over together with its own stack. The waiter cuts its wait: what its waker
//! waited for itself goes to those that the waker waited for, the rest to the waker. And these are
//! the pieces that it keeps. Queues of any length come out right, because each hands on what it was
//! told.
//!
//! Only pieces of waits that were made by the same call count: a thread that waits for a channel
//! while it holds a lock holds the lock.
//!
//! A word at which two threads ever slept is no such thing, and is left to the table of blame,
//! which sees its holders.

use std::cell::RefCell;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::engine::blame::{Charge, ChargeTo};
use crate::engine::clock;
use crate::engine::lost::{self, Cause};
use crate::engine::recorder;
use crate::engine::stack;
use crate::engine::store::StackId;
use crate::engine::thread_state::{self, Recording};
use crate::profile::amount::{Amount, variance_of_wait};
use crate::profile::kind::{Kind, ProfileKind};

/// Pieces that a thread keeps. A queue of more threads loses its oldest, whose time goes to the
/// waker.
const PIECES: usize = 24;

/// Time that somebody waited, and whose stack it was charged to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    begin: u64,
    end: u64,
    /// Where the system call returns to.
    call: usize,
    to: StackId,
}

/// In the order of time, the latest last.
#[derive(Clone, Copy, Debug)]
struct Pieces {
    pieces: [Option<Piece>; PIECES],
}

impl Pieces {
    const NONE: Self = Self {
        pieces: [None; PIECES],
    };

    fn push(&mut self, piece: Piece) {
        if piece.begin < piece.end {
            self.pieces.rotate_left(1);
            self.pieces[PIECES - 1] = Some(piece);
        }
    }

    fn iter(&self) -> impl Iterator<Item = Piece> + '_ {
        self.pieces.iter().flatten().copied()
    }
}

thread_local! {
    /// Without a destructor: it works while the thread is torn down.
    static HISTORY: RefCell<Pieces> = const { RefCell::new(Pieces::NONE) };
}

/// A waiter tells here that it waits, and a waker what it has to know.
struct Slot {
    /// One of the states. Changed by compare-and-swap, except by who alone may.
    ///
    /// | state | who may touch `told` | what comes next |
    /// |---|---|---|
    /// | `FREE` | nobody | a waiter takes it |
    /// | `WAITING` | nobody | a waker: `TELLING`; the waiter, woken by something else: `FREE` |
    /// | `TELLING` | that waker | the waker: `TOLD`; the waiter, woken by something else: `LEFT` |
    /// | `TOLD` | the waiter | the waiter: `FREE` |
    /// | `LEFT` | that waker | the waker: `FREE` |
    ///
    /// `TOLD` is stored with `Release`, and the waiter's `Acquire` sees what was told. `FREE` is
    /// stored with `Release`, and the `Acquire` of who takes the slot next sees that nobody is at
    /// work on it.
    state: AtomicU32,
    /// Written by the waiter before `WAITING`, read by wakers after it.
    address: AtomicU64,
    call: AtomicU64,
    told: UnsafeCell<Told>,
}

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const WAITING: u32 = 2;
const TELLING: u32 = 3;
const TOLD: u32 = 4;
const LEFT: u32 = 5;

#[derive(Clone, Copy)]
struct Told {
    at: u64,
    waker: Option<StackId>,
    pieces: Pieces,
}

// SAFETY: `told` is touched by one thread at a time, which the table of states says; one that comes
// next has synchronised with the one before through `state`.
unsafe impl Sync for Slot {}

/// Threads that can wait in this way at once, but for collisions, which are left to the table of
/// blame. Three megabytes, resident as they are used.
const SLOTS: usize = 4096;

static ALL: [Slot; SLOTS] = [const {
    Slot {
        state: AtomicU32::new(FREE),
        address: AtomicU64::new(0),
        call: AtomicU64::new(0),
        told: UnsafeCell::new(Told {
            at: 0,
            waker: None,
            pieces: Pieces::NONE,
        }),
    }
}; SLOTS];

/// The thread that sleeps at words of this hash, by its pointer; [`SHARED`] if there were several.
///
/// Relaxed: a hint. Whoever guesses wrong charges less exactly.
static SLEEPERS: [AtomicU64; SLEEPERS_LEN] = [const { AtomicU64::new(0) }; SLEEPERS_LEN];
const SLEEPERS_LEN: usize = 1 << 15;
const SHARED: u64 = 1;

fn hash(address: usize) -> usize {
    // Fibonacci hashing, as for the flags.
    ((address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}

/// Whether this thread is the only one that ever slept at this word, as far as is known.
pub(super) fn is_own(address: usize) -> bool {
    let sleeper = &SLEEPERS[hash(address) % SLEEPERS_LEN];
    // Pointers to threads are even.
    let own = thread_state::thread_pointer() as u64;
    match sleeper.load(Ordering::Relaxed) {
        0 => {
            let taken = sleeper.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
            taken.is_ok()
        }
        SHARED => false,
        found if found == own => true,
        _ => {
            sleeper.store(SHARED, Ordering::Relaxed);
            false
        }
    }
}

/// A wait at a word of this thread's own. [`end`](Self::end) must follow.
pub(super) struct OwnWait {
    slot: &'static Slot,
    begin: u64,
    weight: u32,
    call: usize,
}

impl OwnWait {
    /// `None`: the slot is another one's at this moment.
    pub(super) fn begin(address: usize, call: usize, weight: u32) -> Option<Self> {
        let slot = &ALL[hash(address) % SLOTS];
        let taken = slot
            .state
            .compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed);
        taken.ok()?;
        slot.address.store(address as u64, Ordering::Relaxed);
        slot.call.store(call as u64, Ordering::Relaxed);
        // Release: a waker that sees this sees both words.
        slot.state.store(WAITING, Ordering::Release);
        Some(Self {
            slot,
            begin: clock::now(),
            weight,
            call,
        })
    }

    /// The word of a waker.
    fn take_told(&self) -> Option<Told> {
        self.leave_slot(|told| *told)
    }

    /// Looks at what a waker has told, if one has; the slot is free afterwards, or will be.
    fn leave_slot<R>(&self, look: impl FnOnce(&Told) -> R) -> Option<R> {
        let state = &self.slot.state;
        let mut seen = state.load(Ordering::Acquire);
        loop {
            let next = match seen {
                TOLD => {
                    // SAFETY: in this state it is the waiter's alone, and that is who calls.
                    let told = look(unsafe { &*self.slot.told.get() });
                    state.store(FREE, Ordering::Release);
                    return Some(told);
                }
                TELLING => LEFT,
                _ => FREE,
            };
            match state.compare_exchange(seen, next, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return None,
                Err(now) => seen = now,
            }
        }
    }

    /// Charges the wait. `is_woken`: it has waited, and somebody has let it go on.
    pub(super) fn end(self, kind: Kind, is_woken: bool, has_waited: bool) {
        // A waker's word takes kilobytes, which a coroutine's stack may not have.
        match stack::has_room() {
            true => self.end_with_room(kind, is_woken, has_waited),
            false => self.end_without_room(kind, has_waited),
        }
    }

    #[inline(never)]
    fn end_without_room(self, kind: Kind, has_waited: bool) {
        self.leave_slot(|_| ());
        if !has_waited {
            return;
        }
        let Some(_recording) = Recording::enter() else {
            lost::count(Cause::Reentrant);
            return;
        };
        let waited = clock::now().saturating_sub(self.begin);
        recorder::charge(
            kind,
            ChargeTo::Unattributed,
            self.contention(waited, waited),
        );
    }

    #[inline(never)]
    fn end_with_room(self, kind: Kind, is_woken: bool, has_waited: bool) {
        let told = self.take_told();
        if !has_waited {
            return;
        }
        let Some(_recording) = Recording::enter() else {
            lost::count(Cause::Reentrant);
            return;
        };
        let end = clock::now().max(self.begin);
        match told.filter(|_| is_woken) {
            Some(told) => self.charge(kind, &told, end),
            None => recorder::charge(
                kind,
                ChargeTo::Unattributed,
                self.contention(end - self.begin, end - self.begin),
            ),
        }
    }

    /// The contention, with so much delay.
    fn contention(&self, delay: u64, waited: u64) -> Charge {
        Charge {
            amount: Amount {
                contentions: f64::from(self.weight),
                delay_nanos: delay.saturating_mul(u64::from(self.weight)),
                variance: variance_of_wait(waited, f64::from(self.weight)),
            },
            ..Charge::ZERO
        }
    }

    fn charge(&self, kind: Kind, told: &Told, end: u64) {
        let woken = told.at.clamp(self.begin, end);
        let weight = u64::from(self.weight);
        let mut own = Pieces::NONE;
        let mut at = self.begin;
        let mut of_waker = 0;
        let mut keep = |begin: u64, end: u64, to: Option<StackId>| {
            if let Some(to) = to {
                own.push(Piece {
                    begin,
                    end,
                    call: self.call,
                    to,
                });
            }
        };
        for piece in told.pieces.iter() {
            let (begin, end) = (piece.begin.max(at), piece.end.min(woken));
            if begin >= end {
                continue;
            }
            keep(at, begin, told.waker);
            of_waker += begin - at;
            keep(begin, end, Some(piece.to));
            let amount = Amount {
                delay_nanos: (end - begin).saturating_mul(weight),
                ..Amount::ZERO
            };
            let charge = Charge {
                amount,
                ..Charge::ZERO
            };
            recorder::charge(kind, ChargeTo::Stack(piece.to), charge);
            at = end;
        }
        keep(at, woken, told.waker);
        of_waker += woken - at;
        let mut charge = self.contention(of_waker, end - self.begin);
        charge.wakeup_nanos = (end - woken).saturating_mul(weight);
        let to = told.waker.map_or(ChargeTo::Unattributed, ChargeTo::Stack);
        recorder::charge(kind, to, charge);
        remember(&own);
    }
}

fn remember(pieces: &Pieces) {
    let _ = HISTORY.try_with(|history| {
        // Refused where a signal has come in the middle.
        if let Ok(mut history) = history.try_borrow_mut() {
            pieces.iter().for_each(|piece| history.push(piece));
        }
    });
}

/// Tells the thread that waits at this word who lets it go on: the stack from the frame of `marker`
/// on. Called before it is woken. Costs two loads where nobody waits.
#[inline(always)]
pub(super) fn tell<M>(address: usize, kind: Kind, marker: &M) {
    let slot = &ALL[hash(address) % SLOTS];
    // Acquire: see `OwnWait::begin`.
    if slot.state.load(Ordering::Acquire) == WAITING
        && slot.address.load(Ordering::Relaxed) == address as u64
    {
        tell_waiter(slot, kind, marker);
    }
}

#[cold]
#[inline(never)]
fn tell_waiter<M>(slot: &Slot, kind: Kind, marker: &M) {
    // Else the waiter charges nobody.
    if stack::has_room() {
        tell_with_room(slot, kind, marker);
    }
}

/// Not inlined: has kilobytes in its frame.
#[inline(never)]
fn tell_with_room<M>(slot: &Slot, kind: Kind, marker: &M) {
    let Some(_recording) = Recording::enter() else {
        return;
    };
    let (acquire, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
    let claimed = slot
        .state
        .compare_exchange(WAITING, TELLING, acquire, relaxed);
    if claimed.is_err() {
        return;
    }
    let at = clock::now();
    let call = slot.call.load(Ordering::Relaxed) as usize;
    let mut pieces = Pieces::NONE;
    let _ = HISTORY.try_with(|history| {
        if let Ok(history) = history.try_borrow() {
            let of_call = history.iter().filter(|piece| piece.call == call);
            of_call.for_each(|piece| pieces.push(piece));
        }
    });
    let waker = recorder::record(ProfileKind::Mutex, kind, marker, Amount::ZERO);
    // SAFETY: the exchange above made the slot this thread's, until it says otherwise.
    unsafe { *slot.told.get() = Told { at, waker, pieces } };
    let told = slot
        .state
        .compare_exchange(TELLING, TOLD, Ordering::Release, relaxed);
    if told.is_err() {
        // The waiter has left.
        slot.state.store(FREE, Ordering::Release);
    }
}

/// In a child of `fork`, whose other threads do not exist.
pub(super) fn forget_after_fork() {
    for slot in &ALL {
        // Looks first, so that pages which were never used stay untouched.
        if slot.state.load(Ordering::Relaxed) != FREE {
            slot.state.store(FREE, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_pieces_are_kept() {
        // The id stands for nothing here.
        let store = crate::engine::store::Store::new(1, 1 << 20);
        let crate::engine::store::Added::To(to) =
            store.add(0, ProfileKind::Mutex, Kind::FUTEX, &[1], Amount::ZERO)
        else {
            panic!("there is room");
        };
        let mut pieces = Pieces::NONE;
        for begin in 1..=PIECES as u64 + 2 {
            pieces.push(Piece {
                begin,
                end: begin + 1,
                call: 0,
                to,
            });
        }
        pieces.push(Piece {
            begin: 90,
            end: 90,
            call: 0,
            to,
        });
        let begins: Vec<u64> = pieces.iter().map(|piece| piece.begin).collect();
        assert_eq!(begins, (3..=PIECES as u64 + 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_word_of_two_threads_is_shared() {
        let word = 0;
        let address = std::ptr::from_ref(&word).addr();
        assert!(is_own(address) && is_own(address));
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!is_own(address)));
        });
        assert!(!is_own(address));
    }
}
