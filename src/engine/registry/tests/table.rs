//! The table with threads made up, and the registry of this process.

use super::super::*;

fn wait(kind: Kind, subject: u64) -> Wait {
    Wait {
        kind,
        name: LockName::from_index(subject as u16 & 0xfff),
        subject,
        since: 7,
        is_timed: subject % 2 == 1,
        is_upgrade: subject.is_multiple_of(3),
        is_scope_end: subject.is_multiple_of(5),
        holder_then: Holder::from_bits(0x8765_4320),
        registers: Registers {
            instruction_pointer: 1,
            stack_pointer: 2,
            frame_pointer: 3,
        },
    }
}

#[test]
fn a_published_wait_is_read_as_it_was_written() {
    let registry = Registry::new();
    let record = &registry.records[registry.claim(0x70).unwrap()];
    assert_eq!(registry.waits().count(), 0);
    let (outer, inner) = (wait(Kind::ONCE, 8), wait(Kind::MUTEX, 9));
    let before = record.wait.replace(outer.to_words()).unwrap();
    let before_inner = record.wait.replace(inner.to_words()).unwrap();
    let read: Vec<_> = registry.waits().collect();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].owner, 0x70);
    assert_eq!(read[0].wait, inner);
    record.wait.replace(before_inner);
    let outer_again = registry.waits().next().unwrap();
    assert_eq!(outer_again.wait, outer);
    assert_ne!(outer_again.sequence, read[0].sequence);
    assert!(registry.is_going_on(&outer_again) && !registry.is_going_on(&read[0]));
    record.wait.replace(before);
    assert_eq!(registry.waits().count(), 0);
}

#[test]
fn records_of_threads_that_have_ended_are_used_again() {
    let registry = Registry::new();
    for owner in 1..=RECORDS as u64 {
        let record = &registry.records[registry.claim(owner).unwrap()];
        record.wait.replace(wait(Kind::MUTEX, 8).to_words());
    }
    let next = RECORDS as u64 + 1;
    assert!(registry.claim(next).is_none());
    registry.forget_if(|owner| owner == 77);
    assert!(registry.claim(next).is_some());
    let left: Vec<u64> = registry.waits().map(|published| published.owner).collect();
    assert_eq!(left.len(), RECORDS - 1, "the old owner's wait is gone");
    assert!(!left.contains(&77) && !left.contains(&next));
    // A new thread with the same pointer as an old one takes the old one's record.
    registry.claim(5).unwrap();
    assert!(registry.waits().all(|published| published.owner != 5));
}

/// A thread ends and a new one gets its pointer, while a dump frees the old one's record.
#[test]
fn a_record_is_not_freed_under_a_thread_that_has_claimed_it() {
    use std::cell::Cell;

    let claims = |registry: &Registry, when: u32| {
        let asked = Cell::new(0);
        let claimed = Cell::new(None);
        let freed = registry.forget_if(|owner| {
            asked.set(asked.get() + 1);
            let had_ended = claimed.get().is_none();
            if asked.get() == when {
                let index = registry.claim(owner).unwrap();
                let words = wait(Kind::MUTEX, 8).to_words();
                registry.records[index].wait.replace(words);
                claimed.set(Some(index));
            }
            had_ended
        });
        (freed, claimed.get().unwrap())
    };
    // Between the first answer and the mark, and between the second one and the end.
    for when in [1, 2] {
        let registry = Registry::new();
        registry.claim(0x70).unwrap();
        let (freed, index) = claims(&registry, when);
        assert_eq!(freed, 0, "claimed after answer {when}");
        assert_eq!(registry.waits().count(), 1);
        assert_eq!(registry.records[index].owner(), 0x70);
        let other = registry.claim(0x70 + ((RECORDS as u64) << 32)).unwrap();
        assert_ne!(other, index, "two owners");
        assert_eq!(registry.forget_if(|owner| owner == 0x70), 1);
    }
}

/// The record that a thread left behind is farther than one that was freed since.
#[test]
fn of_two_records_of_one_pointer_the_living_threads_counts() {
    let registry = Registry::new();
    let first = 0x70_u64;
    let start = places(first).next();
    let second = (0x71_u64..)
        .find(|owner| places(*owner).next() == start)
        .unwrap();
    let near = registry.claim(first).unwrap();
    let far = registry.claim(second).unwrap();
    assert_ne!(near, far);
    registry.records[far]
        .wait
        .replace(wait(Kind::SELECT, 8).to_words());
    // Both end; the nearer one is freed first, and the new thread comes.
    assert_eq!(registry.forget_if(|owner| owner == first), 1);
    assert_eq!(registry.claim(second), Some(near));
    registry.records[near]
        .wait
        .replace(wait(Kind::MUTEX, 9).to_words());
    let waits: Vec<_> = registry.waits().map(|published| published.wait).collect();
    assert_eq!(waits, [wait(Kind::MUTEX, 9)]);
    assert_eq!(registry.forget_if(|_| false), 1, "the other one goes");
    assert_eq!(registry.records[far].owner(), 0);
    assert_eq!(registry.records[near].owner(), second);
}

#[test]
fn a_fork_forgets_all_threads() {
    let registry = Registry::new();
    let record = &registry.records[registry.claim(5).unwrap()];
    record.wait.replace(wait(Kind::MUTEX, 8).to_words());
    registry.forget_after_fork();
    assert_eq!(registry.waits().count(), 0);
    assert!(registry.claim(6).is_some());
}

#[test]
fn this_threads_wait_is_in_the_registry_while_it_lasts() {
    let mine = 0xdead_beef_u64;
    let found = || waits().find(|published| published.wait.subject == mine);
    let in_progress = publish(wait(Kind::JOIN, mine)).unwrap();
    let published = found().unwrap();
    assert_eq!(published.wait.kind, Kind::JOIN);
    drop(in_progress);
    assert_eq!(found(), None);
}

#[test]
fn waits_are_counted_by_kind_while_somebody_asks() {
    use crate::engine::{clock, thread_state};

    let own = thread_state::thread_pointer() as u64;
    let of_this_thread = || {
        let record = owners().find(|(owner, _)| *owner == own);
        record.and_then(|(_, index)| waited(index))
    };
    let begin = |kind| {
        let wait = Wait {
            since: clock::monotonic(),
            ..wait(kind, 8)
        };
        publish(wait).unwrap()
    };
    let pass = |nanos| {
        let start = clock::monotonic();
        while clock::monotonic() < start + nanos {}
        clock::monotonic() - start
    };
    let before = begin(Kind::SELECT);
    pass(1_000_000);
    let start = clock::monotonic();
    let counting = Counting::start();
    let base = of_this_thread().unwrap();
    let in_outer = pass(1_000_000);
    let inner = begin(Kind::MUTEX);
    let in_inner = pass(2_000_000);
    let during = of_this_thread().unwrap();
    drop(inner);
    let in_outer = in_outer + pass(1_000_000);
    drop(before);
    pass(1_000_000);
    let end = of_this_thread().unwrap();
    let all = clock::monotonic() - start;
    drop(counting);
    let spent = |nanos: &[u64; KINDS], kind: Kind| nanos[kind.index()] - base[kind.index()];
    let (select, mutex) = (spent(&end, Kind::SELECT), spent(&end, Kind::MUTEX));
    assert!(spent(&during, Kind::MUTEX) >= in_inner && mutex >= in_inner);
    assert!(select >= in_outer, "{select} of {in_outer}");
    // The time before the counting, and after the wait, is not in it.
    assert!(
        select + mutex <= all - 1_000_000,
        "{select} + {mutex} of {all}"
    );
}
