//! The threads of the program and what they do now, in Go's forms of its goroutine profile.
#![forbid(unsafe_code)]

use super::Response;
use super::call::{Answer, Call};
use super::query::{invalid, number};
use super::response::{BYTES, TEXT};

/// `debug=0`: pprof; `debug=1`: groups of threads as text; `debug=2`: a block for each thread.
pub(super) fn goroutine(call: &Call<'_>) -> Answer {
    call.refuse_seconds()?;
    let debug = match call.query.get("debug") {
        None => 0,
        Some(value) => {
            number(value).ok_or_else(|| invalid("debug", "an integer, 0 or more", value))?
        }
    };
    let threads = crate::live::threads();
    let mut body = Vec::new();
    let written = match debug {
        0 => threads.write_pprof(&mut body),
        1 => threads.write_text(&mut body),
        _ => threads.write_stacks(&mut body),
    };
    // Does not happen as long as memory takes whatever is written to it.
    written.map_err(|error| Response::error(500, &format!("failed to write: {error}")))?;
    Ok(match debug {
        0 => Response::attachment(BYTES, call.name, body),
        _ => Response::new(TEXT, body),
    })
}
