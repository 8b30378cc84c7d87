//! What a stack is made of: return addresses, and a few numbers that stand for no code.

/// Frames kept of one stack. Deeper ones lose their root, as in Go (whose default it is).
pub(crate) const MAX_DEPTH: usize = 128;

/// Stands in the place of a stack that the full table has no room for.
pub(crate) const OVERFLOW: usize = usize::MAX;

/// Stands in the place of a release that was not seen.
#[cfg_attr(loom, allow(dead_code))] // Not modelled.
pub(crate) const UNATTRIBUTED: usize = usize::MAX - 1;

/// Stands in the place of a stack that could not be captured.
#[cfg_attr(loom, allow(dead_code))] // Not modelled.
pub(crate) const NO_STACK: usize = usize::MAX - 2;

/// Stands before the stack of a release, as if called by it: nobody held the lock.
pub(crate) const WAKEUP: usize = usize::MAX - 3;

/// A number that stands for no code, as a frame that people read.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(loom, allow(dead_code))] // Not modelled.
pub(crate) struct StandIn {
    pub(crate) address: usize,
    pub(crate) name: &'static str,
    /// Why it is there, for a reader of the profile.
    #[allow(dead_code)] // Shown by the features that show profiles.
    pub(crate) meaning: &'static str,
}

/// All of them.
#[cfg_attr(loom, allow(dead_code))] // Not modelled.
pub(crate) const STAND_INS: &[StandIn] = &[
    StandIn {
        address: OVERFLOW,
        name: "contend::overflow",
        meaning: "the table of stacks was full when this came",
    },
    StandIn {
        address: UNATTRIBUTED,
        name: "contend::unattributed",
        meaning: "no release was seen that ended this waiting",
    },
    StandIn {
        address: NO_STACK,
        name: "contend::no_stack",
        meaning: "the stack could not be walked, or too little of it was left",
    },
    StandIn {
        address: WAKEUP,
        name: "contend::wakeup",
        meaning: "the lock was free: the woken thread had no processor yet; shorter sections do not help",
    },
];

/// The stand-in with this number, if it is one.
#[cfg(feature = "profiling")]
pub(crate) fn stand_in(address: usize) -> Option<&'static StandIn> {
    STAND_INS.iter().find(|frame| frame.address == address)
}
