//! The mutex and the block profile: whole, of a window of time, or what is new to a scraper.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::Response;
use super::handler::{Answer, Call};
use super::query::{invalid, number};
use super::response::TEXT;
use crate::ask::control;
use crate::profile::Profile;
use crate::profile::kind::Which;
use crate::text::duration::parse_nanos;

pub(super) fn profile(call: &Call<'_>, which: Which) -> Answer {
    let seconds = call.seconds()?;
    let wants_text = call.query.wants_text()?;
    if seconds.is_some() && wants_text {
        let message = "seconds and debug params are incompatible";
        return Err(Response::error(400, message));
    }
    let profile = asked_for(call, which)?;
    match seconds {
        Some(_) => file(&profile, &format!("{}-delta", call.name)),
        None if wants_text => text(&profile),
        None => file(&profile, call.name),
    }
}

/// Who asks for changes is told apart by `scraper=`, else by the name of its program.
pub(super) fn delta(call: &Call<'_>, which: Which) -> Answer {
    call.refuse_seconds()?;
    refuse_rates(call)?;
    let wants_text = call.query.wants_text()?;
    let user_agent = call.request.user_agent.unwrap_or("");
    let scraper = call.query.get("scraper").unwrap_or(user_agent);
    let profile = call.handler.scrapers.delta(scraper, which);
    match wants_text {
        true => text(&profile),
        false => file(&profile, call.name),
    }
}

/// What the request asks for: all since the start, or with `seconds=` that window, at the rate
/// that it wants. For pages, too.
pub(super) fn asked_for(call: &Call<'_>, which: Which) -> Result<Profile, Response> {
    refuse_rate_of_other(call, which)?;
    match call.seconds()? {
        Some(duration) => window(call, which, duration),
        None => {
            refuse_rates(call)?;
            Ok(control::profile(which))
        }
    }
}

fn window(call: &Call<'_>, which: Which, duration: Duration) -> Result<Profile, Response> {
    let rate = rate(call, which)?;
    let window = call.window(duration)?;
    // Until this returns, however it does.
    let _hold = rate.map(|rate| control::hold(which, rate));
    let before = control::profile(which);
    window.wait()?;
    Ok(control::profile(which).since(&before))
}

/// The rate that is wanted for the time of a window: `fraction=` for the mutex profile, `rate=`
/// for the block profile.
pub(super) fn rate(call: &Call<'_>, which: Which) -> Result<Option<u64>, Response> {
    let name = rate_name(which);
    let Some(value) = call.query.get(name) else {
        return Ok(None);
    };
    let (rate, must_be) = match which {
        Which::Mutex => (
            number(value).filter(|it| (1..=u32::MAX.into()).contains(it)),
            "an integer from 1 to 4294967295",
        ),
        Which::Block => (
            parse_nanos(value).filter(|it| *it > 0),
            "nanoseconds from 1 to 18446744073709551615, or a time as 10us or 1ms",
        ),
    };
    rate.map_or_else(|| Err(invalid(name, must_be, value)), |it| Ok(Some(it)))
}

fn rate_name(which: Which) -> &'static str {
    match which {
        Which::Mutex => "fraction",
        Which::Block => "rate",
    }
}

/// Outside of a window there is no time for which a rate could be set.
fn refuse_rates(call: &Call<'_>) -> Result<(), Response> {
    for name in [Which::Mutex, Which::Block].map(rate_name) {
        if call.query.get(name).is_some() {
            let message = format!("\"{name}\" needs \"seconds\": it is set for that time only");
            return Err(Response::error(400, &message));
        }
    }
    Ok(())
}

fn refuse_rate_of_other(call: &Call<'_>, which: Which) -> Result<(), Response> {
    let (of, other) = match which {
        Which::Mutex => ("mutex", Which::Block),
        Which::Block => ("block", Which::Mutex),
    };
    let (name, other) = (rate_name(which), rate_name(other));
    if call.query.get(other).is_some() {
        let message = format!("\"{other}\" is not for the {of} profile: it has \"{name}\"");
        return Err(Response::error(400, &message));
    }
    Ok(())
}

fn file(profile: &Profile, name: &str) -> Answer {
    let mut body = Vec::new();
    profile.write_pprof(&mut body).map_err(not_written)?;
    Ok(Response::attachment(super::response::BYTES, name, body))
}

fn text(profile: &Profile) -> Answer {
    let mut body = Vec::new();
    profile.write_text(&mut body).map_err(not_written)?;
    Ok(Response::new(TEXT, body))
}

/// Does not happen as long as memory takes whatever is written to it.
fn not_written(error: std::io::Error) -> Response {
    Response::error(500, &format!("failed to write the profile: {error}"))
}
