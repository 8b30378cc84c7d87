//! `contend run` and `contend record` on programs that know nothing of contend, compiled here.
#![cfg(all(
    feature = "cli",
    feature = "profiling",
    target_os = "linux",
    target_env = "gnu",
    target_arch = "x86_64"
))]

mod accuracy;
mod endings;
#[path = "../common/http_client.rs"]
mod http_client;
mod kinds;
#[path = "../common/raw_profile.rs"]
mod raw_profile;
mod refusals;
mod rust_locks;
mod same_behaviour;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use raw_profile::RawProfile;

/// A folder of this run of the tests, below cargo's.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("whole");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// The compiled program of this file beside this one; `None`, said aloud, where there is no
/// compiler.
fn compiled(source: &str, arguments: &[&str]) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("{source}{}", arguments.concat());
    let program = folder().join(name.replace(['/', '-', '=', '.'], "_"));
    if program.exists() {
        return Some(program);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/whole")
        .join(source);
    let compiler = match path.extension().and_then(OsStr::to_str) {
        Some("c") => "cc",
        Some("cpp") => "c++",
        _ => panic!("no compiler is known for {source}"),
    };
    let compiled = Command::new(compiler)
        .args(["-O2", "-g", "-pthread", "-o"])
        .arg(&program)
        .arg(&path)
        .args(arguments)
        .status();
    match compiled {
        Ok(status) => {
            assert!(status.success(), "{source} does not compile");
            Some(program)
        }
        Err(error) => {
            eprintln!("SKIPPED, NOT TESTED: {compiler}: {error}");
            None
        }
    }
}

/// The command, as an ordinary user calls it.
fn contend<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_contend"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs `program` recorded, into a folder of its own.
fn recorded(program: &Path, arguments: &[&str]) -> Recorded {
    recorded_with(&[], program, arguments)
}

/// The same, with options for the command.
fn recorded_with(options: &[&str], program: &Path, arguments: &[&str]) -> Recorded {
    let name = program.file_name().unwrap().to_string_lossy().into_owned();
    let words = [options, arguments].concat().join("_");
    let folder = folder().join(format!("profiles_{name}_{words}"));
    let mut command = contend(["record", "-o"]);
    command.arg(&folder).args(options);
    command.arg("--").arg(program).args(arguments);
    let output = command.output().unwrap();
    Recorded { folder, output }
}

struct Recorded {
    folder: PathBuf,
    output: Output,
}

impl Recorded {
    fn profile(&self, name: &str) -> RawProfile {
        let path = self.folder.join(format!("{name}.pb.gz"));
        let bytes = fs::read(&path).unwrap_or_else(|error| {
            let said = String::from_utf8_lossy(&self.output.stderr);
            panic!("{}: {error}; {said}", path.display())
        });
        RawProfile::decode(&bytes)
    }

    #[track_caller]
    fn success(self) -> Self {
        let said = String::from_utf8_lossy(&self.output.stderr);
        assert!(
            self.output.status.success(),
            "{:?}: {said}",
            self.output.status
        );
        self
    }
}

/// The delay of the stacks of `profile` that have a function with `text` in its name, and, if asked
/// for, that kind. What nobody's code is to blame for is left out.
fn delay_of(profile: &RawProfile, text: &str, kind: Option<&str>) -> u64 {
    let stacks = profile.stacks().into_iter();
    let of_text = stacks.filter(|stack| {
        let is_of_kind = kind.is_none_or(|kind| stack.labels.contains(&("kind", kind)));
        is_of_kind
            && stack.functions.first() != Some(&"contend::wakeup")
            && stack
                .functions
                .iter()
                .any(|function| function.contains(text))
    });
    of_text.map(|stack| stack.values[1].unsigned_abs()).sum()
}
