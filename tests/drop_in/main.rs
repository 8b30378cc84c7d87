//! A program that swaps its imports sees nothing else than before.
//!
//! The suites run against the originals too, so that what they ask for is what those do. Profiling
//! stays off in this process; a second one runs them with everything recorded.

#[macro_use]
#[path = "../common/auto_traits.rs"]
mod auto_traits;
mod crossbeam;
mod locks;
mod own_types;
mod select;
mod std_api;
mod util;

use std::env;

use std::sync::Once;

/// Tells the second process what it is.
const RECORDED: &str = "CONTEND_TEST_RECORDED";

/// Called first in each test of the suite of locks: whichever runs first switches profiling on, if
/// it is to be on.
fn set_up() {
    static RATES: Once = Once::new();
    RATES.call_once(|| {
        if env::var_os(RECORDED).is_some() {
            contend::set_mutex_profile_fraction(1);
            contend::set_block_profile_rate(1);
        }
    });
}

#[test]
fn nothing_is_recorded_while_off() {
    use contend::sync::Mutex;

    let mutex = Mutex::new(());
    util::contend(&mutex, |mutex| drop(mutex.lock().unwrap()));

    for profile in [contend::mutex_profile(), contend::block_profile()] {
        assert_eq!(profile.total_contentions(), 0);
        assert_eq!(profile.samples().len(), 0);
    }
}

/// The suites again, in a process in which everything is recorded: from its start where it obeys
/// the variables by itself, else from the first test of the suite of locks.
#[cfg(feature = "profiling")]
#[test]
fn the_suites_hold_with_everything_recorded() {
    let output = std::process::Command::new(env::current_exe().unwrap())
        .args(["::ours::", "recorded::the_suites_are_recorded"])
        .env(RECORDED, "1")
        .env("CONTEND_MUTEX_PROFILE_FRACTION", "1")
        .env("CONTEND_BLOCK_PROFILE_RATE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", output.status);
    let own = "test recorded::the_suites_are_recorded ... ok";
    assert!(text.contains(own), "no proof that it recorded: {text}");
}

#[cfg(feature = "profiling")]
mod recorded {
    use std::{env, thread};

    use contend::sync::Mutex;

    use super::{RECORDED, set_up, util};

    /// Without it the second run would prove nothing if its rates were not in force. In the first
    /// process it has nothing to look at.
    #[test]
    fn the_suites_are_recorded() {
        if env::var_os(RECORDED).is_none() {
            return;
        }
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
}
