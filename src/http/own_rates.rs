//! The rates that the program has chosen itself: a click on another one must not lose them.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};

use crate::ask::control;
use crate::profile::kind::ProfileKind;

/// The rates that the program has chosen itself, although others have been set here since.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnRates(Arc<Mutex<[Option<Replaced>; ProfileKind::COUNT]>>);

#[derive(Clone, Copy, Debug)]
struct Replaced {
    own: u64,
    /// The rate that was set here. If another one is set now, the program has chosen anew.
    by: u64,
}

impl OwnRates {
    pub(super) fn of(&self, which: ProfileKind) -> u64 {
        let set = control::rate_set(which);
        let replaced = self.0.lock().unwrap_or_else(PoisonError::into_inner)[which as usize];
        replaced
            .filter(|replaced| replaced.by == set)
            .map_or(set, |replaced| replaced.own)
    }

    /// Call it before a rate is set here.
    pub(super) fn before_set(&self, which: ProfileKind, rate: u64) {
        let own = self.of(which);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[which as usize] = Some(Replaced { own, by: rate });
    }
}
