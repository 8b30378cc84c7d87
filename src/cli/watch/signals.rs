//! Signals that end the command, obeyed after the terminal was given back.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::signal;
use signal_hook::{flag, low_level};

/// In the raw mode of the terminal Control-C is a key; these come from elsewhere, such as when the
/// terminal's window is closed.
const ENDING: &[i32] = &[
    signal::SIGINT,
    signal::SIGTERM,
    #[cfg(unix)]
    signal::SIGHUP,
];

/// From its making on the signals are noted, and do nothing else.
pub(super) struct Signals {
    /// The one that came last; 0 for none.
    come: Arc<AtomicUsize>,
}

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        let come = Arc::new(AtomicUsize::new(0));
        for signal in ENDING {
            flag::register_usize(*signal, come.clone(), *signal as usize)?;
        }
        Ok(Self { come })
    }

    pub(super) fn have_come(&self) -> bool {
        self.come.load(Ordering::Relaxed) != 0
    }

    /// Ends the process as the signal would have done, if one has come.
    pub(super) fn obey(&self) -> io::Result<()> {
        match self.come.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => low_level::emulate_default_handler(signal as i32),
        }
    }
}
