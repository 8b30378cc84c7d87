//! The bundle: one zip with all there is to know, read back by others' readers.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

#[cfg(feature = "profiling")]
use crate::common::{Profiling, ms, profile_everything, release_when_asleep};
#[cfg(feature = "profiling")]
use crate::raw_profile::RawProfile;
use contend::http::{Handler, Request, Response};
#[cfg(feature = "profiling")]
use contend::sync::Mutex;

fn get(target: &str) -> Response {
    Handler::new().handle(&Request::new("GET", target))
}

/// The files of the bundle without their folder, as Python's `zipfile` reads them: it also checks
/// their sums.
fn unpacked(bundle: &[u8]) -> (String, BTreeMap<String, Vec<u8>>) {
    const SCRIPT: &str = "
import io, sys, zipfile
bundle = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert bundle.testzip() is None
for name in bundle.namelist():
    print(name, bundle.read(name).hex())
";
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    python.stdin.take().unwrap().write_all(bundle).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let mut folder = None;
    let mut files = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (path, hex) = line.split_once(' ').unwrap();
        let (in_folder, name) = path.split_once('/').unwrap();
        assert_eq!(*folder.get_or_insert(in_folder.to_owned()), in_folder);
        let digits = hex.as_bytes().chunks_exact(2);
        let bytes =
            digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
        let known = files.insert(name.to_owned(), bytes.collect());
        assert_eq!(known, None, "{name} is there twice");
    }
    (folder.unwrap(), files)
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    let bytes = files.get(name).unwrap_or_else(|| panic!("no {name}"));
    String::from_utf8(bytes.clone()).unwrap()
}

/// One thread waits 20 ms for another.
#[cfg(feature = "profiling")]
fn contend_once() {
    let mutex = Mutex::new(());
    let guard = mutex.lock().unwrap();
    release_when_asleep(
        || drop(mutex.lock().unwrap()),
        || {
            std::thread::sleep(ms(20));
            drop(guard);
        },
    );
}

/// A bundle whose window saw contentions, after one before that.
#[cfg(feature = "profiling")]
fn bundle(_profiling: &Profiling) -> Response {
    contend_once();
    std::thread::scope(|scope| {
        let response = scope.spawn(|| get("/debug/pprof/bundle?seconds=2"));
        while !response.is_finished() {
            contend_once();
        }
        response.join().unwrap()
    })
}

/// In a process of its own: no other test's profiles are in it.
#[cfg(feature = "profiling")]
#[test]
fn everything_is_in_it_and_can_be_read() {
    let name = "bundle::everything_is_in_it_and_can_be_read";
    crate::common::in_child(name, all_is_in_it);
}

