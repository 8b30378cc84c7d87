//! The kind of each wait, who waited and who let it go on.

use crate::{compiled, delay_of, recorded};

/// Whoever holds looks five times, a millisecond apart, until the waiter sleeps.
const LEAST_NANOS: u64 = 1_000_000;

#[test]
fn waits_of_cpp_have_kinds_and_names() {
    let Some(program) = compiled("kinds.cpp", &["-std=c++17"]) else {
        return;
    };
    let recorded = recorded(&program, &[]).success();
    let (mutex, block) = (recorded.profile("mutex"), recorded.profile("block"));
    for (waiter, kind) in [
        ("waits_for_plain", "mutex"),
        ("waits_for_timed", "mutex"),
        ("waits_for_shared", "rwlock_read"),
        ("waits_to_write", "rwlock_write"),
        ("waits_for_condition", "condvar"),
        ("waits_for_semaphore", "semaphore"),
        ("waits_at_barrier", "barrier"),
        ("waits_for_initialiser", "once"),
        ("waits_for_future", "condvar"),
        ("pauses", "sleep"),
        ("joins", "join"),
    ] {
        let delay = delay_of(&block, waiter, Some(kind));
        assert!(delay > LEAST_NANOS, "{waiter} {kind}: {delay}");
    }
    for (holder, kind) in [
        ("holds_plain", "mutex"),
        ("holds_timed", "mutex"),
        ("holds_shared", "rwlock_write"),
        ("holds_to_read", "rwlock_read"),
        ("initialises", "once"),
    ] {
        let delay = delay_of(&mutex, holder, Some(kind));
        assert!(delay > LEAST_NANOS, "{holder} {kind}: {delay}");
    }
    assert_eq!(delay_of(&mutex, "notifies", Some("condvar")), 0);
    let delay = delay_of(&recorded.profile("wake"), "notifies", Some("condvar"));
    assert!(delay > LEAST_NANOS, "{delay}");
}
