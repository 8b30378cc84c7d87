//! Does the profile of `examples/pipeline.rs` name the slow stage?
#![cfg(all(feature = "profiling", feature = "crossbeam-channel"))]

#[path = "../examples/pipeline.rs"]
mod example;

/// The stage before the slow one waits in `send`, nearly all of the time, and so does the one
/// before that; the one behind it waits in `recv`.
#[test]
fn the_send_line_before_the_slow_stage_is_named() {
    contend::set_block_profile_rate(1);
    assert_eq!(example::run(), 60_u64.pow(6));
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
    let all = 5 * 50;
    assert!(square_sends.as_millis() > all, "{square_sends:?}");
    assert!(find("Sender<T>::send", "generate").as_millis() > all);
    assert!(find("IntoIter<T>::next", "print").as_millis() > all);
    // The slow stage itself waits for nobody.
    assert!(find("Sender<T>::send", "cube") < square_sends / 10);
    assert!(find("IntoIter<T>::next", "cube") < square_sends / 10);

    let top = profile.samples()[..3].iter().find(|sample| {
        let caller = &sample.frames()[1];
        caller.function().ends_with("::square") && caller.line().is_some()
    });
    let line = top.expect("among the first three").frames()[1].line();
    let source = include_str!("../examples/pipeline.rs");
    let line = source.lines().nth(line.unwrap() as usize - 1);
    assert_eq!(
        line.map(str::trim),
        Some("squares.send(number.pow(2)).unwrap();")
    );
}
