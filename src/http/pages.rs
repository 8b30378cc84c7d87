//! What a person with a browser sees.
#![forbid(unsafe_code)]

use super::Response;
use super::handler::{Answer, Call};

pub(super) fn index(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}

pub(super) fn top(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}

pub(super) fn flamegraph(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}

pub(super) fn asset(_call: &Call<'_>, _name: &str) -> Answer {
    Err(Response::error(404, "Unknown profile"))
}
