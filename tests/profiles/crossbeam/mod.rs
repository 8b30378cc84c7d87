//! Do the skins of crossbeam-channel, crossbeam-utils and once_cell tell the truth? Each way to
//! wait, against the test's own clock, with the first frames and the kind that it should have.
#![cfg(all(
    feature = "profiling",
    feature = "crossbeam-channel",
    feature = "crossbeam-utils",
    feature = "once_cell"
))]

mod cells;
mod channels;
mod selects;
mod sync;

use crate::ground_truth::{Between, assert_between};
use contend::{Profile, Sample};

/// A profile may be off the truth by this share.
const TOLERANCE: f64 = 0.05;

/// The samples that begin with this method, called by this function.
fn samples_at<'a>(profile: &'a Profile, leaf: &str, site: &str) -> Vec<&'a Sample> {
    let site = format!("::{site}");
    let is_there = |sample: &&Sample| {
        let frames = sample.frames();
        let caller = frames.get(1).map_or("", |frame| frame.function());
        frames[0].function() == leaf && caller.ends_with(&site)
    };
    profile.samples().iter().filter(is_there).collect()
}

/// Asserts that the block profile has one event, this one.
#[track_caller]
fn assert_only_wait(kind: &str, leaf: &str, site: &str, truth: Between) {
    assert_waits(1, kind, leaf, site, truth);
    let profile = contend::block_profile();
    assert_eq!(profile.samples().len(), 1, "{}", names(&profile));
}

/// Asserts that the block profile has so many events of `truth` in all at this place.
#[track_caller]
fn assert_waits(count: u64, kind: &str, leaf: &str, site: &str, truth: Between) {
    let profile = contend::block_profile();
    assert_eq!(profile.lost().total(), 0);
    let [sample] = samples_at(&profile, leaf, site)[..] else {
        panic!("one sample at {site} in {leaf}:\n{}", names(&profile));
    };
    assert_eq!(sample.label("kind"), Some(kind));
    assert_eq!(sample.contentions(), count);
    assert_between(site, sample.delay(), truth, TOLERANCE);
}

#[track_caller]
fn assert_nothing_recorded() {
    for profile in [contend::block_profile(), contend::mutex_profile()] {
        assert_eq!(profile.total_contentions(), 0, "{}", names(&profile));
        assert_eq!(profile.lost().total(), 0);
    }
}

/// The text to show when a test fails: the first frames of each sample.
fn names(profile: &Profile) -> String {
    let name = |sample: &Sample| {
        let frames = sample.frames().iter().take(4);
        let names: Vec<&str> = frames.map(|frame| frame.function()).collect();
        format!("{:?} {}\n", sample.delay(), names.join(" < "))
    };
    profile.samples().iter().map(name).collect()
}