#[cfg(feature = "profiling")]
fn all_is_in_it() {
    let profiling = profile_everything();
    // Sleeps, so its stack is seen whatever the machine does.
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });
    contend::http::register_profile("heap", "what is\nallocated", || Ok(b"heap".to_vec())).unwrap();
    contend::http::register_profile("broken", "", || Err("out of order".into())).unwrap();
    let response = bundle(&profiling);
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.header("Content-Type"), Some("application/zip"));
    let (folder, files) = unpacked(response.body());
    assert!(folder.starts_with("contend-http-"), "{folder}");
    assert!(folder.ends_with('Z'), "{folder}");
    let disposition = format!("attachment; filename=\"{folder}.zip\"");
    assert_eq!(
        response.header("Content-Disposition"),
        Some(disposition.as_str())
    );

    let mut contentions = Vec::new();
    for name in ["mutex", "mutex-delta", "block", "block-delta"] {
        let profile = RawProfile::decode(&files[&format!("{name}.pb.gz")]);
        let stacks = profile.stacks();
        contentions.push(stacks.iter().map(|stack| stack.values[0]).sum::<i64>());
        let is_delta = name.ends_with("-delta");
        assert_eq!(profile.duration_nanos() >= 2_000_000_000, is_delta);
        assert!(text(&files, &format!("{name}.txt")).starts_with("--- "));
        assert!(text(&files, &format!("{name}.top.txt")).contains("contentions"));
        if cfg!(feature = "flamegraph") {
            let svg = text(&files, &format!("{name}.svg"));
            assert!(svg.trim_end().ends_with("</svg>"));
        }
    }
    let [mutex, mutex_delta, block, block_delta] = contentions[..] else {
        unreachable!("there are four");
    };
    assert!(0 < mutex_delta && mutex_delta < mutex, "{contentions:?}");
    assert!(0 < block_delta && block_delta < block, "{contentions:?}");
    assert!(text(&files, "threads.txt").contains("all_is_in_it"));
    assert_eq!(files["custom/heap"], b"heap");
    assert!(!files.contains_key("custom/broken"));
    let rates: serde_json::Value = serde_json::from_slice(&files["rates.json"]).unwrap();
    assert_eq!(rates["mutex_profile_fraction"], 1);
    let about = text(&files, "about.txt");
    assert!(
        about.contains(concat!("contend:          ", env!("CARGO_PKG_VERSION"))),
        "{about}"
    );
    assert!(about.contains("compiler:         rustc 1."), "{about}");
    let readme = text(&files, "README.txt");
    for name in files.keys().filter(|name| *name != "README.txt") {
        assert!(readme.contains(&format!("\n  {name} ")), "{name}: {readme}");
    }
    assert!(readme.contains("the program's own: what is allocated\n"));
    assert!(readme.contains("\nWhat is not here\n"), "{readme}");
    assert!(
        readme.contains("  custom/broken        out of order\n"),
        "{readme}"
    );
    if cfg!(target_os = "linux") {
        let mappings = text(&files, "mappings.txt");
        assert!(mappings.contains("/http-"), "{mappings}");
    }
    if cfg!(feature = "cpu") {
        let profile = RawProfile::decode(&files["cpu.pb.gz"]);
        assert_eq!(profile.sample_types()[1], ("cpu", "nanoseconds"));
    } else {
        assert!(readme.contains("CPU profiles are not built in"), "{readme}");
    }
}

#[test]
fn arguments_of_the_program_are_not_in_it() {
    const SECRET: &str = "bundle::arguments_of_the_program_are_not_in_it";
    crate::common::in_child(SECRET, || {
        let response = get("/debug/pprof/bundle?seconds=1");
        let is_argument = std::env::args().any(|argument| argument == SECRET);
        assert!(is_argument);
        let (_, files) = unpacked(response.body());
        for name in ["README.txt", "about.txt", "rates.json", "mutex.txt"] {
            assert!(!text(&files, name).contains(SECRET), "{name}");
        }
    });
}

#[cfg(feature = "profiling")]
#[test]
fn rates_hold_for_the_window_only() {
    crate::common::in_child("bundle::rates_hold_for_the_window_only", || {
        let after_it = || Ok(contend::mutex_profile_fraction().to_string().into_bytes());
        contend::http::register_profile("fraction", "as this is taken", after_it).unwrap();
        let response = get("/debug/pprof/bundle?seconds=1&fraction=7&rate=10us");
        let (_, files) = unpacked(response.body());
        let rates: serde_json::Value = serde_json::from_slice(&files["rates.json"]).unwrap();
        assert_eq!(rates["in_force"]["mutex_profile_fraction"], 7);
        assert_eq!(rates["in_force"]["block_profile_rate"], 10_000);
        assert_eq!(text(&files, "custom/fraction"), "0");
        assert_eq!(contend::mutex_profile_fraction(), 0);
        assert_eq!(contend::block_profile_rate(), 0);
        let readme = text(&files, "README.txt");
        assert!(
            readme.contains("no wait has ended in this time"),
            "{readme}"
        );
    });
}

#[test]
fn bad_parameters_are_errors() {
    for query in [
        "seconds=0",
        "seconds=x",
        "seconds=301",
        "seconds=1&frequency=0",
        "seconds=1&fraction=x",
        "seconds=1&rate=-1",
    ] {
        let response = get(&format!("/debug/pprof/bundle?{query}"));
        assert_eq!(response.status(), 400, "{query}");
    }
}
