#![forbid(unsafe_code)]

use super::Response;
use super::handler::{Answer, Call};

pub(super) fn cmdline(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}

pub(super) fn symbol(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}
