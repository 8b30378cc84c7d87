//! The command in a terminal, which util-linux's `script` makes.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::Folder;
use super::handmade::shop;
use super::server::{Reply, Server};

/// Longer than any of it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn in_terminal(environment: &[(&str, &str)], arguments: &str) -> Command {
    in_terminal_by("exec", environment, arguments)
}

fn in_terminal_by(start: &str, environment: &[(&str, &str)], arguments: &str) -> Command {
    let command = format!(
        "stty cols 80 rows 24; {start} {} {arguments}",
        env!("CARGO_BIN_EXE_contend")
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    script.env_remove("NO_COLOR").env("TERM", "xterm-256color");
    script.envs(environment.iter().copied());
    script.stdin(Stdio::null());
    script
}

/// A command whose keys are pressed and whose screen is read.
struct Session {
    child: Child,
    keys: ChildStdin,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Session {
    fn new(arguments: &str) -> Self {
        let mut script = in_terminal(&[], arguments);
        let mut child = script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, output) = channel();
        let mut stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                let _ = sender.send(bytes[..count].to_vec());
            }
        });
        Self {
            keys: child.stdin.take().unwrap(),
            child,
            output,
            seen: String::new(),
        }
    }

    /// Waits for the text, and forgets what came up to it.
    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(_) => panic!("{text:?} does not come; there is {}", self.seen),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// The exit code, after the terminal was given back.
    #[track_caller]
    fn end(mut self) -> Option<i32> {
        self.wait_for("\u{1b}[?25h");
        self.wait_for("\u{1b}[?1049l");
        self.child.wait().unwrap().code()
    }
}

fn shop_server() -> Server {
    Server::new(|_| Reply::profile(shop().gzip()))
}

#[test]
fn watch_obeys_keys_and_gives_the_terminal_back() {
    let server = shop_server();
    for quit in ["q", "\u{1b}", "\u{3}"] {
        let mut session = Session::new(&format!("watch {} --every 0.2", server.address));
        session.wait_for("\u{1b}[?1049h");
        session.wait_for("since the start, by delay");
        session.wait_for("q quit");
        session.wait_for("in the last ");
        session.wait_for("nothing was recorded");
        session.press("b");
        session.wait_for("block of ");
        session.press("s");
        session.wait_for("since the start");
        session.wait_for("shop::checkout cart.rs:12");
        session.press("c");
        session.wait_for("by contentions");
        session.press(" ");
        session.wait_for("paused");
        session.press(quit);
        assert_eq!(session.end(), Some(0), "{quit:?}");
    }
    assert!(server.paths().contains(&"/debug/pprof/block".to_owned()));
}

#[cfg(all(feature = "framehop", target_arch = "x86_64"))]
#[test]
fn watch_shows_threads() {
    let server = super::threads::own_server();
    let mut session = Session::new(&format!("watch {} --every 0.2", server.address));
    session.wait_for("since the start, by delay");
    session.press("t");
    session.wait_for("threads of ");
    session.wait_for("by time waited");
    session.wait_for(" threads: ");
    session.wait_for("terminal::watch");
    session.press("m");
    session.wait_for("mutex of ");
    session.press("q");
    assert_eq!(session.end(), Some(0));
}

#[test]
fn watch_filters_its_rows_and_opens_them() {
    let server = shop_server();
    let mut session = Session::new(&format!("watch {} --every 0.2", server.address));
    session.wait_for("q quit  ? keys");
    session.wait_for("in the last ");
    session.press("s");
    session.wait_for("mutex         shop::checkout cart.rs:12");
    session.press("/BROWSE");
    session.wait_for("/BROWSE_");
    session.press("\r");
    session.wait_for("by delay with BROWSE");
    session.wait_for(">  300ms");
    session.press("\r");
    session.wait_for("mutex shop::browse; Esc goes back");
    session.wait_for("300ms in 7 contentions");
    session.wait_for("    shop::main src/main.rs:7");
    session.press("\u{1b}");
    session.wait_for("with BROWSE");
    session.press("?");
    session.wait_for("choose a row");
    session.press("?");
    session.wait_for("with BROWSE");
    // The filter goes, then the program.
    session.press("\u{1b}");
    session.wait_for("shop::checkout");
    session.press("\u{1b}[B");
    session.wait_for(">  300ms");
    session.press("\u{1b}");
    assert_eq!(session.end(), Some(0));
}

