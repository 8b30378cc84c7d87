//! Recordings: what is in them, and what rates are in force while they last.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::common::{at, ms, release_when_asleep, turn};
use contend::sync::Mutex;
use contend::{Profiles, Recording};

fn rates() -> (u32, u64) {
    (
        contend::mutex_profile_fraction(),
        contend::block_profile_rate(),
    )
}

/// One thread waits in `wait` for another, for at least as long.
///
/// Inlined, or the functions that end with a call of it would have no frame of their own.
#[inline(always)]
fn wait_for(hold: Duration, wait: impl FnOnce(&Mutex<()>) + Send) {
    let lock = Mutex::new(());
    let held = lock.lock().unwrap();
    release_when_asleep(
        || wait(&lock),
        || {
            thread::sleep(hold);
            drop(held);
        },
    );
}

#[inline(never)]
fn before_it() {
    wait_for(ms(2), |lock| drop(lock.lock().unwrap()));
}

#[inline(never)]
fn within_it() {
    wait_for(ms(5), |lock| drop(lock.lock().unwrap()));
}

/// Contentions of the mutex profile at `function`, and those of the block profile for mutexes.
fn contentions(profiles: &Profiles, function: &str) -> (u64, u64) {
    let of_mutex = |sample: &&contend::Sample| sample.label("kind") == Some("mutex");
    let block = profiles.block.focus(function);
    let block = block.samples().iter().filter(of_mutex);
    (
        at(&profiles.mutex, function).0,
        block.map(|sample| sample.contentions()).sum(),
    )
}

#[test]
fn a_recording_has_what_came_in_its_time() {
    let _alone = turn();
    contend::set_mutex_profile_fraction(1);
    before_it();
    let recording = Recording::start();
    within_it();
    let profiles = recording.finish();
    before_it();
    contend::set_mutex_profile_fraction(0);
    assert_eq!(contentions(&profiles, "within_it"), (1, 1), "{profiles}");
    assert_eq!(contentions(&profiles, "before_it"), (0, 0), "{profiles}");
    assert!(profiles.wall >= ms(5));
    assert_eq!(profiles.mutex.duration(), Some(profiles.wall));
    assert_eq!(profiles.block.duration(), Some(profiles.wall));
    assert_eq!((profiles.mutex.rate(), profiles.block.rate()), (1, 1));
}

#[test]
fn rates_are_raised_and_given_back() {
    let _alone = turn();
    contend::set_block_profile_rate(500);
    let recording = Recording::start();
    assert_eq!(rates(), (1, 1));
    assert_eq!(contend::set_block_profile_rate(700), 500, "what was set");
    assert_eq!(rates(), (1, 1));
    let _ = recording.finish();
    assert_eq!(rates(), (0, 700));
    drop(Recording::start());
    assert_eq!(rates(), (0, 700), "dropped");
    contend::set_block_profile_rate(0);
}

#[test]
fn a_panic_gives_the_rates_back() {
    let _alone = turn();
    let result = std::panic::catch_unwind(|| contend::measure(|| panic!("within a recording")));
    assert!(result.is_err());
    assert_eq!(rates(), (0, 0));
}

#[test]
fn each_of_two_recordings_has_at_least_its_rates() {
    let _alone = turn();
    let coarse = Recording::builder()
        .mutex_fraction(100)
        .block_rate(ms(1))
        .start();
    assert_eq!(rates(), (100, 1_000_000));
    let fine = Recording::builder().mutex_fraction(2).start();
    assert_eq!(rates(), (2, 1));
    // Ended in the order in which they began, so not nested.
    let _ = coarse.finish();
    assert_eq!(rates(), (2, 1));
    let nothing = Recording::builder()
        .mutex_fraction(0)
        .block_rate(Duration::ZERO)
        .start();
    let _ = fine.finish();
    assert_eq!(rates(), (0, 0), "0 asks for nothing");
    let _ = nothing.finish();
    assert_eq!(rates(), (0, 0));
}

