//! Every way to wait is in the block profile, by its kind, at its line, with its time.
//!
//! After Go's `TestBlockProfile` (`runtime/pprof/pprof_test.go`): one operation of each kind blocks
//! until the others see its thread parked, and for some time more.

mod at_once;
mod channels;
pub(crate) mod events;
mod once;
mod threads;
mod under_load;
