//! Parts of the engine that the benches measure alone. Not part of the API.

use crate::engine::recorder;
use crate::engine::sampler::{self, BlockDraw};
use crate::engine::thread_state::Recording;
use crate::profile::kind::{Kind, ProfileKind};

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
