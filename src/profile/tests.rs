//! Profiles made by hand, for the tests here and those of the exports.

use super::*;
use crate::profile::kind::Kind;
use crate::profile::labels::LabelSet;

/// A mutex profile at fraction 1 with these samples.
pub(crate) fn profile(samples: Vec<Sample>) -> Profile {
    let mut profile = Profile::with_rate(ProfileKind::Mutex, 1);
    profile.mappings = Arc::new([program()]);
    profile.samples = samples;
    profile.sort();
    profile
}

pub(crate) fn with_kind(mut profile: Profile, kind: ProfileKind, rate: u64) -> Profile {
    profile.kind = kind;
    profile.rate = rate;
    profile
}

#[allow(dead_code)] // For tests of what is a feature.
pub(crate) fn with_lost(mut profile: Profile, lost: Lost) -> Profile {
    profile.lost = lost;
    profile
}

pub(crate) fn program() -> Arc<Mapping> {
    Arc::new(Mapping {
        start: 0x1000,
        limit: 0x9000,
        file_offset: 0x400,
        bias: 0xc00,
        file: "/opt/shop/bin/shop".into(),
        build_id: "c0ffee".into(),
    })
}

/// A stack of locations, leaf first. The first frame is taken for a wrapper's method.
pub(crate) fn sample(kind: Kind, contentions: f64, nanos: u64, stack: &[Arc<Location>]) -> Sample {
    let addresses = stack
        .iter()
        .map(|frame| frame.address as usize + 1)
        .collect();
    Sample {
        kind,
        contentions,
        delay_nanos: nanos,
        labels: LabelSet::NONE,
        variance: 0.0,
        stack: Arc::new(Stack::new(addresses, stack.into(), stack.len() > 1)),
    }
}

/// Frames are `name@file:line`, innermost first; the file may be missing.
pub(crate) fn location(address: u64, frames: &[&str]) -> Arc<Location> {
    let frame = |text: &&str| {
        let (function, place) = text.split_once('@').unwrap_or((text, ""));
        let (file, line) = place.rsplit_once(':').unwrap_or((place, ""));
        Frame {
            function: function.into(),
            system_name: Some(format!("_ZN{function}").into()),
            file: (!file.is_empty()).then(|| file.into()),
            line: line.parse().ok(),
            address,
        }
    };
    Arc::new(Location {
        address,
        mapping: Some(program()).filter(|program| program.contains(address)),
        frames: frames.iter().map(frame).collect(),
        symbolized: true,
    })
}

fn simple(address: u64, contentions: f64, nanos: u64) -> Sample {
    sample(
        Kind::MUTEX,
        contentions,
        nanos,
        &[location(address, &["f@a.rs:1"])],
    )
}

fn delays(profile: &Profile) -> Vec<(u64, u64)> {
    let numbers = |sample: &Sample| (sample.contentions(), sample.delay_nanos);
    profile.samples().iter().map(numbers).collect()
}

#[test]
fn samples_come_with_the_largest_delay_first_and_ties_in_order() {
    let samples = [
        (3, 2.0, 10),
        (1, 1.0, 10),
        (2, 1.0, 10),
        (4, 9.0, 5),
        (5, 1.0, 99),
    ];
    let make = |order: &[usize]| {
        profile(
            order
                .iter()
                .map(|at| samples[*at])
                .map(|(a, c, d)| simple(a, c, d))
                .collect(),
        )
    };
    let addresses = |profile: &Profile| -> Vec<u64> {
        let samples = profile.samples().iter();
        samples.map(|sample| sample.frames()[0].address()).collect()
    };
    assert_eq!(addresses(&make(&[0, 1, 2, 3, 4])), [5, 3, 1, 2, 4]);
    assert_eq!(addresses(&make(&[4, 2, 3, 1, 0])), [5, 3, 1, 2, 4]);
}

#[test]
fn a_delta_is_what_was_added() {
    let earlier = profile(vec![simple(1, 10.5, 1000), simple(2, 1.0, 50)]);
    let later = profile(vec![
        simple(1, 13.0, 1700),
        simple(2, 1.0, 50),
        simple(3, 2.0, 7),
    ]);
    let delta = later.since(&earlier);
    assert_eq!(delays(&delta), [(3, 700), (2, 7)]);
    assert_eq!(
        delta.total_delay(),
        later.total_delay() - earlier.total_delay()
    );
    assert!(delta.duration().is_some());
    assert_eq!((delta.time(), delta.rate()), (later.time(), later.rate()));
    assert!(later.since(&later).samples().is_empty());
}

