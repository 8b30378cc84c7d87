//! Lines on the standard error.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, Write};

use super::escape::OneLine;

/// Says one line, whatever is in the message: paths and values of variables come from outside.
/// Where the standard error is closed there is nobody to tell, and the program is not to suffer
/// from it.
pub(crate) fn say(message: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(line(message).as_bytes());
}

/// In one piece, so that lines of processes do not mix. Not `eprintln!`, which panics on errors.
fn line(message: fmt::Arguments<'_>) -> String {
    format!("contend: {}\n", OneLine(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let value = "a\nb\u{1b}[31m";
        assert_eq!(
            line(format_args!("CONTEND_HTTP={value}: bad")),
            "contend: CONTEND_HTTP=a\\nb\\u{1b}[31m: bad\n"
        );
    }
}
