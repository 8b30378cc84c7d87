//! Saving a profile: whole or not at all.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::profile::kind::Kind;
use crate::profile::tests::{location, profile, sample};
use crate::profile::{Profile, Sample};
use crate::text::save;

fn simple(at: u64, contentions: f64, nanos: u64) -> Sample {
    sample(
        Kind::MUTEX,
        contentions,
        nanos,
        &[location(at, &["f@a.rs:1"])],
    )
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
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
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
    let fail = |_: &mut dyn io::Write| Err(io::Error::other("the disk is full"));
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

#[cfg(unix)]
#[test]
fn a_link_to_what_is_not_there_yet_goes_on_linking() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("dangling");
    let path = |name: &str| folder.0.join(name);
    fs::create_dir(path("there")).unwrap();
    symlink("there/mutex.pb.gz", path("second")).unwrap();
    symlink("second", path("first")).unwrap();
    profile(vec![]).save(path("first")).unwrap();
    assert!(fs::symlink_metadata(path("first")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(path("second")).unwrap().is_symlink());
    assert!(
        fs::symlink_metadata(path("there/mutex.pb.gz"))
            .unwrap()
            .is_file()
    );
    symlink("nowhere/mutex.pb.gz", path("lost")).unwrap();
    let error = profile(vec![]).save(path("lost")).unwrap_err().to_string();
    assert!(
        error.contains("there is no folder") && error.contains("nowhere"),
        "{error}"
    );
    symlink("round", path("round")).unwrap();
    let error = profile(vec![]).save(path("round")).unwrap_err().to_string();
    assert!(error.ends_with("too many symbolic links"), "{error}");
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
