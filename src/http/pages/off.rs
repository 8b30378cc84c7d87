//! In the place of a window in which nothing would be recorded: the button that turns the profile
//! on for that time.
#![forbid(unsafe_code)]

use super::html::{Html, html};
use super::live;
use super::view::View;
use super::window::kept;
use crate::ask::control;
use crate::http::Response;
use crate::http::call::Call;
use crate::http::profiles;
use crate::http::query::Query;
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
    let profile = control::profile(which);
    let view = View::new(call, live::shown(call, &profile, path), path)?;
    let content = button(which, path, duration.as_secs(), &call.query);
    let response = view.response(&["window.js"], &content);
    Ok(Some(response.with_status(409)))
}

fn button(which: ProfileKind, path: &'static str, seconds: u64, query: &Query<'_>) -> Html {
    html!(
        "<p class=\"empty\">the {} profile is off: nothing would be recorded in these {} s</p>\n\
         <form class=\"window\" method=\"get\" action=\"{}\">\
         <input type=\"hidden\" name=\"profile\" value=\"{}\">\
         <input type=\"hidden\" name=\"seconds\" value=\"{}\">\
         <input type=\"hidden\" name=\"{}\" value=\"1\">{}\
         <span class=\"buttons\"><button>Record {} for {} s</button></span>\
         <output role=\"status\"></output></form>\n",
        which.name(),
        seconds,
        path,
        which.name(),
        seconds,
        which.rate().parameter,
        kept(query),
        which.rate().everything,
        seconds,
    )
}
