//! Differences of profiles made by hand.

use super::*;
use crate::profile::kind::Kind;
use crate::profile::kind::ProfileKind;
use crate::profile::tests::{location, profile, sample, with_kind};

const DROP: &str = "contend::sync::MutexGuard<u64>::drop@/c/contend/src/sync/mutex.rs:90";

/// A sample at a caller of `drop`, as a program loaded at `place` has it.
fn at(place: u64, caller: &str, contentions: f64, nanos: u64) -> Sample {
    let stack = [location(place, &[DROP]), location(place + 0x100, &[caller])];
    sample(Kind::MUTEX, contentions, nanos, &stack)
}

fn statuses(diff: &Diff) -> Vec<(String, i64, i64, ChangeStatus)> {
    let row = |change: &Change| {
        let sample = change.current().or(change.base()).unwrap();
        let caller = sample.frames()[1].function().to_owned();
        let numbers = (change.delay_nanos(), change.contentions());
        (caller, numbers.0, numbers.1, change.status())
    };
    diff.changes().iter().map(row).collect()
}

/// Two runs of which the second is loaded elsewhere.
fn two_runs() -> (Profile, Profile) {
    let base = profile(vec![
        at(0x1000, "shop::checkout@/s/src/shop.rs:12", 10.0, 8_000_000),
        at(0x1400, "shop::refund@/s/src/shop.rs:30", 3.0, 1_000_000),
        at(0x1800, "shop::browse@/s/src/shop.rs:40", 1.0, 500),
        at(0x1c00, "shop::audit@/s/src/shop.rs:50", 2.0, 300_000),
    ]);
    let new = profile(vec![
        at(0x5000, "shop::checkout@/s/src/shop.rs:12", 4.0, 2_000_000),
        at(0x5400, "shop::refund@/s/src/shop.rs:30", 4.0, 1_500_000),
        at(0x5800, "shop::browse@/s/src/shop.rs:40", 1.0, 500),
        at(0x5c00, "shop::stock@/s/src/stock.rs:7", 1.0, 40_000),
    ]);
    (base, new)
}

#[test]
fn stacks_are_matched_by_name_and_not_by_address() {
    let (base, new) = two_runs();
    let diff = new.diff(&base);
    let expected = [
        ("shop::checkout", -6_000_000, -6, ChangeStatus::Better),
        ("shop::refund", 500_000, 1, ChangeStatus::Worse),
        ("shop::audit", -300_000, -2, ChangeStatus::Gone),
        ("shop::stock", 40_000, 1, ChangeStatus::New),
        ("shop::browse", 0, 0, ChangeStatus::Same),
    ];
    assert_eq!(
        statuses(&diff),
        expected.map(|(name, nanos, contentions, status)| {
            (name.to_owned(), nanos, contentions, status)
        })
    );
    assert_eq!((diff.delay_nanos(), diff.contentions()), (-5_760_000, -6));
    let sum: i64 = diff.changes().iter().map(Change::delay_nanos).sum();
    assert_eq!(sum, diff.delay_nanos());
}

#[test]
fn a_table_of_call_sites_is_printed() {
    let (base, new) = two_runs();
    let expected = "\
mutex profile: 3.54ms of delay, was 9.30ms (-5.76ms, ×0.38); 10 contentions, was 16
3 of 4 call sites that changed:
 change   share     was      is  factor  contentions  status  kind   function        file:line
-6.00ms  -64.5%  8.00ms  2.00ms   ×0.25           -6  better  mutex  shop::checkout  /s/src/shop.rs:12
 +500µs   +5.4%  1.00ms  1.50ms   ×1.50           +1  worse   mutex  shop::refund    /s/src/shop.rs:30
 -300µs   -3.2%   300µs     0ns   ×0.00           -2  gone    mutex  shop::audit     /s/src/shop.rs:50
";
    assert_eq!(new.diff(&base).top(3).to_string(), expected);
    let nothing = base.diff(&base).to_string();
    assert!(nothing.ends_with("\nno call site changed\n"), "{nothing}");
}

