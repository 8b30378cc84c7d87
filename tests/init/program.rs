//! The program that these tests start: this very test binary, asked for one test, which behaves as
//! a `main` would.
#![allow(dead_code)] // Each test binary uses a part of it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use contend::sync::{Mutex, MutexGuard};
use flate2::read::GzDecoder;

use crate::common::{ms, release_when_asleep};

/// The variables for what the program does, and whether it calls `init` first.
const DOES: &str = "TEST_PROGRAM_DOES";
const CALLS_INIT: &str = "TEST_PROGRAM_CALLS_INIT";

/// One contention of which `hold` is to blame, 2 ms long.
fn contention(hold: fn(MutexGuard<'_, ()>)) {
    let lock = Mutex::new(());
    let held = lock.lock().unwrap();
    let wait = || drop(lock.lock().unwrap());
    release_when_asleep(wait, || {
        thread::sleep(ms(2));
        hold(held);
    });
}

#[inline(never)]
fn first_load(held: MutexGuard<'_, ()>) {
    drop(held);
    // Not a jump to the guard's drop, where that is not inlined.
    std::hint::black_box(());
}

#[inline(never)]
fn second_load(held: MutexGuard<'_, ()>) {
    drop(held);
    // Not a jump to the guard's drop, where that is not inlined.
    std::hint::black_box(());
}

/// Not a test of its own: does what the variable says, if it is set.
#[test]
fn as_program() -> io::Result<()> {
    let Ok(does) = env::var(DOES) else {
        return Ok(());
    };
    let profiles = env::var_os(CALLS_INIT).map(|_| contend::init());
    // Not `println!`, which the harness would keep to itself.
    let rates = (
        contend::mutex_profile_fraction(),
        contend::block_profile_rate(),
    );
    writeln!(io::stdout(), "rates: {rates:?}")?;
    match &*does {
        "load" => contention(first_load),
        // Whether the system takes it for privileged, which a disk may forbid.
        #[cfg(target_os = "linux")]
        "say whether secure" => {
            // SAFETY: asks for a number.
            let is_secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
            writeln!(io::stdout(), "secure: {is_secure}")?;
            contention(first_load);
        }
        "other load" => contention(second_load),
        "error" => {
            contention(first_load);
            return Err(io::Error::other("the program failed"));
        }
        "panic" => {
            contention(first_load);
            panic!("the program panics");
        }
        "exit" => {
            contention(first_load);
            process::exit(3);
        }
        "drop and abort" => {
            contention(first_load);
            drop(profiles);
            process::abort();
        }
        "change folder" => {
            env::set_current_dir("/")?;
            contention(first_load);
        }
        "init twice" => {
            contention(first_load);
            drop(contend::init());
            contention(second_load);
        }
        #[cfg(unix)]
        "fork" => {
            contention(first_load);
            fork_and_exit();
            writeln!(io::stdout(), "forked")?;
            wait_for_end_of_input()?;
        }
        // Two threads that wait for each other.
        "hang" => {
            static LOCKS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];
            static MEET: std::sync::Barrier = std::sync::Barrier::new(2);
            let hang = |first: usize| {
                let _first = LOCKS[first].lock().unwrap();
                MEET.wait();
                drop(LOCKS[1 - first].lock());
            };
            let other = thread::Builder::new().name("hangs".to_owned());
            let other = other.spawn(move || hang(0))?;
            hang(1);
            other.join().unwrap();
        }
        "watchdog" => {
            // Dropped in time.
            drop(contend::watchdog(ms(1)));
            let _watchdog = contend::watchdog(std::time::Duration::from_secs(600));
            let late = contend::watchdog(ms(50));
            wait_for_end_of_input()?;
            drop(late);
        }
        #[cfg(target_os = "linux")]
        "signal" => {
            contend::dump_on_signal(libc::SIGQUIT)?;
            contend::dump_on_signal(libc::SIGQUIT)?;
            let refused = [libc::SIGKILL, libc::SIGSEGV, libc::SIGURG, 1_000];
            assert!(
                refused
                    .into_iter()
                    .all(|signal| contend::dump_on_signal(signal).is_err())
            );
            let lock = Mutex::new(());
            let held = lock.lock().unwrap();
            let wait = || drop(lock.lock().unwrap());
            release_when_asleep(wait, || {
                // SAFETY: sends a signal that has a handler.
                unsafe { libc::raise(libc::SIGQUIT) };
                // Until somebody has read what was said.
                wait_for_end_of_input().unwrap();
                drop(held);
            });
            writeln!(io::stdout(), "goes on")?;
        }
        "wait" => {
            contention(first_load);
            writeln!(io::stdout(), "waits")?;
            wait_for_end_of_input()?;
        }
        other => panic!("what is {other:?}?"),
    }
    Ok(())
}

