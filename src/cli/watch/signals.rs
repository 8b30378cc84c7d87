//! Signals that end the command, obeyed after the terminal was given back.
//!
//! A thread of their own obeys them, because the loop that shows tables may be where no flag
//! reaches it: a library that waits for keys of a terminal that has gone, or a write to one that
//! takes nothing.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use crossterm::terminal;
use signal_hook::consts::signal;
use signal_hook::iterator::Signals as Caught;
use signal_hook::low_level;

/// In the raw mode of the terminal Control-C is a key; these come from elsewhere, such as when the
/// terminal's window is closed.
const ENDING: &[i32] = &[
    signal::SIGINT,
    signal::SIGTERM,
    #[cfg(unix)]
    signal::SIGHUP,
    #[cfg(unix)]
    signal::SIGQUIT,
];

/// How long the loop has to end in good order: twenty times as long as it waits for a key.
const PATIENCE: Duration = Duration::from_secs(1);

/// From its making on the signals end the command, but not before the loop had time to give the
/// terminal back.
pub(super) struct Signals {
    /// The one that came first; 0 for none. Relaxed: whoever reads it looks again, and it publishes
    /// nothing else.
    come: Arc<AtomicI32>,
}

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        let come = Arc::new(AtomicI32::new(0));
        let mut caught = Caught::new(ENDING)?;
        let seen = Arc::clone(&come);
        let wait = move || {
            let Some(signal) = caught.forever().next() else {
                return;
            };
            seen.store(signal, Ordering::Relaxed);
            thread::sleep(PATIENCE);
            // Not what is written to it, which may wait for ever.
            let _ = terminal::disable_raw_mode();
            end(signal);
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(wait)?;
        Ok(Self { come })
    }

    pub(super) fn have_come(&self) -> bool {
        self.come.load(Ordering::Relaxed) != 0
    }

    /// Ends the process as the signal would have done, if one has come.
    pub(super) fn obey(&self) {
        match self.come.load(Ordering::Relaxed) {
            0 => {}
            signal => end(signal),
        }
    }
}

fn end(signal: i32) {
    // Fails for signals that are none.
    let _ = low_level::emulate_default_handler(signal);
}
