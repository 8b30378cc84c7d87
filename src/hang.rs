//! For programs that hang: what every thread does, on the standard error, when a signal asks for it
//! or a time is over.

#[cfg(target_os = "linux")]
mod on_signal;
mod watchdog;

use std::io::{self, Write};

#[cfg(target_os = "linux")]
pub use on_signal::dump_on_signal;
pub use watchdog::{Watchdog, watchdog};

/// Writes what goes on to the standard error. Where that is closed there is nobody to tell.
fn tell(why: &str) {
    let deadlocks = crate::live::deadlocks();
    let deadlocks: String = deadlocks
        .iter()
        .map(|deadlock| format!("{deadlock}\n"))
        .collect();
    let threads = crate::live::threads();
    // In one piece, so that lines of others do not come in between.
    let text = format!("contend: {why}\n{deadlocks}{threads}");
    let _ = io::stderr().write_all(text.as_bytes());
}
