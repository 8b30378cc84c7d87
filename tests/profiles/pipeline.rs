//! Does the profile of `examples/pipeline.rs` name the slow stage?
#![cfg(feature = "crossbeam-channel")]

use std::time::{Duration, Instant};

#[path = "../../examples/pipeline.rs"]
mod example;

/// The stage before the slow one waits in `send`, nearly all of the time, and so does the one
/// before that; the one behind it waits in `recv`.
#[test]
fn the_send_line_before_the_slow_stage_is_named() {
    let _recording = crate::ground_truth::recording(0, 1);
    let start = Instant::now();
    assert_eq!(example::run(), 60_u64.pow(6));
    let run = start.elapsed();
    let profile = contend::block_profile();
    println!("{profile}");

    let find = |leaf: &str, stage: &str| {
        let stage = format!("::{stage}");
        let mut samples = profile.samples().iter();
        let found = samples.find(|sample| {
            sample.frames()[0].function().ends_with(leaf)
                && sample.frames()[1].function().ends_with(&stage)
        });
        found.map_or_else(Default::default, |sample| sample.delay())
    };
    let square_sends = find("Sender<T>::send", "square");
    // The slow stage takes 5 ms for each number, and more on a busy machine. A sender does not wait
    // for the numbers that are on their way behind it: one in the slow stage's hands and two in
    // each queue, and for `generate` one in the hands of `square`.
    let slow = |numbers: u32| Duration::from_millis(5) * numbers;
    for (leaf, stage, not_waited_for) in [
        ("IntoIter<T>::next", "print", 0),
        ("Sender<T>::send", "square", 3),
        ("Sender<T>::send", "generate", 6),
    ] {
        let waited = find(leaf, stage);
        // The profile's clock is within 0.1 % of the system's.
        let at_most = run.mul_f64(1.001);
        let at_least = slow(60 - not_waited_for).mul_f64(0.98);
        println!("{stage}: {waited:?}, in truth {at_least:?} to {at_most:?}");
        assert!(
            at_least <= waited && waited <= at_most,
            "{stage}: {waited:?}, in truth {at_least:?} to {at_most:?}"
        );
    }
    // The slow stage itself waits for nobody.
    assert!(find("Sender<T>::send", "cube") < square_sends / 10);
    assert!(find("IntoIter<T>::next", "cube") < square_sends / 10);

    let top = profile.samples()[..3].iter().find(|sample| {
        let caller = &sample.frames()[1];
        caller.function().ends_with("::square") && caller.line().is_some()
    });
    let line = top.expect("among the first three").frames()[1].line();
    let source = include_str!("../../examples/pipeline.rs");
    let line = source.lines().nth(line.unwrap() as usize - 1);
    assert_eq!(
        line.map(str::trim),
        Some("squares.send(number.pow(2)).unwrap();")
    );
}
