//! The threads of the program and what they do now, for people.
#![forbid(unsafe_code)]

use super::Response;
use super::call::{Answer, Call};
use super::response::TEXT;
use crate::live::Accounting;

/// The threads grouped by what they do, with what they wait for. `seconds=N`: before them where the
/// time of each one went in the next N seconds.
pub(super) fn threads(call: &Call<'_>) -> Answer {
    let Some(duration) = call.seconds()? else {
        return Ok(Response::new(TEXT, crate::live::threads().to_string()));
    };
    let window = call.window(duration)?;
    let accounting = Accounting::start();
    window.wait()?;
    let times = accounting.finish();
    let threads = crate::live::threads();
    Ok(Response::new(TEXT, format!("{times}\n{threads}")))
}
