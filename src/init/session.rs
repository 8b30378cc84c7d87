//! The session that the variables asked for, from the first call to the end of the program: one in
//! a process.

use std::cell::Cell;
use std::env;
use std::io;
use std::mem;
use std::panic;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::privilege::is_privileged;
use super::settings::{self, Problem, Settings};
use crate::ask::control::set_rate;
use crate::ask::recording::Recording;
use crate::export::form;
use crate::hang;
use crate::monitor;
use crate::profile::kind::ProfileKind;
use crate::text::save::save;
use crate::text::say::say;
use crate::trace::{self, flight};

/// The session that has not ended. Held while its files are written, so that a thread that exits
/// meanwhile waits for them.
static SESSION: Mutex<Option<Session>> = Mutex::new(None);

struct Session {
    recording: Recording,
    /// By the number of their kind.
    files: [Option<PathBuf>; ProfileKind::COUNT],
    trace: Option<(trace::Recording, PathBuf)>,
}

/// The process whose session it is. A forked child has a copy of it, but the files are its
/// parent's; and the lock may be that of a thread which was writing them and does not exist there.
///
/// Relaxed: a process finds its own number here only if it has stored it.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Begins the session, if this is the first call. False: it is not.
pub(super) fn begin() -> bool {
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    // Relaxed: decides who is first, and publishes nothing.
    let is_first = !HAS_BEGUN.swap(true, Ordering::Relaxed);
    if is_first {
        match settings() {
            Ok(settings) => start(settings),
            Err(problems) => {
                for problem in problems {
                    say(format_args!("{problem}; nothing is profiled"));
                }
            }
        }
    }
    is_first
}

/// The settings that the environment asks for; none where it is somebody else's. Then none of its
/// values is looked at either, since trying a path already makes a file.
fn settings() -> Result<Settings, Vec<Problem>> {
    if !is_privileged() {
        return Settings::read(env::vars_os());
    }
    if env::vars_os().any(|(name, _)| settings::is_ours(&name)) {
        say(format_args!(
            "the CONTEND_… variables are not obeyed: this program has rights that its user has not"
        ));
    }
    Ok(Settings::default())
}

fn start(settings: Settings) {
    let asks_for_profiles =
        settings.switches.iter().any(|switch| !switch.is_off()) || settings.trace.is_some();
    if asks_for_profiles && cfg!(not(feature = "profiling")) {
        say(format_args!(
            "variables ask for profiles, but contend was built without its feature `profiling`; \
             nothing is profiled"
        ));
    } else if asks_for_profiles {
        start_profiling(&settings);
    }
    if let Some(time) = settings.watchdog {
        hang::watchdog(time).detach();
    }
    if let Some(text) = &settings.flight {
        fly(text);
    }
    if let Some(text) = &settings.monitor {
        watch(text);
    }
    if let Some(address) = settings.http
        && let Err(error) = serve(&address)
    {
        let variable = settings::HTTP;
        say(format_args!(
            "{variable}={address:?}: {error}; nothing is served"
        ));
    }
}

/// Records to the end of the program.
fn fly(settings: &str) {
    let started = flight::parse(settings)
        .and_then(|recorder| recorder.start().map_err(|error| error.to_string()));
    match started {
        // Its thread writes the files.
        Ok(recorder) => mem::forget(recorder),
        Err(error) => {
            let variable = settings::FLIGHT;
            say(format_args!(
                "{variable}={settings:?}: {error}; nothing is recorded"
            ));
        }
    }
}

/// Runs to the end of the program.
fn watch(settings: &str) {
    let monitor = monitor::parse(settings).and_then(|monitor| {
        let started = monitor.start();
        started.map_err(|error| error.to_string())
    });
    match monitor {
        Ok(monitor) => monitor.detach(),
        Err(error) => {
            let variable = settings::MONITOR;
            say(format_args!(
                "{variable}={settings:?}: {error}; nothing is watched"
            ));
        }
    }
}

fn start_profiling(settings: &Settings) {
    for kind in ProfileKind::ALL {
        if let Some(rate) = settings.switches[kind as usize].rate_to_set() {
            set_rate(kind, rate);
        }
    }
    let files = ProfileKind::ALL.map(|kind| settings.switches[kind as usize].file.clone());
    if files.iter().all(Option::is_none) && settings.trace.is_none() {
        return;
    }
    end_at_exit();
    // Asks for no rate: those that were set count, and the program may change them.
    let kinds = ProfileKind::ALL.into_iter();
    let recording = kinds.fold(Recording::builder(), |builder, kind| builder.rate(kind, 0));
    let session = Session {
        recording: recording.start(),
        files,
        trace: settings.trace.clone().and_then(start_trace),
    };
    OWNER.store(process::id(), Ordering::Relaxed);
    *SESSION.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
}

fn start_trace(file: PathBuf) -> Option<(trace::Recording, PathBuf)> {
    match trace::Recording::start() {
        Ok(recording) => Some((recording, file)),
        Err(error) => {
            let variable = settings::TRACE;
            say(format_args!(
                "{variable}={file:?}: {error}; nothing is recorded"
            ));
            None
        }
    }
}

/// Writes the files, if that has not been done. Never panics: it runs while the program's own panic
/// unwinds, and in C's `exit`. A panic's hook has said what a panic says.
pub(super) fn end() {
    let _ = panic::catch_unwind(write_once);
}

fn write_once() {
    thread_local! {
        /// Whether this thread is writing them: then whatever it exits for must not wait for that.
        static IS_ENDING: Cell<bool> = const { Cell::new(false) };
    }
    if OWNER.load(Ordering::Relaxed) != process::id() || IS_ENDING.replace(true) {
        return;
    }
    let mut session = SESSION.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(session) = session.take() {
        session.write();
    }
    drop(session);
    IS_ENDING.set(false);
}

impl Session {
    fn write(self) {
        if let Some((recording, file)) = self.trace {
            let timeline = recording.finish();
            if let Err(error) = save(&file, |file| timeline.write_go(file)) {
                say(format_args!("{error}"));
            }
        }
        let profiles = self.recording.finish();
        for (profile, file) in profiles.iter().zip(self.files) {
            if let Some(Err(error)) = file.map(|file| form::save(profile, &file)) {
                say(format_args!("{error}"));
            }
        }
    }
}

#[cfg(feature = "server")]
fn serve(address: &str) -> io::Result<()> {
    // Dropping the handle leaves the server running.
    crate::http::serve(address).map(drop)
}

#[cfg(not(feature = "server"))]
fn serve(_: &str) -> io::Result<()> {
    Err(io::Error::other(
        "contend was built without its feature `server`",
    ))
}

/// `process::exit` drops no guards.
#[cfg(all(unix, feature = "profiling"))]
fn end_at_exit() {
    extern "C" fn at_exit() {
        end();
    }
    // SAFETY: the handler is a function of the right type that lives for ever (C's library calls it
    // before it unloads the code). It touches no thread-local that has a destructor, since these
    // may have run.
    let registered = unsafe { libc::atexit(at_exit) };
    if registered != 0 {
        say(format_args!(
            "profiles are not written when the program calls `exit`: no room for a handler"
        ));
    }
}

#[cfg(not(all(unix, feature = "profiling")))]
fn end_at_exit() {}