#[test]
fn a_call_site_that_moved_is_still_the_same() {
    let (base, _) = two_runs();
    let moved = profile(vec![
        at(0x5000, "shop::checkout@/s/src/shop.rs:17", 10.0, 4_000_000),
        // Two where one was: which of them it is cannot be known.
        at(0x5400, "shop::refund@/s/src/shop.rs:35", 3.0, 600_000),
        at(0x5800, "shop::refund@/s/src/shop.rs:36", 3.0, 500_000),
    ]);
    let table = moved.diff(&base).to_string();
    let rows = [
        "better  mutex  shop::checkout  /s/src/shop.rs:17",
        "gone    mutex  shop::refund    /s/src/shop.rs:30",
        "new     mutex  shop::refund    /s/src/shop.rs:35",
    ];
    for row in rows {
        assert!(table.contains(row), "{table}");
    }
}

#[test]
fn copies_of_a_stack_are_summed() {
    let twice = profile(vec![
        at(0x1000, "shop::checkout@/s/src/shop.rs:12", 1.0, 10),
        at(0x2000, "shop::checkout@/s/src/shop.rs:12", 2.0, 20),
    ]);
    let diff = twice.diff(&profile(vec![]));
    assert_eq!(
        statuses(&diff),
        [("shop::checkout".to_owned(), 30, 3, ChangeStatus::New)]
    );
}

#[test]
fn kinds_are_kept_apart() {
    let stack = [location(0x1000, &["f@a.rs:1"])];
    let reads = profile(vec![sample(Kind::RWLOCK_READ, 1.0, 5, &stack)]);
    let writes = profile(vec![sample(Kind::RWLOCK_WRITE, 1.0, 5, &stack)]);
    assert_eq!(writes.diff(&reads).changes().len(), 2);
}

#[test]
#[should_panic(expected = "a block profile cannot be compared with a mutex profile")]
fn a_mutex_profile_says_nothing_of_a_block_profile() {
    let block = with_kind(profile(vec![]), ProfileKind::Block, 1);
    let _ = block.diff(&profile(vec![]));
}

#[test]
fn what_has_no_name_is_known_by_file_and_address_in_it() {
    let unnamed = |name: &str, address| {
        let mut nameless = std::sync::Arc::into_inner(location(address, &[name])).unwrap();
        nameless.symbolized = false;
        profile(vec![sample(
            Kind::MUTEX,
            1.0,
            7,
            &[std::sync::Arc::new(nameless)],
        )])
    };
    let diff =
        unnamed("0x2000 (shop+0x1400)", 0x2000).diff(&unnamed("0x2000 (shop+0x1400)", 0x2000));
    assert_eq!(diff.changes()[0].status(), ChangeStatus::Same);
    let diff =
        unnamed("0x2000 (shop+0x1400)", 0x2000).diff(&unnamed("0x2001 (shop+0x1401)", 0x2001));
    assert_eq!(diff.changes().len(), 2);
}

#[test]
fn a_change_within_the_error_of_sampling_is_none() {
    let sampled = |nanos: u64, error: f64| {
        let mut sample = at(0x1000, "f@a.rs:1", 1.0, nanos);
        sample.variance = error * error;
        profile(vec![sample])
    };
    let status = |new: &Profile, base: &Profile| new.diff(base).changes()[0].status();
    // The standard error of the difference is 50.
    assert_eq!(
        status(&sampled(1099, 30.0), &sampled(1000, 40.0)),
        ChangeStatus::Same
    );
    assert_eq!(
        status(&sampled(1101, 30.0), &sampled(1000, 40.0)),
        ChangeStatus::Worse
    );
    assert_eq!(
        status(&sampled(899, 30.0), &sampled(1000, 40.0)),
        ChangeStatus::Better
    );
}

#[test]
fn huge_differences_are_cut() {
    assert_eq!(difference(u64::MAX, 0), i64::MAX);
    assert_eq!(difference(0, u64::MAX), i64::MIN);
    assert_eq!(difference(5, 7), -2);
}
