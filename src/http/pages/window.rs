//! Asks for a window of time instead of all since the start.
#![forbid(unsafe_code)]

use super::html::{Html, html, when};
use crate::profile::kind::ProfileKind;

/// Lengths to choose from, in seconds.
const SECONDS: [u32; 5] = [1, 5, 10, 30, 60];
const SUGGESTED: u32 = 10;

/// `everything`: whether it offers first to record all that happens in the window. `longest`: what
/// the handler allows, in seconds.
pub(super) fn form(
    which: ProfileKind,
    everything: bool,
    seconds: Option<&str>,
    longest: u32,
) -> Html {
    let flamegraph = "<button formaction=\"flamegraph\">Flame graph</button>";
    html!(
        "<form class=\"window\" method=\"get\" action=\"top\">\
         <input type=\"hidden\" name=\"profile\" value=\"{}\">\
         <label>Only the next <select name=\"seconds\">{}</select></label> \
         <label class=\"check\"><input type=\"checkbox\" name=\"{}\" value=\"1\"{}> \
         record {}</label> \
         <span class=\"buttons\"><button>Top</button>{}\
         <button formaction=\"{}\">Download</button></span>\
         <output role=\"status\"></output></form>\n",
        which.name(),
        options(seconds, longest),
        which.rate().parameter,
        when(everything, " checked"),
        which.rate().everything,
        when(cfg!(feature = "flamegraph"), flamegraph),
        which.name(),
    )
}

fn options(seconds: Option<&str>, longest: u32) -> Html {
    let offered = || SECONDS.into_iter().filter(|seconds| *seconds <= longest);
    let asked_for: Option<u32> = seconds.and_then(|seconds| seconds.parse().ok());
    let chosen = asked_for
        .filter(|seconds| offered().any(|offer| offer == *seconds))
        .or_else(|| offered().filter(|seconds| *seconds <= SUGGESTED).max());
    let option = |seconds: u32| {
        let selected = when(Some(seconds) == chosen, " selected");
        html!(
            "<option value=\"{}\"{}>{} s</option>",
            u64::from(seconds),
            selected,
            u64::from(seconds)
        )
    };
    offered().map(option).collect()
}