#[test]
fn a_rate_beyond_all_nanoseconds_is_the_coarsest() {
    let _alone = turn();
    let recording = Recording::builder().block_rate(Duration::MAX).start();
    assert_eq!(rates(), (1, u64::MAX));
    drop(recording);
}

#[test]
fn nested_recordings_have_their_own_profiles() {
    let _alone = turn();
    let outer = Recording::start();
    before_it();
    let inner = Recording::start();
    within_it();
    let inner = inner.finish();
    before_it();
    let outer = outer.finish();
    assert_eq!(contentions(&inner, "within_it"), (1, 1));
    assert_eq!(contentions(&inner, "before_it"), (0, 0));
    assert_eq!(contentions(&outer, "within_it"), (1, 1));
    assert_eq!(contentions(&outer, "before_it"), (2, 2));
}

#[test]
fn parallel_recordings_are_told_apart_by_function() {
    let _alone = turn();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let ((), profiles) = contend::measure(within_it);
                assert!(contentions(&profiles, "within_it").0 >= 1, "{profiles}");
                assert_eq!(contentions(&profiles, "before_it"), (0, 0));
            });
        }
    });
    assert_eq!(rates(), (0, 0));
}

#[test]
fn a_reset_within_a_recording_is_its_beginning() {
    let _alone = turn();
    // So that the base has little of it: less than there is again after the reset.
    contend::reset();
    let ((), _) = contend::measure(within_it);
    let recording = Recording::start();
    contend::reset();
    within_it();
    within_it();
    let profiles = recording.finish();
    assert_eq!(contentions(&profiles, "within_it"), (2, 2), "{profiles}");
}

#[test]
fn focus_keeps_stacks_with_the_function_and_all_else() {
    let _alone = turn();
    let ((), profiles) = contend::measure(|| {
        before_it();
        within_it();
    });
    let focused = profiles.focus("profiles::recording::within_it");
    assert_eq!(focused.mutex.total_contentions(), 1, "{focused}");
    assert!(focused.mutex.total_delay() < profiles.mutex.total_delay());
    assert_eq!(focused.wall, profiles.wall);
    let (focused, whole) = (&focused.mutex, &profiles.mutex);
    assert_eq!(
        (
            focused.rate(),
            focused.time(),
            focused.duration(),
            focused.lost()
        ),
        (whole.rate(), whole.time(), whole.duration(), whole.lost())
    );
    assert!(
        profiles
            .focus("no such function")
            .mutex
            .samples()
            .is_empty()
    );
    assert_eq!(whole.focus("").total_delay(), whole.total_delay());
}

#[test]
fn profiles_are_saved_to_a_folder_that_need_not_exist() {
    let _alone = turn();
    let ((), profiles) = contend::measure(within_it);
    let folder = std::env::temp_dir().join(format!("contend-recording-{}", std::process::id()));
    let nested = folder.join("queue/profile");
    profiles.save(&nested).unwrap();
    profiles.save(&nested).unwrap();
    let mut names: Vec<_> = fs::read_dir(&nested)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected: &[&str] = match cfg!(feature = "flamegraph") {
        true => &[
            "block.pb.gz",
            "block.svg",
            "mutex.pb.gz",
            "mutex.svg",
            "top.txt",
            "wake.pb.gz",
            "wake.svg",
        ],
        false => &["block.pb.gz", "mutex.pb.gz", "top.txt", "wake.pb.gz"],
    };
    assert_eq!(names, expected);
    let top = fs::read_to_string(nested.join("top.txt")).unwrap();
    assert_eq!(top, profiles.to_string());
    assert!(top.contains("mutex profile:") && top.contains("block profile:"));

    let error = profiles
        .save(nested.join("top.txt/below-a-file"))
        .unwrap_err();
    assert!(
        error.to_string().contains("top.txt/below-a-file: "),
        "{error}"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn recordings_can_be_sent_and_shared() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<Recording>();
    check::<contend::RecordingBuilder>();
    check::<Profiles>();
}
