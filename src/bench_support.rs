//! Parts of the engine that the benches measure alone. Not part of the API.

use crate::engine::sampler::{self, BlockDraw};
use crate::engine::thread_state::{self, Recording};
use crate::engine::{recorder, registry};
use crate::profile::kind::{Kind, ProfileKind};

/// The fate of the contentions that the mutex profile has sampled since the start, in
/// contentions.
///
/// At any moment [`missing`](Self::missing) is 0. Where nobody records right now,
/// [`in_the_recorder`](Self::in_the_recorder) is what it was at the first look, 0 if no reset came
/// before; at other moments it is not less. Contentions that could not be taken in are not among
/// them: `Lost` counts them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ledger {
    /// Waits that have begun.
    pub begun: f64,
    /// Waits that go on.
    pub waiting: f64,
    /// Waits that are over, for which a release is still to come or is being captured.
    pub owed: f64,
    /// Waits that were owed, and that a reset has forgotten.
    pub owed_and_forgotten: f64,
    /// Waits that were charged to a release, or to nobody.
    pub charged: f64,
    /// Waits that are in the mutex profile.
    pub recorded: f64,
    /// Waits that were in it, or on the way, when a reset came. Counted from the first look on.
    pub forgotten: f64,
}

impl Ledger {
    /// Waits that have begun, and are nowhere.
    pub fn missing(&self) -> f64 {
        self.begun - self.waiting - self.owed - self.owed_and_forgotten - self.charged
    }

    /// Waits that were charged, and have not arrived in the profile.
    pub fn in_the_recorder(&self) -> f64 {
        self.charged - self.recorded - self.forgotten
    }
}

/// See [`Ledger`].
pub fn ledger() -> Ledger {
    let (recorded, table) = recorder::ledger();
    Ledger {
        begun: table.begun,
        waiting: table.waiting,
        owed: table.owed,
        owed_and_forgotten: table.forgotten,
        charged: table.charged,
        recorded: recorded.kept,
        forgotten: recorded.forgotten,
    }
}

/// How many waits of this crate's types are in progress, of threads, whatever the rates are.
pub fn waits_in_progress() -> usize {
    registry::waits().count()
}

/// The decision of the mutex profile about the next contention of a thread.
#[derive(Clone, Copy, Debug)]
pub struct NextContention {
    fraction: u32,
    is_sampled: bool,
    state: u64,
}

impl NextContention {
    /// The decision for this thread, if the block profile is off, which draws from the same
    /// numbers.
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
