//! Parts of the engine that the benches measure alone. Not part of the API.

use crate::engine::recorder;
use crate::engine::sampler::{self, BlockDraw};
use crate::engine::thread_state::{self, Recording};
use crate::profile::kind::{Kind, ProfileKind};

/// What has become of the contentions that the mutex profile has sampled, since the start or the last
/// reset.
///
/// At any moment `begun` is the sum of the others; where nothing is being recorded right now, the
/// mutex profile has `charged` contentions. Those that could not be taken in are not among them:
/// `Lost` counts them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ledger {
    /// Waits that have begun.
    pub begun: f64,
    /// Waits that go on.
    pub waiting: f64,
    /// Waits that are over, for which a release is still to come or is being captured.
    pub owed: f64,
    /// Waits that were charged to a release, or recorded as unattributed.
    pub charged: f64,
}

/// See [`Ledger`].
pub fn ledger() -> Ledger {
    let ledger = recorder::ledger();
    Ledger {
        begun: ledger.begun,
        waiting: ledger.waiting,
        owed: ledger.owed,
        charged: ledger.charged,
    }
}

/// What the mutex profile will decide about the next contention of a thread.
#[derive(Clone, Copy, Debug)]
pub struct NextContention {
    fraction: u32,
    is_sampled: bool,
    state: u64,
}

impl NextContention {
    /// That of this thread, if the block profile is off, which draws from the same numbers.
    pub fn of_this_thread(fraction: u32) -> Self {
        let draw = || sampler::draw_contention(fraction) > 0;
        let (is_sampled, state) = thread_state::without_drawing(draw);
        Self {
            fraction,
            is_sampled,
            state,
        }
    }

    /// Whether this thread has had it since, and it was sampled.
    pub fn was_sampled(&self) -> bool {
        let ((), state) = thread_state::without_drawing(|| ());
        // All are, without a draw.
        self.fraction == 1 || self.is_sampled && state != self.state
    }
}

/// The decision of the mutex profile about one contention.
#[inline]
pub fn draw_contention(fraction: u32) -> bool {
    sampler::draw_contention(fraction) > 0
}

/// The decision of the block profile about one wait.
#[inline]
pub fn draw_wait(rate: u64, nanos: u64) -> bool {
    BlockDraw::new(rate).is_some_and(|draw| draw.is_sampled(nanos))
}

/// Records a wait of `nanos` at the caller's stack: captures it, finds it, adds.
#[inline(never)]
pub fn record_wait(nanos: u64) {
    let marker = ();
    if let (Some(draw), Some(_recording)) = (BlockDraw::new(1), Recording::enter()) {
        recorder::record(ProfileKind::Block, Kind::MUTEX, &marker, draw.amount(nanos));
    }
}

/// Adds a wait of `nanos` at a stack of the caller's making.
pub fn add_stack(addresses: &[usize], nanos: u64) {
    if let (Some(draw), Some(_recording)) = (BlockDraw::new(1), Recording::enter()) {
        recorder::add(
            ProfileKind::Block,
            Kind::MUTEX,
            addresses,
            draw.amount(nanos),
        );
    }
}
