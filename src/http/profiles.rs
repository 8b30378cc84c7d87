#![forbid(unsafe_code)]

use super::Response;
use super::handler::{Answer, Call};
use crate::kind::Which;
use crate::profile::Profile;

pub(super) fn profile(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}

pub(super) fn delta(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}

/// What the request asks for: all since the start, or with `seconds=` that window, at the rate
/// that it wants. For pages, too.
pub(super) fn asked_for(_call: &Call<'_>, which: Which) -> Result<Profile, Response> {
    Ok(crate::control::profile(which))
}
