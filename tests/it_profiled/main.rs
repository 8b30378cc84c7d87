//! The suite of `it`, with every contention and every wait recorded.
//!
//! A binary of its own, since the rates are the process's.

use std::sync::Once;

#[path = "../it/ours.rs"]
mod ours;
#[path = "../it/util.rs"]
mod util;

/// Called first in each test of the suite: whichever runs first switches profiling on.
fn set_up() {
    static RATES: Once = Once::new();
    RATES.call_once(|| {
        contend::set_mutex_profile_fraction(1);
        contend::set_block_profile_rate(1);
    });
}

/// Without it the suite would prove nothing if its rates were not in force.
#[cfg(feature = "profiling")]
#[test]
fn the_suite_is_recorded() {
    use std::thread;

    use contend::sync::Mutex;

    set_up();
    let mutex = Mutex::new(());
    util::eventually("a contention is recorded", || {
        let guard = mutex.lock().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| drop(mutex.lock().unwrap()));
            util::let_park();
            drop(guard);
        });
        contend::mutex_profile().total_contentions() > 0
            && contend::block_profile().total_contentions() > 0
    });
}
