//! The command in a terminal, which util-linux's `script` makes.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::handmade::shop;
use super::server::{Reply, Server};

/// Longer than any of it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn in_terminal(environment: &[(&str, &str)], arguments: &str) -> Command {
    let command = format!(
        "stty cols 80 rows 24; exec {} {arguments}",
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
        session.press("t");
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

#[test]
fn a_signal_ends_watch_and_gives_the_terminal_back() {
    let server = shop_server();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let mut session = Session::new(&format!("watch {} --every 0.2", server.address));
        session.wait_for("q quit");
        let script = session.child.id();
        let children = format!("/proc/{script}/task/{script}/children");
        let command = std::fs::read_to_string(children).unwrap();
        // SAFETY: sends a signal to the process that was started above.
        let sent = unsafe { libc::kill(command.trim().parse().unwrap(), signal) };
        assert_eq!(sent, 0);
        assert_eq!(session.end(), Some(128 + signal));
    }
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
