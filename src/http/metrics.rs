//! The metrics of the process, in the form that the client asks for.
#![forbid(unsafe_code)]

use super::Response;
use super::call::{Answer, Call};
use crate::metrics::{MetricsForm, text};

pub(super) fn metrics(call: &Call<'_>) -> Answer {
    call.refuse_seconds()?;
    let form = MetricsForm::accepted(call.request.accept.unwrap_or(""));
    let _turn = call.state.turn();
    let response = Response::new(form.content_type(), text(form));
    Ok(response.with_header("Vary", "Accept"))
}
