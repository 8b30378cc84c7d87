//! The library's own profiles, as the command reads them.
#![cfg(feature = "profiling")]

use std::thread;

use contend::sync::Mutex;

use super::{Folder, run};

#[path = "../common/mod.rs"]
mod common;

use common::Sleeper;

#[test]
fn the_librarys_profiles_are_read_to_the_digit() {
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    let counter = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| held_long(&counter));
        }
    });
    let folder = Folder::new();
    for (name, profile) in [
        ("mutex", contend::mutex_profile()),
        ("block", contend::block_profile()),
    ] {
        let file = folder.path(&format!("{name}.pb.gz"));
        profile.save(&file).unwrap();
        let text = run(["top", "--value", "contentions", &file]).success();
        assert!(
            text.contains(&format!("Total: {}\n", profile.total_contentions())),
            "{text}"
        );
        let text = run(["top", "--cum", &file]).success();
        assert!(text.contains("held_long"), "{text}");
        let text = run(["list", "held_long", &file]).success();
        assert!(
            text.contains("thread::sleep(") && text.contains("tests/cli/ours.rs"),
            "{text}"
        );
    }
}

#[inline(never)]
fn held_long(counter: &Mutex<u64>) {
    let mut counter = counter.lock().unwrap();
    *counter += 1;
    thread::sleep(std::time::Duration::from_millis(20));
}

#[test]
fn the_librarys_pairs_have_both_sides() {
    contend::set_pairs_profile_fraction(1);
    let counter = Mutex::new(0);
    let sleeper = Sleeper::new();
    thread::scope(|scope| {
        release_when_asleep(scope, &counter, &sleeper);
    });
    let profile = contend::pairs_profile();
    contend::set_pairs_profile_fraction(0);
    let folder = Folder::new();
    let file = folder.path("pairs.pb.gz");
    profile.save(&file).unwrap();
    let text = run(["top", "--pairs", "--value", "contentions", &file]).success();
    let total = format!("Total: {}\n", profile.total_contentions());
    assert!(text.contains(&total), "{text}");
    let row = text.lines().find(|line| line.contains("waits_in_vain"));
    let row = row.unwrap_or_else(|| panic!("{text}"));
    let (_, blocker) = row.split_once("waits_in_vain").unwrap();
    assert!(blocker.contains("release_when_asleep"), "{text}");
}

#[inline(never)]
fn release_when_asleep<'s>(
    scope: &'s thread::Scope<'s, '_>,
    counter: &'s Mutex<u64>,
    sleeper: &'s Sleeper,
) {
    let mut held = counter.lock().unwrap();
    scope.spawn(|| waits_in_vain(counter, sleeper));
    sleeper.await_sleep();
    *held += 1;
    drop(held);
    std::hint::black_box(());
}

#[inline(never)]
fn waits_in_vain(counter: &Mutex<u64>, sleeper: &Sleeper) {
    sleeper.about_to_wait();
    *counter.lock().unwrap() += 1;
}

#[test]
fn the_librarys_traces_are_read() {
    let recording = contend::trace::Recording::start().unwrap();
    let counter = Mutex::new(0);
    contend::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let task = contend::trace::task("GET /cart");
                let _in_task = task.enter();
                held_long(&counter);
            });
        }
    });
    let folder = Folder::new();
    let file = folder.path("run.trace");
    let timeline = recording.finish();
    timeline
        .write_go(std::fs::File::create(&file).unwrap())
        .unwrap();
    let text = run(["trace", &file]).success();
    for part in ["longest waits", "mutex 0x", "held_long", "GET /cart"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let perfetto = folder.path("run.perfetto");
    run(["trace", &file, "--to", "perfetto", "-o", &perfetto]).success();
    assert!(std::fs::metadata(&perfetto).unwrap().len() > 500);
    let again = folder.path("again.trace");
    run(["trace", &file, "--to", "go", "-o", &again]).success();
    assert!(run(["trace", &again]).success().contains("held_long"));
    let error = run(["trace", &perfetto]).error();
    assert!(error.contains("not a trace"), "{error}");
}
