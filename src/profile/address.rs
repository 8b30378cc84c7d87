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