#[test]
fn a_signal_ends_watch_and_gives_the_terminal_back() {
    let server = shop_server();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let mut session = Session::new(&format!("watch {} --every 0.2", server.address));
        session.wait_for("q quit");
        let script = session.child.id();
        let children = format!("/proc/{script}/task/{script}/children");
        let command = std::fs::read_to_string(children).unwrap();
        send(signal, command.trim().parse().unwrap());
        assert_eq!(session.end(), Some(128 + signal));
    }
}

fn send(signal: i32, process: i32) {
    // SAFETY: sends a signal to a process that the test has started.
    assert_eq!(unsafe { libc::kill(process, signal) }, 0);
}

/// The loop is where a signal's flag does not reach it: it waits for a terminal that takes nothing.
#[test]
fn a_signal_ends_watch_whose_terminal_takes_nothing() {
    let server = shop_server();
    let mut session = Session::new(&format!("watch {} --every 0.2", server.address));
    session.wait_for("q quit");
    let script = session.child.id();
    let children = format!("/proc/{script}/task/{script}/children");
    let command = std::fs::read_to_string(children).unwrap();
    let command = command.trim();
    let terminal = std::fs::File::open(format!("/proc/{command}/fd/1")).unwrap();
    // SAFETY: the terminal is open.
    let stopped = unsafe { libc::tcflow(terminal.as_raw_fd(), libc::TCOOFF) };
    assert_eq!(stopped, 0);
    send(libc::SIGTERM, command.parse().unwrap());
    assert_eq!(
        session.child.wait().unwrap().code(),
        Some(128 + libc::SIGTERM)
    );
}

/// With the kernel's signal, and in a session of its own without one.
#[test]
fn every_long_command_ends_with_its_terminal() {
    for start in ["exec", "exec setsid --wait"] {
        for command in [
            "top",
            "list shop",
            "merge -o",
            "snap -o",
            "watch --every 0.1",
        ] {
            ends_with_terminal(start, command);
        }
    }
}

fn ends_with_terminal(start: &str, command: &str) {
    let (asked, is_asked) = channel();
    let is_watch = command.starts_with("watch");
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::new(move |request| {
        if request.path == "/debug/pprof/" {
            return Reply::text(404, "no index");
        }
        let look = looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // The second look of `watch`: then its screen is there.
        if !is_watch || look > 0 {
            let _ = asked.send(());
        }
        if !is_watch {
            // It never answers.
            loop {
                thread::park();
            }
        }
        Reply::profile(shop().gzip())
    });
    let folder = Folder::new();
    let alive = folder.path("alive");
    let made = Command::new("mkfifo").arg(&alive).status().unwrap();
    assert!(made.success());
    let command = command.replace(" -o", &format!(" -o {}", folder.path("")));
    let arguments = format!("{command} {} 9>{alive}", server.address);
    let mut script = in_terminal_by(start, &[], &arguments);
    let script = script.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut script = script.spawn().unwrap();
    let (sender, news) = channel();
    thread::spawn(move || {
        // Waits until the command has it open as well, and then until it has gone.
        let mut alive = std::fs::File::open(alive).unwrap();
        sender.send(None).unwrap();
        sender.send(Some(alive.read_to_end(&mut Vec::new()).unwrap()))
    });
    assert_eq!(news.recv_timeout(PATIENCE), Ok(None));
    is_asked.recv_timeout(PATIENCE).unwrap();
    script.kill().unwrap();
    script.wait().unwrap();
    let ended = news.recv_timeout(PATIENCE);
    assert_eq!(ended, Ok(Some(0)), "{start}: {command} goes on");
}
#[test]
fn watch_waits_for_a_program_that_comes_back() {
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let server =
        Server::new(
            move |_| match looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                1..4 => Reply::text(503, "starting"),
                _ => Reply::profile(shop().gzip()),
            },
        );
    let mut session = Session::new(&format!("watch {} --every 0.3", server.address));
    session.wait_for("status 503: starting");
    session.wait_for("q quit");
    session.press("q");
    assert_eq!(session.end(), Some(0));
}

#[test]
fn watch_that_cannot_begin_leaves_the_terminal_alone() {
    let server = Server::new(|_| Reply::text(401, "a token is needed"));
    let output = in_terminal(&[], &format!("watch {}", server.address))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("status 401: a token is needed"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(output.status.code(), Some(1));
}
