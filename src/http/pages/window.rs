//! Asks for the same again, or for a window of time instead of all since the start.
#![forbid(unsafe_code)]

use super::html::{Html, html, when};
use crate::http::query::Query;
use crate::profile::Profile;
use crate::profile::kind::ProfileKind;

/// Lengths to choose from, in seconds.
const SECONDS: [u32; 5] = [1, 5, 10, 30, 60];

/// On a page: the same page again.
pub(super) fn form(profile: &Profile, path: &str, query: &Query<'_>, longest: u32) -> Html {
    let which = profile.kind();
    let everything = query.get(which.rate().parameter) == Some("1");
    html!(
        "<form class=\"window\" method=\"get\" action=\"{}\">\
         <input type=\"hidden\" name=\"profile\" value=\"{}\">{}{} \
         <span class=\"buttons\"><button>Show again</button></span><output role=\"status\"></output></form>\n",
        path,
        which.name(),
        kept(query),
        choice(
            which,
            everything || profile.rate() == 0,
            query.get("seconds"),
            longest
        ),
    )
}

/// The page's parameters, for the next one.
pub(super) fn kept(query: &Query<'_>) -> Html {
    let kept = ["value", "name", "kind", "label", "idle"]
        .into_iter()
        .filter_map(|name| {
            let value = query.get(name)?;
            Some(html!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                name,
                value
            ))
        });
    kept.collect()
}

/// On the index: one row of buttons for all that a profile is seen by.
pub(super) fn buttons(which: ProfileKind, everything: bool, longest: Option<u32>) -> Html {
    let flamegraph = "<button class=\"main\" formaction=\"flamegraph\">Flame graph</button>";
    let blockers = "<button class=\"main\" formaction=\"blockers\">Who blocks whom</button>";
    let choice = longest.map(|longest| choice(which, everything, None, longest));
    html!(
        "<form class=\"window\" method=\"get\" action=\"top\">\
         <input type=\"hidden\" name=\"profile\" value=\"{}\">{} \
         <span class=\"buttons\">{}{}<button>Top</button>\
         <button formaction=\"{}\">Download</button><a class=\"whole\" href=\"{}?debug=1\">Text</a></span>\
         <output role=\"status\"></output></form>\n",
        which.name(),
        choice.unwrap_or_default(),
        when(which == ProfileKind::Pairs, blockers),
        when(cfg!(feature = "flamegraph"), flamegraph),
        which.name(),
        which.name(),
    )
}

/// The time, and how much of it. `everything`: whether it offers first to record all that happens
/// in the window. `longest`: what the handler allows, in seconds.
fn choice(which: ProfileKind, everything: bool, seconds: Option<&str>, longest: u32) -> Html {
    html!(
        "<label>Show <select name=\"seconds\">{}</select></label> \
         <label class=\"check\"><input type=\"checkbox\" name=\"{}\" value=\"1\"{}> \
         record {} in it</label>",
        options(seconds, longest),
        which.rate().parameter,
        when(everything, " checked"),
        which.rate().everything,
    )
}

fn options(seconds: Option<&str>, longest: u32) -> Html {
    let chosen: Option<u32> = seconds.and_then(|seconds| seconds.parse().ok());
    let others = SECONDS.into_iter().filter(|seconds| *seconds <= longest);
    // A window of another length is there, too, to be asked for again.
    let odd = chosen.filter(|seconds| !SECONDS.contains(seconds) && *seconds <= longest);
    let mut offered: Vec<u32> = others.chain(odd).collect();
    offered.sort_unstable();
    let option = |seconds: u32| {
        html!(
            "<option value=\"{}\"{}>only the next {} s</option>",
            u64::from(seconds),
            when(Some(seconds) == chosen, " selected"),
            u64::from(seconds)
        )
    };
    html!(
        "<option value=\"\">all since the start</option>{}",
        offered.into_iter().map(option).collect::<Html>(),
    )
}
