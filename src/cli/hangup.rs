//! Ends the command when the terminal that it writes to goes away.
//!
//! As a rule the kernel says so by a signal, to the processes in the terminal's foreground. Others,
//! and those whose parents ignore the signal, would wait for a server, or look at it again and
//! again, with nobody to read what they say.
#![forbid(unsafe_code)]

/// Watches standard output, and with `input` standard input as well, if they are terminals. A file
/// or a pipe is none, so `nohup contend snap … > log` goes on.
#[cfg(unix)]
pub(super) fn end_with_terminal(input: bool) {
    use std::io::{IsTerminal, stdin, stdout};
    use std::thread;

    use rustix::event::{PollFd, PollFlags, poll};

    fn end() {
        let hangup = signal_hook::consts::SIGHUP;
        // The raw mode of the terminal has gone with it.
        let _ = signal_hook::low_level::emulate_default_handler(hangup);
    }

    let (stdin, stdout) = (stdin(), stdout());
    // Asked before anything else is done: a terminal that has gone is none any more.
    let (watches_output, watches_input) = (stdout.is_terminal(), input && stdin.is_terminal());
    if !watches_output && !watches_input {
        return;
    }
    let watch = move || {
        loop {
            // Asks for no event: a hang-up is told always.
            let mut watched = Vec::new();
            if watches_output {
                watched.push(PollFd::new(&stdout, PollFlags::empty()));
            }
            if watches_input {
                watched.push(PollFd::new(&stdin, PollFlags::empty()));
            }
            match poll(&mut watched, None) {
                Err(rustix::io::Errno::INTR) => {}
                // Some systems cannot wait for terminals.
                Err(_) => return,
                Ok(_) => {
                    let is_gone = |fd: &PollFd<'_>| fd.revents().contains(PollFlags::HUP);
                    return if watched.iter().any(is_gone) {
                        end()
                    };
                }
            }
        }
    };
    // Without it the command works as well.
    let _ = thread::Builder::new()
        .name("hang-up".to_owned())
        .spawn(watch);
}

#[cfg(not(unix))]
pub(super) fn end_with_terminal(_: bool) {}
