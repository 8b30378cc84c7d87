//! The profiles of waiting: whole, of a window of time, or what is new to a scraper.
#![forbid(unsafe_code)]

use std::ops::Deref;
use std::sync::MutexGuard;
use std::time::Duration;

use super::Response;
use super::call::{Answer, Call};
use super::query::invalid;
use crate::ask::control::{self, Mark, Moment};
use crate::export::form;
use crate::export::labels::{ByLabel, by_label};
use crate::profile::Profile;
use crate::profile::kind::{ProfileKind, RateUnit};

pub(super) fn profile(call: &Call<'_>, which: ProfileKind) -> Answer {
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

/// A scraper that asks for changes is told apart by `scraper=`, else by the name of its program.
pub(super) fn delta(call: &Call<'_>, which: ProfileKind) -> Answer {
    call.refuse_seconds()?;
    refuse_rates(call)?;
    let wants_text = call.query.wants_text()?;
    let user_agent = call.request.user_agent.unwrap_or("");
    let scraper = call.query.get("scraper").unwrap_or(user_agent);
    let state = call.state;
    let delta = state.scrapers.delta(scraper, which, &state.memory)?;
    let _turn = state.turn();
    let profile = delta.named();
    match wants_text {
        true => text(&profile),
        false => file(&profile, call.name),
    }
}

/// A profile, in the [turn](super::call::State::turn) of its request.
pub(super) struct Asked<'a> {
    profile: Profile,
    /// The labels of the program that there are, also if one of them was asked for.
    pub(super) labels: Vec<ByLabel>,
    _turn: MutexGuard<'a, ()>,
}

impl<'a> Asked<'a> {
    /// The part of the profile that `label=` asks for.
    fn of(call: &Call<'_>, profile: Profile, turn: MutexGuard<'a, ()>) -> Result<Self, Response> {
        let labels = by_label(&profile);
        let profile = match call.query.get("label") {
            None => profile,
            Some(label) => {
                let (key, value) = label.split_once('=').ok_or_else(|| {
                    invalid("label", "a key and a value, as endpoint=/cart", label)
                })?;
                profile.with_label(key, value)
            }
        };
        Ok(Self {
            profile,
            labels,
            _turn: turn,
        })
    }
}

impl Deref for Asked<'_> {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        &self.profile
    }
}

/// The profile that the request asks for: all since the start, or with `seconds=` that window, at
/// the rate that it wants. For pages, too.
pub(super) fn asked_for<'a>(call: &Call<'a>, which: ProfileKind) -> Result<Asked<'a>, Response> {
    refuse_rate_of_other(call, which)?;
    match call.seconds()? {
        Some(duration) => window(call, which, duration),
        None => {
            refuse_rates(call)?;
            let wants_names = call.query.wants_names()?;
            let turn = call.state.turn();
            let [now] = control::moments([which]);
            Asked::of(call, profile_of(now, wants_names), turn)
        }
    }
}

fn window<'a>(
    call: &Call<'a>,
    which: ProfileKind,
    duration: Duration,
) -> Result<Asked<'a>, Response> {
    let rate = rate(call, which)?;
    if is_off(which, rate) {
        return Err(refuse_off(which));
    }
    let wants_names = call.query.wants_names()?;
    let window = call.window(duration)?;
    let delta = {
        // Until the window ends, however it does.
        let _hold = rate.map(|rate| control::hold(which, rate));
        let before = mark(which);
        let _memory = call.keep(before.bytes())?;
        window.wait()?;
        let [now] = control::moments([which]);
        now.since(&before)
    };
    let turn = call.state.turn();
    Asked::of(call, profile_of(delta, wants_names), turn)
}

fn profile_of(numbers: Moment, wants_names: bool) -> Profile {
    match wants_names {
        true => numbers.named(),
        false => numbers.nameless(),
    }
}

/// Whether nothing would be recorded in a window at this rate.
pub(super) fn is_off(which: ProfileKind, rate: Option<u64>) -> bool {
    // Where the profiler is not built in there is nothing to turn on.
    cfg!(feature = "profiling") && rate.is_none() && control::rate(which) == 0
}

/// Better at once than after the window.
fn refuse_off(which: ProfileKind) -> Response {
    let parameter = which.rate().parameter;
    let message = format!(
        "the {which} profile is off, so nothing would be recorded: \"{parameter}=1\" turns it on for \
         the window, PUT rates for good"
    );
    Response::error(409, &message)
}

/// A mark of what is there now, to be compared with.
pub(super) fn mark(which: ProfileKind) -> Mark {
    let [now] = control::moments([which]);
    now.mark()
}

/// The rate that is wanted for the time of a window: `fraction=` for the mutex profile, `rate=`
/// for the block profile.
pub(super) fn rate(call: &Call<'_>, which: ProfileKind) -> Result<Option<u64>, Response> {
    let knob = which.rate();
    let Some(value) = call.query.get(knob.parameter) else {
        return Ok(None);
    };
    let must_be = match knob.unit {
        RateUnit::OneIn => "an integer from 1 to 4294967295",
        RateUnit::Nanoseconds => {
            "nanoseconds from 1 to 18446744073709551615, or a time as 10us or 1ms"
        }
    };
    let rate = knob.unit.parse(value).filter(|rate| *rate > 0);
    rate.map_or_else(
        || Err(invalid(knob.parameter, must_be, value)),
        |rate| Ok(Some(rate)),
    )
}

/// Outside of a window there is no time for which a rate could be set. A form that says so by an
/// empty `seconds=` has a rate all the same.
fn refuse_rates(call: &Call<'_>) -> Result<(), Response> {
    if call.query.has_empty("seconds") {
        return Ok(());
    }
    for name in ProfileKind::ALL.map(|kind| kind.rate().parameter) {
        if call.query.get(name).is_some() {
            let message = format!("\"{name}\" needs \"seconds\": it is set for that time only");
            return Err(Response::error(400, &message));
        }
    }
    Ok(())
}

fn refuse_rate_of_other(call: &Call<'_>, which: ProfileKind) -> Result<(), Response> {
    let name = which.rate().parameter;
    let others = ProfileKind::ALL.map(|kind| kind.rate().parameter);
    let mut others = others.into_iter().filter(|other| *other != name);
    match others.find(|other| call.query.get(other).is_some()) {
        Some(other) => {
            let message = format!("\"{other}\" is not for the {which} profile: it has \"{name}\"");
            Err(Response::error(400, &message))
        }
        None => Ok(()),
    }
}

fn file(profile: &Profile, name: &str) -> Answer {
    let body = form::PPROF.bytes(profile).map_err(not_written)?;
    Ok(Response::attachment(form::PPROF.content_type, name, body))
}

fn text(profile: &Profile) -> Answer {
    let body = form::TEXT.bytes(profile).map_err(not_written)?;
    Ok(Response::new(form::TEXT.content_type, body))
}

/// Does not happen as long as memory takes whatever is written to it.
fn not_written(error: std::io::Error) -> Response {
    Response::error(500, &format!("failed to write the profile: {error}"))
}
