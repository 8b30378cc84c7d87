#![forbid(unsafe_code)]

use super::Response;
use super::handler::{Answer, Call};

pub(super) fn profile(_call: &Call<'_>) -> Answer {
    Err(Response::error(501, "to be written"))
}
