//! The files that the command writes: whole or not at all.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::error::{Error, Result};
use super::output::Output;
use crate::text::save::save;

/// `-` is standard output. Says what was written to where.
pub(super) fn write_file(
    path: &Path,
    output: &mut Output,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    if path != Path::new("-") {
        // Its message begins with the path.
        save(path, write).map_err(|error| Error::Message(error.to_string()))?;
        return Ok(writeln!(output, "wrote {}", path.display())?);
    }
    if io::stdout().is_terminal() {
        let what = "is a terminal; name a file with -o, or pipe it";
        return Err(Error::about("standard output", what));
    }
    Ok(write(output)?)
}
