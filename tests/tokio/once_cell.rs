//! Waits for an initialiser.

use std::pin::pin;
use std::thread;

use contend::tokio::sync::OnceCell;

use crate::by_hand::{assert_waits, done, now};
use crate::common::{assert_law, at, ms, profile_everything};

/// An initialiser that takes two polls.
async fn initializes() -> u32 {
    tokio::task::yield_now().await;
    7
}

#[test]
fn who_initializes_does_not_wait_and_is_charged() {
    let _profiling = profile_everything();
    let cell = OnceCell::new();
    let mut first = pin!(cell.get_or_init(initializes));
    assert_waits(first.as_mut());
    let mut second = pin!(cell.get_or_init(|| async { unreachable!("it was initialized") }));
    assert_waits(second.as_mut());
    thread::sleep(ms(3));
    assert_eq!(done(first), &7);
    assert_eq!(done(second), &7);
    assert_eq!(assert_law(), 1);
    let profile = contend::mutex_profile();
    assert!(
        at(&profile, "OnceCell<T>::get_or_init").1 >= ms(3),
        "{profile}"
    );
    // From now on it is there.
    assert_eq!(now(cell.get_or_init(|| async { 8 })), &7);
    assert_eq!(assert_law(), 1);
}

/// Whoever waited for one that failed runs its own, which is no wait.
#[test]
fn who_runs_after_another_has_failed_has_waited_for_it() {
    let _profiling = profile_everything();
    let cell = OnceCell::<u32>::new();
    {
        let mut first = pin!(cell.get_or_try_init(|| async {
            tokio::task::yield_now().await;
            Err("not this time")
        }));
        assert_waits(first.as_mut());
        let mut second = pin!(cell.get_or_init(initializes));
        assert_waits(second.as_mut());
        thread::sleep(ms(3));
        assert_eq!(done(first), Err("not this time"));
        // Runs its own, which suspends it once.
        assert_waits(second.as_mut());
        thread::sleep(ms(3));
        assert_eq!(done(second), &7);
    }
    assert_eq!(assert_law(), 1);
    let delay = contend::mutex_profile().total_delay();
    assert!(delay >= ms(3), "{delay:?}");
}
