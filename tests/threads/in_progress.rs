//! Profiles of waits that are not over.

use std::sync::Arc;

use contend::sync::Mutex;
use contend::{Profile, Sample};

use crate::common::{spawn, thread_when, turn};

fn of_kind<'p>(profile: &'p Profile, kind: &str) -> Vec<&'p Sample> {
    let samples = profile.samples().iter();
    samples.filter(|sample| sample.kind() == kind).collect()
}

fn has(sample: &Sample, function: &str) -> bool {
    let mut frames = sample.frames().iter();
    frames.any(|frame| frame.function().contains(function))
}

#[inline(never)]
fn wait_for_it(lock: &Mutex<u64>) {
    drop(lock.lock().unwrap());
    std::hint::black_box(());
}

#[test]
fn profiles_of_stuck_programs_are_not_empty() {
    let _turn = turn();
    contend::reset();
    let lock = Arc::new(Mutex::new(1_u64));
    let guard = lock.lock().unwrap();
    let theirs = Arc::clone(&lock);
    let waiter = spawn("in-progress", move || wait_for_it(&theirs));
    let before = thread_when("in-progress", |thread| thread.wait().is_some());

    let first = contend::block_profile().with_waits_in_progress();
    let second = contend::block_profile().with_waits_in_progress();
    let samples = of_kind(&second, "mutex");
    assert_eq!(samples.len(), 1, "{second}");
    assert!(has(samples[0], "wait_for_it"), "{:#?}", samples[0].frames());
    let leaf = samples[0].frames()[0].function();
    assert!(leaf.starts_with("contend::sync::Mutex"), "{leaf}");
    assert_eq!(samples[0].contentions(), 1);
    assert!(samples[0].delay() >= before.wait().unwrap().waited());
    let again = second.clone().with_waits_in_progress();
    assert_eq!(again.total_delay(), second.total_delay());

    // A window has what passed in it.
    let window = second.since(&first);
    let samples = of_kind(&window, "mutex");
    assert_eq!(samples.len(), 1, "{window}");
    assert_eq!(samples[0].delay(), window.duration().unwrap());
    let between = of_kind(&second, "mutex")[0].delay() - of_kind(&first, "mutex")[0].delay();
    assert!(
        between.abs_diff(samples[0].delay()).as_micros() < 1_000_000,
        "{between:?}"
    );

    // The holder is here.
    let mutex = contend::mutex_profile().with_waits_in_progress();
    let samples = of_kind(&mutex, "mutex");
    assert_eq!(samples.len(), 1, "{mutex}");
    assert!(
        has(samples[0], "profiles_of_stuck_programs"),
        "{:#?}",
        samples[0].frames()
    );

    // Without them the profile is empty, and says why.
    contend::set_mutex_profile_fraction(1);
    let empty = contend::mutex_profile();
    contend::set_mutex_profile_fraction(0);
    let text = empty.to_string();
    assert!(text.contains("1 wait is in progress, for "), "{text}");
    drop(guard);
    waiter.join().unwrap();
    let over = contend::block_profile().with_waits_in_progress();
    assert_eq!(of_kind(&over, "mutex").len(), 0, "{over}");
}

#[test]
#[cfg(feature = "crossbeam-channel")]
fn selections_are_in_progress_with_profiling_off() {
    use contend::crossbeam_channel::{Select, unbounded};
    let _turn = turn();
    let (sender, receiver) = unbounded::<()>();
    let selecting = spawn("selecting", move || {
        let mut select = Select::new();
        select.recv(&receiver);
        assert!(select.select().recv(&receiver).is_err());
    });
    let thread = thread_when("selecting", |thread| thread.wait().is_some());
    assert_eq!(thread.wait().unwrap().kind(), "select");
    drop(sender);
    selecting.join().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let named = spawn("named", move || {
        contend::blocking("of my own", || assert!(receiver.recv().is_err()));
    });
    let thread = thread_when("named", |thread| thread.wait().is_some());
    assert_eq!(thread.wait().unwrap().kind(), "of my own");
    drop(sender);
    named.join().unwrap();
}
