//! `trace`: what happens in a window of time, and when.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::Response;
use super::call::{Answer, Call};
use super::query::shown;
use super::response::{BYTES, JSON, TEXT};
use crate::timeline::Timeline;
use crate::timeline::form::{self, Form};
use crate::trace::Recording;

/// As Go's.
const DEFAULT_WINDOW: Duration = Duration::from_secs(1);

/// `seconds=` may be a fraction here, as in Go.
pub(super) fn trace(call: &Call<'_>) -> Answer {
    let duration = duration(call)?;
    let form = match call.query.get("format") {
        None => Form::Go,
        Some(name) => Form::of_name(name).ok_or_else(|| {
            let names: Vec<_> = Form::ALL.map(|form| format!("{:?}", form.name())).into();
            let names = names.join(" or ");
            let message = format!(
                "invalid value for \"format\" - must be {names}, not {}",
                shown(name)
            );
            Response::error(400, &message)
        })?,
    };
    let timeline = recorded(call, duration)?;
    let _turn = call.state.turn();
    let mut body = Vec::new();
    let written = form::write(&timeline, form, &mut body);
    // Does not happen as long as memory takes whatever is written to it.
    written.map_err(|error| Response::error(500, &format!("failed to write: {error}")))?;
    Ok(match form {
        Form::Go => Response::attachment(BYTES, "trace", body),
        Form::Perfetto => Response::attachment(BYTES, "trace.perfetto", body),
        Form::Json => Response::new(JSON, body),
        Form::Text => Response::new(TEXT, body),
    })
}

fn recorded(call: &Call<'_>, duration: Duration) -> Result<Timeline, Response> {
    if cfg!(not(feature = "profiling")) {
        let message = "timelines are not built in: enable contend's feature `profiling`";
        return Err(Response::error(501, message));
    }
    let window = call.window(duration)?;
    let recording = Recording::start();
    let recording = recording
        .map_err(|error| Response::error(500, &format!("Could not enable tracing: {error}")))?;
    window.wait()?;
    Ok(recording.finish())
}

fn duration(call: &Call<'_>) -> Result<Duration, Response> {
    let Some(value) = call.query.get("seconds") else {
        return Ok(DEFAULT_WINDOW);
    };
    let max = call.state.windows.max_seconds;
    let seconds: Option<f64> = value.parse().ok();
    let seconds = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= max.into());
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        let message = format!(
            "invalid value for \"seconds\" - must be a number above 0, at most {max}, not {}",
            shown(value)
        );
        Response::error(400, &message)
    })
}
