//! In the place of a window in which nothing would be recorded: the button that turns the profile on for
//! that time.
#![forbid(unsafe_code)]

use super::html::{Html, html, page};
use super::view::View;
use crate::ask::control;
use crate::http::Response;
use crate::http::call::Call;
use crate::http::profiles;
use crate::http::response::HTML;
use crate::profile::kind::ProfileKind;

/// The page, if a window is asked for while the profile is off and no rate is given.
pub(super) fn instead(
    call: &Call<'_>,
    which: ProfileKind,
    path: &'static str,
) -> Result<Option<Response>, Response> {
    let Some(duration) = call.seconds()? else {
        return Ok(None);
    };
    if !profiles::is_off(which, profiles::rate(call, which)?) {
        return Ok(None);
    }
    let _turn = call.state.turn();
    let view = View {
        call,
        profile: &control::profile(which),
        path,
    };
    let body = view.body(&button(which, path, duration.as_secs()));
    let page = page(&view.title(), &["window.js"], &body);
    Ok(Some(Response::new(HTML, page).with_status(409)))
}

pub(super) fn button(which: ProfileKind, path: &'static str, seconds: u64) -> Html {
    html!(
        "<p class=\"empty\">the {} profile is off: nothing would be recorded in these {} s</p>\n\
         <form class=\"window\" method=\"get\" action=\"{}\">\
         <input type=\"hidden\" name=\"profile\" value=\"{}\">\
         <input type=\"hidden\" name=\"seconds\" value=\"{}\">\
         <input type=\"hidden\" name=\"{}\" value=\"1\">\
         <span class=\"buttons\"><button>Record {} for {} s</button></span>\
         <output role=\"status\"></output></form>\n",
        which.name(),
        seconds,
        path,
        which.name(),
        seconds,
        which.rate().parameter,
        which.rate().everything,
        seconds,
    )
}
