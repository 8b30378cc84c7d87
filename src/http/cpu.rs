//! `profile`: where the CPUs' time goes.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::Response;
use super::call::{Answer, Call};
use super::query::{invalid, number};
use super::response::BYTES;
use crate::cpu::{self, DEFAULT_FREQUENCY, Error, MAX_FREQUENCY};

/// As Go's.
const DEFAULT_WINDOW: Duration = Duration::from_secs(30);

/// Where Go takes a wrong `seconds=` for 30, this is an error, as for the other profiles.
pub(super) fn profile(call: &Call<'_>) -> Answer {
    let duration = call.seconds_or(DEFAULT_WINDOW)?;
    let frequency = frequency(call)?;
    let sampling = cpu::start(frequency).map_err(|error| refusal(&error))?;
    let window = call.window(duration)?;
    window.wait()?;
    let profile = sampling.finish().map_err(|error| refusal(&error))?;
    let mut body = Vec::new();
    let written = profile.write(&mut body);
    written.map_err(|error| Response::error(500, &error.to_string()))?;
    Ok(Response::attachment(BYTES, "profile", body))
}

/// Samples per second of CPU time, as the request asks for.
pub(super) fn frequency(call: &Call<'_>) -> Result<u32, Response> {
    let Some(value) = call.query.get("frequency") else {
        return Ok(DEFAULT_FREQUENCY);
    };
    let frequency = number(value).and_then(|frequency| u32::try_from(frequency).ok());
    let frequency = frequency.filter(|frequency| (1..=MAX_FREQUENCY).contains(frequency));
    let must_be = format!("an integer from 1 to {MAX_FREQUENCY}, in Hz");
    frequency.ok_or_else(|| invalid("frequency", &must_be, value))
}

fn refusal(error: &Error) -> Response {
    match error {
        Error::Unavailable => Response::error(501, &error.to_string()),
        error => Response::error(500, &format!("Could not enable CPU profiling: {error}")),
    }
}
