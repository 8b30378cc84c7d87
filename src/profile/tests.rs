//! Profiles made by hand, for the tests here and those of the exports.

use super::*;
use std::fs;
use std::path::PathBuf;

/// A mutex profile at fraction 1 with these samples.
pub(crate) fn profile(samples: Vec<Sample>) -> Profile {
    let mut profile = Profile::with_rate(Which::Mutex, 1);
    profile.mappings = Arc::new([program()]);
    profile.samples = samples;
    profile.sort();
    profile
}

pub(crate) fn with_which(mut profile: Profile, which: Which, rate: u64) -> Profile {
    profile.which = which;
    profile.rate = rate;
    profile
}

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
    let addresses = stack.iter().map(|it| it.address as usize + 1).collect();
    Sample {
        kind,
        contentions,
        delay_nanos: nanos,
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
        mapping: Some(program()).filter(|it| it.contains(address)),
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
fn nothing_is_subtracted_from_another_kind_or_an_earlier_profile() {
    let mutex = profile(vec![simple(1, 1.0, 10)]);
    let block = with_which(profile(vec![simple(1, 4.0, 40)]), Which::Block, 1);
    let delta = block.since(&mutex);
    assert_eq!((delays(&delta), delta.duration()), (vec![(4, 40)], None));
    let later = profile(vec![simple(1, 2.0, 20)]);
    let delta = mutex.since(&later);
    assert_eq!((delays(&delta), delta.duration()), (vec![(1, 10)], None));
}

#[test]
fn numbers_of_a_sample() {
    let mut sample = simple(1, 2.5, 1000);
    sample.variance = 400.0;
    assert_eq!(sample.contentions(), 3);
    assert_eq!(sample.delay(), Duration::from_nanos(1000));
    assert_eq!(sample.mean(), Duration::from_nanos(400));
    assert_eq!(sample.delay_std_error(), Duration::from_nanos(20));
    let sample = simple(1, 0.0, 1000);
    assert_eq!(
        (sample.contentions(), sample.mean()),
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
        .map(|it| (it.function(), it.line(), it.address()))
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

#[cfg(feature = "profiling")]
#[test]
fn totals_become_a_profile() {
    use crate::store::{Amount, StackTotals};
    let totals = |address, nanos, weight| StackTotals {
        kind: Kind::CONDVAR,
        addresses: [address].into(),
        amount: Amount {
            contentions: weight,
            delay_nanos: nanos * weight as u64,
            variance: weight * (weight - 1.0) * (nanos * nanos) as f64,
        },
    };
    let profile = Profile::new(
        Which::Block,
        1000,
        vec![
            totals(0x1001, 10, 2.0),
            totals(crate::address::OVERFLOW, 30, 1.0),
        ],
        Lost::default(),
    );
    assert_eq!((profile.which(), profile.rate()), (Which::Block, 1000));
    assert_eq!(delays(&profile), [(1, 30), (2, 20)]);
    assert_eq!(
        profile.samples()[0].frames()[0].function(),
        "contend::overflow"
    );
    // w(w-1)d² = 200.
    assert_eq!(
        profile.samples()[1].delay_std_error(),
        Duration::from_nanos(14)
    );
}

/// A folder of its own for each test, removed with all that was left in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("contend-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries
            .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn save_writes_what_write_pprof_writes() {
    let folder = Folder::new("whole");
    let path = folder.0.join("mutex.pb.gz");
    fs::write(&path, "old").unwrap();
    let profile = profile(vec![simple(1, 1.0, 10)]);
    profile.save(&path).unwrap();
    let mut expected = Vec::new();
    profile.write_pprof(&mut expected).unwrap();
    assert_eq!(fs::read(&path).unwrap(), expected);
    assert_eq!(folder.entries(), ["mutex.pb.gz"]);
}

#[test]
fn errors_of_save_name_the_path_and_leave_nothing() {
    let folder = Folder::new("errors");
    let profile = profile(vec![simple(1, 1.0, 10)]);
    let directory = folder.0.join("directory");
    fs::create_dir(&directory).unwrap();
    let read_only = folder.0.join("read-only");
    fs::write(&read_only, "old").unwrap();
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    let mut paths = vec![
        directory.clone(),
        folder.0.join("missing/mutex.pb.gz"),
        read_only.clone(),
        read_only.join("below-a-file"),
        folder.0.join("x".repeat(300)),
        PathBuf::new(),
        PathBuf::from("/"),
    ];
    if cfg!(target_os = "linux") {
        // Nobody, not even root, makes files here.
        paths.push("/proc/self/mutex.pb.gz".into());
    }
    for path in paths {
        let error = profile.save(&path).unwrap_err();
        let expected = format!("{}: ", path.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    assert_eq!(fs::read(&read_only).unwrap(), b"old");
    assert!(fs::read_dir(&directory).unwrap().next().is_none());
    assert_eq!(folder.entries().len(), 2, "{:?}", folder.entries());
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let folder = Folder::new("failed");
    let path = folder.0.join("mutex.pb.gz");
    fs::write(&path, "old").unwrap();
    let fail = |_: &fs::File| Err(io::Error::other("the disk is full"));
    let error = save::save(&path, fail).unwrap_err();
    assert!(
        error.to_string().contains("mutex.pb.gz: the disk is full"),
        "{error}"
    );
    let panics = std::panic::catch_unwind(|| save::save(&path, |_| panic!("while writing")));
    assert!(panics.is_err());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(folder.entries(), ["mutex.pb.gz"]);
}

#[cfg(unix)]
#[test]
fn save_keeps_permissions_and_follows_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new("unix");
    let (path, link) = (folder.0.join("real"), folder.0.join("link"));
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&path, &link).unwrap();
    profile(vec![]).save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_ne!(fs::read(&path).unwrap(), b"old");
    profile(vec![]).save("/dev/null").unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn saves_at_once_do_not_mix() {
    let folder = Folder::new("at-once");
    let path = folder.0.join("mutex.pb.gz");
    let profiles: Vec<Profile> = (1..9)
        .map(|many| profile((1..many * 50).map(|at| simple(at, 1.0, at)).collect()))
        .collect();
    let bytes = |profile: &Profile| {
        let mut bytes = Vec::new();
        profile.write_pprof(&mut bytes).unwrap();
        bytes
    };
    let whole: Vec<Vec<u8>> = profiles.iter().map(bytes).collect();
    std::thread::scope(|scope| {
        for profile in &profiles {
            scope.spawn(|| (0..20).for_each(|_| profile.save(&path).unwrap()));
        }
    });
    assert!(whole.contains(&fs::read(&path).unwrap()));
    assert_eq!(folder.entries(), ["mutex.pb.gz"]);
}
