//! Starts the program, waits for its end, and hands its profiles on.
//!
//! The program is as it would be without us: the same terminal, input and output, in the same group
//! of processes. Signals that people send to the command go to it; those of the terminal it gets
//! itself.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitCode, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::args::Recording;
use super::error::{Error, Result};
use super::pages;
use super::suitable;
use crate::profile::Profile;
use crate::text::say::say;
use crate::whole::{Collector, Orders};

/// The file of the object that is loaded into the program, beside the command.
const OBJECT: &str = "contend-preload";

/// How often the kernel is asked what is loaded: often at first, when programs load most.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LATER_LOOKS: Duration = Duration::from_secs(1);

enum Event {
    Ended(std::io::Result<ExitStatus>),
    Signal(i32),
    /// A page wants the profiles.
    Asked(Sender<Vec<Profile>>),
}

/// Runs the program to its end. `report` gets its profiles then, and whenever they are asked for.
pub(super) fn launch(
    recording: &Recording,
    mut report: impl FnMut(&[Profile]) -> Result<()>,
) -> Result<ExitCode> {
    let Some((program, arguments)) = recording.program.split_first() else {
        return Err(Error::Message("no program was given".to_owned()));
    };
    suitable::check(program, recording.children)?;
    let object = Object::find()?;
    let orders = Orders {
        fraction: recording.fraction,
        rate: recording.rate,
        io: recording.io,
    };
    let about_memory = |error| Error::about("memory to record in", error);
    let mut collector = Collector::new(orders, recording.children).map_err(about_memory)?;
    let (send, events) = mpsc::channel();
    // Before the program is there: none may come between.
    watch_signals(send.clone(), recording.attach_signal);
    if let Some(address) = &recording.http {
        let server = pages::serve(address, asking(send.clone()))?;
        say(format_args!(
            "pages at http://{}/ while the program runs",
            server.local_addr()
        ));
    }
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(collector.variables(&object.path));
    let begin = Instant::now();
    let child = command
        .spawn()
        .map_err(|error| Error::about(program.display(), error))?;
    collector.is_started();
    let process = child.id();
    wait_for(child, send);

    let mut reports_at = recording.duration.map(|duration| begin + duration);
    let mut look = FIRST_LOOK;
    let status = loop {
        let event = next(&events, look, reports_at);
        collector.look();
        look = (look * 2).min(LATER_LOOKS);
        if reports_at.is_some_and(|at| Instant::now() >= at) {
            reports_at = None;
            report_and_go_on(report(&collector.profiles(begin.elapsed())));
        }
        match event {
            Some(Event::Ended(status)) => {
                break status.map_err(|error| Error::about(program.display(), error))?;
            }
            Some(Event::Signal(signal)) if recording.attach_signal == Some(signal) => {
                report_and_go_on(report(&collector.profiles(begin.elapsed())));
            }
            Some(Event::Signal(signal)) => hand_on(signal, process),
            // A page that has gone meanwhile does not want them any more.
            Some(Event::Asked(reply)) => {
                let _ = reply.send(collector.profiles(begin.elapsed()));
            }
            None => {}
        }
    };
    if collector.has_begun() {
        if recording.duration.is_none() || reports_at.is_some() {
            report(&collector.profiles(begin.elapsed()))?;
        }
    } else {
        say(format_args!(
            "{}: nothing was recorded: the program did not load what `contend` gave it",
            program.display()
        ));
    }
    drop(object);
    Ok(end_as(status))
}

/// While the program runs the command stays with it: it hands signals on, and ends as the program
/// does.
fn report_and_go_on(reported: Result<()>) {
    if let Err(error) = reported {
        say(format_args!("{error}; the program goes on"));
    }
}

/// Asks for the profiles, in the thread that has them.
fn asking(events: Sender<Event>) -> impl Fn() -> Option<Vec<Profile>> + Send + Sync {
    move || {
        let (reply, profiles) = mpsc::channel();
        events.send(Event::Asked(reply)).ok()?;
        profiles.recv().ok()
    }
}

fn next(events: &Receiver<Event>, look: Duration, reports_at: Option<Instant>) -> Option<Event> {
    let until_report = reports_at.map(|at| at.saturating_duration_since(Instant::now()));
    match events.recv_timeout(until_report.map_or(look, |time| time.min(look))) {
        Ok(event) => Some(event),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(Event::Ended(Err(std::io::Error::other(
            "the program is not waited for any more",
        )))),
    }
}

fn wait_for(mut child: Child, events: Sender<Event>) {
    thread::spawn(move || {
        // Standard input is the program's own; nothing of it is ours to close.
        let _ = events.send(Event::Ended(child.wait()));
    });
}

/// Signals that this process ignores stay ignored, here and in the program: that is how `nohup`
/// works.
fn watch_signals(events: Sender<Event>, attach_signal: Option<i32>) {
    let ignored = ignored_signals();
    let wanted = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2];
    let wanted = wanted
        .into_iter()
        .filter(|signal| attach_signal == Some(*signal) || ignored & (1 << (signal - 1)) == 0);
    let Ok(mut signals) = Signals::new(wanted) else {
        return;
    };
    thread::spawn(move || {
        for signal in signals.forever() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
}

fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// Those of the terminal go to all processes in its foreground, and so to the program.
fn hand_on(signal: i32, process: u32) {
    if matches!(signal, SIGINT | SIGQUIT) {
        return;
    }
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    if let (Some(process), Some(signal)) = (process, Signal::from_named_raw(signal)) {
        let _ = kill_process(process, signal);
    }
}

/// Ends as the program did: by the same signal, or with the same code.
fn end_as(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        let _ = emulate_default_handler(signal);
        return ExitCode::from(128_u8.saturating_add(signal.try_into().unwrap_or(0)));
    }
    ExitCode::from(status.code().unwrap_or(1) as u8)
}

/// The object at a path that the loader understands.
struct Object {
    path: PathBuf,
    /// A folder made for it, to be removed.
    folder: Option<PathBuf>,
}

impl Object {
    fn find() -> Result<Self> {
        let own = env::current_exe().map_err(|error| Error::about("contend", error))?;
        // The command may be called by a link.
        let own = own.canonicalize().unwrap_or(own);
        let path = own.with_file_name(OBJECT);
        if !path.is_file() {
            return Err(Error::about(
                path.display(),
                "not there, but the program is to load it; install it with \
                 `cargo install contend --features cli`, which brings both",
            ));
        }
        if !path
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .any(|byte| b": \t\n".contains(byte))
        {
            return Ok(Self { path, folder: None });
        }
        Self::linked(&path).map_err(|error| Error::about(path.display(), error))
    }

    /// The loader takes a colon or a space for the end of the path, so a link without them leads
    /// there.
    fn linked(path: &Path) -> std::io::Result<Self> {
        let name: OsString = format!("contend-{}", process::id()).into();
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        let link = folder.join(OBJECT);
        let linked = Self {
            path: link.clone(),
            folder: Some(folder),
        };
        std::os::unix::fs::symlink(path, &link)?;
        Ok(linked)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_dir(folder);
        }
    }
}
