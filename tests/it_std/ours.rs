//! The suite against this crate's types.

use contend::{sync, thread};

#[path = "suite/mod.rs"]
mod suite;

/// Runs at some time among the others.
#[test]
fn with_everything_recorded() {
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    thread::sleep(std::time::Duration::from_millis(300));
    contend::set_mutex_profile_fraction(0);
    contend::set_block_profile_rate(0);
}