#[test]
fn kinds_with_one_stack_are_kept_apart() {
    let stack = [location(1, &["f"])];
    let both = |reads: u64, writes: u64| {
        profile(vec![
            sample(Kind::RWLOCK_READ, 1.0, reads, &stack),
            sample(Kind::RWLOCK_WRITE, 1.0, writes, &stack),
        ])
    };
    let earlier = both(5, 1);
    let delta = both(5, 8).since(&earlier);
    assert_eq!(delays(&delta), [(0, 7)]);
    assert_eq!(delta.samples()[0].label("kind"), Some("rwlock_write"));
    assert_eq!(delta.samples()[0].label("color"), None);
}

#[test]
fn after_a_reset_everything_is_new() {
    let earlier = profile(vec![simple(1, 10.0, 1000), simple(2, 5.0, 500)]);
    // Stack 2 has grown past what it was, but stack 1 shows that there was a reset.
    let smaller = profile(vec![simple(1, 1.0, 10), simple(2, 6.0, 600)]);
    assert_eq!(delays(&smaller.since(&earlier)), [(6, 600), (1, 10)]);
    let gone = profile(vec![simple(2, 6.0, 600)]);
    assert_eq!(delays(&gone.since(&earlier)), [(6, 600)]);
    assert_eq!(delays(&profile(vec![]).since(&earlier)), []);
    // All have grown past what they were, but the reset was counted.
    let mut larger = profile(vec![simple(1, 11.0, 1001), simple(2, 6.0, 600)]);
    larger.resets += 1;
    assert_eq!(delays(&larger.since(&earlier)), [(11, 1001), (6, 600)]);
}

#[test]
fn nothing_is_subtracted_from_an_earlier_profile() {
    let mutex = profile(vec![simple(1, 1.0, 10)]);
    let later = profile(vec![simple(1, 2.0, 20)]);
    let delta = mutex.since(&later);
    assert_eq!((delays(&delta), delta.duration()), (vec![(1, 10)], None));
}

#[test]
#[should_panic(expected = "a block profile cannot be compared with a mutex profile")]
fn a_difference_of_two_kinds_is_a_panic() {
    let block = with_kind(profile(vec![]), ProfileKind::Block, 1);
    let _ = block.since(&profile(vec![]));
}

#[test]
fn numbers_of_a_sample() {
    let mut sample = simple(1, 2.5, 1000);
    sample.variance = 400.0;
    assert_eq!(sample.contentions(), 3);
    assert_eq!(sample.delay(), Duration::from_nanos(1000));
    assert_eq!(sample.mean_delay(), Duration::from_nanos(400));
    assert_eq!(sample.delay_std_error(), Duration::from_nanos(20));
    let sample = simple(1, 0.0, 1000);
    assert_eq!(
        (sample.contentions(), sample.mean_delay()),
        (0, Duration::from_nanos(1000))
    );
}

#[test]
fn totals_are_rounded_once() {
    let samples = (1..=4).map(|address| simple(address, 0.5, 1)).collect();
    assert_eq!(profile(samples).total_contentions(), 2);
    let huge = profile(vec![simple(1, 1e30, u64::MAX), simple(2, 1.0, u64::MAX)]);
    assert_eq!(huge.total_contentions(), u64::MAX);
    assert_eq!(huge.total_delay(), Duration::from_nanos(u64::MAX));
}

#[test]
fn frames_are_those_of_all_locations() {
    let stack = [
        location(16, &["a@x.rs:1", "b@x.rs:2"]),
        location(32, &["c"]),
    ];
    let sample = sample(Kind::MUTEX, 1.0, 1, &stack);
    let frames: Vec<_> = sample
        .frames()
        .iter()
        .map(|frame| (frame.function(), frame.line(), frame.address()))
        .collect();
    assert_eq!(
        frames,
        [("a", Some(1), 16), ("b", Some(2), 16), ("c", None, 32)]
    );
}

#[test]
fn profiles_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug>() {}
    check::<Profile>();
    check::<Sample>();
    check::<Frame>();
}
