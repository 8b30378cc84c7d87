//! The `contend` command: reads profiles, its own and those of Go programs, where no Go is installed.
//!
//! No part of the library's interface: `main.rs` of the command and its tests call it.

use std::process::ExitCode;

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