fn wait_for_end_of_input() -> io::Result<()> {
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// A child that exits as one does that has not called `exec`.
#[cfg(unix)]
fn fork_and_exit() {
    // SAFETY: the child does nothing but exit.
    match unsafe { libc::fork() } {
        0 => process::exit(0),
        child => {
            assert!(child > 0);
            let mut status = 0;
            // SAFETY: the status may be written.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0);
        }
    }
}

/// A program that is about to be started, with its variables, in a folder of its own.
pub(crate) struct Program {
    command: Command,
    pub(crate) folder: Folder,
}

impl Program {
    /// It calls `init` first.
    pub(crate) fn that_does(what: &str) -> Self {
        Self::without_init(what).with(CALLS_INIT, "1")
    }

    pub(crate) fn without_init(what: &str) -> Self {
        let folder = Folder::new();
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "program::as_program", "--nocapture"])
            .current_dir(&folder.0)
            .env(DOES, what)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command, folder }
    }

    /// Runs a copy that `change` has been at, and starts it as `start` says.
    #[cfg(unix)]
    pub(crate) fn copied(
        mut self,
        change: impl FnOnce(&Path),
        start: impl FnOnce(&mut Command),
    ) -> Self {
        let copy = self.folder.file("program");
        fs::copy(self.command.get_program(), &copy).unwrap();
        change(&copy);
        let mut command = Command::new(copy);
        command.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        start(&mut command);
        self.command = command;
        self
    }

    pub(crate) fn with(mut self, variable: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(variable, value);
        self
    }

    pub(crate) fn start(&mut self) -> Child {
        self.command.spawn().unwrap()
    }

    /// Nobody reads what it says, from the very beginning.
    pub(crate) fn start_with_broken_stderr(&mut self) -> Child {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        self.command.stderr(writer).spawn().unwrap()
    }

    pub(crate) fn run(&mut self) -> Run {
        Run::of(self.command.output().unwrap())
    }
}

/// The output of a program, and its exit code.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    stderr: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The lines that contend wrote.
    pub(crate) fn lines(&self) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines.filter(|line| line.starts_with("contend: ")).collect()
    }

    /// It ran to its end and contend had nothing to say.
    #[track_caller]
    pub(crate) fn assert_quiet_success(&self) {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.lines(), [""; 0], "{self:?}");
    }
}

/// Reads what the program says up to a word.
pub(crate) fn await_word(child: &mut Child, word: &str) {
    let mut said = Vec::new();
    let stdout = child.stdout.as_mut().unwrap();
    while !String::from_utf8_lossy(&said).contains(word) {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
}

/// The functions to blame in a profile: of the text of a table, or of a pprof file that must be
/// whole.
pub(crate) fn loads_in(path: &Path) -> Vec<&'static str> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let bytes = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => {
            let mut whole = Vec::new();
            GzDecoder::new(&*bytes).read_to_end(&mut whole).unwrap();
            whole
        }
        false => bytes,
    };
    let text = String::from_utf8_lossy(&bytes);
    let loads = ["program::first_load", "program::second_load"];
    loads
        .into_iter()
        .filter(|load| text.contains(load))
        .collect()
}

/// A folder of its own for each program, removed with all that is left in it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("contend-init-{}-{count}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
