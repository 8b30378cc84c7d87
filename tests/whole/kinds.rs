//! The kind of each wait, who waited and who let it go on.

use crate::{compiled, delay_of, recorded, recorded_with};

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

#[test]
fn waits_for_pipes_and_sockets_are_there_if_asked_for() {
    let Some(program) = compiled("io.c", &["-fno-optimize-sibling-calls"]) else {
        return;
    };
    let with_io = recorded_with(&["--io"], &program, &[]).success();
    assert_eq!(with_io.output.stdout, b"done\n");
    let block = with_io.profile("block");
    for (waiter, leaf) in [
        ("waits_in_read", "read"),
        ("waits_in_readv", "readv"),
        ("waits_in_recv", "recv"),
        ("waits_in_recvfrom", "recvfrom"),
        ("waits_in_recvmsg", "recvmsg"),
        ("waits_in_poll", "poll"),
        ("waits_in_ppoll", "ppoll"),
        ("waits_in_select", "select"),
        ("waits_in_epoll", "epoll_wait"),
        ("waits_in_accept", "accept"),
        ("waits_in_write", "write"),
        ("waits_in_send", "send"),
    ] {
        let stacks = block.stacks().into_iter();
        let of_waiter: Vec<_> = stacks
            .filter(|stack| {
                stack.functions.first() == Some(&leaf) && stack.functions.contains(&waiter)
            })
            .collect();
        let delay: i64 = of_waiter.iter().map(|stack| stack.values[1]).sum();
        assert!(delay > 1_000_000, "{waiter}: {delay}");
        let mut all = of_waiter.iter();
        assert!(all.all(|stack| stack.labels.contains(&("kind", "io"))));
    }
    assert_eq!(delay_of(&block, "does_not_wait", None), 0);

    let without = recorded(&program, &[]).success();
    assert_eq!(without.output.stdout, b"done\n");
    assert_eq!(delay_of(&without.profile("block"), "", Some("io")), 0);
}
