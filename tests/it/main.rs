//! What a program sees that swaps its locks: nothing else than before.
//!
//! Profiling stays off in this binary; `it_profiled` runs the same suite with everything recorded.

mod auto_traits;
mod formats;
mod names;
mod original;
mod ours;
mod unsized_and_const;
mod util;

/// Called first in each test of the suite. Here it does nothing.
fn set_up() {}

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
